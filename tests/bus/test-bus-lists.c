/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is handed out in rows, page by page: services, endpoints, statistics. */
#include "tests/bus/bench.h"

#include <stdio.h>

#include "common/bus-names.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER
#define WEB BUS_PATH_SERVICE "/default_2fweb_3ahttp"
#define SERVICE_ROW "osssssqsuuut"
#define STATISTICS_ROW "sttttttttttuua{sv}"

/* ---- services */

/* Reads a page into `ids`, separated by spaces; returns where the next begins. */
static const char *read_page(sd_bus_message *reply, char ids[static 1024]) {
        const char *path, *text[5], *service_state, *next;
        uint32_t n[3];
        uint16_t port;
        uint64_t generation;

        ids[0] = '\0';
        assert_true(sd_bus_message_enter_container(reply, 'a', "(" SERVICE_ROW "a{sv})") >= 0);
        while (sd_bus_message_enter_container(reply, 'r', SERVICE_ROW "a{sv}") > 0) {
                assert_true(sd_bus_message_read(reply,
                                                SERVICE_ROW,
                                                &path,
                                                &text[0],
                                                &text[1],
                                                &text[2],
                                                &text[3],
                                                &text[4],
                                                &port,
                                                &service_state,
                                                &n[0],
                                                &n[1],
                                                &n[2],
                                                &generation) >= 0);
                assert_true(sd_bus_message_skip(reply, "a{sv}") >= 0);
                assert_true(sd_bus_message_exit_container(reply) >= 0);
                (void) snprintf(ids + strlen(ids), 1024 - strlen(ids), "%s%s", ids[0] ? " " : "", text[0]);
        }
        assert_true(sd_bus_message_exit_container(reply) >= 0);
        assert_true(sd_bus_message_read(reply, "s", &next) >= 0);
        return next;
}

static void test_list_services(void **state) {
        static const struct {
                const char *start_after;
                unsigned limit;
                const char *key, *value;
                const char *ids, *next;
        } cases[] = {
                { "", 0, NULL, NULL, "default/web:http shop/cart:http shop/empty:http", "" },
                { "", 1, NULL, NULL, "default/web:http", "default/web:http" },
                { "", 3, NULL, NULL, "default/web:http shop/cart:http shop/empty:http", "" },
                { "default/web:http", 1, NULL, NULL, "shop/cart:http", "shop/cart:http" },
                { "default/zzz", 0, NULL, NULL, "shop/cart:http shop/empty:http", "" },
                { "shop/empty:http", 4294967295U, NULL, NULL, "", "" },
                { "\xc3\xbf", 0, NULL, NULL, "", "" },
                { "", 0, "namespace", "shop", "shop/cart:http shop/empty:http", "" },
                { "", 0, "namespace", "sho", "", "" },
                { "", 0, "name", "*t*", "shop/cart:http shop/empty:http", "" },
                { "", 0, "name", "w?[a-b]", "default/web:http", "" },
                { "", 0, "state", "synced", "default/web:http shop/cart:http shop/empty:http", "" },
                { "", 2, "state", "pending", "", "" },
                { "", 0, "protocol", "udp", "", "" },
                { "", 0, "address", "10.96.0.8", "shop/cart:http", "" },
                { "", 0, "has-endpoints", "no", "shop/empty:http", "" },
                { "", 0, "has-endpoints", "yes", "default/web:http shop/cart:http", "" },
        };
        Bench *b = *state;
        char ids[1024];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
                int r;

                r = cases[i].key ? bench_call(b,
                                              b->client,
                                              M,
                                              "ListServices",
                                              NULL,
                                              &reply,
                                              "sua{sv}",
                                              cases[i].start_after,
                                              cases[i].limit,
                                              1,
                                              cases[i].key,
                                              "s",
                                              cases[i].value) :
                                   bench_call(b,
                                              b->client,
                                              M,
                                              "ListServices",
                                              NULL,
                                              &reply,
                                              "sua{sv}",
                                              cases[i].start_after,
                                              cases[i].limit,
                                              0);
                assert_int_equal(r, 0);
                assert_string_equal(read_page(reply, ids), cases[i].next);
                assert_string_equal(ids, cases[i].ids);
        }
}

