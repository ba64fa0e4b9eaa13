/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §8.1: addresses of the node (rows 8 to 24, and nodePortAddresses of 8.10), over a kernel in memory. Rows 1 to
 * 7 are about ipset and the probe of a running IPVS: node tests. Row 25 reads iptables' words.
 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/node-view.h"
#include "control/server-look.h"
#include "kernel/memory-backend.h"

typedef struct NodeCase {
        const char *name;
        const char *host; /* addresses of all devices but kube-ipvs0, blanks between them */
        const char *device; /* of kube-ipvs0 */
        const char *nets, *node, *bind; /* --nodeport-addresses ("primary", "all" too), status.addresses, --bind-address */
        const char *expected; /* where node ports are served */
} NodeCase;

static const NodeCase cases[] = {
        { "8 TestGetNodeIPs 0", "1.2.3.4", NULL, NULL, NULL, NULL, "1.2.3.4" },
        { "9 TestGetNodeIPs 1: lo alone", "127.0.0.1 ::1", NULL, NULL, NULL, NULL, "" },
        { "10 TestGetNodeIPs 2: no device", "", NULL, NULL, NULL, NULL, "" },
        { "11 TestGetNodeIPs 3: two devices", "1.2.3.4 2.3.4.5", NULL, NULL, NULL, NULL, "1.2.3.4 2.3.4.5" },
        { "12 17 TestGetNodeIPs 4 and 10: both families",
          "1.2.3.4 2.3.4.5 1000:: 2000::",
          NULL,
          NULL,
          NULL,
          NULL,
          "1.2.3.4 2.3.4.5 1000:: 2000::" },
        { "13 16 TestGetNodeIPs 5 and 9: not those of kube-ipvs0, but of any other device",
          "1.2.3.4",
          "2.3.4.5",
          NULL,
          NULL,
          NULL,
          "1.2.3.4" },
        { "14 TestGetNodeIPs 6 and 7: kube-ipvs0 alone", "127.0.0.1", "1.2.3.4", NULL, NULL, NULL, "" },
        { "18 TestGetNodeIPs 11: on another device and on kube-ipvs0", "1000:: 2000::", "2000::", NULL, NULL, NULL, "1000::" },
        { "19 22 TestIpIsValidForSet: loopback and IPv6 link-local",
          "127.0.0.1 127.1.1.1 ::1 fe80::1",
          NULL,
          NULL,
          NULL,
          NULL,
          "" },
        { "20 21 23 TestIpIsValidForSet: IPv4 link-local is served, v4-mapped is IPv4",
          "8.8.8.8 169.254.0.1 ::ffff:9.9.9.9 1000::",
          NULL,
          NULL,
          NULL,
          NULL,
          "8.8.8.8 9.9.9.9 169.254.0.1 1000::" },
        { "24 TestFilterCIDRs: each family's own",
          "1.2.3.4 10.0.0.1 1000:: fd00::1",
          NULL,
          "10.0.0.0/8 fd00::/8",
          NULL,
          NULL,
          "10.0.0.1 fd00::1" },
        { "CIDRs of one family alone: the other is served on all",
          "1.2.3.4 10.0.0.1 1000:: fd00::1",
          NULL,
          "10.0.0.0/8",
          NULL,
          NULL,
          "10.0.0.1 1000:: fd00::1" },
        { "CIDRs: of length 0, and loopback never",
          "1.2.3.4 127.0.0.1 1000::",
          NULL,
          "0.0.0.0/0 127.0.0.0/8 fd00::/8",
          NULL,
          NULL,
          "1.2.3.4" },
        { "all", "1.2.3.4 10.0.0.1 1000::", NULL, "all 10.0.0.0/8", NULL, NULL, "1.2.3.4 10.0.0.1 1000::" },
        { "primary: the first address of each family",
          "1.2.3.4 1.2.3.5 1000:: 2000::",
          NULL,
          "primary",
          "1.2.3.5 1.2.3.4 2000:: 1000::",
          NULL,
          "1.2.3.5 2000::" },
        { "primary: --bind-address takes the place of its family",
          "1.2.3.4 1.2.3.5 2000::",
          NULL,
          "primary",
          "1.2.3.5 2000::",
          "1.2.3.4",
          "1.2.3.4 2000::" },
        { "primary: an unspecified --bind-address says nothing",
          "1.2.3.4 1.2.3.5",
          NULL,
          "primary",
          "1.2.3.5",
          "0.0.0.0",
          "1.2.3.5" },
        { "primary: no Node yet, or none of its addresses here", "1.2.3.4", NULL, "primary", NULL, NULL, "" },
        { "primary: a family without an address of the node", "1.2.3.4 1000::", NULL, "primary", "1.2.3.4", NULL, "1.2.3.4" },
        { "primary and CIDRs", "1.2.3.4 10.0.0.1 11.0.0.1", NULL, "primary 10.0.0.0/8", "1.2.3.4", NULL, "1.2.3.4 10.0.0.1" },
};

