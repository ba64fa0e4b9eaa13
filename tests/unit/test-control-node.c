/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of the node's own addresses, and that they are followed (reference §3.2, §3.3). */
#include "tests/unit/control-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/log.h"
#include "control/manager-private.h"

#define BIND "10.9.9.9"

/* Without one there is nothing to do when the node changes. */
static const ServiceSpec web = { .key = "a/web", .cluster_ip = "10.0.0.1", .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };

static void put_node(Control *c, const char *addresses) {
        char *copy = strdup(addresses), *rest = copy, *word;
        Node *node;

        assert_non_null(copy);
        assert_int_equal(node_new(CONTROL_NODE, &node), 0);
        node->addresses = calloc(8, sizeof(IpAddr));
        assert_non_null(node->addresses);
        while ((word = strsep(&rest, " ")))
                if (*word)
                        assert_int_equal(ip_addr_parse(word, &node->addresses[node->n_addresses++]), 0);
        free(copy);
        assert_true(store_put_node(manager_store(c->manager), OBJECT_SOURCE_API, node) >= 0);
}

static size_t parse_nets(const char *text, IpNet ret[static 2]) {
        char copy[64], *rest = copy, *word;
        size_t n = 0;

        (void) snprintf(copy, sizeof(copy), "%s", text ? text : "");
        while ((word = strsep(&rest, " ")))
                if (*word)
                        assert_int_equal(ip_net_parse(word, &ret[n++]), 0);
        return n;
}

/* Runs the loop; what was logged meanwhile. */
static void settle_and_read_log(Control *c, char *ret, size_t size) {
        int old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), log = memfd_create("log", MFD_CLOEXEC);
        ssize_t n;

        assert_true(old >= 0 && log >= 0);
        assert_true(dup2(log, STDERR_FILENO) >= 0);
        log_set_max_level(LOG_INFO);
        control_settle(c);
        log_set_max_level(LOG_CRIT);
        assert_true(dup2(old, STDERR_FILENO) >= 0);
        n = pread(log, ret, size - 1, 0);
        assert_true(n >= 0);
        ret[n] = '\0';
        (void) close(old);
        (void) close(log);
}

/* One line, which begins so behind its header; or none. */
static void expect_log(Control *c, const char *what, const char *expected) {
        char text[4096], *message;

        settle_and_read_log(c, text, sizeof(text));
        message = strstr(text, "] ");
        if (expected ? !message || strncmp(message + 2, expected, strlen(expected)) != 0 || strchr(message, '\n')[1] != '\0'
                     : message != NULL)
                fail_msg("addresses \"%s\": \"%s\" instead of %s", what, text, expected ? expected : "nothing");
}

static void test_node_ips_are_told(void **state) {
        static const struct {
                const char *addresses, *log, *log_with_bind; /* NULL = nothing */
        } steps[] = {
                { "", NULL, NULL }, /* as it was */
                { "172.16.1.10", "Successfully retrieved NodeIPs: 172.16.1.10\n", NULL },
                { "172.16.1.10 172.16.1.11", NULL, NULL },
                { "172.16.1.10 fd00::1", "NodeIPs changed, they are followed: 172.16.1.10, fd00::1, before 172.16.1.10\n",
                  "NodeIPs changed, they are followed: " BIND ", fd00::1, before " BIND "\n" },
                { "fd00::1", "NodeIPs changed, they are followed: fd00::1, before 172.16.1.10, fd00::1\n", NULL },
                { "", "Can't determine", "NodeIPs changed, they are followed: " BIND ", before " BIND ", fd00::1\n" },
                { "172.16.1.12", "Successfully retrieved NodeIPs: 172.16.1.12\n", NULL },
        };

        for (unsigned bind = 0; bind < 2; bind++) {
                char text[4096];
                Control c;

                control_init(&c);
                if (bind)
                        assert_int_equal(ip_addr_parse(BIND, &c.options.bind_address), 0);
                control_start(&c);
                control_list_begin(&c);
                control_put_service(&c, &web);
                control_list_end(&c); /* with a Node that has no address */
                settle_and_read_log(&c, text, sizeof(text));
                assert_int_equal(strstr(text, "] Can't determine this node's IP: the Node " CONTROL_NODE " has neither") == NULL, bind);
                for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                        put_node(&c, steps[i].addresses);
                        expect_log(&c, steps[i].addresses, bind ? steps[i].log_with_bind : steps[i].log);
                }
                control_done(&c);
        }
}

/* A family that was forgotten is told when the node turns out to have it. */
static void test_forgotten_family(void **state) {
        static const struct {
                const char *cluster, *node_ports; /* NULL = none; two of each family */
                bool primary;
                const char *told[2];
        } cases[] = {
                { NULL, NULL, false, { NULL } },
                { "10.1.0.0/16", NULL, false, { "clusterCIDR has a network of IPv4 alone: in IPv6" } },
                { "fd00:1::/64", NULL, false, { "clusterCIDR has a network of IPv6 alone: in IPv4" } },
                { "10.1.0.0/16 fd00:1::/64", "10.0.0.0/8 fd00::/16", false, { NULL } },
                { NULL, "10.0.0.0/8", false, { "nodePortAddresses has networks of IPv4 alone: in IPv6" } },
                { NULL, "10.0.0.0/8", true, { NULL } },
                { "10.1.0.0/16", "fd00::/16", false, { "clusterCIDR has", "nodePortAddresses has networks of IPv6 alone" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                IpNet cluster[2], node_ports[2];
                char text[4096];
                Control c;

                control_init(&c);
                c.options.filter.masquerade_all = false;
                c.options.filter.detect_local = DETECT_LOCAL_CLUSTER_CIDR;
                c.options.filter.local_cidrs = cluster;
                c.options.filter.n_local_cidrs = parse_nets(cases[i].cluster, cluster);
                c.options.node_port_nets = node_ports;
                c.options.n_node_port_nets = parse_nets(cases[i].node_ports, node_ports);
                c.options.node_port_all = !cases[i].node_ports;
                c.options.node_port_primary = cases[i].primary;
                control_start(&c);
                control_list_begin(&c);
                control_put_service(&c, &web);
                control_list_end(&c);
                control_settle(&c);
                put_node(&c, "172.16.1.10");
                settle_and_read_log(&c, text, sizeof(text));
                assert_null(strstr(text, "both families"));
                put_node(&c, "172.16.1.10 fd00::1");
                settle_and_read_log(&c, text, sizeof(text));
                assert_int_equal(strstr(text, "both families") != NULL, cases[i].told[0] != NULL);
                for (size_t k = 0; k < 2 && cases[i].told[k]; k++)
                        if (!strstr(text, cases[i].told[k]))
                                fail_msg("case %zu: \"%s\" instead of %s", i, text, cases[i].told[k]);
                control_done(&c);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_node_ips_are_told),
                cmocka_unit_test(test_forgotten_family),
        };

        log_set_target(LOG_TARGET_STDERR);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
