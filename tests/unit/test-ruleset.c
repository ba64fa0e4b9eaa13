/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules as text. Whether they do what they say is tested on the node: tests/vm/test-filter.sh. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/ruleset.h"
#include "model/service.h"

static IpNet cidr(const char *text) {
        IpNet net;

        assert_int_equal(ip_net_parse(text, &net), 0);
        return net;
}

static char *format(const FilterConfig *config) {
        char *text = NULL;

        assert_int_equal(ruleset_format(config, &text), 0);
        return text;
}

/* The chain's text from its name to its closing brace, owned by the caller. */
static char *chain(const char *text, const char *name) {
        _cleanup_(freep) char *head = NULL;
        const char *begin, *end;

        assert_true(asprintf(&head, "\tchain %s {\n", name) > 0);
        begin = strstr(text, head);
        assert_non_null(begin);
        begin += strlen(head);
        end = strstr(begin, "\t}\n");
        assert_non_null(end);
        return strndup(begin, (size_t) (end - begin));
}

static void assert_chain(const FilterConfig *config, const char *name, const char *expected) {
        _cleanup_(freep) char *text = format(config), *found = chain(text, name);

        assert_string_equal(found, expected);
}

static void test_sets(void **state) {
        _cleanup_(freep) char *text = format(&(FilterConfig) { .mark = 0x4000 });

        assert_non_null(strstr(text, "\tset service_ips4 {\n\t\ttype ipv4_addr\n\t}\n"));
        assert_non_null(strstr(text, "\tset service_ports6 {\n\t\ttype ipv6_addr . inet_proto . inet_service\n\t}\n"));
        assert_non_null(strstr(text,
                               "\tset source_ranges4 {\n\t\ttype ipv4_addr . inet_proto . inet_service . ipv4_addr\n"
                               "\t\tflags interval\n\t}\n"));
        assert_non_null(strstr(text, "\tset hairpin6 {\n\t\ttype ipv6_addr . inet_proto . inet_service . ipv6_addr\n\t}\n"));
}

static void test_cluster_chains(void **state) {
        IpNet nets[] = { cidr("10.1.0.0/16"), cidr("10.2.0.0/16"), cidr("fd01::/48"), cidr("0.0.0.0/0") };
        FilterConfig config = { .mark = 0x4000, .local_cidrs = nets, .n_local_cidrs = 2 };

        assert_chain(&config, "cluster4", "\t\tip saddr 10.1.0.0/16 return\n\t\tip saddr 10.2.0.0/16 return\n\t\tgoto set_mark\n");
        /* no detector for the family: only the node's own packets are marked, elsewhere */
        assert_chain(&config, "cluster6", "");
        assert_chain(&config,
                     "local_only",
                     "\t\tip saddr 10.1.0.0/16 goto set_mark\n\t\tip saddr 10.2.0.0/16 goto set_mark\n"
                     "\t\tmeta nfproto ipv6 accept\n\t\tdrop\n");
        config.n_local_cidrs = 3;
        assert_chain(&config, "cluster6", "\t\tip6 saddr fd01::/48 return\n\t\tgoto set_mark\n");
        assert_chain(&config,
                     "local_only",
                     "\t\tip saddr 10.1.0.0/16 goto set_mark\n\t\tip saddr 10.2.0.0/16 goto set_mark\n"
                     "\t\tip6 saddr fd01::/48 goto set_mark\n\t\tdrop\n");
        config.local_cidrs = nets + 3;
        config.n_local_cidrs = 1;
        assert_chain(&config, "cluster4", "\t\tmeta nfproto ipv4 return\n\t\tgoto set_mark\n");
        config.masquerade_all = true;
        assert_chain(&config, "cluster4", "\t\tgoto set_mark\n");
        assert_chain(&config, "cluster6", "\t\tgoto set_mark\n");
}

