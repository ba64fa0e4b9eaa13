/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods that change something, and the documents: drain, overrides, statistics, drift, Describe, Explain, dumps. */
#include "tests/bus/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <json-c/json.h>

#include "common/bus-names.h"
#include "common/log.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER
#define WEB BUS_PATH_SERVICE "/default_2fweb_3ahttp"
#define S WEB, BUS_INTERFACE_SERVICE

static int reloads;
static const char *reload_problem;

static int on_reload(char **ret_problem, void *userdata) {
        reloads++;
        if (!reload_problem)
                return 0;
        *ret_problem = strdup(reload_problem);
        return -EINVAL;
}

static int setup(void **state) {
        static const BusOptions options = { .reload = on_reload };
        static Bench bench;

        bench_open_link(&bench, &options);
        bench_put_service(&bench, "default", "web", 7, 3);
        bench_put_service(&bench, "shop", "cart", 8, 2);
        bench_sync(&bench);
        *state = &bench;
        return 0;
}

static int teardown(void **state) {
        bench_close(*state);
        return 0;
}

static uint64_t from_now(uint64_t usec) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + usec;
}

static bool kernel_has(Bench *b, const char *line) {
        char *text = memory_backend_to_string(b->backend);
        bool has = strstr(text, line);

        free(text);
        return has;
}

/* The document a method answers with. */
static json_object *call_json(Bench *b, const char *path, const char *interface, const char *member) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        json_object *document;
        const char *text;

        assert_int_equal(bench_call(b, b->client, path, interface, member, NULL, &reply, ""), 0);
        assert_true(sd_bus_message_read(reply, "s", &text) >= 0);
        document = json_tokener_parse(text);
        assert_non_null(document);
        return document;
}

static const char *text_of(json_object *object, const char *key) {
        json_object *value = NULL;

        assert_true(json_object_object_get_ex(object, key, &value));
        return json_object_get_string(value);
}

static size_t length_of(json_object *object, const char *key) {
        json_object *value = NULL;

        assert_true(json_object_object_get_ex(object, key, &value));
        return json_object_array_length(value);
}

static void test_drain(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *begun = NULL, *ended = NULL;
        Bench *b = *state;

        assert_call_fails(b, b->client, M, "EndDrain", BUS_ERROR_NOT_DRAINING, "");
        assert_call_fails(b, b->client, M, "BeginDrain", SD_BUS_ERROR_INVALID_ARGS, "ta{sv}", UINT64_C(5), 0);
        assert_call_fails(
                b, b->client, M, "BeginDrain", SD_BUS_ERROR_INVALID_ARGS, "ta{sv}", UINT64_C(0), 1, "fast", "b", true);
        assert_int_equal(bench_call(b, b->client, M, "BeginDrain", NULL, &begun, "ta{sv}", UINT64_C(0), 0), 0);
        assert_true(manager_is_draining(b->manager));
        bus_refresh(b->bus);
        assert_string_equal(b->bus->state, "draining");
        assert_string_equal(b->bus->status.drain_state, "done"); /* there was no connection */
        assert_call_fails(b, b->client, M, "BeginDrain", BUS_ERROR_ALREADY_DRAINING, "ta{sv}", UINT64_C(0), 0);
        assert_int_equal(bench_call(b, b->client, M, "EndDrain", NULL, &ended, ""), 0);
        bus_refresh(b->bus);
        assert_string_equal(b->bus->state, "running");
}

static void test_override(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *set = NULL, *weight = NULL, *cleared = NULL, *again = NULL;
        uint64_t soon = from_now(3600 * USEC_PER_SEC);
        Bench *b = *state;
        static const struct {
                const char *address;
                uint32_t weight;
                uint64_t expires; /* 0: soon */
                const char *reason, *error;
        } refused[] = {
                { "10.1.7.9", 0, 0, "x", BUS_ERROR_NO_SUCH_ENDPOINT },
                { "10.1.7", 0, 0, "x", SD_BUS_ERROR_INVALID_ARGS },
                { "10.1.7.1", 65536, 0, "x", SD_BUS_ERROR_INVALID_ARGS },
                { "10.1.7.1", 0, 1, "x", SD_BUS_ERROR_INVALID_ARGS },
                { "10.1.7.1", 0, UINT64_MAX, "x", SD_BUS_ERROR_INVALID_ARGS },
                { "10.1.7.1", 0, 0, "", SD_BUS_ERROR_INVALID_ARGS },
                /* H10: nothing that would steer a terminal or begin a line of its own in a log */
                { "10.1.7.1", 0, 0, "a\nb", SD_BUS_ERROR_INVALID_ARGS },
                { "10.1.7.1", 0, 0, "a\x1b[31mb", SD_BUS_ERROR_INVALID_ARGS },
                { "../7.1", 0, 0, "x", SD_BUS_ERROR_INVALID_ARGS },
                { "10.1.7.1%n", 0, 0, "x", SD_BUS_ERROR_INVALID_ARGS },
        };

        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                assert_call_fails(b,
                                  b->client,
                                  S,
                                  "SetOverride",
                                  refused[i].error,
                                  "squts",
                                  refused[i].address,
                                  8080,
                                  refused[i].weight,
                                  refused[i].expires ? refused[i].expires : soon,
                                  refused[i].reason);
        assert_call_fails(b, b->client, S, "ClearOverride", BUS_ERROR_NO_SUCH_ENDPOINT, "sq", "10.1.7.1", 8080);

        assert_int_equal(bench_call(b, b->client, S, "SetOverride", NULL, &weight, "squts", "10.1.7.2", 8080, 5, soon, "more"), 0);
        assert_int_equal(bench_call(b, b->client, S, "SetOverride", NULL, &set, "squts", "10.1.7.1", 8080, 0, soon, "sick"), 0);
        bench_settle(b);
        assert_true(kernel_has(b, "rs 10.1.7.2:8080 w5"));
        assert_true(kernel_has(b, "rs 10.1.7.1:8080 w0") || !kernel_has(b, "rs 10.1.7.1:8080 w1"));
        assert_true(kernel_has(b, "rs 10.1.7.3:8080 w1"));

        assert_int_equal(bench_call(b, b->client, S, "ClearOverride", NULL, &cleared, "sq", "10.1.7.1", 8080), 0);
        assert_int_equal(bench_call(b, b->client, S, "ClearOverride", NULL, &again, "sq", "10.1.7.2", 8080), 0);
        bench_settle(b);
        assert_true(kernel_has(b, "rs 10.1.7.1:8080 w1"));
        assert_true(kernel_has(b, "rs 10.1.7.2:8080 w1"));
}