/* Calls `visit` for each word. */
static void each_word(const char *words, void (*visit)(const char *word, void *userdata), void *userdata) {
        _cleanup_(freep) char *copy = strdup(words ? words : "");
        char *rest = copy, *word;

        while ((word = strsep(&rest, " ")))
                if (*word)
                        visit(word, userdata);
}

static IpAddr addr(const char *text) {
        IpAddr a;

        assert_int_equal(ip_addr_parse(text, &a), 0);
        return a;
}

static void add_host(const char *word, void *userdata) {
        IpAddr a = addr(word);

        assert_int_equal(memory_backend_add_host_address(userdata, word, a.family == AF_INET ? 24 : 64), 0);
}

static void add_device(const char *word, void *userdata) {
        AddressOp op = { .addr = addr(word), .add = true };

        assert_int_equal(memory_backend_foreign_address(userdata, &op), 0);
}

typedef struct NodeOptions {
        ManagerOptions options;
        IpNet nets[4];
} NodeOptions;

static void add_net(const char *word, void *userdata) {
        NodeOptions *o = userdata;

        if (strcmp(word, "primary") == 0)
                o->options.node_port_primary = true;
        else if (strcmp(word, "all") == 0)
                o->options.node_port_all = true;
        else
                assert_int_equal(ip_net_parse(word, &o->nets[o->options.n_node_port_nets++]), 0);
}

static void add_node_address(const char *word, void *userdata) {
        Node *node = userdata;

        node->addresses = reallocarray(node->addresses, node->n_addresses + 1, sizeof(IpAddr));
        assert_non_null(node->addresses);
        node->addresses[node->n_addresses++] = addr(word);
}

static void run_case(const NodeCase *c) {
        _cleanup_(kernel_table_freep) KernelTable *table = NULL;
        _cleanup_(node_freep) Node *node = NULL;
        NodeOptions o = { .options = { .node_name = "testnode", .scheduler = "rr" } };
        KernelBackend *backend;
        HostAddresses host = {};
        NodeView view = {};
        AdoptParts parts;
        DriftLog drift = {};
        char served[512] = "", buf[IP_ADDR_STRLEN];

        assert_int_equal(memory_backend_new(&backend), 0);
        assert_int_equal(kernel_table_new(&table), 0);
        assert_true(backend->ops->device_ensure(backend) >= 0);
        each_word(c->host, add_host, backend);
        each_word(c->device, add_device, backend);
        each_word(c->nets, add_net, &o);
        o.options.node_port_nets = o.nets;
        if (c->bind)
                o.options.bind_address = addr(c->bind);
        if (c->node) {
                assert_int_equal(node_new("testnode", &node), 0);
                each_word(c->node, add_node_address, node);
        }
        parts = (AdoptParts) { .drift = &drift, .table = table, .backend = backend };
        assert_int_equal(adopt_addresses(&parts, &host), 0);
        assert_true(node_view_update(&view, &o.options, node, &host) >= 0);
        for (size_t i = 0; i < view.config.n_node_port_addresses; i++) {
                strcat(served, i > 0 ? " " : "");
                strcat(served, ip_addr_format(&view.config.node_port_addresses[i], buf));
        }
        if (strcmp(served, c->expected) != 0)
                fail_msg("%s: node ports are served on \"%s\", not \"%s\"", c->name, served, c->expected);
        node_view_done(&view);
        host_addresses_done(&host);
        (void) kernel_backend_free(backend);
}

static void test_node_addresses(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                run_case(&cases[i]);
}

