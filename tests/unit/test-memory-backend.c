/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "kernel/memory-backend.h"

#define OPS(backend) ((backend)->ops)

static IpAddr addr(const char *text) {
        IpAddr a;

        assert_int_equal(ip_addr_parse(text, &a), 0);
        return a;
}

static VirtualServer server(const char *ip, uint16_t port) {
        return (VirtualServer) { .key = { .addr = addr(ip), .port = port }, .scheduler = "rr" };
}

static RealServer dest(const char *ip, uint32_t weight) {
        return (RealServer) { .addr = { addr(ip), 8080 }, .weight = weight };
}

static void assert_state(const KernelBackend *backend, const char *expected) {
        _cleanup_(freep) char *text = memory_backend_to_string(backend);

        assert_string_equal(text, expected);
}

static const FilterConfig config = { .mark = 0x4000 };

/* The errors of ip_vs_ctl.c, and a batch that goes on behind a failure. */
static void test_ipvs_errors(void **state) {
        _cleanup_(kernel_backend_freep) KernelBackend *b = NULL;
        VirtualServer vs = server("10.0.0.1", 80), none = server("10.0.0.2", 80), odd = server("10.0.0.3", 80);
        IpvsOp ops[] = {
                { .kind = IPVS_OP_ADD_SERVICE, .service = vs },
                { .kind = IPVS_OP_ADD_SERVICE, .service = vs },
                { .kind = IPVS_OP_SET_SERVICE, .service = none },
                { .kind = IPVS_OP_ADD_DEST, .service = none, .dest = dest("10.1.0.1", 1) },
                { .kind = IPVS_OP_ADD_DEST, .service = vs, .dest = dest("10.1.0.1", 1) },
                { .kind = IPVS_OP_ADD_DEST, .service = vs, .dest = dest("10.1.0.1", 1) },
                { .kind = IPVS_OP_SET_DEST, .service = vs, .dest = dest("10.1.0.1", 0) },
                { .kind = IPVS_OP_SET_DEST, .service = vs, .dest = dest("10.1.0.2", 0) },
                { .kind = IPVS_OP_DELETE_DEST, .service = vs, .dest = dest("10.1.0.2", 0) },
                { .kind = IPVS_OP_DELETE_SERVICE, .service = none },
                { .kind = IPVS_OP_ADD_SERVICE, .service = odd },
        };
        static const int expected[] = { 0, -EEXIST, -ESRCH, -ESRCH, 0, -EEXIST, 0, -ENOENT, -ENOENT, -ESRCH, -ENOENT };

        strcpy(ops[10].service.scheduler, "none");
        assert_int_equal(memory_backend_new(&b), 0);
        assert_int_equal(OPS(b)->ipvs_apply(b, ops, ELEMENTSOF(ops)), 0);
        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                assert_int_equal(ops[i].result, expected[i]);
        assert_int_equal(b->n_writes, ELEMENTSOF(ops));
        assert_state(b, "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w0\n");
}

static int count_visit(const VirtualServer *service,
                       const TrafficStats *stats,
                       const RealServerInfo *dests,
                       size_t n_dests,
                       void *userdata) {
        uint32_t *active = userdata;

        for (size_t i = 0; i < n_dests; i++)
                *active += dests[i].active;
        return 0;
}

static void test_ipvs_read(void **state) {
        _cleanup_(kernel_backend_freep) KernelBackend *b = NULL;
        VirtualServer vs = server("10.0.0.1", 80), none = server("10.0.0.2", 80);
        IpvsOp ops[] = { { .kind = IPVS_OP_ADD_SERVICE, .service = vs },
                         { .kind = IPVS_OP_ADD_DEST, .service = vs, .dest = dest("10.1.0.1", 1) } };
        uint32_t active = 0;

        assert_int_equal(memory_backend_new(&b), 0);
        assert_int_equal(OPS(b)->ipvs_apply(b, ops, 2), 0);
        memory_backend_set_connections(b, &vs.key, &ops[1].dest.addr, 3, 1);
        assert_int_equal(OPS(b)->ipvs_read(b, &vs.key, count_visit, &active), 0);
        assert_int_equal(active, 3);
        assert_int_equal(OPS(b)->ipvs_dump(b, count_visit, &active), 0);
        assert_int_equal(active, 6);
        assert_int_equal(OPS(b)->ipvs_read(b, &none.key, count_visit, &active), -ESRCH);
        assert_int_equal(OPS(b)->ipvs_read_many(b, (VirtualServerKey[]) { none.key, vs.key, vs.key }, 3, count_visit, &active), 0);
        assert_int_equal(active, 12);
        memory_backend_set_ipvs_missing(b, true);
        assert_int_equal(OPS(b)->ipvs_apply(b, ops, 2), -ENOPROTOOPT);
        assert_int_equal(OPS(b)->ipvs_dump(b, count_visit, &active), -ENOPROTOOPT);
}

