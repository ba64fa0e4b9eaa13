/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that go through all services: however long they are, programming has its turn all the time. What is counted is how
 * often it had, not how long anything took.
 */
#include "tests/bus/bench.h"

#include <stdio.h>
#include <time.h>

#include "common/bus-names.h"
#include "control/priorities.h"

#define N_SERVICES 1000
#define M BUS_PATH, BUS_INTERFACE_MANAGER
#define OBJECTS BUS_PATH, BUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects"

static void open_bench(Bench *bench, unsigned n_services) {
        char name[16];

        bench_open_link(bench, NULL);
        for (unsigned i = 0; i < n_services; i++) {
                (void) snprintf(name, sizeof(name), "s%u", i);
                bench_put_service(bench, "default", name, 256 + i, 3);
        }
        bench_sync(bench);
}

/* ---- a call, and what comes first in the loop */

typedef struct Asked {
        bool done;
        sd_bus_message *reply; /* owned */
        bool failed;
} Asked;

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Asked *asked = userdata;

        asked->done = true;
        asked->failed = sd_bus_message_is_method_error(reply, NULL);
        asked->reply = sd_bus_message_ref(reply);
        return 0;
}

static void asked_done(Asked *asked) {
        asked->reply = sd_bus_message_unref(asked->reply);
}

static void ask(Bench *bench, Asked *asked, const char *path, const char *interface, const char *member, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        va_list ap;

        *asked = (Asked) {};
        assert_true(sd_bus_message_new_method_call(bench->client, &call, NULL, path, interface, member) >= 0);
        va_start(ap, types);
        assert_true(!*types || sd_bus_message_appendv(call, types, ap) >= 0);
        va_end(ap);
        assert_true(sd_bus_call_async(bench->client, NULL, call, on_reply, asked, 20 * USEC_PER_SEC) >= 0);
}

static int on_plane(sd_event_source *source, void *userdata) {
        (*(unsigned *) userdata)++;
        return 0;
}

/*
 * How often something with programming's priority, which has work all the time, had its turn until the answer was there: an
 * iteration of the loop dispatches one source, so as often as anything else was done.
 */
static unsigned turns_until(Bench *bench, const Asked *asked) {
        sd_event_source *plane = NULL;
        unsigned n = 0;

        assert_true(sd_event_add_defer(bench->event, &plane, on_plane, &n) >= 0);
        assert_true(sd_event_source_set_priority(plane, EVENT_PRIORITY_RECONCILE) >= 0);
        while (!asked->done) {
                assert_true(sd_event_source_set_enabled(plane, SD_EVENT_ONESHOT) >= 0);
                assert_true(sd_event_run(bench->event, 0) > 0); /* the plane */
                assert_true(sd_event_run(bench->event, UINT64_MAX) > 0);
        }
        (void) sd_event_source_disable_unref(plane);
        return n;
}

static unsigned count_rows(sd_bus_message *reply, const char *row) {
        unsigned n = 0;

        assert_true(sd_bus_message_enter_container(reply, 'a', row) >= 0);
        while (sd_bus_message_skip(reply, row) > 0)
                n++;
        assert_true(sd_bus_message_exit_container(reply) >= 0);
        return n;
}

static unsigned count_nodes(sd_bus_message *reply) {
        unsigned n = 0;
        const char *xml;

        assert_true(sd_bus_message_read(reply, "s", &xml) > 0);
        for (; (xml = strstr(xml, "<node name")); xml++)
                n++;
        return n;
}

/* ---- parts */

/* H1: 20 ms of a fast processor if it were made in one go. */
static void test_objects(void **state) {
        Asked asked;
        Bench b;

        open_bench(&b, N_SERVICES);
        ask(&b, &asked, OBJECTS, "");
        assert_in_range(turns_until(&b, &asked), N_SERVICES / 50, N_SERVICES);
        assert_false(asked.failed);
        assert_int_equal(count_rows(asked.reply, "{oa{sa{sv}}}"), N_SERVICES);
        asked_done(&asked);
        bench_close(&b);
}

static void test_children(void **state) {
        Asked asked;
        Bench b;

        open_bench(&b, 3 * N_SERVICES);
        ask(&b, &asked, BUS_PATH_SERVICE, "org.freedesktop.DBus.Introspectable", "Introspect", "");
        assert_in_range(turns_until(&b, &asked), 3 * N_SERVICES / 500, 3 * N_SERVICES);
        assert_false(asked.failed);
        assert_int_equal(count_nodes(asked.reply), 3 * N_SERVICES);
        asked_done(&asked);
        bench_close(&b);
}

