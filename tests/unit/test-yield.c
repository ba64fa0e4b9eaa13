/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work without end lets others go first, and they do not take it over. */
#include "tests/unit/test.h"

#include <time.h>

#include "common/clock.h"
#include "control/priorities.h"
#include "control/yield.h"

#define RUN_USEC (300 * USEC_PER_MSEC)
/* A machine with much else to do may take the pause of the others from them. */
#define LOADED_USEC (10 * USEC_PER_SEC)
#define WORK_PRIORITY (-30)

/* A source that always has something to do. */
typedef struct Worker {
        sd_event_source *source;
        Yield *yield; /* NULL: it is one of the others */
        uint64_t each_usec, all_usec;
        uint64_t last_usec, longest_wait_usec;
} Worker;

static int on_work(sd_event_source *source, void *userdata) {
        Worker *worker = userdata;
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC), cpu = clock_now_usec(CLOCK_PROCESS_CPUTIME_ID), now;

        worker->longest_wait_usec = MAX2(worker->longest_wait_usec, begun - worker->last_usec);
        do
                now = clock_now_usec(CLOCK_MONOTONIC);
        while (now - begun < worker->each_usec);
        worker->all_usec += clock_now_usec(CLOCK_PROCESS_CPUTIME_ID) - cpu; /* the machine may have other work */
        worker->last_usec = now;
        if (worker->yield)
                yield_worked(worker->yield, begun);
        return 0;
}

static void on_yield(bool yield, void *userdata) {
        Worker *worker = userdata;

        assert_true(sd_event_source_set_priority(worker->source, yield ? EVENT_PRIORITY_YIELD : WORK_PRIORITY) >= 0);
}

static void worker_init(Worker *worker, sd_event *event, Yield *yield, int64_t priority, uint64_t each_usec) {
        *worker = (Worker) { .yield = yield, .each_usec = each_usec, .last_usec = clock_now_usec(CLOCK_MONOTONIC) };
        assert_true(sd_event_add_defer(event, &worker->source, on_work, worker) >= 0);
        assert_true(sd_event_source_set_enabled(worker->source, SD_EVENT_ON) >= 0);
        assert_true(sd_event_source_set_priority(worker->source, priority) >= 0);
        if (yield)
                assert_int_equal(yield_add(yield, on_yield, worker), 0);
}

static void worker_done(Worker *worker) {
        if (worker->yield)
                yield_remove(worker->yield, worker);
        (void) sd_event_source_disable_unref(worker->source);
}

/* Turns are longer than what others get, as they are on a slow machine. */
static const uint64_t turns_usec[] = { 100, 5 * USEC_PER_MSEC, 30 * USEC_PER_MSEC };

static void test_two_at_work(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(turns_usec); i++) {
                sd_event *event = NULL;
                Worker first, second, other;
                Yield *yield;
                uint64_t end;

                assert_true(sd_event_new(&event) >= 0);
                assert_true(yield_new(event, WORK_PRIORITY, &yield) >= 0);
                worker_init(&first, event, yield, WORK_PRIORITY, turns_usec[i]);
                worker_init(&second, event, yield, WORK_PRIORITY - 10, turns_usec[i]);
                worker_init(&other, event, NULL, 0, 100);
                end = clock_now_usec(CLOCK_MONOTONIC) + RUN_USEC;
                while (clock_now_usec(CLOCK_MONOTONIC) < end ||
                       (other.all_usec == 0 && clock_now_usec(CLOCK_MONOTONIC) < end + LOADED_USEC))
                        assert_true(sd_event_run(event, 0) >= 0);
                print_message("turns of %u us: %u and %u at work, others %u, waited %u us\n",
                              (unsigned) turns_usec[i],
                              (unsigned) first.all_usec,
                              (unsigned) second.all_usec,
                              (unsigned) other.all_usec,
                              (unsigned) other.longest_wait_usec);
                assert_true(other.all_usec > 0);
                assert_true(other.all_usec < (first.all_usec + second.all_usec) / 4);
                worker_done(&first);
                worker_done(&second);
                worker_done(&other);
                yield = yield_free(yield);
                (void) sd_event_unref(event);
        }
}

static void test_members(void **state) {
        sd_event *event = NULL;
        Worker workers[YIELD_MEMBERS_MAX + 1] = {};
        Yield *yield;

        assert_true(sd_event_new(&event) >= 0);
        assert_true(yield_new(event, WORK_PRIORITY, &yield) >= 0);
        for (size_t i = 0; i < YIELD_MEMBERS_MAX; i++)
                assert_int_equal(yield_add(yield, on_yield, &workers[i]), 0);
        assert_int_equal(yield_add(yield, on_yield, &workers[YIELD_MEMBERS_MAX]), -ENOBUFS);
        yield_remove(yield, &workers[YIELD_MEMBERS_MAX]); /* is none */
        for (size_t i = 0; i < YIELD_MEMBERS_MAX; i++)
                yield_remove(yield, &workers[i]);
        yield_now(yield); /* nobody is told */
        assert_true(yield_is_on(yield));
        while (yield_is_on(yield))
                assert_true(sd_event_run(event, USEC_PER_SEC) >= 0);
        yield = yield_free(yield);
        (void) sd_event_unref(event);
}

/* Work that begins a while after the last has ended need not make room: others could have gone before. */
static void test_pause(void **state) {
        static const struct timespec pause = { .tv_nsec = 8000000 };
        sd_event *event = NULL;
        Yield *yield;

        assert_true(sd_event_new(&event) >= 0);
        assert_true(yield_new(event, WORK_PRIORITY, &yield) >= 0);
        for (unsigned i = 0; i < 10; i++) {
                yield_worked(yield, clock_now_usec(CLOCK_MONOTONIC) - 6 * USEC_PER_MSEC);
                assert_false(yield_is_on(yield));
                assert_int_equal(nanosleep(&pause, NULL), 0);
        }
        yield_worked(yield, clock_now_usec(CLOCK_MONOTONIC) - 6 * USEC_PER_MSEC);
        yield_worked(yield, clock_now_usec(CLOCK_MONOTONIC) - 15 * USEC_PER_MSEC);
        assert_true(yield_is_on(yield));
        yield = yield_free(yield);
        (void) sd_event_unref(event);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_two_at_work),
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_pause),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
