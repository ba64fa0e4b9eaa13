/* SPDX-License-Identifier: GPL-2.0-or-later */
/* However long and however much fails: at most ten lines in ten minutes, and news is told. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "control/failure-log.h"

#define MINUTE (60 * USEC_PER_SEC)

/* Lines of the last ten minutes, at any time of an hour in which something is said every second. */
static unsigned worst_of_an_hour(FailureLog *log, unsigned n_messages, bool recovers) {
        uint8_t lines[3600] = {};
        unsigned worst = 0;

        for (unsigned s = 0; s < ELEMENTSOF(lines); s++) {
                unsigned recent = 0;
                char message[64];

                (void) snprintf(message, sizeof(message), "Failed to add virtual server 10.0.0.1:%u/TCP", s % n_messages);
                lines[s] = failure_log_failed(log, message, MINUTE + s * USEC_PER_SEC);
                lines[s] = (uint8_t) (lines[s] + (recovers && failure_log_recovered(log)));
                for (unsigned i = s >= 600 ? s - 599 : 0; i <= s; i++)
                        recent += lines[i];
                worst = MAX2(worst, recent);
        }
        return worst;
}

static void test_bound(void **state) {
        static const struct {
                unsigned n_messages;
                bool recovers;
        } cases[] = {
                { 1, false }, { 1, true }, { 2, false }, { 3, true }, { 17, false }, { 17, true }, { 1000, false }, { 1000, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                FailureLog log = {};
                unsigned worst = worst_of_an_hour(&log, cases[i].n_messages, cases[i].recovers);

                print_message("%u messages, %s: %u lines\n", cases[i].n_messages, cases[i].recovers ? "recovering" : "lasting", worst);
                assert_true(worst <= 10);
                assert_true(worst > 0);
        }
}

static void test_news(void **state) {
        FailureLog log = {};

        for (unsigned m = 0; m < 9; m++) /* said every minute, logged every other one */
                assert_int_equal(failure_log_failed(&log, "old", (m + 1) * MINUTE), m % 2 == 0 && m < 8);
        assert_true(failure_log_failed(&log, "new", 9 * MINUTE));
        assert_false(failure_log_failed(&log, "new", 9 * MINUTE + 1));
        assert_false(failure_log_failed(&log, "newer", 10 * MINUTE)); /* five lines */
        assert_true(failure_log_failed(&log, "newer", 11 * MINUTE)); /* the first is ten minutes old */
}

/* It works again: said once, and only if it was said that it does not. */
static void test_recovery(void **state) {
        FailureLog log = {};

        assert_false(failure_log_recovered(&log));
        assert_true(failure_log_failed(&log, "x", MINUTE));
        assert_true(failure_log_recovered(&log));
        assert_false(failure_log_recovered(&log));
        assert_false(failure_log_failed(&log, "x", MINUTE + 1));
        assert_false(failure_log_recovered(&log));
        assert_true(failure_log_failed(&log, "x", 3 * MINUTE));
        assert_true(failure_log_recovered(&log));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bound),
                cmocka_unit_test(test_news),
                cmocka_unit_test(test_recovery),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
