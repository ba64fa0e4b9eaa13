/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus comes late, is restarted, or somebody else has the name: the daemon works on and comes back. */
#include "tests/bus/bench.h"

#include <signal.h>
#include <sys/wait.h>

#include "common/bus-names.h"
#include "common/log.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER

static void assert_answers(Bench *bench) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        assert_int_equal(
                bench_call(bench, bench->client, M, "GetService", NULL, &reply, "s", "default/web:http"), 0);
}

/* D26: programming goes on without a bus, and the name is back when that is. */
static void test_restart(void **state) {
        ManagerStatus before, after;
        Bench bench;

        bench_open_daemon(&bench, NULL);
        bench_put_service(&bench, "default", "web", 7, 3);
        bench_sync(&bench);
        assert_answers(&bench);
        log_set_max_level(LOG_CRIT);
        for (unsigned i = 0; i < 2; i++) {
                manager_status_brief(bench.manager, &before);
                bench_daemon_stop(&bench);
                bench_settle(&bench);
                bench.bus->has_name = false;
                bench_put_service(&bench, "shop", i ? "b" : "a", 20 + i, 1);
                bench_settle(&bench);
                manager_status_brief(bench.manager, &after);
                assert_int_equal(after.n_services, before.n_services + 1);
                assert_true(after.generation > before.generation);
                bench_daemon_start(&bench);
                bench_run_until(&bench, &bench.bus->has_name);
                (void) sd_bus_close_unref(bench.client);
                bench.client = bench_connect(&bench);
                assert_answers(&bench);
        }
        bench_close(&bench);
}

/* D27: the name is somebody else's: it is theirs until they give it up. */
static void test_name_taken(void **state) {
        Bench bench, second = {};
        BusOptions options = { .version = "2" };

        bench_open_daemon(&bench, NULL);
        log_set_max_level(LOG_CRIT);
        options.address = bench.address;
        assert_int_equal(bus_new(bench.event, bench.manager, &options, &second.bus), 0);
        assert_int_equal(bus_start(second.bus), 0);
        bench_settle(&bench);
        assert_true(bench.bus->has_name);
        assert_false(second.bus->has_name);
        bench.bus = bus_free(bench.bus);
        bench_run_until(&bench, &second.bus->has_name);
        bench.bus = second.bus;
        bench_close(&bench);
}

/* Who has the socket is no bus and says nothing, or what is no D-Bus: nothing hangs, nothing ends. */
static void test_no_bus(void **state) {
        BusOptions options = { .address = "unix:path=/nonexistent/socket" };
        Bench bench;

        bench_open_link(&bench, NULL);
        bench.bus = bus_free(bench.bus);
        log_set_max_level(LOG_CRIT);
        assert_int_equal(bus_new(bench.event, bench.manager, &options, &bench.bus), 0);
        assert_int_equal(bus_start(bench.bus), 0);
        bench_put_service(&bench, "default", "web", 7, 3);
        bench_sync(&bench);
        assert_false(bench.bus->has_name);
        bench_close(&bench);
}

/* A connection that is thrown away, as after a stall, is followed by one that has the name again. */
static void test_lost(void **state) {
        uint64_t begun, now;
        Bench bench;

        bench_open_daemon(&bench, NULL);
        bench_put_service(&bench, "default", "web", 7, 3);
        bench_sync(&bench);
        log_set_max_level(LOG_EMERG);
        assert_true(sd_event_now(bench.event, CLOCK_MONOTONIC, &begun) >= 0);
        bus_connection_lost(bench.bus, "test");
        bench.bus->has_name = false;
        bench_run_until(&bench, &bench.bus->has_name);
        assert_true(sd_event_now(bench.event, CLOCK_MONOTONIC, &now) >= 0);
        assert_true(now - begun < 5 * USEC_PER_SEC);
        assert_answers(&bench);
        bench_close(&bench);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_restart),
                cmocka_unit_test(test_name_taken),
                cmocka_unit_test(test_no_bus),
                cmocka_unit_test(test_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
