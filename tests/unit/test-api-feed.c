/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From JSON into the store: what cannot be understood stays out, is reported once, and takes nothing away. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "apiserver/feed.h"
#include "apiserver/json-read.h"
#include "apiserver/json-parse.h"
#include "common/log.h"

typedef struct Fixture {
        Store *store;
        Feed *feed;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(Fixture));

        assert_non_null(fixture);
        log_set_max_level(LOG_CRIT);
        assert_int_equal(store_new(NULL, NULL, &fixture->store), 0);
        assert_int_equal(feed_new(fixture->store, OBJECT_SOURCE_API, 0, &fixture->feed), 0);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void) feed_free(fixture->feed);
        (void) store_free(fixture->store);
        free(fixture);
        return 0;
}

static int put(Fixture *fixture, FeedKind kind, const char *text) {
        _cleanup_(json_putp) json_object *object = NULL;

        assert_int_equal(json_parse(text, strlen(text), &object), 0);
        return feed_put(fixture->feed, kind, object);
}

static int drop(Fixture *fixture, FeedKind kind, const char *text) {
        _cleanup_(json_putp) json_object *object = NULL;

        assert_int_equal(json_parse(text, strlen(text), &object), 0);
        return feed_remove(fixture->feed, kind, object);
}

static const Service *service(Fixture *fixture, const char *name) {
        ServiceEntry *entry = store_find(fixture->store, "default", name);

        return entry ? service_entry_object(entry) : NULL;
}

static size_t n_slices(Fixture *fixture, const char *name) {
        ServiceEntry *entry = store_find(fixture->store, "default", name);
        size_t n = 0;

        for (SliceEntry *slice = entry ? entry->slices : NULL; slice; slice = slice->next_of_service)
                n++;
        return n;
}

#define SERVICE(version, port) \
        "{\"kind\":\"Service\",\"metadata\":{\"name\":\"web\",\"namespace\":\"default\",\"resourceVersion\":\"" version "\"}," \
        "\"spec\":{\"clusterIP\":\"10.0.0.1\",\"ports\":[{\"port\":" port "}]}}"

/* The last good version stays, also through a list; the fault is counted once for each version. */
static void test_keeps_last_good(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("1", "80")), 1);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("2", "99999")), 0);
        assert_int_equal(feed_n_reported(fixture->feed), 1);
        assert_int_equal(service(fixture, "web")->ports[0].port, 80);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("2", "99999")), 0);
        assert_int_equal(feed_n_reported(fixture->feed), 1);

        store_list_begin(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("2", "99999")), 0);
        store_list_end(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        assert_non_null(service(fixture, "web"));

        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("3", "99999")), 0);
        assert_int_equal(feed_n_reported(fixture->feed), 2);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("4", "81")), 1);
        assert_int_equal(service(fixture, "web")->ports[0].port, 81);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("4", "99999")), 0);
        assert_int_equal(feed_n_reported(fixture->feed), 3);
}

/* What is wrong now, as opposed to ever: mended, deleted, or deleted while nobody looked. */
static void test_unreadable(void **state) {
        static const char bad[] = "{\"metadata\":{\"name\":\"b\",\"namespace\":\"default\",\"resourceVersion\":\"7\"},\"spec\":1}";
        Fixture *fixture = *state;
        const char *one;

        assert_int_equal(feed_n_unreadable(fixture->feed, &one), 0);
        assert_string_equal(one, "");
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("2", "99999")), 0);
        assert_int_equal(feed_n_unreadable(fixture->feed, &one), 1);
        assert_string_equal(one, "Service default/web: spec.ports[0].port: 99999 is not in 1 to 65535; it is left out");
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("3", "80")), 1);
        assert_int_equal(feed_n_unreadable(fixture->feed, NULL), 0);

        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("4", "99999")), 0);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, bad), 0);
        assert_int_equal(feed_n_unreadable(fixture->feed, NULL), 2);
        feed_list_begin(fixture->feed, FEED_KIND_ENDPOINT_SLICE);
        feed_list_end(fixture->feed, FEED_KIND_ENDPOINT_SLICE);
        assert_int_equal(feed_n_unreadable(fixture->feed, NULL), 2);
        feed_list_begin(fixture->feed, FEED_KIND_SERVICE);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, bad), 0);
        feed_list_end(fixture->feed, FEED_KIND_SERVICE);
        assert_int_equal(feed_n_unreadable(fixture->feed, &one), 1);
        assert_non_null(strstr(one, "Service default/b"));
        assert_int_equal(drop(fixture, FEED_KIND_SERVICE, bad), 0);
        assert_int_equal(feed_n_unreadable(fixture->feed, NULL), 0);
}

static void test_others_go_on(void **state) {
        static const char nameless[] = "{\"spec\":{}}";
        Fixture *fixture = *state;

        assert_int_equal(put(fixture, FEED_KIND_SERVICE, nameless), 0);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, "[1]"), 0);
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"default\"}}"), 0);
        assert_null(service(fixture, "p"));
        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("1", "80")), 1);
        assert_non_null(service(fixture, "web"));
}