static void test_interfaces(void **state) {
        FilterConfig config = { .mark = 0x4000,
                                .detect_local = DETECT_LOCAL_BRIDGE_INTERFACE,
                                .local_interface = "cni0" };

        assert_chain(&config, "cluster4", "\t\tiifname \"cni0\" return\n\t\tgoto set_mark\n");
        assert_chain(&config, "cluster6", "\t\tiifname \"cni0\" return\n\t\tgoto set_mark\n");
        config.detect_local = DETECT_LOCAL_INTERFACE_NAME_PREFIX;
        config.local_interface = "veth";
        assert_chain(&config, "local_only", "\t\tiifname \"veth*\" goto set_mark\n\t\tdrop\n");
        config.local_interface = "";
        assert_chain(&config,
                     "local_only",
                     "\t\tmeta nfproto ipv4 accept\n\t\tmeta nfproto ipv6 accept\n\t\tdrop\n");
        assert_chain(&config, "cluster4", "");
}

static void test_mark(void **state) {
        FilterConfig config = { .mark = 0x80000000 };

        assert_chain(&config, "set_mark", "\t\tmeta mark set meta mark | 0x80000000\n");
        assert_chain(&config,
                     "unmark",
                     "\t\ttype filter hook postrouting priority 101; policy accept;\n"
                     "\t\tmeta mark & 0x80000000 != 0 meta mark set meta mark & 0x7fffffff\n");
        assert_chain(&config,
                     "unmark_local",
                     "\t\ttype filter hook input priority 101; policy accept;\n"
                     "\t\tmeta mark & 0x80000000 != 0 meta mark set meta mark & 0x7fffffff\n");
}

/*
 * Rows 45, 48 and 49 of the reference §8, and KUBE-POSTROUTING: what comes from loopback and what is known already is left
 * alone, what is marked is masqueraded with ports out of order, and so is hairpin traffic.
 */
static void test_entry_and_exit(void **state) {
        FilterConfig config = { .mark = 0x4000 };
        _cleanup_(freep) char *text = format(&config);
        static const char *const hooks[] = { "prerouting", "output" };

        for (size_t i = 0; i < ELEMENTSOF(hooks); i++) {
                _cleanup_(freep) char *found = chain(text, hooks[i]);

                assert_non_null(strstr(found,
                                       "\t\tct state != new accept\n"
                                       "\t\tip saddr 127.0.0.0/8 accept\n"
                                       "\t\tip6 saddr ::1 accept\n"));
        }
        assert_chain(&config,
                     "postrouting",
                     "\t\ttype nat hook postrouting priority 100; policy accept;\n"
                     "\t\tmeta mark & 0x00004000 != 0 masquerade fully-random\n"
                     "\t\tip daddr . meta l4proto . th dport . ip saddr @hairpin4 masquerade fully-random\n"
                     "\t\tip6 daddr . meta l4proto . th dport . ip6 saddr @hairpin6 masquerade fully-random\n");
}

