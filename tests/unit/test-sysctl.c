/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "kernel/sysctl.h"

static void test_names(void **state) {
        static const struct {
                const char *name;
                bool valid;
        } cases[] = {
                { "net/ipv4/ip_forward", true }, { "net/ipv4/conf/eth0.100/arp_ignore", true },
                { "net/ipv4/conf/.../x", true }, { "", false },
                { "/net/ipv4/ip_forward", false }, { "net//ip_forward", false },
                { "net/ipv4/", false },          { "../kernel", false },
                { "net/../../etc/passwd", false }, { "net/./ipv4", false },
                { "net/..", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (sysctl_name_is_valid(cases[i].name) != cases[i].valid)
                        fail_msg("%s", cases[i].name);
}

static void test_read(void **state) {
        _cleanup_(freep) char *value = NULL;

        assert_int_equal(sysctl_read("kernel/ostype", &value), 0);
        assert_string_equal(value, "Linux");
        assert_int_equal(sysctl_read("kernel/no-such-thing", &value), -ENOENT);
        assert_int_equal(sysctl_read("../self/stat", &value), -EINVAL);
        assert_int_equal(sysctl_write("../self/comm", "x"), -EINVAL);
        assert_int_equal(sysctl_write("kernel/no-such-thing", "1"), -ENOENT);
        assert_string_equal(value, "Linux");
}

static void test_values(void **state) {
        static const struct {
                const char *a, *b;
                bool equal;
        } cases[] = {
                { "1", "1", true },          { "1", "0", false },     { "01", "1", true },
                { "1\n", " 1", true },       { "1\t2", "1  2", true }, { "1 2", "12", false },
                { "1 2", "1", false },       { "", "", true },        { "", "0", false },
                { "cubic", "cubic", true },  { "cubic", "reno", false }, { "-1", "-1", true },
                { "18446744073709551615", "018446744073709551615", true },
                { "99999999999999999999999999", "99999999999999999999999998", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (sysctl_value_equal(cases[i].a, cases[i].b) != cases[i].equal ||
                    sysctl_value_equal(cases[i].b, cases[i].a) != cases[i].equal)
                        fail_msg("'%s' and '%s'", cases[i].a, cases[i].b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
