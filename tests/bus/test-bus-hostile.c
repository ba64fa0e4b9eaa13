/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users who want to do harm (checklist H1 to H7): who asks and does not read, floods, opens many connections, sends
 * what is no valid call. Others are answered meanwhile, and the daemon does not grow.
 */
#include "tests/bus/bench.h"

#include <stdio.h>
#include <time.h>

#include "common/bus-names.h"
#include "common/log.h"
#include "control/manager-private.h"

#define M BUS_PATH, BUS_INTERFACE_MANAGER

static uint64_t now_usec(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

/* Resident memory of this process, which is also the client's: an upper bound. */
static size_t resident_bytes(void) {
        unsigned long pages = 0;
        FILE *f = fopen("/proc/self/statm", "re");

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
        (void) fclose(f);
        return pages * 4096;
}

static int setup(void **state) {
        static Bench bench;
        char name[16];

        bench_open_daemon(&bench, NULL);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(name, sizeof(name), "s%u", i);
                bench_put_service(&bench, "default", name, 256 + i, 3);
        }
        bench_sync(&bench);
        log_set_max_level(LOG_CRIT);
        peers_count_everybody(bench.bus->peers);
        *state = &bench;
        return 0;
}

static int teardown(void **state) {
        bench_close(*state);
        return 0;
}

static void assert_answered(Bench *b, sd_bus *client, uint64_t within_usec) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t begun = now_usec();

        assert_int_equal(bench_call(b, client, M, "GetService", NULL, &reply, "s", "default/s5:http"), 0);
        assert_in_range(now_usec() - begun, 0, within_usec);
}

/* A connection that only sends: it is in no event loop, so nothing it is sent is ever read. */
static sd_bus *connect_deaf(Bench *b) {
        sd_bus *bus = NULL;

        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_address(bus, b->address) >= 0);
        assert_true(sd_bus_set_bus_client(bus, true) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_true(sd_bus_attach_event(bus, b->event, 0) >= 0);
        bench_settle(b);
        assert_true(sd_bus_detach_event(bus) >= 0);
        return bus;
}

static void send_call(sd_bus *bus, const char *path, const char *interface, const char *member) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        assert_true(sd_bus_message_new_method_call(bus, &call, BUS_NAME, path, interface, member) >= 0);
        assert_true(sd_bus_send(bus, call, NULL) >= 0);
}

/* One whose answer is wanted, though nobody will look at it. */
static void send_expecting(sd_bus *bus, const char *path, const char *interface, const char *member) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        uint64_t cookie;

        assert_true(sd_bus_message_new_method_call(bus, &call, BUS_NAME, path, interface, member) >= 0);
        assert_true(sd_bus_send(bus, call, &cookie) >= 0);
}

