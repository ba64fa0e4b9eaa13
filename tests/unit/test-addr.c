/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "common/addr.h"

static void test_parse(void **state) {
        static const struct {
                const char *text, *canonical; /* NULL: refused */
        } cases[] = {
                { "10.0.0.1", "10.0.0.1" },
                { "010.000.0.01", "10.0.0.1" }, /* ParseIPSloppy: decimal */
                { "::ffff:10.0.0.1", "10.0.0.1" },
                { "FD00:0::1", "fd00::1" },
                { "::", "::" },
                { "10.0.0", NULL },
                { "10.0.0.256", NULL },
                { "10.0.0.1 ", NULL },
                { "10.0.0.1.1", NULL },
                { "", NULL },
                { "None", NULL },
                { "fd00::1%eth0", NULL },
                { "99999999999.0.0.1", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char buf[IP_ADDR_STRLEN];
                IpAddr addr;
                int r = ip_addr_parse(cases[i].text, &addr);

                if (!cases[i].canonical) {
                        assert_int_equal(r, -EINVAL);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(ip_addr_format(&addr, buf), cases[i].canonical);
        }
}

static void test_net(void **state) {
        static const struct {
                const char *net, *inside, *outside;
        } cases[] = {
                { "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
                { "10.1.2.3/32", "10.1.2.3", "10.1.2.2" },
                { "0.0.0.0/0", "255.255.255.255", "::1" },
                { "10.0.0.128/25", "10.0.0.200", "10.0.0.127" },
                { "fd00::/63", "fd00:0:0:1::1", "fd00:0:0:2::1" },
        };
        static const char *const bad[] = { "10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "/8",
                                           "10.0.0.0/-1", "10.0.0.0/8/8" };
        char buf[IP_NET_STRLEN];
        IpAddr addr;
        IpNet net;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(ip_net_parse(cases[i].net, &net), 0);
                assert_int_equal(ip_addr_parse(cases[i].inside, &addr), 0);
                assert_true(ip_net_contains(&net, &addr));
                assert_int_equal(ip_addr_parse(cases[i].outside, &addr), 0);
                assert_false(ip_net_contains(&net, &addr));
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(ip_net_parse(bad[i], &net), -EINVAL);
        assert_int_equal(ip_net_parse("10.1.2.3/8", &net), 0);
        assert_string_equal(ip_net_format(&net, buf), "10.0.0.0/8");
}

static void test_port_format(void **state) {
        char buf[IP_PORT_STRLEN];
        IpAddr addr;

        assert_int_equal(ip_addr_parse("10.0.0.1", &addr), 0);
        assert_string_equal(ip_port_format(&addr, 80, buf), "10.0.0.1:80");
        assert_int_equal(ip_addr_parse("fd00::1", &addr), 0);
        assert_string_equal(ip_port_format(&addr, 65535, buf), "[fd00::1]:65535");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_net),
                cmocka_unit_test(test_port_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
