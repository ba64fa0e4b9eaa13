/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "common/parse.h"

static void test_duration(void **state) {
        static const struct {
                const char *text;
                int result;
                uint64_t usec;
        } cases[] = {
                { "0", 0, 0 },
                { "30s", 0, 30 * USEC_PER_SEC },
                { "1h15m30.5s", 0, 4530500000 },
                { "250ms", 0, 250000 },
                { ".5s", 0, 500000 },
                { "1us", 0, 1 },
                { "1\xc2\xb5s", 0, 1 },
                { "999ns", 0, 0 },
                { "+5s", 0, 5 * USEC_PER_SEC },
                { "-0s", 0, 0 },
                { "-1s", -ERANGE, 0 },
                { "30", -EINVAL, 0 },
                { "", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { ".s", -EINVAL, 0 },
                { "1d", -EINVAL, 0 },
                { "1s ", -EINVAL, 0 },
                { "99999999999999999999h", -ERANGE, 0 },
                { "3000000h", -ERANGE, 0 }, /* above 2^63 ns, as Go */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t usec = 0;

                assert_int_equal(parse_duration(cases[i].text, &usec), cases[i].result);
                assert_int_equal(usec, cases[i].usec);
        }
}

static void test_numbers(void **state) {
        uint16_t u16 = 7;
        uint32_t u32 = 7;
        int32_t i32 = 7;

        assert_int_equal(parse_uint16("65535", &u16), 0);
        assert_int_equal(u16, 65535);
        assert_int_equal(parse_uint16("65536", &u16), -ERANGE);
        assert_int_equal(parse_uint16("-1", &u16), -EINVAL);
        assert_int_equal(parse_uint16("1x", &u16), -EINVAL);
        assert_int_equal(u16, 65535);
        assert_int_equal(parse_uint32("4294967296", &u32), -ERANGE);
        assert_int_equal(parse_int32("-2147483648", &i32), 0);
        assert_int_equal(i32, INT32_MIN);
        assert_int_equal(parse_int32("2147483648", &i32), -ERANGE);
        assert_int_equal(parse_int32("-999", &i32), 0);
        assert_int_equal(i32, -999);
}

static void test_bool(void **state) {
        bool b = false;

        assert_int_equal(parse_bool("T", &b), 0);
        assert_true(b);
        assert_int_equal(parse_bool("False", &b), 0);
        assert_false(b);
        assert_int_equal(parse_bool("yes", &b), -EINVAL);
}

static void test_timestamp(void **state) {
        uint64_t usec;

        assert_int_equal(parse_timestamp("1970-01-01T00:00:01Z", &usec), 0);
        assert_int_equal(usec, USEC_PER_SEC);
        assert_int_equal(parse_timestamp("1970-01-01T02:00:01.25+02:00", &usec), 0);
        assert_int_equal(usec, USEC_PER_SEC + 250000);
        assert_int_equal(parse_timestamp("2026-11-23T08:10:01.123456789Z", &usec), 0);
        assert_int_equal(usec % USEC_PER_SEC, 123456);
        assert_int_equal(parse_timestamp("2026-11-23", &usec), -EINVAL);
        assert_int_equal(parse_timestamp("2026-11-23T08:10:01", &usec), -EINVAL);
        assert_int_equal(parse_timestamp("2026-11-23T08:10:01Zx", &usec), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_duration),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_bool),
                cmocka_unit_test(test_timestamp),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