static void test_table_and_order(void **state) {
        _cleanup_(kernel_backend_freep) KernelBackend *b = NULL;
        FilterOp guard = { .element = { .set = FILTER_SET_SERVICE_IPS, .addr = addr("10.0.0.1") }, .add = true };
        FilterOp gone = { .element = { .set = FILTER_SET_SERVICE_IPS, .addr = addr("10.0.0.9") } };
        FilterOp both[] = { guard, gone };
        AddressOp bind = { .addr = addr("10.0.0.1"), .add = true };
        FilterConfig other = config;

        assert_int_equal(memory_backend_new(&b), 0);
        assert_int_equal(OPS(b)->filter_apply(b, &guard, 1), -ENOENT);
        assert_int_equal(OPS(b)->filter_ensure(b, &config, NULL, 0), 1);
        assert_int_equal(OPS(b)->filter_apply(b, both, 2), -ENOENT);
        assert_state(b, "");
        assert_int_equal(OPS(b)->filter_apply(b, &guard, 1), 0);
        assert_int_equal(OPS(b)->filter_ensure(b, &config, NULL, 0), 0);
        assert_int_equal(OPS(b)->address_apply(b, &bind, 1), 0);
        assert_int_equal(bind.result, -ENODEV);
        assert_int_equal(OPS(b)->device_ensure(b), 1);
        assert_int_equal(OPS(b)->device_ensure(b), 0);
        assert_int_equal(OPS(b)->address_apply(b, &bind, 1), 0);
        assert_int_equal(bind.result, 0);
        assert_state(b, "addr 10.0.0.1\nfilter service_ips 10.0.0.1\n");
        assert_string_equal(memory_backend_breach(b), "");

        other.masquerade_all = true;
        assert_int_equal(OPS(b)->filter_ensure(b, &other, &guard.element, 1), 1);
        guard.add = false;
        assert_int_equal(OPS(b)->filter_apply(b, &guard, 1), 0);
        assert_string_equal(memory_backend_breach(b), "address 10.0.0.1: its guard was taken away before it");
}

static int count_element(const FilterElement *element, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

/* What netlink does with the number of nf_tables. */
static void test_filter_is_unchanged(void **state) {
        _cleanup_(kernel_backend_freep) KernelBackend *b = NULL, *next = NULL;
        FilterOp ops[] = {
                { .element = { .set = FILTER_SET_SERVICE_IPS, .addr = addr("10.0.0.1") }, .add = true },
                { .element = { .set = FILTER_SET_SERVICE_IPS, .addr = addr("10.0.0.2") }, .add = true },
        };
        FilterConfig other = { .mark = 0x8000 };
        unsigned n = 0;

        assert_int_equal(memory_backend_new(&b), 0);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 0);
        assert_int_equal(OPS(b)->filter_ensure(b, &config, NULL, 0), 1);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 0); /* made, and not read since */
        assert_int_equal(kernel_backend_dump_filter(b, count_element, &n), 0);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 0);
        assert_int_equal(OPS(b)->filter_ensure(b, &config, NULL, 0), 0);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 1);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &other), 0);
        assert_int_equal(OPS(b)->filter_apply(b, ops, 1), 0);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 1);
        assert_int_equal(memory_backend_foreign_element(b, &ops[1]), 0);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 0);
        assert_int_equal(OPS(b)->filter_apply(b, ops, 1), 0);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 0);
        assert_int_equal(kernel_backend_dump_filter(b, count_element, &n), 0);
        assert_int_equal(OPS(b)->filter_ensure(b, &config, NULL, 0), 0);
        assert_int_equal(OPS(b)->filter_is_unchanged(b, &config), 1);
        assert_int_equal(memory_backend_share(b, &next), 0);
        assert_int_equal(OPS(next)->filter_is_unchanged(next, &config), 0);
        assert_int_equal(n, 2);
}

static void test_server_without_filter(void **state) {
        _cleanup_(kernel_backend_freep) KernelBackend *b = NULL;
        IpvsOp node = { .kind = IPVS_OP_ADD_SERVICE, .service = server("192.168.1.2", 8080) };
        IpvsOp cluster = { .kind = IPVS_OP_ADD_SERVICE, .service = server("10.0.0.1", 80) };

        assert_int_equal(memory_backend_new(&b), 0);
        assert_int_equal(memory_backend_add_host_address(b, "192.168.1.2", 24), 0);
        assert_int_equal(OPS(b)->filter_ensure(b, &config, NULL, 0), 1);
        assert_int_equal(OPS(b)->ipvs_apply(b, &node, 1), 0);
        assert_string_equal(memory_backend_breach(b), "");
        assert_int_equal(OPS(b)->ipvs_apply(b, &cluster, 1), 0);
        assert_string_equal(memory_backend_breach(b), "add virtual server 10.0.0.1:80/TCP: it is not in service_ports");
}