/* What services depend on is told, what they do not is not. */
static void test_changes(void **state) {
        ManagerOptions options = { .node_name = "testnode", .scheduler = "mh" };
        IpAddr addrs[] = { addr("1.2.3.4"), addr("2000::") };
        HostAddresses host = { .addrs = addrs, .n_addrs = 2 };
        _cleanup_(node_freep) Node *node = NULL;
        NodeView view = {};

        assert_int_equal(node_new("testnode", &node), 0);
        assert_int_equal(node_view_update(&view, &options, node, &host), 1);
        assert_int_equal(view.config.scheduler_flags, VIRTUAL_SERVER_SCHED1 | VIRTUAL_SERVER_SCHED2);
        assert_int_equal(node_view_update(&view, &options, node, &host), 0);
        free(node->zone);
        node->zone = strdup("z1");
        assert_int_equal(node_view_update(&view, &options, node, &host), 1);
        node->to_be_deleted = true;
        assert_int_equal(node_view_update(&view, &options, node, &host), 0);
        add_node_address("1.2.3.4", node);
        assert_int_equal(node_view_update(&view, &options, node, &host), 1);
        assert_true(ip_addr_equal(&view.config.node_ips[0], &addrs[0]));
        host.n_addrs = 1;
        assert_int_equal(node_view_update(&view, &options, node, &host), 1);
        node_view_done(&view);
}

/* 90 92 93 and 8.10: virtual servers in excluded CIDRs, of a service that is there as well, and of nobody. */
static void test_exclude_cidrs(void **state) {
        static const struct {
                const char *addr;
                bool journal, device;
                ServerOwner owner;
        } servers[] = {
                { "3.3.3.1", false, false, SERVER_OWNER_FOREIGN }, { "3.3.3.2", false, true, SERVER_OWNER_FOREIGN },
                { "3.3.3.3", true, false, SERVER_OWNER_US },       { "4.4.4.4", false, false, SERVER_OWNER_FOREIGN },
                { "4.4.4.5", false, true, SERVER_OWNER_US },       { "4.4.4.6", true, false, SERVER_OWNER_US },
                { "3000::1", false, true, SERVER_OWNER_FOREIGN },  { "4000::1", false, true, SERVER_OWNER_US },
        };
        _cleanup_(kernel_table_freep) KernelTable *table = NULL;
        _cleanup_(journal_freep) Journal *journal = NULL;
        HostAddresses host = {};
        KernelBackend *backend;
        AdoptParts parts;
        ServerLook look = {};
        DriftLog drift = {};
        IpNet excluded[2];

        assert_int_equal(memory_backend_new(&backend), 0);
        assert_int_equal(kernel_table_new(&table), 0);
        assert_int_equal(journal_new(NULL, JOURNAL_READ_WRITE, &journal), 0);
        assert_true(backend->ops->device_ensure(backend) >= 0);
        assert_int_equal(ip_net_parse("3.3.3.0/24", &excluded[0]), 0);
        assert_int_equal(ip_net_parse("3000::/64", &excluded[1]), 0);
        parts = (AdoptParts) { .drift = &drift, .table = table, .backend = backend, .journal = journal, .exclude_cidrs = excluded, .n_exclude_cidrs = 2 };
        for (size_t i = 0; i < ELEMENTSOF(servers); i++) {
                IpvsOp op = { .kind = IPVS_OP_ADD_SERVICE,
                              .service = { .key = { .addr = addr(servers[i].addr), .port = 80 }, .scheduler = "rr" } };

                assert_int_equal(memory_backend_foreign_ipvs(backend, &op), 0);
                if (servers[i].device)
                        add_device(servers[i].addr, backend);
                if (servers[i].journal)
                        assert_true(journal_add(journal, &op.service.key) >= 0);
        }
        assert_int_equal(adopt_addresses(&parts, &host), 0);
        server_look_begin(&look, &parts);
        assert_int_equal(server_look_step(&look, &parts, 0, UINT64_MAX), 0);
        for (size_t i = 0; i < ELEMENTSOF(servers); i++) {
                VirtualServerKey key = { .addr = addr(servers[i].addr), .port = 80 };

                if (kernel_table_server(table, &key)->owner != servers[i].owner)
                        fail_msg("%s has the wrong owner", servers[i].addr);
        }
        host_addresses_done(&host);
        (void) kernel_backend_free(backend);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_node_addresses),
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_exclude_cidrs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