static void test_ping(void **state) {
        static const struct {
                PingMode ping;
                const char *rule4, *rule6;
        } cases[] = {
                { PING_ALWAYS, "\t\ticmp type echo-request accept\n", "\t\ticmpv6 type echo-request accept\n" },
                { PING_WITH_ENDPOINTS,
                  "\t\tip daddr @ping_ips4 icmp type echo-request accept\n",
                  "\t\tip6 daddr @ping_ips6 icmpv6 type echo-request accept\n" },
                { PING_NEVER, NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                FilterConfig config = { .mark = 0x4000, .ping = cases[i].ping };
                _cleanup_(freep) char *text = format(&config);
                _cleanup_(freep) char *guard4 = chain(text, "guard4"), *guard6 = chain(text, "guard6");

                if (cases[i].rule4) {
                        assert_non_null(strstr(guard4, cases[i].rule4));
                        assert_non_null(strstr(guard6, cases[i].rule6));
                } else {
                        assert_null(strstr(text, "echo-request"));
                }
        }
}

static void test_bad_config(void **state) {
        static const char *const names[] = { "a\"b", "a b", "a*", "a\\", "0123456789abcdef", "a\nb" };
        IpNet none = {};
        FilterConfig config = { .mark = 0 };
        char *text = NULL;

        assert_int_equal(ruleset_format(&config, &text), -EINVAL);
        config.mark = 0x6000;
        assert_int_equal(ruleset_format(&config, &text), -EINVAL);
        config = (FilterConfig) { .mark = 1, .local_cidrs = &none, .n_local_cidrs = 1 };
        assert_int_equal(ruleset_format(&config, &text), -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                config = (FilterConfig) { .mark = 1,
                                          .detect_local = DETECT_LOCAL_INTERFACE_NAME_PREFIX,
                                          .local_interface = names[i] };
                assert_int_equal(ruleset_format(&config, &text), -EINVAL);
        }
        assert_null(text);
}

static void test_replacement(void **state) {
        FilterElement elements[] = {
                { .set = FILTER_SET_EXTERNAL_PORTS, .protocol = PROTOCOL_UDP, .port = 30053 },
                { .set = FILTER_SET_SERVICE_IPS },
                { .set = FILTER_SET_SERVICE_IPS },
                { .set = FILTER_SET_SOURCE_RANGES, .protocol = PROTOCOL_TCP, .port = 80, .source_prefix = 8 },
                { .set = FILTER_SET_HAIRPIN, .protocol = PROTOCOL_SCTP, .port = 9 },
                { .set = FILTER_SET_SERVICE_IPS },
        };
        _cleanup_(freep) char *text = NULL, *rules = NULL;
        FilterConfig config = { .mark = 0x4000 };
        const char *tail;

        assert_int_equal(ip_addr_parse("10.0.0.3", &elements[0].addr), 0);
        assert_int_equal(ip_addr_parse("10.0.0.1", &elements[1].addr), 0);
        assert_int_equal(ip_addr_parse("fd00::1", &elements[2].addr), 0);
        assert_int_equal(ip_addr_parse("10.0.0.1", &elements[3].addr), 0);
        assert_int_equal(ip_addr_parse("11.0.0.0", &elements[3].source), 0);
        assert_int_equal(ip_addr_parse("fd00::2", &elements[4].addr), 0);
        assert_int_equal(ip_addr_parse("fd00::2", &elements[4].source), 0);
        assert_int_equal(ip_addr_parse("10.0.0.2", &elements[5].addr), 0);
        assert_int_equal(ruleset_format_replacement(&config, elements, ELEMENTSOF(elements), &text), 0);
        rules = format(&config);
        tail = strstr(text, rules);
        assert_non_null(tail);
        assert_int_equal(strncmp(text, "add table inet ipvsproxy\ndelete table inet ipvsproxy\n", (size_t) (tail - text)), 0);
        assert_string_equal(tail + strlen(rules),
                            "add element inet ipvsproxy service_ips4 { 10.0.0.1, 10.0.0.2 }\n"
                            "add element inet ipvsproxy service_ips6 { fd00::1 }\n"
                            "add element inet ipvsproxy external_ports4 { 10.0.0.3 . udp . 30053 }\n"
                            "add element inet ipvsproxy source_ranges4 { 10.0.0.1 . tcp . 80 . 11.0.0.0/8 }\n"
                            "add element inet ipvsproxy hairpin6 { fd00::2 . sctp . 9 . fd00::2 }\n");
        elements[1].addr.family = 0;
        free(TAKE_PTR(text));
        assert_int_equal(ruleset_format_replacement(&config, elements, 2, &text), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sets),       cmocka_unit_test(test_cluster_chains),
                cmocka_unit_test(test_interfaces), cmocka_unit_test(test_mark),
                cmocka_unit_test(test_entry_and_exit), cmocka_unit_test(test_ping),
                cmocka_unit_test(test_bad_config), cmocka_unit_test(test_replacement),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
