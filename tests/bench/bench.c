/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "apiserver/json-parse.h"
#include "apiserver/json-split.h"
#include "common/log.h"
#include "kernel/memory-backend.h"

#define BENCH_NAMESPACE "bench"
/* As large as what libcurl gives. */
#define BENCH_CHUNK 16384

/* ---- clocks */

uint64_t bench_now_nsec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000000U + (uint64_t) ts.tv_nsec;
}

uint64_t bench_cpu_usec(void) {
        struct rusage usage;

        (void) getrusage(RUSAGE_SELF, &usage);
        return (uint64_t) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
               (uint64_t) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

uint64_t bench_rss_kib(void) {
        unsigned long pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");

        if (!file)
                return 0;
        if (fscanf(file, "%*u %lu", &pages) != 1)
                pages = 0;
        (void) fclose(file);
        return pages * (uint64_t) sysconf(_SC_PAGESIZE) / 1024;
}

void bench_print(const char *name, uint64_t value, const char *unit) {
        printf("%-28s %10" PRIu64 " %s\n", name, value, unit);
        (void) fflush(stdout);
}

void bench_print_msec(const char *name, uint64_t nsec) {
        bench_print(name, nsec / NSEC_PER_USEC / USEC_PER_MSEC, "ms");
}

void bench_check(Bench *bench, bool good, const char *what) {
        if (!good && !bench->failed)
                bench->failed = what;
}

/* ---- life */

int bench_new(Bench *bench, bool memory) {
        int r = sd_event_new(&bench->event);

        log_set_max_level(LOG_ERR);
        if (r >= 0 && memory)
                r = memory_backend_new(&bench->hand);
        return r;
}

void bench_done(Bench *bench) {
        bench_stop(bench);
        (void) kernel_backend_free(bench->hand);
        (void) sd_event_unref(bench->event);
}

int bench_verdict(const Bench *bench, const char *program, int r) {
        if (r < 0)
                fprintf(stderr, "%s: %s\n", program, strerror(-r));
        if (bench->failed)
                fprintf(stderr, "%s: %s\n", program, bench->failed);
        return r < 0 || bench->failed ? 1 : 0;
}

static ManagerOptions bench_options(uint64_t audit_usec) {
        return (ManagerOptions) {
                .node_name = "bench",
                .filter = { .mark = 0x4000, .masquerade_all = true },
                .sync_usec = audit_usec,
                .drain_timeout_usec = 900 * USEC_PER_SEC,
                .needs_source = { [OBJECT_SOURCE_API] = true },
        };
}

int bench_audit_every(Bench *bench, uint64_t usec) {
        ManagerOptions options = bench_options(usec);

        return manager_reconfigure(bench->manager, &options);
}

int bench_start(Bench *bench) {
        ManagerOptions options = bench_options(BENCH_AUDIT_USEC);
        int r = bench->hand ? memory_backend_share(bench->hand, &bench->backend) : kernel_backend_new(&bench->backend);

        if (r >= 0)
                r = manager_new(bench->event, bench->backend, &options, &bench->manager);
        if (r >= 0)
                r = feed_new(manager_store(bench->manager), OBJECT_SOURCE_API, 0, &bench->feed);
        return r < 0 ? r : manager_start(bench->manager);
}

void bench_stop(Bench *bench) {
        bench->feed = feed_free(bench->feed);
        bench->manager = manager_free(bench->manager);
        bench->backend = NULL;
}

uint64_t bench_settle(Bench *bench) {
        uint64_t longest = 0, begun, turn;
        int r;

        do {
                begun = bench_now_nsec();
                r = sd_event_run(bench->event, 0);
                turn = (bench_now_nsec() - begun) / NSEC_PER_USEC;
                longest = MAX2(longest, turn);
        } while (r > 0);
        return longest;
}

/* ---- objects as text */

static IpAddr bench_addr(uint8_t net, uint32_t i) {
        uint8_t bytes[4] = { net, (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i };
        IpAddr addr = {};

        (void) ip_addr_from_bytes(AF_INET, bytes, sizeof(bytes), &addr);
        return addr;
}

IpAddr bench_service_addr(uint32_t i) {
        return bench_addr(20, i + 1);
}

IpAddr bench_endpoint_addr(const Bench *bench, uint32_t i, uint32_t k) {
        return bench_addr(30, i * (bench->n_endpoints + 1) + k % (bench->n_endpoints + 1));
}

/* As a real API server has it: who wrote which field is a third of an object. */
#define BENCH_MANAGED_FIELDS                                                                                              \
        "\"managedFields\":[{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\","                              \
        "\"apiVersion\":\"discovery.k8s.io/v1\",\"time\":\"2026-11-23T08:10:01Z\",\"fieldsType\":\"FieldsV1\","               \
        "\"fieldsV1\":{\"f:addressType\":{},\"f:endpoints\":{},\"f:metadata\":{\"f:annotations\":{\".\":{},"                  \
        "\"f:endpoints.kubernetes.io/last-change-trigger-time\":{}},\"f:generateName\":{},\"f:labels\":{\".\":{},"            \
        "\"f:endpointslice.kubernetes.io/managed-by\":{},\"f:kubernetes.io/service-name\":{}},"                              \
        "\"f:ownerReferences\":{\".\":{},\"k:{\\\"uid\\\":\\\"00000000-0000-4000-8000-000000000000\\\"}\":{}}},\"f:ports\":{}}}]"

static void write_metadata(FILE *out, Bench *bench, uint32_t i, const char *suffix, const char *labels) {
        fprintf(out,
                "{\"metadata\":{\"name\":\"service-%u%s\",\"namespace\":\"" BENCH_NAMESPACE
                "\",\"uid\":\"00000000-0000-4000-8000-%012x\",\"resourceVersion\":\"%" PRIu64
                "\",\"creationTimestamp\":\"2026-11-23T08:10:01Z\",\"labels\":{%s\"app\":\"service-%u\"}," BENCH_MANAGED_FIELDS "}",
                i,
                suffix,
                i,
                ++bench->n_versions,
                labels,
                i);
}

static void write_service(FILE *out, Bench *bench, uint32_t i) {
        IpAddr addr = bench_service_addr(i);
        char text[IP_ADDR_STRLEN];

        write_metadata(out, bench, i, "", "");
        fprintf(out,
                ",\"spec\":{\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80,\"targetPort\":8080}],"
                "\"selector\":{\"app\":\"service-%u\"},\"clusterIP\":\"%s\",\"clusterIPs\":[\"%s\"],"
                "\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\",\"ipFamilies\":[\"IPv4\"],"
                "\"ipFamilyPolicy\":\"SingleStack\",\"internalTrafficPolicy\":\"Cluster\"},"
                "\"status\":{\"loadBalancer\":{}}}",
                i,
                ip_addr_format(&addr, text),
                text);
}

static void write_slice(FILE *out, Bench *bench, uint32_t i, uint32_t shift) {
        char label[64], text[IP_ADDR_STRLEN];

        (void) snprintf(label, sizeof(label), "\"kubernetes.io/service-name\":\"service-%u\",", i);
        write_metadata(out, bench, i, "-abcde", label);
        fprintf(out, ",\"addressType\":\"IPv4\",\"endpoints\":[");
        for (uint32_t k = 0; k < bench->n_endpoints; k++) {
                IpAddr addr = bench_endpoint_addr(bench, i, k + shift);

                fprintf(out,
                        "%s{\"addresses\":[\"%s\"],\"conditions\":{\"ready\":true,\"serving\":true,\"terminating\":false},"
                        "\"nodeName\":\"node-%u\",\"targetRef\":{\"kind\":\"Pod\",\"namespace\":\"" BENCH_NAMESPACE
                        "\",\"name\":\"service-%u-%05u\"}}",
                        k > 0 ? "," : "",
                        ip_addr_format(&addr, text),
                        (i + k) % 100,
                        i,
                        k + shift);
        }
        fprintf(out, "],\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":8080}]}");
}