static void test_list_services_refuses(void **state) {
        static const struct {
                const char *key, *type, *value;
        } cases[] = {
                { "colour", "s", "red" },     { "name", "u", NULL },         { "state", "s", "happy" },
                { "protocol", "s", "icmp" },  { "address", "s", "1.2.3" },   { "has-endpoints", "s", "maybe" },
        };
        char long_text[600];
        Bench *b = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_call_fails(b,
                                  b->client,
                                  M,
                                  "ListServices",
                                  SD_BUS_ERROR_INVALID_ARGS,
                                  "sua{sv}",
                                  "",
                                  0,
                                  1,
                                  cases[i].key,
                                  cases[i].type,
                                  cases[i].value);
        memset(long_text, 'x', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = '\0';
        assert_call_fails(b, b->client, M, "ListServices", SD_BUS_ERROR_INVALID_ARGS, "sua{sv}", long_text, 0, 0);
        assert_call_fails(
                b, b->client, M, "ListServices", SD_BUS_ERROR_INVALID_ARGS, "sua{sv}", "", 0, 1, "name", "s", long_text);
}

/* D11: paging while services come and go gives each that stays exactly once. */
static void test_list_under_churn(void **state) {
        Bench *b = *state;
        char ids[1024], seen[4096] = "", after[64] = "", name[32];
        unsigned turn = 0;

        for (unsigned i = 0; i < 10; i++) {
                (void) snprintf(name, sizeof(name), "s%u", i);
                bench_put_service(b, "churn", name, 100 + i, 1);
        }
        bench_sync(b);
        do {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

                assert_int_equal(bench_call(b, b->client, M, "ListServices", NULL, &reply, "sua{sv}", after, 2, 1, "namespace", "s", "churn"), 0);
                (void) snprintf(after, sizeof(after), "%s", read_page(reply, ids));
                (void) snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s ", ids);
                (void) snprintf(name, sizeof(name), "s%ux", turn);
                bench_put_service(b, "churn", name, 200 + turn, 1);
                if (turn == 1)
                        bench_remove_service(b, "churn", "s7");
                bench_sync(b);
                turn++;
        } while (after[0]);
        for (unsigned i = 0; i < 10; i++) {
                char *first;

                (void) snprintf(name, sizeof(name), "churn/s%u:http ", i);
                first = strstr(seen, name);
                assert_int_equal(first != NULL, i != 7);
                assert_true(!first || !strstr(first + 1, name));
        }
}

/* ---- endpoints and statistics */

static void test_endpoints(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *rest = NULL;
        const char *address, *endpoint_state, *node, *next;
        uint32_t weight, active, inactive;
        Bench *b = *state;
        uint16_t port;

        assert_int_equal(
                bench_call(b, b->client, WEB, BUS_INTERFACE_SERVICE, "ListEndpoints", NULL, &reply, "su", "", 2), 0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "(sqssuuua{sv})") >= 0);
        assert_true(sd_bus_message_enter_container(reply, 'r', "sqssuuua{sv}") > 0);
        assert_true(sd_bus_message_read(
                            reply, "sqssuuu", &address, &port, &endpoint_state, &node, &weight, &active, &inactive) >= 0);
        assert_string_equal(address, "10.1.7.1");
        assert_int_equal(port, 8080);
        assert_string_equal(endpoint_state, "ready");
        assert_string_equal(node, "node-4");
        assert_int_equal(weight, 1);
        assert_true(sd_bus_message_skip(reply, "a{sv}") >= 0 && sd_bus_message_exit_container(reply) >= 0);
        assert_true(sd_bus_message_skip(reply, "(sqssuuua{sv})") >= 0 && sd_bus_message_exit_container(reply) >= 0);
        assert_true(sd_bus_message_read(reply, "s", &next) >= 0);
        assert_string_equal(next, "10.1.7.2 8080");

        assert_int_equal(
                bench_call(b, b->client, WEB, BUS_INTERFACE_SERVICE, "ListEndpoints", NULL, &rest, "su", next, 0), 0);
        assert_true(sd_bus_message_enter_container(rest, 'a', "(sqssuuua{sv})") >= 0);
        assert_true(sd_bus_message_skip(rest, "(sqssuuua{sv})") >= 0);
        assert_true(sd_bus_message_at_end(rest, false) > 0 && sd_bus_message_exit_container(rest) >= 0);
        assert_true(sd_bus_message_read(rest, "s", &next) >= 0);
        assert_string_equal(next, "");
        assert_call_fails(b,
                          b->client,
                          WEB,
                          BUS_INTERFACE_SERVICE,
                          "ListEndpoints",
                          SD_BUS_ERROR_INVALID_ARGS,
                          "su",
                          "10.1.7.2:8080",
                          0);
}

static void test_statistics(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *total = NULL;
        Bench *b = *state;
        const char *id;
        uint64_t usec;

        assert_int_equal(bench_call(b, b->client, M, "ListStatistics", NULL, &reply, "su", "", 1), 0);
        assert_true(sd_bus_message_read(reply, "t", &usec) >= 0 && usec > 0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "(sttttttttttuua{sv})") >= 0);
        assert_true(sd_bus_message_enter_container(reply, 'r', "sttttttttttuua{sv}") > 0);
        assert_true(sd_bus_message_read(reply, "s", &id) >= 0);
        assert_true(strncmp(id, "churn/", 6) == 0 || strcmp(id, "default/web:http") == 0);
        assert_int_equal(bench_call(b, b->client, M, "GetStatistics", NULL, &total, ""), 0);
        assert_true(sd_bus_message_has_signature(total, "ta{st}"));
}

