/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others have on the node that matters: processes in the way of node ports, chains that drop what is forwarded. It
 * is told on the service, in the status and to observers, and nothing else is done.
 */
#include "tests/unit/control-fixture.h"

#include "control/port-view.h"

static const ServiceSpec web = {
        .key = "a/web",
        .cluster_ip = "10.0.0.1",
        .ports = { { "http", PROTOCOL_TCP, 80, 30080, 8080 }, { "dns", PROTOCOL_UDP, 53, 30053, 53 } },
};

static ListenerInfo listener_on(const char *address, uint16_t port, Protocol protocol, bool v6_only) {
        ListenerInfo info = { .protocol = (uint8_t) protocol, .port = port, .v6_only = v6_only, .uid = 33, .inode = 77 };

        assert_int_equal(ip_addr_parse(address, &info.addr), 0);
        return info;
}

static const char *reason_of(const Control *c, const char *id) {
        const DesiredPort *port = desired_find(manager_desired(c->manager), id);
        const char *reason;

        assert_non_null(port);
        assert_int_equal(port_view_state(c->manager, port, &reason), PORT_STATE_SYNCED);
        return reason;
}

static uint64_t n_conflicts(const Control *c) {
        ManagerStatus status;

        manager_status(c->manager, &status);
        assert_int_equal(status.state, MANAGER_STATE_RUNNING);
        return status.n_node_port_conflicts;
}

static void start_with_web(Control *c) {
        control_start(c);
        control_list_begin(c);
        control_put_service(c, &web);
        control_put_endpoints(c, &web, "10.1.0.1", 2);
        control_list_end(c);
        control_settle(c);
}

static void nobody_waits(uint64_t generation, int error, const char *message, void *userdata) {
}

static void audit(Control *c) {
        uint64_t ticket;

        assert_int_equal(manager_resync(c->manager, RESYNC_AUDIT, nobody_waits, NULL, &ticket), 0);
        control_settle(c);
}

static const struct {
        const char *name, *address;
        uint16_t port;
        Protocol protocol;
        bool v6_only, in_the_way;
} cases[] = {
        { "every address", "0.0.0.0", 30080, PROTOCOL_TCP, false, true },
        { "the node's address", CONTROL_NODE_IP, 30080, PROTOCOL_TCP, false, true },
        { "both families", "::", 30080, PROTOCOL_TCP, false, true },
        { "IPv6 alone, the node has none", "::", 30080, PROTOCOL_TCP, true, false },
        { "loopback has no node ports", "127.0.0.1", 30080, PROTOCOL_TCP, false, false },
        { "another protocol", "0.0.0.0", 30080, PROTOCOL_UDP, false, false },
        { "another port", "0.0.0.0", 30081, PROTOCOL_TCP, false, false },
        { "a cluster address is guarded", "0.0.0.0", 80, PROTOCOL_TCP, false, false },
};

static void test_cases(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ListenerInfo info =
                        listener_on(cases[i].address, cases[i].port, cases[i].protocol, cases[i].v6_only);
                Control c;

                print_message("  %s\n", cases[i].name);
                control_init(&c);
                assert_int_equal(memory_backend_add_listener(c.hand, &info), 0);
                start_with_web(&c);
                assert_string_equal(reason_of(&c, "a/web:http"), cases[i].in_the_way ? "NodePortInUse" : "");
                assert_string_equal(reason_of(&c, "a/web:dns"), "");
                assert_int_equal(n_conflicts(&c), cases[i].in_the_way);
                control_done(&c);
        }
}

static void count_port(const DesiredPort *before, const DesiredPort *after, void *userdata) {
        ++*(unsigned *) userdata;
}