typedef struct BenchText {
        char *bytes; /* owned */
        size_t size;
} BenchText;

static void bench_text_done(BenchText *text) {
        free(text->bytes);
}

static BenchText bench_text(Bench *bench, FeedKind kind, uint32_t i, uint32_t shift) {
        BenchText text = {};
        FILE *out = open_memstream(&text.bytes, &text.size);

        if (!out)
                return text;
        if (kind == FEED_KIND_SERVICE)
                write_service(out, bench, i);
        else
                write_slice(out, bench, i, shift);
        (void) fclose(out);
        return text;
}

/* ---- objects into the store */

typedef struct BenchBody {
        Bench *bench;
        FeedKind kind;
} BenchBody;

static int on_piece(const char *text, size_t size, bool cut, void *userdata) {
        const BenchBody *body = userdata;
        json_object *object = NULL;
        int r = json_parse_object(text, size, &object);

        if (r >= 0)
                r = feed_put(body->bench->feed, body->kind, object);
        (void) json_object_put(object);
        return r;
}

static void body_feed(Bench *bench, JsonSplit *split, const char *bytes, size_t size) {
        uint64_t begun = bench_now_nsec();
        int r = 0;

        for (size_t i = 0; i < size && r >= 0; i += BENCH_CHUNK)
                r = json_split_feed(split, bytes + i, MIN2(size - i, (size_t) BENCH_CHUNK));
        bench->decode_nsec += bench_now_nsec() - begun;
        bench_check(bench, r >= 0, "an object of the bench could not be read");
}