/* ---- a kernel that has counted much */

#define ABOVE_2_53 UINT64_C(9007199254740993)

static const KernelBackendOps *small_ops;

typedef struct Counted {
        IpvsVisitor visitor;
        void *userdata;
} Counted;

/* One virtual server has them, so that their sum is one that can be said. */
static int on_counted(const VirtualServer *service, const TrafficStats *stats, const RealServerInfo *dests, size_t n_dests, void *userdata) {
        static const IpAddr web = { .family = AF_INET, .bytes = { 10, 96, 0, 7 } };
        const Counted *counted = userdata;
        TrafficStats much = *stats;

        if (ip_addr_equal(&service->key.addr, &web)) {
                much.connections = ABOVE_2_53;
                much.in_packets = UINT64_MAX - 1;
                much.in_bytes = UINT64_MAX;
                much.out_bytes = ABOVE_2_53;
        }
        return counted->visitor(service, &much, dests, n_dests, counted->userdata);
}

static int big_dump(KernelBackend *backend, IpvsVisitor visitor, void *userdata) {
        return small_ops->ipvs_dump(backend, on_counted, &(Counted) { visitor, userdata });
}

static int big_read(KernelBackend *backend, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata) {
        return small_ops->ipvs_read(backend, key, on_counted, &(Counted) { visitor, userdata });
}

static int big_read_many(KernelBackend *backend, const VirtualServerKey *keys, size_t n_keys, IpvsVisitor visitor, void *userdata) {
        return small_ops->ipvs_read_many(backend, keys, n_keys, on_counted, &(Counted) { visitor, userdata });
}

static uint64_t read_total(sd_bus_message *totals, const char *wanted) {
        uint64_t usec, number, found = 0;
        const char *key;

        assert_true(sd_bus_message_rewind(totals, true) >= 0 && sd_bus_message_read(totals, "t", &usec) >= 0);
        assert_true(sd_bus_message_enter_container(totals, 'a', "{st}") >= 0);
        while (sd_bus_message_read(totals, "{st}", &key, &number) > 0)
                if (strcmp(key, wanted) == 0)
                        found = number;
        return found;
}

/* D29: numbers that a double does not hold are exact, on the bus and in JSON. */
static void test_large_numbers(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *rows = NULL, *totals = NULL, *document = NULL;
        KernelBackendOps ops;
        uint64_t usec, n[10];
        const char *id, *text;
        Bench b;

        bench_open_link(&b, NULL);
        bench_put_service(&b, "default", "web", 7, 3);
        bench_put_service(&b, "shop", "cart", 8, 2);
        small_ops = b.backend->ops;
        ops = *small_ops;
        ops.ipvs_dump = big_dump;
        ops.ipvs_read = big_read;
        ops.ipvs_read_many = big_read_many;
        b.backend->ops = &ops;
        bench_sync(&b);
        assert_int_equal(bench_call(&b, b.client, M, "ListStatistics", NULL, &rows, "su", "", 1), 0);
        assert_true(sd_bus_message_read(rows, "t", &usec) >= 0);
        assert_true(sd_bus_message_enter_container(rows, 'a', "(" STATISTICS_ROW ")") >= 0);
        assert_true(sd_bus_message_enter_container(rows, 'r', STATISTICS_ROW) > 0);
        assert_true(sd_bus_message_read(rows, "sttttt", &id, &n[0], &n[1], &n[2], &n[3], &n[4]) >= 0);
        assert_string_equal(id, "default/web:http");
        assert_true(n[0] == ABOVE_2_53 && n[1] == UINT64_MAX - 1 && n[2] == 0 && n[3] == UINT64_MAX && n[4] == ABOVE_2_53);

        assert_int_equal(bench_call(&b, b.client, M, "GetStatistics", NULL, &totals, ""), 0);
        assert_true(read_total(totals, "connections") == ABOVE_2_53);
        assert_true(read_total(totals, "in-bytes") == UINT64_MAX);
        assert_int_equal(bench_call(&b, b.client, WEB, BUS_INTERFACE_SERVICE, "Describe", NULL, &document, ""), 0);
        assert_true(sd_bus_message_read(document, "s", &text) >= 0);
        assert_non_null(strstr(text, "\"connections\":9007199254740993,"));
        assert_non_null(strstr(text, "\"inBytes\":18446744073709551615,"));
        b.backend->ops = small_ops;
        bench_close(&b);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list_services),    cmocka_unit_test(test_list_services_refuses),
                cmocka_unit_test(test_list_under_churn), cmocka_unit_test(test_endpoints),
                cmocka_unit_test(test_statistics),       cmocka_unit_test(test_large_numbers),
        };

        return cmocka_run_group_tests(tests, bench_setup_shop, bench_teardown);
}