/* No kernel tells who begins to listen: the audit finds it, and writes nothing. */
static void test_comes_and_goes(void **state) {
        ListenerInfo info = listener_on("0.0.0.0", 30053, PROTOCOL_UDP, false);
        const ListenerInfo *found;
        unsigned n_told = 0;
        uint64_t n_writes;
        Control c;

        control_init(&c);
        start_with_web(&c);
        n_writes = c.backend->n_writes;
        assert_int_equal(manager_add_port_observer(c.manager, count_port, &n_told), 0);
        assert_int_equal(memory_backend_add_listener(c.hand, &info), 0);
        assert_int_equal(memory_backend_add_listener(c.hand, &info), 0); /* SO_REUSEPORT */
        control_settle(&c);
        assert_int_equal(n_conflicts(&c), 0);
        audit(&c);
        assert_string_equal(reason_of(&c, "a/web:dns"), "NodePortInUse");
        assert_string_equal(reason_of(&c, "a/web:http"), "");
        assert_int_equal(n_conflicts(&c), 1);
        found = port_view_listener(c.manager, desired_find(manager_desired(c.manager), "a/web:dns"));
        assert_non_null(found);
        assert_int_equal(found->uid, 33);
        assert_int_equal(found->inode, 77);
        assert_int_equal(n_told, 2); /* both ports of the service */

        assert_int_equal(memory_backend_remove_listener(c.hand, &info), 0);
        assert_int_equal(memory_backend_remove_listener(c.hand, &info), 0);
        audit(&c);
        assert_string_equal(reason_of(&c, "a/web:dns"), "");
        assert_int_equal(n_conflicts(&c), 0);
        assert_int_equal(c.backend->n_writes, n_writes);
        manager_remove_observers(c.manager, &n_told);
        control_done(&c);
}

/* A port that is given later is checked at once; sockets are read for a node port, and for nothing else. */
static void test_read_for_node_ports(void **state) {
        static const ServiceSpec late = {
                .key = "a/late",
                .cluster_ip = "10.0.0.2",
                .ports = { { "", PROTOCOL_TCP, 80, 31000, 8080 } },
        };
        static const ServiceSpec plain = {
                .key = "a/plain",
                .cluster_ip = "10.0.0.3",
                .ports = { { "", PROTOCOL_TCP, 80, 0, 8080 } },
        };
        ListenerInfo info = listener_on("0.0.0.0", 31000, PROTOCOL_TCP, false);
        uint64_t n;
        Control c;

        control_init(&c);
        start_with_web(&c);
        assert_int_equal(memory_backend_add_listener(c.hand, &info), 0);
        n = memory_backend_n_operations(c.hand);
        control_put_service(&c, &plain);
        control_settle(&c);
        /* service_ips, service_ports, cluster_ports and what refuses in one, a virtual server, an address */
        assert_int_equal(memory_backend_n_operations(c.hand) - n, 3);
        control_put_service(&c, &late);
        control_settle(&c);
        assert_string_equal(reason_of(&c, "a/late"), "NodePortInUse");
        assert_int_equal(n_conflicts(&c), 1);
        control_remove_service(&c, "a/late");
        control_settle(&c);
        assert_int_equal(n_conflicts(&c), 0);
        control_done(&c);
}

/* Sockets that cannot be read are no reason to be degraded. */
static void test_failure(void **state) {
        ListenerInfo info = listener_on("0.0.0.0", 30080, PROTOCOL_TCP, false);
        Control c;

        control_init(&c);
        start_with_web(&c);
        assert_int_equal(memory_backend_add_listener(c.hand, &info), 0);
        for (unsigned i = 1; i < 30; i++) {
                memory_backend_fail_nth(c.hand, i, -ENOENT);
                audit(&c);
        }
        memory_backend_fail_nth(c.hand, 0, 0);
        audit(&c);
        assert_string_equal(reason_of(&c, "a/web:http"), "NodePortInUse");
        control_done(&c);
}

/* Somebody's chain that drops what is forwarded: told in the status, and nothing is written. */
static const char *forward_chain(const Control *c) {
        ManagerStatus status;

        manager_status(c->manager, &status);
        assert_int_equal(status.state, MANAGER_STATE_RUNNING);
        return status.forward_chain;
}

static void test_forward_drop(void **state) {
        uint64_t n_writes;
        Control c;

        control_init(&c);
        memory_backend_set_forward_drop(c.hand, "ip filter FORWARD");
        start_with_web(&c);
        assert_string_equal(forward_chain(&c), "ip filter FORWARD");
        n_writes = c.backend->n_writes;
        memory_backend_set_forward_drop(c.hand, "");
        audit(&c);
        assert_string_equal(forward_chain(&c), "");
        memory_backend_set_forward_drop(c.hand, "inet mine forward");
        audit(&c);
        assert_string_equal(forward_chain(&c), "inet mine forward");
        assert_int_equal(c.backend->n_writes, n_writes);
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_comes_and_goes),
                cmocka_unit_test(test_read_for_node_ports),
                cmocka_unit_test(test_failure),
                cmocka_unit_test(test_forward_drop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