static void bench_put(Bench *bench, FeedKind kind, uint32_t i, uint32_t shift) {
        _cleanup_(bench_text_done) BenchText text = bench_text(bench, kind, i, shift);
        BenchBody body = { bench, kind };
        JsonSplit split;

        json_split_init(&split, JSON_SPLIT_STREAM, on_piece, &body);
        body_feed(bench, &split, text.bytes, text.size);
        json_split_done(&split);
}

void bench_put_service(Bench *bench, uint32_t i) {
        bench_put(bench, FEED_KIND_SERVICE, i, 0);
}

void bench_put_slice(Bench *bench, uint32_t i, uint32_t shift) {
        bench_put(bench, FEED_KIND_ENDPOINT_SLICE, i, shift);
}

void bench_remove(Bench *bench, ObjectKind kind, uint32_t i) {
        char name[32];

        (void) snprintf(name, sizeof(name), "service-%u%s", i, kind == OBJECT_KIND_SERVICE ? "" : "-abcde");
        (void) store_remove(manager_store(bench->manager), OBJECT_SOURCE_API, kind, BENCH_NAMESPACE, name);
}

static void bench_list_kind(Bench *bench, FeedKind kind) {
        static const char head[] = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[";
        Store *store = manager_store(bench->manager);
        BenchBody body = { bench, kind };
        JsonSplit split;

        json_split_init(&split, JSON_SPLIT_LIST, on_piece, &body);
        store_list_begin(store, OBJECT_SOURCE_API, feed_kind_to_object(kind));
        body_feed(bench, &split, head, strlen(head));
        for (uint32_t i = 0; i < bench->n_services; i++) {
                _cleanup_(bench_text_done) BenchText text = bench_text(bench, kind, i, 0);

                if (i > 0)
                        body_feed(bench, &split, ",", 1);
                body_feed(bench, &split, text.bytes, text.size);
        }
        body_feed(bench, &split, "]}", 2);
        bench_check(bench, json_split_end(&split) >= 0, "the list did not come to its end");
        store_list_end(store, OBJECT_SOURCE_API, feed_kind_to_object(kind));
        json_split_done(&split);
}

void bench_list(Bench *bench) {
        Store *store = manager_store(bench->manager);

        bench_list_kind(bench, FEED_KIND_SERVICE);
        bench_list_kind(bench, FEED_KIND_ENDPOINT_SLICE);
        store_list_begin(store, OBJECT_SOURCE_API, OBJECT_KIND_NODE);
        store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_NODE);
        manager_source_synced(bench->manager);
}

static bool bench_drains(const Bench *bench) {
        ManagerStatus status;

        manager_status_brief(bench->manager, &status);
        return status.n_draining > 0;
}

void bench_back(Bench *bench) {
        for (uint32_t i = 0; i < bench->n_services; i++)
                bench_put_slice(bench, i, 0);
        (void) bench_settle(bench);
        for (unsigned i = 0; i < 600 && bench_drains(bench); i++)
                (void) sd_event_run(bench->event, 100 * USEC_PER_MSEC);
        (void) bench_settle(bench);
        bench_check(bench, !bench_drains(bench), "real servers without connections drain on");
}
