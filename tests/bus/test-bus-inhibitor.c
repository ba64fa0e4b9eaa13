/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shutdown of the machine waits for the node to drain: with a logind of our own on a private dbus-daemon. */
#include "tests/bus/bench.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "control/node-drain.h"

#define DELAY_USEC (600 * USEC_PER_MSEC)
#define LOGIN_PATH "/org/freedesktop/login1"
#define LOGIN_INTERFACE "org.freedesktop.login1.Manager"

typedef struct FakeLogin {
        sd_bus *bus;
        char what[64], who[64], mode[16]; /* of the last lock */
        unsigned n_asked;
        bool asked;
        int fd; /* the other end of the last lock */
        bool refuse;
} FakeLogin;

static int on_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *what, *who, *why, *mode;
        FakeLogin *fake = userdata;
        int fds[2], r;

        assert_true(sd_bus_message_read(m, "ssss", &what, &who, &why, &mode) >= 0);
        (void) snprintf(fake->what, sizeof(fake->what), "%s", what);
        (void) snprintf(fake->who, sizeof(fake->who), "%s", who);
        (void) snprintf(fake->mode, sizeof(fake->mode), "%s", mode);
        fake->n_asked++;
        fake->asked = true;
        if (fake->refuse)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "No.");
        if (fake->fd >= 0)
                (void) close(fake->fd);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        fake->fd = fds[0];
        r = sd_bus_reply_method_return(m, "h", fds[1]);
        (void) close(fds[1]);
        return r;
}

static const sd_bus_vtable fake_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void fake_open(FakeLogin *fake, Bench *bench) {
        *fake = (FakeLogin) { .fd = -1, .bus = bench_connect(bench) };
        assert_true(sd_bus_add_object_vtable(fake->bus, NULL, LOGIN_PATH, LOGIN_INTERFACE, fake_vtable, fake) >= 0);
        assert_true(sd_bus_request_name(fake->bus, "org.freedesktop.login1", 0) >= 0);
}

static void fake_close(FakeLogin *fake) {
        if (fake->fd >= 0)
                (void) close(fake->fd);
        (void) sd_bus_flush_close_unref(fake->bus);
}

static void fake_say(FakeLogin *fake, bool begins) {
        assert_true(sd_bus_emit_signal(fake->bus, LOGIN_PATH, LOGIN_INTERFACE, "PrepareForShutdown", "b", begins) >= 0);
}

/* Whether the daemon has given the lock back: then nobody has the other end. */
static bool fake_is_free(const FakeLogin *fake) {
        struct pollfd p = { .fd = fake->fd, .events = POLLIN };

        return fake->fd < 0 || (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP));
}

static uint64_t wait_free(Bench *bench, const FakeLogin *fake) {
        uint64_t begun = bus_now(bench->bus);

        while (!fake_is_free(fake)) {
                assert_true(sd_event_run(bench->event, 20 * USEC_PER_MSEC) >= 0);
                assert_true(bus_now(bench->bus) - begun < 20 * USEC_PER_SEC);
        }
        return bus_now(bench->bus) - begun;
}

static void wait_draining(Bench *bench) {
        uint64_t begun = bus_now(bench->bus);

        while (!manager_is_draining(bench->manager)) {
                assert_true(sd_event_run(bench->event, 20 * USEC_PER_MSEC) >= 0);
                assert_true(bus_now(bench->bus) - begun < 20 * USEC_PER_SEC);
        }
}

static void open_with_login(Bench *bench, FakeLogin *fake, uint64_t delay_usec) {
        BusOptions options = { .shutdown_delay_usec = delay_usec };

        bench_open_daemon(bench, &options);
        bench_put_service(bench, "default", "web", 7, 3);
        bench_sync(bench);
        fake_open(fake, bench);
        if (delay_usec > 0)
                bench_run_until(bench, &fake->asked);
        bench_settle(bench);
}

static void close_with_login(Bench *bench, FakeLogin *fake) {
        fake_close(fake);
        bench_close(bench);
}

/* Without connections it waits until load balancers have seen it, half of the time here. */
static void test_shutdown(void **state) {
        FakeLogin fake;
        Bench bench;
        uint64_t waited;

        open_with_login(&bench, &fake, DELAY_USEC);
        assert_string_equal(fake.what, "shutdown");
        assert_string_equal(fake.who, "ipvsproxyd");
        assert_string_equal(fake.mode, "delay");
        assert_false(fake_is_free(&fake));
        fake_say(&fake, true);
        wait_draining(&bench);
        assert_false(fake_is_free(&fake));
        waited = wait_free(&bench, &fake);
        assert_true(waited >= DELAY_USEC / 4);
        assert_true(manager_is_draining(bench.manager)); /* until it is gone */
        close_with_login(&bench, &fake);
}