static void test_lists(void **state) {
        uint64_t n_before;
        const char *next;
        Asked asked;
        Bench b;

        open_bench(&b, N_SERVICES);
        ask(&b, &asked, M, "ListServices", "sua{sv}", "", N_SERVICES, 0);
        assert_in_range(turns_until(&b, &asked), N_SERVICES / 125, N_SERVICES);
        assert_int_equal(count_rows(asked.reply, "(osssssqsuuuta{sv})"), N_SERVICES);
        assert_true(sd_bus_message_read(asked.reply, "s", &next) > 0);
        assert_string_equal(next, "");
        asked_done(&asked);

        /* One that finds nothing looks as long. */
        ask(&b, &asked, M, "ListServices", "sua{sv}", "", 10, 1, "state", "s", "degraded");
        assert_in_range(turns_until(&b, &asked), N_SERVICES / 500, N_SERVICES);
        assert_int_equal(count_rows(asked.reply, "(osssssqsuuuta{sv})"), 0);
        asked_done(&asked);

        n_before = memory_backend_n_operations(b.backend);
        ask(&b, &asked, M, "ListStatistics", "su", "", N_SERVICES);
        assert_in_range(turns_until(&b, &asked), N_SERVICES / 125, N_SERVICES);
        assert_true(sd_bus_message_skip(asked.reply, "t") >= 0);
        assert_int_equal(count_rows(asked.reply, "(sttttttttttuua{sv})"), N_SERVICES);
        /* the kernel is asked for many at once */
        assert_in_range(memory_backend_n_operations(b.backend) - n_before, 1, N_SERVICES / 16);
        asked_done(&asked);

        ask(&b, &asked, M, "DumpByFileDescriptor", "a{sv}", 0);
        assert_in_range(turns_until(&b, &asked), N_SERVICES / 50, N_SERVICES);
        assert_false(asked.failed);
        asked_done(&asked);
        bench_close(&b);
}

/* ---- many at once */

/* Who waits for many long answers gets no more of them, and short ones do not wait for theirs. */
static void test_queue(void **state) {
        unsigned n_failed = 0, n_done = 0;
        Asked lists[100], other;
        Bench b;

        open_bench(&b, N_SERVICES);
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                ask(&b, &lists[i], OBJECTS, "");
        ask(&b, &other, M, "GetService", "s", "default/s5:http");
        (void) turns_until(&b, &other);
        assert_false(other.failed);
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                n_done += lists[i].done && !lists[i].failed;
        assert_in_range(n_done, 0, ELEMENTSOF(lists) / 10);
        asked_done(&other);
        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                bench_run_until(&b, &lists[i].done);
                n_failed += lists[i].failed;
                asked_done(&lists[i]);
        }
        assert_in_range(n_failed, ELEMENTSOF(lists) / 2, ELEMENTSOF(lists) - 32);
        bench_close(&b);
}

/* H1: nobody reads; what waits for its turn is not made any more when too much lies there. */
static void test_clogged(void **state) {
        uint64_t n_unread = 0;
        Asked asked[40];
        Bench b;

        open_bench(&b, N_SERVICES);
        for (size_t i = 0; i < ELEMENTSOF(asked); i++)
                ask(&b, &asked[i], OBJECTS, "");
        assert_true(sd_bus_flush(b.client) >= 0);
        assert_true(sd_bus_detach_event(b.client) >= 0);
        bench_settle(&b);
        assert_true(sd_bus_get_n_queued_write(b.bus->bus, &n_unread) >= 0);
        assert_in_range(n_unread, 4, 9); /* of 1.2 MB each */
        bench_close(&b);
}

/* The connection is lost amid them. */
static void test_disconnect(void **state) {
        Asked asked[5];
        Bench b;

        open_bench(&b, N_SERVICES);
        for (size_t i = 0; i < ELEMENTSOF(asked); i++)
                ask(&b, &asked[i], OBJECTS, "");
        for (unsigned i = 0; i < 10; i++)
                assert_true(sd_event_run(b.event, UINT64_MAX) > 0);
        assert_false(asked[0].done);
        bench_close(&b);
}

/* ---- a snapshot */

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (*(unsigned *) userdata)++;
        return 0;
}

/*
 * What comes amid it is told afterwards, so that who listens and then asks misses nothing, and before the next one; what goes
 * is left out.
 */
