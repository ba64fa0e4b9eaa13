/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus comes late, is restarted, or somebody else has the name: the daemon works on and comes back. */
#include "tests/bus/bench.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- a bus that says hello, and then nothing */

typedef struct SilentBus {
        int fd;
        sd_event *event;
        sd_bus *peers[8];
        size_t n_peers;
        unsigned n_hello;
        bool twice;
} SilentBus;

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SilentBus *silent = userdata;

        if (!sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "Hello"))
                return 1;
        silent->twice = ++silent->n_hello == 2;
        assert_true(sd_bus_reply_method_return(m, "s", ":1.7") >= 0);
        return 1;
}

static int on_peer(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        SilentBus *silent = userdata;
        sd_bus *bus = NULL;
        sd_id128_t id = {};
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        assert_true(peer >= 0 && silent->n_peers < ELEMENTSOF(silent->peers));
        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_fd(bus, peer, peer) >= 0);
        assert_true(sd_bus_set_server(bus, true, id) >= 0);
        assert_true(sd_bus_negotiate_fds(bus, true) >= 0);
        assert_true(sd_bus_add_filter(bus, NULL, on_message, silent) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_true(sd_bus_attach_event(bus, silent->event, 0) >= 0);
        silent->peers[silent->n_peers++] = bus;
        return 0;
}

static void silent_bus_open(SilentBus *silent, sd_event *event) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        *silent = (SilentBus) { .event = event };
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/test-bus-silent.%ld", (long) getpid());
        (void) unlink(address.sun_path);
        silent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(silent->fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(silent->fd, 8), 0);
        assert_true(sd_event_add_io(event, NULL, silent->fd, EPOLLIN, on_peer, silent) >= 0);
}

/* What is asked of a bus that does not answer times out; the daemon connects anew, again and again. */
static void test_no_answer(void **state) {
        BusOptions options = {};
        SilentBus silent;
        char address[64];
        Bench bench;

        bench_open_link(&bench, NULL);
        bench.bus = bus_free(bench.bus);
        log_set_max_level(LOG_EMERG);
        silent_bus_open(&silent, bench.event);
        (void) snprintf(address, sizeof(address), "unix:path=/tmp/test-bus-silent.%ld", (long) getpid());
        options.address = address;
        assert_int_equal(bus_new(bench.event, bench.manager, &options, &bench.bus), 0);
        assert_int_equal(bus_start(bench.bus), 0);
        bench_run_until(&bench, &silent.twice);
        assert_false(bench.bus->has_name);
        for (size_t i = 0; i < silent.n_peers; i++)
                (void) sd_bus_close_unref(silent.peers[i]);
        (void) close(silent.fd);
        (void) unlink(address + strlen("unix:path="));
        bench_close(&bench);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_restart),
                cmocka_unit_test(test_name_taken),
                cmocka_unit_test(test_no_bus),
                cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
