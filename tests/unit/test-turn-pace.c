/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "control/turn-pace.h"

static void test_next(void **state) {
        assert_int_equal(turn_pace(64, 1000, true), 128);
        assert_int_equal(turn_pace(64, 1000, false), 64);
        assert_int_equal(turn_pace(512, 1000, true), TURN_SERVERS_MAX);
        assert_int_equal(turn_pace(64, TURN_USEC * 3 / 4, true), 64);
        assert_int_equal(turn_pace(512, 10 * TURN_USEC, true), 51);
        assert_int_equal(turn_pace(512, 10 * TURN_USEC, false), 51);
        assert_int_equal(turn_pace(64, 1000 * TURN_USEC, true), TURN_SERVERS_MIN);
        assert_int_equal(turn_pace(TURN_SERVERS_MIN, UINT64_MAX, true), TURN_SERVERS_MIN);
}

/* Whatever one virtual server costs, the turns soon keep to the time, and do not begin to swing. */
static void test_settles(void **state) {
        static const uint64_t costs_usec[] = { 1, 20, 100, 1000, 5000 };

        for (size_t i = 0; i < ELEMENTSOF(costs_usec); i++) {
                size_t n = TURN_SERVERS_FIRST;

                for (unsigned turn = 0; turn < 32; turn++) {
                        assert_true(turn < 2 || n * costs_usec[i] <= TURN_USEC + TURN_SERVERS_MIN * costs_usec[i]);
                        n = turn_pace(n, n * costs_usec[i], true);
                }
                assert_true(n == TURN_SERVERS_MAX || n * costs_usec[i] >= TURN_USEC / 4);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_next),
                cmocka_unit_test(test_settles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