/* Connections that do not end are waited for as long as was said, and a shutdown that is called off ends the drain. */
static void test_connections(void **state) {
        VirtualServerKey key = { .addr = { .family = AF_INET, .bytes = { 10, 96, 0, 7 } }, .protocol = PROTOCOL_TCP, .port = 80 };
        IpPort dest = { .addr = { .family = AF_INET, .bytes = { 10, 1, 7, 1 } }, .port = 8080 };
        FakeLogin fake;
        Bench bench;

        open_with_login(&bench, &fake, DELAY_USEC);
        memory_backend_set_connections(bench.backend, &key, &dest, 5, 0);
        fake_say(&fake, true);
        wait_draining(&bench);
        assert_true(wait_free(&bench, &fake) >= DELAY_USEC / 2 + DELAY_USEC / 4);
        fake.asked = false;
        fake_say(&fake, false);
        bench_run_until(&bench, &fake.asked);
        bench_settle(&bench);
        assert_false(manager_is_draining(bench.manager));
        assert_false(fake_is_free(&fake));
        close_with_login(&bench, &fake);
}

/* A drain that somebody began before is theirs to end. */
static void test_drained_before(void **state) {
        FakeLogin fake;
        Bench bench;

        open_with_login(&bench, &fake, DELAY_USEC);
        assert_int_equal(manager_begin_drain(bench.manager, 0), 0);
        fake_say(&fake, true);
        bench_settle(&bench);
        fake.asked = false;
        fake_say(&fake, false);
        bench_run_until(&bench, &fake.asked);
        bench_settle(&bench);
        assert_true(manager_is_draining(bench.manager));
        close_with_login(&bench, &fake);
}

/* Anybody may send a signal to the daemon. It is logind's that counts. */
static void test_forged(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *name;
        FakeLogin fake;
        Bench bench;

        open_with_login(&bench, &fake, DELAY_USEC);
        assert_true(sd_bus_get_unique_name(bench.bus->bus, &name) >= 0);
        for (int unicast = 0; unicast < 2; unicast++) {
                m = sd_bus_message_unref(m);
                assert_true(sd_bus_message_new_signal(
                                    bench.client, &m, LOGIN_PATH, LOGIN_INTERFACE, "PrepareForShutdown") >= 0);
                assert_true(sd_bus_message_append(m, "b", true) >= 0);
                if (unicast)
                        assert_true(sd_bus_message_set_destination(m, name) >= 0);
                assert_true(sd_bus_send(bench.client, m, NULL) >= 0);
                bench_settle(&bench);
        }
        assert_false(manager_is_draining(bench.manager));
        assert_false(fake_is_free(&fake));
        close_with_login(&bench, &fake);
}

/* Another logind, another bus: the lock is taken anew, and there is only one. */
static void test_restarts(void **state) {
        FakeLogin fake, second;
        Bench bench;

        open_with_login(&bench, &fake, DELAY_USEC);
        (void) sd_bus_flush_close_unref(fake.bus);
        fake.bus = NULL;
        fake_open(&second, &bench);
        bench_run_until(&bench, &second.asked);
        bench_settle(&bench);
        assert_true(fake_is_free(&fake));
        assert_false(fake_is_free(&second));
        (void) close(fake.fd);
        fake_close(&second);

        log_set_max_level(LOG_CRIT);
        bench_daemon_stop(&bench);
        bench_settle(&bench);
        bench.bus->has_name = false;
        bench_daemon_start(&bench);
        fake_open(&fake, &bench);
        bench_run_until(&bench, &bench.bus->has_name);
        if (!fake.asked)
                bench_run_until(&bench, &fake.asked);
        bench_settle(&bench);
        assert_false(fake_is_free(&fake));
        fake_say(&fake, true);
        wait_draining(&bench);
        close_with_login(&bench, &fake);
}

/* Off, on by a reload, off again; and a logind that says no is asked no more than once. */
static void test_off(void **state) {
        FakeLogin fake;
        Bench bench;

        open_with_login(&bench, &fake, 0);
        assert_int_equal(fake.n_asked, 0);
        bus_set_shutdown_delay(bench.bus, DELAY_USEC);
        bench_run_until(&bench, &fake.asked);
        bench_settle(&bench);
        assert_false(fake_is_free(&fake));
        bus_set_shutdown_delay(bench.bus, 0);
        assert_true(fake_is_free(&fake));
        fake.refuse = true;
        fake.asked = false;
        bus_set_shutdown_delay(bench.bus, DELAY_USEC);
        bench_run_until(&bench, &fake.asked);
        bench_settle(&bench);
        fake_say(&fake, true);
        bench_settle(&bench);
        assert_false(manager_is_draining(bench.manager));
        assert_int_equal(fake.n_asked, 2);
        close_with_login(&bench, &fake);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shutdown), cmocka_unit_test(test_connections),    cmocka_unit_test(test_forged),
                cmocka_unit_test(test_restarts), cmocka_unit_test(test_drained_before), cmocka_unit_test(test_off),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
