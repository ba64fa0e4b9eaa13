/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of 10,000 Services and 10,000 EndpointSlices in chunks of 16 KiB: the most memory in use on the way is what is
 * kept in the end, and a little for one object and its JSON; it does not depend on the bytes that came.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "tests/unit/reflector-sink.h"

#define N_OBJECTS 10000
#define CHUNK (16 * 1024)
/* One object of a few KiB as text and as JSON, and what the tables grow by. */
#define EXTRA_MAX (1U << 20)
/* What a server writes beside what is read: a list is several times what is kept of it. */
#define FILLER_SIZE 2000

typedef struct Feeder {
        ReflectorSink sink;
        char chunk[CHUNK];
        size_t used;
        uint64_t n_bytes;
        size_t before, peak;
} Feeder;

/* Bytes that malloc() gave out; 0 under sanitizers, which have their own. */
static size_t heap_used(void) {
        struct mallinfo2 info = mallinfo2();

        return info.uordblks + info.hblkhd;
}

static void feeder_flush(Feeder *feeder) {
        assert_int_equal(reflector_data(feeder->sink.reflector, feeder->chunk, feeder->used), 0);
        feeder->n_bytes += feeder->used;
        feeder->used = 0;
        feeder->peak = MAX2(feeder->peak, heap_used());
}

static void feeder_write(Feeder *feeder, const char *text) {
        size_t size = strlen(text);

        while (size > 0) {
                size_t n = MIN2(size, CHUNK - feeder->used);

                memcpy(feeder->chunk + feeder->used, text, n);
                feeder->used += n;
                text += n;
                size -= n;
                if (feeder->used == CHUNK)
                        feeder_flush(feeder);
        }
}

static void feeder_list(Feeder *feeder, FeedKind kind, const char *filler) {
        char text[8192];

        (void) snprintf(text, sizeof(text), "{\"kind\":\"%sList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[", feed_kind_to_string(kind));
        reflector_response(feeder->sink.reflector, 200, 0);
        feeder_write(feeder, text);
        for (unsigned i = 0; i < N_OBJECTS; i++) {
                int n = snprintf(text,
                                 sizeof(text),
                                 "%s{\"metadata\":{\"name\":\"service-%u%s\",\"namespace\":\"default\",\"resourceVersion\":\"%u\","
                                 "\"labels\":{\"kubernetes.io/service-name\":\"service-%u\"},\"managedFields\":[{\"x\":\"%s\"}]},",
                                 i > 0 ? "," : "", i, kind == FEED_KIND_SERVICE ? "" : "-abcde", i, i, filler);

                assert_true(n > 0 && (size_t) n < sizeof(text));
                feeder_write(feeder, text);
                if (kind == FEED_KIND_SERVICE)
                        (void) snprintf(text, sizeof(text), "\"spec\":{\"clusterIP\":\"10.%u.%u.1\",\"ports\":[{\"name\":\"http\",\"port\":80}]}}",
                                        i / 256, i % 256);
                else
                        (void) snprintf(text, sizeof(text),
                                        "\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"http\",\"port\":8080}],\"endpoints\":["
                                        "{\"addresses\":[\"172.16.%u.1\"],\"nodeName\":\"node-%u\",\"zone\":\"zone-a\"},"
                                        "{\"addresses\":[\"172.16.%u.2\"],\"nodeName\":\"node-%u\",\"zone\":\"zone-b\"}]}",
                                        i % 256, i % 100, i % 256, i % 77);
                feeder_write(feeder, text);
        }
        feeder_write(feeder, "]}");
        feeder_flush(feeder);
        reflector_done(feeder->sink.reflector, 0, NULL);
}

static void test_memory(void **state) {
        char filler[FILLER_SIZE + 1];
        size_t kept, over;
        Feeder *feeder;

        memset(filler, 'f', FILLER_SIZE);
        filler[FILLER_SIZE] = '\0';
        feeder = calloc(1, sizeof(Feeder));
        assert_non_null(feeder);
        feeder->before = heap_used();
        reflector_sink_init(&feeder->sink, FEED_KIND_SERVICE, false);
        feeder_list(feeder, FEED_KIND_SERVICE, filler);
        reflector_sink_restart(&feeder->sink, FEED_KIND_ENDPOINT_SLICE, false);
        feeder_list(feeder, FEED_KIND_ENDPOINT_SLICE, filler);

        assert_true(store_is_synced(feeder->sink.store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE));
        assert_true(store_is_synced(feeder->sink.store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE));
        assert_int_equal(store_n_services(feeder->sink.store), N_OBJECTS);
        kept = heap_used() - feeder->before;
        over = feeder->peak > feeder->before + kept ? feeder->peak - feeder->before - kept : 0;
        print_message("received %" PRIu64 " KiB, kept %zu KiB (%zu bytes an object), at most %zu KiB more on the way\n",
                      feeder->n_bytes / 1024, kept / 1024, kept / (2 * N_OBJECTS), over / 1024);
        if (feeder->before > 0) {
                assert_true(over < EXTRA_MAX);
                assert_true(kept < feeder->n_bytes / 4);
        }
        reflector_sink_done(&feeder->sink);
        free(feeder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
