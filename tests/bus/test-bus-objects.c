/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects, properties and their errors, over a direct link. */
#include "tests/bus/bench.h"

#include <stdio.h>

#include "common/bus-names.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER
#define WEB BUS_PATH_SERVICE "/default_2fweb_3ahttp"

static sd_bus_message *call(Bench *bench, const char *path, const char *interface, const char *member) {
        sd_bus_message *reply = NULL;

        assert_int_equal(bench_call(bench, bench->client, path, interface, member, NULL, &reply, ""), 0);
        return reply;
}

static sd_bus_message *get(Bench *bench, const char *path, const char *interface, const char *property) {
        sd_bus_message *reply = NULL;

        assert_int_equal(bench_call(bench,
                                    bench->client,
                                    path,
                                    "org.freedesktop.DBus.Properties",
                                    "Get",
                                    NULL,
                                    &reply,
                                    "ss",
                                    interface,
                                    property),
                         0);
        return reply;
}

static void assert_text(Bench *bench, const char *path, const char *interface, const char *property, const char *expected) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = get(bench, path, interface, property);
        const char *text;

        assert_true(sd_bus_message_read(reply, "v", "s", &text) >= 0);
        assert_string_equal(text, expected);
}

static void assert_number(Bench *bench, const char *path, const char *interface, const char *property, char type, uint64_t expected) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = get(bench, path, interface, property);
        const char types[] = { type, '\0' };
        uint64_t wide = 0;
        uint32_t word = 0;
        uint16_t half = 0;

        assert_true(sd_bus_message_read(
                            reply, "v", types, type == 't' ? (void *) &wide : type == 'u' ? (void *) &word : (void *) &half) >= 0);
        assert_int_equal(wide + word + half, expected);
}

static void test_manager_properties(void **state) {
        Bench *b = *state;

        assert_text(b, M, "Version", "1.2.3");
        assert_text(b, M, "NodeName", "node-17");
        assert_text(b, M, "InterfaceName", "kube-ipvs0");
        assert_text(b, M, "State", "running");
        assert_text(b, M, "ApiState", "watching");
        assert_number(b, M, "ServiceCount", 'u', 3);
        assert_number(b, M, "EndpointCount", 'u', 5);
        assert_number(b, M, "VirtualServerCount", 'u', 3);
        assert_number(b, M, "PendingChanges", 'u', 0);
}

/* "type status reason key=value …;" for each */
static void read_conditions(Bench *bench, char *text, size_t size) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = get(bench, M, "Conditions");
        const char *type, *status, *reason, *key, *value;
        uint64_t since;
        size_t used = 0;

        assert_true(sd_bus_message_enter_container(reply, 'v', "a(sstsa{sv})") > 0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "(sstsa{sv})") > 0);
        while (sd_bus_message_enter_container(reply, 'r', "sstsa{sv}") > 0) {
                assert_true(sd_bus_message_read(reply, "ssts", &type, &status, &since, &reason) > 0);
                used += (size_t) snprintf(text + used, size - used, "%s %s %s", type, status, reason);
                assert_true(sd_bus_message_enter_container(reply, 'a', "{sv}") > 0);
                while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
                        assert_true(sd_bus_message_read(reply, "sv", &key, "s", &value) > 0);
                        used += (size_t) snprintf(text + used, size - used, " %s=%s", key, value);
                        assert_true(sd_bus_message_exit_container(reply) >= 0);
                }
                assert_true(sd_bus_message_exit_container(reply) >= 0);
                assert_true(sd_bus_message_exit_container(reply) >= 0);
                used += (size_t) snprintf(text + used, size - used, ";");
                assert_true(used < size);
        }
}