static void test_cut(void **state) {
        static const char text[] = "{\"kind\":\"Service\",\"metadata\":{\"annotations\":{\"a\":\"b\"},\"name\":\"web\",\"namespace\":\"default\",\"x";
        Fixture *fixture = *state;

        assert_int_equal(put(fixture, FEED_KIND_SERVICE, SERVICE("1", "80")), 1);
        store_list_begin(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        assert_int_equal(feed_reject(fixture->feed, FEED_KIND_SERVICE, text, sizeof(text) - 1, "too large"), 0);
        assert_int_equal(feed_reject(fixture->feed, FEED_KIND_SERVICE, text, 60, "too large"), 0);
        assert_int_equal(feed_reject(fixture->feed, FEED_KIND_SERVICE, "", 0, "too large"), 0);
        store_list_end(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        assert_non_null(service(fixture, "web"));
}

#define SLICE(type) \
        "{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"web\"}}," \
        "\"addressType\":\"" type "\",\"endpoints\":[{\"addresses\":[\"10.1.0.1\"]}]}"

static void test_slices(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(put(fixture, FEED_KIND_ENDPOINT_SLICE, SLICE("IPv4")), 1);
        assert_int_equal(n_slices(fixture, "web"), 1);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINT_SLICE, SLICE("IPv6")), 0); /* refused, the old one stays */
        assert_int_equal(n_slices(fixture, "web"), 1);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINT_SLICE, SLICE("FQDN")), 1); /* understood: it is none any more */
        assert_int_equal(n_slices(fixture, "web"), 0);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINT_SLICE, SLICE("IPv4")), 1);
        assert_int_equal(drop(fixture, FEED_KIND_ENDPOINT_SLICE, SLICE("IPv4")), 1);
        assert_int_equal(drop(fixture, FEED_KIND_ENDPOINT_SLICE, SLICE("IPv4")), 0);
}

#define ENDPOINTS(subsets) "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"subsets\":[" subsets "]}"
#define SUBSET(ip) "{\"addresses\":[{\"ip\":\"" ip "\"}],\"ports\":[{\"port\":80}]}"

/* Endpoints shrink and grow: their slices follow, and all go with them. */
static void test_endpoints(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(put(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS(SUBSET("10.1.0.1") "," SUBSET("10.1.0.2") "," SUBSET("fd00::1"))), 1);
        assert_int_equal(n_slices(fixture, "web"), 3);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS(SUBSET("10.1.0.1"))), 1);
        assert_int_equal(n_slices(fixture, "web"), 1);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS(SUBSET("10.1.0.1"))), 0);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS(SUBSET("10.1.0.1") "," SUBSET("10.1.0.2"))), 1);

        store_list_begin(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS(SUBSET("junk"))), 0);
        store_list_end(fixture->store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
        assert_int_equal(n_slices(fixture, "web"), 2);

        assert_int_equal(put(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS("")), 1);
        assert_int_equal(n_slices(fixture, "web"), 0);
        assert_int_equal(put(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS(SUBSET("10.1.0.1"))), 1);
        assert_int_equal(drop(fixture, FEED_KIND_ENDPOINTS, ENDPOINTS("")), 1);
        assert_int_equal(n_slices(fixture, "web"), 0);
}

static void test_node(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(put(fixture, FEED_KIND_NODE, "{\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\"}}"), 1);
        assert_string_equal(store_node(fixture->store)->name, "n1");
        assert_int_equal(put(fixture, FEED_KIND_NODE, "{\"metadata\":{\"name\":\"n1\"},\"status\":[]}"), 0);
        assert_non_null(store_node(fixture->store));
        assert_int_equal(drop(fixture, FEED_KIND_NODE, "{\"metadata\":{\"name\":\"n1\"}}"), 1);
        assert_null(store_node(fixture->store));
}

/* A thousand bad objects do not make the memory of reports grow for ever. */
static void test_many_reports(void **state) {
        Fixture *fixture = *state;
        char text[200];

        for (unsigned i = 0; i < 3000; i++) {
                (void) snprintf(text, sizeof(text), "{\"metadata\":{\"name\":\"n%u\",\"namespace\":\"default\"},\"spec\":1}", i);
                assert_int_equal(put(fixture, FEED_KIND_SERVICE, text), 0);
        }
        assert_int_equal(feed_n_reported(fixture->feed), 3000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_keeps_last_good, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
                cmocka_unit_test_setup_teardown(test_others_go_on, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
                cmocka_unit_test_setup_teardown(test_slices, setup, teardown),
                cmocka_unit_test_setup_teardown(test_endpoints, setup, teardown),
                cmocka_unit_test_setup_teardown(test_node, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many_reports, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