static void test_snapshot(void **state) {
        unsigned n_added = 0;
        Asked asked, next;
        Bench b;

        open_bench(&b, N_SERVICES);
        b.bus->has_name = true; /* a link has no names */
        assert_true(sd_bus_match_signal(b.client, NULL, NULL, NULL, BUS_INTERFACE_OBJECT_MANAGER, "InterfacesAdded", on_added,
                                        &n_added) >= 0);
        bench_settle(&b);
        ask(&b, &asked, OBJECTS, "");
        ask(&b, &next, OBJECTS, "");
        for (unsigned i = 0; i < 10; i++)
                assert_true(sd_event_run(b.event, UINT64_MAX) > 0);
        assert_false(asked.done);
        bench_put_service(&b, "aaa", "early", 60, 1); /* its place is behind that of the first part */
        bench_remove_service(&b, "default", "s999");
        bench_run_until(&b, &asked.done);
        assert_int_equal(n_added, 0);
        assert_int_equal(count_rows(asked.reply, "{oa{sa{sv}}}"), N_SERVICES - 1);
        asked_done(&asked);
        bench_run_until(&b, &next.done);
        assert_int_equal(n_added, 1);
        assert_int_equal(count_rows(next.reply, "{oa{sa{sv}}}"), N_SERVICES);
        asked_done(&next);
        bench_sync(&b);
        assert_int_equal(n_added, 1);
        bench_close(&b);
}

/* ---- what is made in one go */

static const KernelBackendOps *quick_ops;
static unsigned n_kernel_dumps;

static int slow_dump(KernelBackend *backend, IpvsVisitor visitor, void *userdata) {
        n_kernel_dumps++;
        (void) nanosleep(&(struct timespec) { .tv_nsec = 20 * 1000 * 1000 }, NULL);
        return quick_ops->ipvs_dump(backend, visitor, userdata);
}

static uid_t asking_uid;

/* As PlanByFileDescriptor, for a user of any kind. */
static int on_plan(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;

        return sd_bus_message_is_method_call(m, "test.Plan", "Plan") ?
                       dumps_ask(bus->dumps, m, asking_uid, DUMP_KIND_PLAN, 0, false, error) :
                       0;
}

static unsigned plans_of(Bench *b, uid_t uid) {
        unsigned before = n_kernel_dumps;
        Asked asked;

        asking_uid = uid;
        ask(b, &asked, "/test", "test.Plan", "Plan", "");
        bench_run_until(b, &asked.done);
        assert_false(asked.failed);
        asked_done(&asked);
        return n_kernel_dumps - before;
}

static int on_pause(sd_event_source *source, uint64_t usec, void *userdata) {
        *(bool *) userdata = true;
        return 0;
}

/* A plan looks at the kernel in one go: for plain users no more often than for a two-hundredth of the time. */
static void test_plans(void **state) {
        KernelBackendOps ops;
        bool done = false;
        Bench b;

        open_bench(&b, 10);
        quick_ops = b.backend->ops;
        ops = *quick_ops;
        ops.ipvs_dump = slow_dump;
        b.backend->ops = &ops;
        assert_true(sd_bus_add_object(b.bus->bus, NULL, "/test", on_plan, b.bus) >= 0);
        assert_int_equal(plans_of(&b, 1000), 1);
        assert_int_equal(plans_of(&b, 1001), 0);
        assert_true(sd_event_add_time_relative(b.event, NULL, CLOCK_MONOTONIC, 1100 * USEC_PER_MSEC, 1, on_pause, &done) >= 0);
        bench_run_until(&b, &done);
        assert_int_equal(plans_of(&b, 1000), 0);
        assert_int_equal(plans_of(&b, 0), 1);
        b.backend->ops = quick_ops;
        bench_close(&b);
}

/* On a machine on which the cost says too little; the clock is not looked at for each port. */
static void test_part_ends_by_time(void **state) {
        AnswerPart late = {}, cheap = ANSWER_PART_BEGIN;
        bool over = true;

        assert_false(answer_part_is_over(&late));
        for (late.cost = 1; late.cost < ANSWER_PART_COST && !answer_part_is_over(&late);)
                late.cost++;
        assert_in_range(late.cost, 2, ANSWER_PART_COST / 10);
        for (unsigned i = 0; i < 1000 && over; i++) { /* a machine that does other things may take a millisecond here too */
                cheap = ANSWER_PART_BEGIN;
                cheap.cost = ANSWER_PART_COST - 1;
                over = answer_part_is_over(&cheap);
        }
        assert_false(over);
        cheap.cost = ANSWER_PART_COST;
        assert_true(answer_part_is_over(&cheap));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_objects), cmocka_unit_test(test_children),   cmocka_unit_test(test_lists),
                cmocka_unit_test(test_queue),   cmocka_unit_test(test_disconnect), cmocka_unit_test(test_snapshot),
                cmocka_unit_test(test_plans),   cmocka_unit_test(test_clogged),
                cmocka_unit_test(test_part_ends_by_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