/* What the sources of objects say of themselves; whatever that is, the bus can carry it. */
static void test_conditions(void **state) {
        SourceReport report = { "https://h:6443", "v1.30.1", "", "no Node", "/m", "/m/\xff.yaml:1: bad", 2, "Service a/b: c" };
        Bench *b = *state;
        char text[2048];

        read_conditions(b, text, sizeof(text));
        assert_non_null(strstr(text, "ApiReachable true ;"));
        assert_non_null(strstr(text, "NodeKnown true ;ObjectsUnderstood true ;ManifestsRead true NotUsed;"));
        manager_set_source_report(b->manager, &report);
        bench_settle(b);
        read_conditions(b, text, sizeof(text));
        assert_non_null(strstr(text, "ApiReachable true  server=https://h:6443 version=v1.30.1;"));
        assert_non_null(strstr(text, "NodeKnown false NodeNotFollowed message=no Node;"));
        assert_non_null(strstr(text, "ObjectsUnderstood false ObjectsLeftOut message=2 objects, one of them is Service a/b: c;"));
        assert_non_null(strstr(text, "ManifestsRead false FileBroken message=/m/?.yaml:1: bad folder=/m;"));
        report = (SourceReport) { "", "", "", "", "/m", "", 1, "Service a/b: c" };
        manager_set_source_report(b->manager, &report);
        bench_settle(b);
        read_conditions(b, text, sizeof(text));
        assert_non_null(strstr(text, "ApiReachable true NotUsed;"));
        assert_non_null(strstr(text, "ObjectsUnderstood false ObjectsLeftOut message=Service a/b: c;ManifestsRead true  folder=/m;"));
        report = (SourceReport) { "", "", "", "", "", "", 0, "" };
        manager_set_source_report(b->manager, &report);
        bench_settle(b);
}

static void test_service_properties(void **state) {
        Bench *b = *state;
        static const char *const i = BUS_INTERFACE_SERVICE;

        assert_text(b, WEB, i, "Id", "default/web:http");
        assert_text(b, WEB, i, "Namespace", "default");
        assert_text(b, WEB, i, "Name", "web");
        assert_text(b, WEB, i, "PortName", "http");
        assert_text(b, WEB, i, "Protocol", "tcp");
        assert_number(b, WEB, i, "Port", 'q', 80);
        assert_text(b, WEB, i, "Type", "cluster-ip");
        assert_text(b, WEB, i, "Scheduler", "rr");
        assert_text(b, WEB, i, "State", "synced");
        assert_text(b, WEB, i, "Reason", "");
        assert_number(b, WEB, i, "ReadyEndpointCount", 'u', 3);
        assert_number(b, WEB, i, "EndpointCount", 'u', 3);
        assert_number(b, WEB, i, "LocalEndpointCount", 'u', 0);
}

/* D4: only the path that encoding gives is the object's. */
static void test_paths(void **state) {
        static const char *const aliases[] = {
                BUS_PATH_SERVICE "/default/web",      BUS_PATH_SERVICE "/default_2Fweb_3Ahttp", WEB "_", WEB "/x",
                BUS_PATH_SERVICE "/default_2fother", "/org/k8s",
        };
        Bench *b = *state;

        for (size_t i = 0; i < ELEMENTSOF(aliases); i++)
                assert_call_fails(b,
                                  b->client,
                                  aliases[i],
                                  BUS_INTERFACE_SERVICE,
                                  "GetStatistics",
                                  SD_BUS_ERROR_UNKNOWN_OBJECT,
                                  "");
        assert_call_fails(b, b->client, M, "Dance", SD_BUS_ERROR_UNKNOWN_METHOD, "");
        assert_call_fails(b,
                          b->client,
                          BUS_PATH,
                          "org.freedesktop.DBus.Properties",
                          "Get",
                          SD_BUS_ERROR_UNKNOWN_PROPERTY,
                          "ss",
                          BUS_INTERFACE_MANAGER,
                          "Colour");
        assert_call_fails(b,
                          b->client,
                          BUS_PATH,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          SD_BUS_ERROR_PROPERTY_READ_ONLY,
                          "ssv",
                          BUS_INTERFACE_MANAGER,
                          "State",
                          "s",
                          "running");
        assert_call_fails(b, b->client, M, "GetService", SD_BUS_ERROR_INVALID_ARGS, "u", 5);
}