static void foreign_delete(KernelBackend *backend, void *userdata) {
        IpvsOp op = { .kind = IPVS_OP_DELETE_SERVICE, .service = server("10.0.0.1", 80) };

        assert_int_equal(memory_backend_foreign_ipvs(backend, &op), 0);
}

static void test_faults(void **state) {
        _cleanup_(kernel_backend_freep) KernelBackend *b = NULL;
        VirtualServer vs = server("10.0.0.1", 80);
        IpvsOp ops[] = { { .kind = IPVS_OP_ADD_SERVICE, .service = vs },
                         { .kind = IPVS_OP_ADD_DEST, .service = vs, .dest = dest("10.1.0.1", 1) },
                         { .kind = IPVS_OP_ADD_DEST, .service = vs, .dest = dest("10.1.0.2", 1) } };

        assert_int_equal(memory_backend_new(&b), 0);
        memory_backend_fail_nth(b, 2, -ENOMEM);
        assert_int_equal(OPS(b)->ipvs_apply(b, ops, 3), 0);
        assert_int_equal(ops[1].result, -ENOMEM);
        assert_state(b, "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.2:8080 w1\n");

        memory_backend_fail_nth(b, 1, -EPIPE);
        assert_int_equal(OPS(b)->ipvs_apply(b, ops + 1, 2), -EPIPE);
        assert_int_equal(ops[1].result, -ECANCELED);
        assert_int_equal(ops[2].result, -ECANCELED);
        assert_state(b, "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\n  rs 10.1.0.2:8080 w1\n");

        memory_backend_hook_nth(b, 2, foreign_delete, NULL);
        assert_int_equal(OPS(b)->ipvs_apply(b, ops, 2), 0);
        assert_int_equal(ops[0].result, -EEXIST);
        assert_int_equal(ops[1].result, -ESRCH);

        memory_backend_fail_every(b, 1, -EBUSY);
        assert_int_equal(OPS(b)->device_ensure(b), -EBUSY);
        memory_backend_fail_every(b, 0, 0);
        assert_int_equal(OPS(b)->device_ensure(b), 1);
        assert_int_equal(memory_backend_n_operations(b), 8);
}

typedef struct Seen {
        unsigned events;
} Seen;

static void note_event(KernelEvent event, void *userdata) {
        ((Seen *) userdata)->events |= 1U << event;
}

static void test_events_and_sharing(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(kernel_backend_freep) KernelBackend *hand = NULL, *b = NULL;
        Seen seen = {};

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(memory_backend_new(&hand), 0);
        assert_int_equal(memory_backend_share(hand, &b), 0);
        assert_int_equal(OPS(b)->watch(b, event, -50, note_event, &seen), 0);
        assert_int_equal(OPS(b)->device_ensure(b), 1);
        assert_int_equal(OPS(b)->filter_ensure(b, &config, NULL, 0), 1);
        assert_int_equal(hand->n_writes, 0);
        assert_int_equal(memory_backend_delete_device(hand), 0);
        assert_int_equal(memory_backend_delete_device(hand), -ENODEV);
        assert_int_equal(memory_backend_flush_filter(hand), 0);
        assert_int_equal(memory_backend_add_host_address(hand, "192.168.1.2", 24), 0);
        assert_int_equal(seen.events, 0);
        assert_true(sd_event_run(event, 0) > 0);
        assert_int_equal(seen.events,
                         1U << KERNEL_EVENT_DEVICE | 1U << KERNEL_EVENT_FILTER | 1U << KERNEL_EVENT_ADDRESS);
        assert_int_equal(sd_event_run(event, 0), 0);
}

static void test_node(void **state) {
        _cleanup_(kernel_backend_freep) KernelBackend *b = NULL;
        _cleanup_(freep) char *value = NULL;
        ConntrackFlow flow = { addr("10.0.0.2"), 53, { addr("10.1.0.1"), 53 } };
        size_t n;

        assert_int_equal(memory_backend_new(&b), 0);
        assert_int_equal(OPS(b)->sysctl_write(b, "net/ipv4/vs/conntrack", "1"), 0);
        assert_int_equal(OPS(b)->sysctl_read(b, "net/ipv4/vs/conntrack", &value), 0);
        assert_string_equal(value, "1");
        assert_int_equal(OPS(b)->sysctl_write(b, "net/ipv4/vs/nothing", "1"), -ENOENT);
        assert_int_equal(OPS(b)->conntrack_flush_udp(b, &flow, 1, &n), 0);
        assert_int_equal(OPS(b)->conntrack_flush_udp(b, &flow, 1, &n), 0);
        assert_state(b, "flushed 10.0.0.2:53 -> 10.1.0.1:53\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ipvs_errors),      cmocka_unit_test(test_ipvs_read),
                cmocka_unit_test(test_table_and_order),  cmocka_unit_test(test_server_without_filter),
                cmocka_unit_test(test_faults),           cmocka_unit_test(test_events_and_sharing),
                cmocka_unit_test(test_node),             cmocka_unit_test(test_filter_is_unchanged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