/* What has no pages is as rare as a dump, also for who reads it. */
static void test_large_answers(void **state) {
        unsigned n_answered = 0;
        Bench *b = *state;

        for (unsigned i = 0; i < 30; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
                sd_bus *client = bench_connect(b);

                n_answered += bench_call(
                                      b, client, BUS_PATH, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects", NULL, &reply, "") >= 0;
                (void) sd_bus_flush_close_unref(client);
        }
        assert_in_range(n_answered, 1, 10);
        assert_answered(b, b->client, USEC_PER_SEC);
}

/* H1: large answers that nobody reads. */
static void test_unread_answers(void **state) {
        size_t before = resident_bytes();
        Bench *b = *state;
        sd_bus *deaf = connect_deaf(b), *victim = bench_connect(b);

        for (unsigned i = 0; i < 120; i++)
                send_expecting(deaf, BUS_PATH, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects");
        assert_true(sd_bus_flush(deaf) >= 0);
        for (unsigned i = 0; i < 20; i++)
                assert_answered(b, victim, 5 * USEC_PER_SEC);
        assert_in_range(resident_bytes(), 0, before + 24 * 1024 * 1024);
        (void) sd_bus_close_unref(deaf);
        (void) sd_bus_flush_close_unref(victim);
        bench_settle(b);
}

static int on_any_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        *(bool *) userdata = true;
        return 0;
}

static void ask_and_listen(sd_bus *client, bool *answered) {
        assert_true(sd_bus_call_method_async(
                            client, NULL, BUS_NAME, M, "GetService", on_any_answer, answered, "s", "default/s5:http") >= 0);
}

/* H2: small calls without end; who goes on when told to stop gets no answers, until a while of quiet. */
static void test_flood(void **state) {
        Bench *b = *state;
        sd_bus *flooder = bench_connect(b), *victim = bench_connect(b);
        uint64_t begun = now_usec();
        bool answered = false;

        for (unsigned i = 0; i < 3000; i++)
                send_call(flooder, BUS_PATH, "org.freedesktop.DBus.Introspectable", "Introspect");
        assert_answered(b, victim, 2 * USEC_PER_SEC);
        bench_settle(b);
        ask_and_listen(flooder, &answered);
        bench_settle(b);
        assert_false(answered);
        assert_answered(b, victim, USEC_PER_SEC);
        assert_in_range(now_usec() - begun, 0, 10 * USEC_PER_SEC);
        (void) sd_bus_close_unref(flooder);
        (void) sd_bus_flush_close_unref(victim);
        bench_settle(b);
}

/* H12: names come and go; the table does not grow. */
static void test_many_names(void **state) {
        Bench *b = *state;
        size_t before = resident_bytes();

        for (unsigned i = 0; i < 150; i++) {
                sd_bus *bus = bench_connect(b);

                send_call(bus, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping");
                assert_true(sd_bus_flush(bus) >= 0);
                bench_settle(b);
                (void) sd_bus_flush_close_unref(bus);
        }
        assert_in_range(resident_bytes(), 0, before + 16 * 1024 * 1024);
        assert_answered(b, b->client, USEC_PER_SEC);
}

/* H13: those who wait for a sync leave. */
static void test_waiting(void **state) {
        Bench *b = *state;

        for (unsigned i = 0; i < 30; i++) {
                sd_bus *bus = bench_connect(b);

                for (unsigned k = 0; k < 6; k++) {
                        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
                        uint64_t cookie;

                        assert_true(sd_bus_message_new_method_call(bus, &call, BUS_NAME, M, "Resync") >= 0);
                        assert_true(sd_bus_message_append(call, "t", UINT64_C(0)) >= 0);
                        assert_true(sd_bus_send(bus, call, &cookie) >= 0);
                }
                assert_true(sd_bus_flush(bus) >= 0);
                (void) sd_bus_flush_close_unref(bus);
        }
        bench_settle(b);
        assert_int_equal(b->bus->n_calls, 0);
        assert_answered(b, b->client, USEC_PER_SEC);
}

typedef struct Resynced {
        unsigned n_done, n_refused;
        uint64_t least_generation;
        bool complete;
} Resynced;

static int on_resynced(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Resynced *resynced = userdata;
        uint64_t generation;

        if (sd_bus_message_read(reply, "t", &generation) > 0) {
                resynced->n_done++;
                resynced->least_generation = MIN2(resynced->least_generation, generation);
        } else {
                assert_true(sd_bus_error_has_name(sd_bus_message_get_error(reply), SD_BUS_ERROR_LIMITS_EXCEEDED));
                resynced->n_refused++;
        }
        resynced->complete = resynced->n_done + resynced->n_refused == 100;
        return 0;
}

/* D21: a hundred at once are one or two syncs; each that may wait gets a generation that is not older than its call. */
static void test_resync_together(void **state) {
        Resynced resynced = { .least_generation = UINT64_MAX };
        ManagerStatus before, after;
        sd_bus *clients[25];
        Bench *b = *state;

        b->manager->options.min_sync_usec = USEC_PER_SEC; /* as on a node; the bench has none */
        manager_status_brief(b->manager, &before);
        for (size_t i = 0; i < ELEMENTSOF(clients); i++) {
                clients[i] = bench_connect(b);
                for (unsigned k = 0; k < 4; k++)
                        assert_true(sd_bus_call_method_async(
                                            clients[i], NULL, BUS_NAME, M, "Resync", on_resynced, &resynced, "t", UINT64_C(1)) >= 0);
        }
        bench_run_until(b, &resynced.complete);
        manager_status_brief(b->manager, &after);
        assert_in_range(resynced.n_done, 64, 100);
        assert_true(resynced.least_generation > before.generation);
        for (size_t i = 0; i < ELEMENTSOF(clients); i++)
                (void) sd_bus_flush_close_unref(clients[i]);
        b->manager->options.min_sync_usec = 0;
        assert_in_range(after.n_syncs - before.n_syncs, 1, 3); /* on a slow machine the pause ends amid them */
}

/* D8, H7, H8: what is no valid call does nothing. */
static void test_malformed(void **state) {
        static const char *const members[] = { "GetService", "ListServices", "Resync", "BeginDrain", "Explain", "Monitor" };
        Bench *b = *state;

        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                assert_call_fails(b, b->client, M, members[i], SD_BUS_ERROR_INVALID_ARGS, "");
                assert_call_fails(b, b->client, M, members[i], SD_BUS_ERROR_INVALID_ARGS, "y", 5);
                assert_call_fails(b, b->client, M, members[i], SD_BUS_ERROR_INVALID_ARGS, "h", 0);
        }
        assert_call_fails(b, b->client, M, "Resync", SD_BUS_ERROR_INVALID_ARGS, "tt", UINT64_C(0), UINT64_C(0));
        send_call(b->client, BUS_PATH, BUS_INTERFACE_MANAGER, "Resync");
        send_call(b->client, BUS_PATH, NULL, "Resync");
        bench_settle(b);
        assert_answered(b, b->client, USEC_PER_SEC);
}

/* More than 16 keys in a dictionary, and keys that are texts of others. */
static void test_large_dictionary(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        Bench *b = *state;

        assert_true(sd_bus_message_new_method_call(b->client, &call, BUS_NAME, M, "ListServices") >= 0);
        assert_true(sd_bus_message_append(call, "su", "", 0) >= 0);
        assert_true(sd_bus_message_open_container(call, 'a', "{sv}") >= 0);
        for (unsigned i = 0; i < 17; i++)
                assert_true(sd_bus_message_append(call, "{sv}", "name", "s", "*") >= 0);
        assert_true(sd_bus_message_close_container(call) >= 0);
        assert_string_equal(bench_send(b, b->client, call, &reply), SD_BUS_ERROR_INVALID_ARGS);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_malformed),  cmocka_unit_test(test_large_dictionary), cmocka_unit_test(test_waiting),
                cmocka_unit_test(test_resync_together),
                cmocka_unit_test(test_many_names), cmocka_unit_test(test_large_answers),
                cmocka_unit_test(test_unread_answers), cmocka_unit_test(test_flood),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