static void test_get_service(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *other = NULL;
        char long_id[600];
        Bench *b = *state;
        const char *path;

        assert_int_equal(bench_call(b, b->client, M, "GetService", NULL, &reply, "s", "default/web:http"), 0);
        assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
        assert_string_equal(path, WEB);
        assert_int_equal(
                bench_call(b, b->client, M, "GetServiceByAddress", NULL, &other, "sqs", "10.96.0.7", 80, "tcp"), 0);
        assert_true(sd_bus_message_read(other, "o", &path) >= 0);
        assert_string_equal(path, WEB);

        memset(long_id, 'x', sizeof(long_id) - 1);
        long_id[sizeof(long_id) - 1] = '\0';
        assert_call_fails(b, b->client, M, "GetService", BUS_ERROR_NO_SUCH_SERVICE, "s", "default/none");
        assert_call_fails(b, b->client, M, "GetService", SD_BUS_ERROR_INVALID_ARGS, "s", long_id);
        assert_call_fails(
                b, b->client, M, "GetServiceByAddress", BUS_ERROR_NO_SUCH_SERVICE, "sqs", "10.96.0.7", 81, "tcp");
        assert_call_fails(
                b, b->client, M, "GetServiceByAddress", SD_BUS_ERROR_INVALID_ARGS, "sqs", "10.96.0.x", 80, "tcp");
        assert_call_fails(
                b, b->client, M, "GetServiceByAddress", SD_BUS_ERROR_INVALID_ARGS, "sqs", "10.96.0.7", 80, "icmp");
        assert_call_fails(
                b, b->client, M, "GetServiceByAddress", SD_BUS_ERROR_INVALID_ARGS, "sqs", "10.96.0.7", 0, "tcp");
}

/* D3, D6: what introspection shows; GetAll of nothing named, of all, of an unknown interface. */
static void test_introspection(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *root = NULL, *node = NULL, *leaf = NULL;
        static const char *const i = "org.freedesktop.DBus.Introspectable";
        const char *xml;
        Bench *b = *state;

        root = call(b, BUS_PATH, i, "Introspect");
        assert_true(sd_bus_message_read(root, "s", &xml) >= 0);
        assert_non_null(strstr(xml, "<arg type=\"s\" name=\"start_after\" direction=\"in\"/>"));
        assert_non_null(strstr(xml, "<node name=\"service\"/>"));
        assert_null(strstr(xml, "default_2fweb"));
        node = call(b, BUS_PATH_SERVICE, i, "Introspect");
        assert_true(sd_bus_message_read(node, "s", &xml) >= 0);
        assert_non_null(strstr(xml, "<node name=\"default_2fweb_3ahttp\"/>"));
        assert_null(strstr(xml, "<interface name=\"" BUS_INTERFACE_SERVICE "\""));
        leaf = call(b, WEB, i, "Introspect");
        assert_true(sd_bus_message_read(leaf, "s", &xml) >= 0);
        assert_non_null(strstr(xml, "<interface name=\"" BUS_INTERFACE_SERVICE "\""));
        assert_null(strstr(xml, "<node name"));
        assert_call_fails(b,
                          b->client,
                          BUS_PATH,
                          "org.freedesktop.DBus.Properties",
                          "GetAll",
                          SD_BUS_ERROR_UNKNOWN_INTERFACE,
                          "s",
                          "org.k8s.None");
}

static void test_resync(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *all = NULL, *one = NULL, *later = NULL;
        Bench *b = *state;
        uint64_t before, generation;

        before = b->bus->status.generation;
        assert_int_equal(bench_call(b, b->client, M, "Resync", NULL, &all, "t", UINT64_C(1)), 0);
        assert_true(sd_bus_message_read(all, "t", &generation) >= 0);
        assert_true(generation > before);
        before = generation;
        assert_int_equal(
                bench_call(b, b->client, WEB, BUS_INTERFACE_SERVICE, "Resync", NULL, &one, "t", UINT64_C(0)), 0);
        assert_true(sd_bus_message_read(one, "t", &generation) >= 0);
        assert_true(generation > before);
        assert_int_equal(bench_call(b, b->client, M, "Resync", NULL, &later, "t", UINT64_C(2)), 0);
        bench_settle(b);
        assert_int_equal(b->bus->n_calls, 0);
        assert_call_fails(b, b->client, M, "Resync", SD_BUS_ERROR_INVALID_ARGS, "t", UINT64_C(4));
}

