/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small parts of the transport: which hosts go through a proxy, which addresses are avoided. */
#include "tests/unit/test.h"

#include "apiserver/avoid-list.h"
#include "apiserver/proxy-rules.h"

static void test_proxy_rules(void **state) {
        static const struct {
                const char *no_proxy, *host;
                uint16_t port;
                bool bypass;
        } cases[] = {
                { NULL, "api.example", 443, false },
                { "", "api.example", 443, false },
                { NULL, "localhost", 443, true },
                { NULL, "LocalHost", 443, true },
                { NULL, "127.1.2.3", 443, true },
                { NULL, "[::1]", 443, true },
                { "*", "api.example", 443, true },
                { "api.example", "api.example", 443, true },
                { "API.example", "api.EXAMPLE.", 443, true },
                { "example", "api.example", 443, true },
                { ".example", "api.example", 443, true },
                { "*.example", "api.example", 443, true },
                { ".api.example", "api.example", 443, false },
                { "ample", "api.example", 443, false },
                { "a, b ,\tapi.example ", "api.example", 443, true },
                { "a,,b", "api.example", 443, false },
                { "api.example:6443", "api.example", 6443, true },
                { "api.example:6443", "api.example", 443, false },
                { "10.0.0.1", "10.0.0.1", 443, true },
                { "10.0.0.1:80", "10.0.0.1", 443, false },
                { "10.0.0.0/8", "10.9.9.9", 443, true },
                { "10.0.0.0/8", "11.0.0.1", 443, false },
                { "10.0.0.0/8", "api.example", 443, false },
                { "fd00::1", "[fd00::1]", 443, true },
                { "[fd00::1]:6443", "[fd00::1]", 6443, true },
                { "[fd00::1]:6443", "[fd00::1]", 443, false },
                { "fd00::/16", "fd00::5", 443, true },
                { ":443", "api.example", 443, false },
                { ".", "api.example", 443, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (proxy_rules_bypass(cases[i].no_proxy, cases[i].host, cases[i].port) != cases[i].bypass)
                        fail_msg("NO_PROXY=%s %s:%u", cases[i].no_proxy, cases[i].host, cases[i].port);
}

static void test_avoid_list(void **state) {
        AvoidList list = {};
        IpAddr addr;

        assert_int_equal(ip_addr_parse("10.0.0.1", &addr), 0);
        assert_int_equal(avoid_list_time(&list, &addr), 0);
        avoid_list_add(&list, &addr, 5);
        avoid_list_add(&list, &addr, 7);
        assert_int_equal(list.n_entries, 1);
        assert_int_equal(avoid_list_time(&list, &addr), 7);
        avoid_list_remove(&list, &addr);
        assert_int_equal(avoid_list_time(&list, &addr), 0);
        avoid_list_add(&list, &addr, 9);
        for (unsigned i = 2; i < 2 + AVOID_LIST_SIZE; i++) { /* the oldest makes room */
                addr.bytes[3] = (uint8_t) i;
                avoid_list_add(&list, &addr, i);
        }
        assert_int_equal(list.n_entries, AVOID_LIST_SIZE);
        assert_int_equal(avoid_list_time(&list, &addr), 1 + AVOID_LIST_SIZE);
        addr.bytes[3] = 1;
        assert_int_equal(avoid_list_time(&list, &addr), 0);
        avoid_list_clear(&list);
        addr.bytes[3] = 5;
        assert_int_equal(avoid_list_time(&list, &addr), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_proxy_rules),
                cmocka_unit_test(test_avoid_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