/* One that is short ends by itself. */
static void test_override_expires(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *set = NULL;
        Bench *b = *state;
        IpPort addr = { .addr = { .family = AF_INET, .bytes = { 10, 1, 7, 3 } }, .port = 8080 };

        assert_int_equal(bench_call(b,
                                    b->client,
                                    S,
                                    "SetOverride",
                                    NULL,
                                    &set,
                                    "squts",
                                    "10.1.7.3",
                                    8080,
                                    9,
                                    from_now(1300 * USEC_PER_MSEC),
                                    "short"),
                         0);
        bench_settle(b);
        assert_true(kernel_has(b, "rs 10.1.7.3:8080 w9"));
        log_set_max_level(LOG_ERR);
        while (override_set_find(manager_overrides(b->manager), "default/web:http", &addr))
                assert_true(sd_event_run(b->event, 5 * USEC_PER_SEC) > 0);
        bench_settle(b);
        assert_true(kernel_has(b, "rs 10.1.7.3:8080 w1"));
}

static void test_reload(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Bench *b = *state;

        assert_int_equal(bench_call(b, b->client, M, "Reload", NULL, &reply, ""), 0);
        assert_int_equal(reloads, 1);
        log_set_max_level(LOG_CRIT);
        reload_problem = "config.yaml:3: mode: is \"iptables\", and only ipvs is possible.";
        assert_call_fails(b, b->client, M, "Reload", BUS_ERROR_CONFIG_INVALID, "");
        reload_problem = NULL;
        log_set_max_level(LOG_ERR);
}

static void test_drift(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *resync = NULL;
        const char *kind, *object, *action;
        Bench *b = *state;
        uint64_t when;
        IpvsOp op = {
                .kind = IPVS_OP_DELETE_SERVICE,
                .service.key = { .port = 80,
                                 .protocol = PROTOCOL_TCP,
                                 .addr = { .family = AF_INET, .bytes = { 10, 96, 0, 8 } } },
        };

        assert_int_equal(memory_backend_foreign_ipvs(b->backend, &op), 0);
        log_set_max_level(LOG_ERR);
        assert_int_equal(bench_call(b, b->client, M, "Resync", NULL, &resync, "t", UINT64_C(1)), 0);
        assert_true(kernel_has(b, "vs 10.96.0.8:80/TCP"));
        assert_int_equal(bench_call(b, b->client, M, "ListDrift", NULL, &reply, "u", 10), 0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "(tsssa{sv})") >= 0);
        assert_true(sd_bus_message_enter_container(reply, 'r', "tsssa{sv}") > 0);
        assert_true(sd_bus_message_read(reply, "tsss", &when, &kind, &object, &action) >= 0);
        assert_true(when > 0);
        assert_string_equal(kind, "virtual-server");
        assert_string_equal(object, "10.96.0.8:80/TCP");
        assert_string_equal(action, "missing");
}