/* D22: what could not be programmed is the answer's text. */
static void test_resync_fails(void **state) {
        VirtualServerKey key = { .port = 80,
                                 .protocol = PROTOCOL_TCP,
                                 .addr = { .family = AF_INET, .bytes = { 10, 96, 1, 44 } } };
        Bench *b = *state;

        memory_backend_fail_server(b->backend, &key, -EIO);
        bench_put_service(b, "shop", "broken", 300, 1);
        bench_settle(b);
        assert_call_fails(b, b->client, M, "Resync", BUS_ERROR_SYNC_FAILED, "t", UINT64_C(0));
        assert_text(b, M, "State", "degraded");
        assert_text(b, BUS_PATH_SERVICE "/shop_2fbroken_3ahttp", BUS_INTERFACE_SERVICE, "State", "degraded");
        memory_backend_fail_server(b->backend, NULL, 0);
        bench_remove_service(b, "shop", "broken");
        bench_settle(b);
}

static int on_resync_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        (void) snprintf(userdata, 64, "%s", e ? e->name : "none");
        return 0;
}

/* D22, D23: the service goes while its resync waits: one answer says so. Who does not wait for it stops nothing. */
static void test_resync_target_goes(void **state) {
        static const char *const path = BUS_PATH_SERVICE "/shop_2fgoing_3ahttp";
        Bench *b = *state;
        char answer[64] = "";
        uint64_t before;

        bench_put_service(b, "shop", "going", 301, 1);
        bench_settle(b);
        before = b->bus->status.n_syncs;
        assert_true(sd_bus_call_method_async(b->client, NULL, BUS_NAME, path, BUS_INTERFACE_SERVICE, "Resync",
                                             on_resync_answer, answer, "t", UINT64_C(1)) >= 0);
        while (b->bus->n_calls == 0)
                assert_true(sd_event_run(b->event, UINT64_MAX) >= 0);
        bench_remove_service(b, "shop", "going");
        bench_settle(b);
        assert_string_equal(answer, BUS_ERROR_NO_SUCH_SERVICE);
        assert_int_equal(b->bus->n_calls, 0);
        assert_true(b->bus->status.n_syncs > before);
}

static void test_log_control(void **state) {
        static const char *const path = "/org/freedesktop/LogControl1", *const i = "org.freedesktop.LogControl1";
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Bench *b = *state;

        assert_text(b, path, i, "LogLevel", "err");
        assert_int_equal(bench_call(b,
                                    b->client,
                                    path,
                                    "org.freedesktop.DBus.Properties",
                                    "Set",
                                    NULL,
                                    &reply,
                                    "ssv",
                                    i,
                                    "LogLevel",
                                    "s",
                                    "crit"),
                         0);
        assert_text(b, path, i, "LogLevel", "crit");
        assert_call_fails(b,
                          b->client,
                          path,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          SD_BUS_ERROR_INVALID_ARGS,
                          "ssv",
                          i,
                          "LogLevel",
                          "s",
                          "loud");
}

/* D25: nothing is complete yet. */
static void test_not_ready(void **state) {
        Bench b;

        bench_open_link(&b, NULL);
        assert_text(&b, M, "State", "starting");
        assert_call_fails(&b, b.client, M, "ListStatistics", BUS_ERROR_NOT_READY, "su", "", 0);
        assert_call_fails(&b, b.client, M, "GetStatistics", BUS_ERROR_NOT_READY, "");
        assert_call_fails(&b, b.client, M, "GetService", BUS_ERROR_NOT_READY, "s", "default/web:http");
        assert_call_fails(&b, b.client, M, "GetServiceByAddress", BUS_ERROR_NOT_READY, "sqs", "10.0.0.1", 80, "tcp");
        assert_call_fails(&b, b.client, M, "Explain", BUS_ERROR_NOT_READY, "sqsa{sv}", "10.0.0.1", 80, "tcp", 0);
        bench_close(&b);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_manager_properties),
                cmocka_unit_test(test_conditions),
                cmocka_unit_test(test_service_properties),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_get_service),
                cmocka_unit_test(test_introspection),
                cmocka_unit_test(test_resync),
                cmocka_unit_test(test_resync_fails), cmocka_unit_test(test_resync_target_goes),
                cmocka_unit_test(test_log_control),
                cmocka_unit_test(test_not_ready),
        };

        return cmocka_run_group_tests(tests, bench_setup_shop, bench_teardown);
}