static void test_documents(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *reset = NULL;
        json_object *manager, *service, *explained;
        const char *text;
        Bench *b = *state;

        manager = call_json(b, M, "Describe");
        assert_string_equal(text_of(manager, "state"), "running");
        assert_string_equal(text_of(manager, "serviceCount"), "2");
        assert_int_equal(length_of(manager, "conditions"), 9);
        (void) json_object_put(manager);
        service = call_json(b, S, "Describe");
        assert_string_equal(text_of(service, "id"), "default/web:http");
        assert_int_equal(length_of(service, "endpoints"), 3);
        assert_int_equal(length_of(service, "virtualServers"), 1);
        (void) json_object_put(service);

        assert_int_equal(bench_call(b, b->client, M, "Explain", NULL, &reply, "sqsa{sv}", "10.96.0.7", 80, "tcp", 0), 0);
        assert_true(sd_bus_message_read(reply, "s", &text) >= 0);
        explained = json_tokener_parse(text);
        assert_non_null(explained);
        assert_true(json_object_object_get_ex(explained, "service", &service));
        assert_string_equal(text_of(service, "id"), "default/web:http");
        assert_int_equal(length_of(explained, "endpoints"), 3);
        assert_int_equal(length_of(explained, "difference"), 0);
        assert_true(length_of(explained, "filter") >= 2);
        (void) json_object_put(explained);
        assert_call_fails(b, b->client, M, "Explain", BUS_ERROR_NO_SUCH_SERVICE, "sqsa{sv}", "10.96.0.99", 80, "tcp", 0);
        assert_call_fails(
                b, b->client, M, "Explain", SD_BUS_ERROR_INVALID_ARGS, "sqsa{sv}", "10.96.0.7", 80, "tcp", 1, "x", "b", 1);
        assert_int_equal(bench_call(b, b->client, M, "ResetStatistics", NULL, &reset, ""), 0);
}

static json_object *read_fd(sd_bus_message *reply) {
        static char buf[65536];
        json_object *document;
        struct stat st;
        ssize_t n;
        int fd;

        assert_true(sd_bus_message_read(reply, "h", &fd) >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_true((size_t) st.st_size < sizeof(buf));
        n = read(fd, buf, sizeof(buf) - 1);
        assert_int_equal(n, st.st_size);
        buf[n] = '\0';
        /* D18: sealed, and for reading */
        assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
        assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
        assert_true(write(fd, "x", 1) < 0);
        document = json_tokener_parse(buf);
        assert_non_null(document);
        return document;
}

static void test_dump(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *first = NULL, *second = NULL, *plan = NULL;
        json_object *one, *two, *changes;
        Bench *b = *state;

        assert_int_equal(bench_call(b, b->client, M, "DumpByFileDescriptor", NULL, &first, "a{sv}", 0), 0);
        assert_int_equal(
                bench_call(
                        b, b->client, M, "DumpByFileDescriptor", NULL, &second, "a{sv}", 1, "sections", "as", 1, "kernel"),
                0);
        one = read_fd(first);
        two = read_fd(second);
        assert_int_equal(length_of(one, "services"), 2);
        assert_int_equal(length_of(two, "services"), 2);
        (void) json_object_put(one);
        (void) json_object_put(two);
        assert_int_equal(bench_call(b, b->client, M, "PlanByFileDescriptor", NULL, &plan, "a{sv}", 0), 0);
        changes = read_fd(plan);
        assert_int_equal(length_of(changes, "changes"), 0);
        (void) json_object_put(changes);
        assert_call_fails(b,
                          b->client,
                          M,
                          "DumpByFileDescriptor",
                          SD_BUS_ERROR_INVALID_ARGS,
                          "a{sv}",
                          1,
                          "sections",
                          "as",
                          1,
                          "secrets");
        assert_call_fails(
                b, b->client, M, "DumpByFileDescriptor", SD_BUS_ERROR_INVALID_ARGS, "a{sv}", 1, "format", "s", "xml");
}

/* Nothing is programmed while the descriptor is open, and all of it afterwards. */
static void test_hold(void **state) {
        Bench *b = *state;
        int fds[4];

        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

                assert_int_equal(bench_call(b, b->client, M, "Hold", NULL, &reply, "ss", "test", "to look"), 0);
                assert_true(sd_bus_message_read(reply, "h", &fds[i]) >= 0);
                fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
                assert_true(fds[i] >= 0);
        }
        assert_call_fails(b, b->client, M, "Hold", SD_BUS_ERROR_LIMITS_EXCEEDED, "ss", "test", "to look");
        assert_call_fails(b, b->client, M, "Resync", BUS_ERROR_HELD, "t", UINT64_C(0));
        bench_put_service(b, "shop", "later", 9, 1);
        bench_settle(b);
        assert_false(kernel_has(b, "10.96.0.9"));
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) close(fds[i]);
        bench_settle(b);
        assert_true(kernel_has(b, "10.96.0.9"));
        bench_remove_service(b, "shop", "later");
        bench_settle(b);
        assert_call_fails(b, b->client, M, "Hold", SD_BUS_ERROR_INVALID_ARGS, "ss", "", "why");
        assert_call_fails(b, b->client, M, "Hold", SD_BUS_ERROR_INVALID_ARGS, "ss", "me\n", "why");
        assert_call_fails(b, b->client, M, "Hold", SD_BUS_ERROR_INVALID_ARGS, "ss", "me", "why\x1b[2J");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_drain),     cmocka_unit_test(test_override), cmocka_unit_test(test_override_expires),
                cmocka_unit_test(test_reload),    cmocka_unit_test(test_drift),    cmocka_unit_test(test_documents),
                cmocka_unit_test(test_dump),      cmocka_unit_test(test_hold),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
