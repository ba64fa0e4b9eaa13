/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from objects to the kernel: the first sync, changes, restarts, what is foreign, who waits for a sync. */
#include "tests/unit/control-fixture.h"

#include <stdio.h>
#include <time.h>

#include "control/manager-private.h"
#include "control/turn-pace.h"

static const ServiceSpec web = { .key = "a/web", .cluster_ip = "10.0.0.1", .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };
static const ServiceSpec dns = { .key = "a/dns", .cluster_ip = "10.0.0.2", .ports = { { "dns", PROTOCOL_UDP, 53, 0, 53 } } };

static void start_with(Control *c, void (*put)(Control *c)) {
        control_start(c);
        control_list_begin(c);
        if (put)
                put(c);
        control_list_end(c);
        control_settle(c);
}

static void put_web(Control *c) {
        control_put_service(c, &web);
        control_put_endpoints(c, &web, "10.1.0.1", 2);
}

static ManagerState state_of(const Control *c) {
        ManagerStatus status;

        manager_status(c->manager, &status);
        return status.state;
}

#define WEB_STATE "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\n  rs 10.1.0.2:8080 w1\naddr 10.0.0.1\n"

static void test_founding_cluster(void **state) {
        Control c;
        ManagerStatus status;

        control_init(&c);
        start_with(&c, control_put_founding_cluster);
        control_assert_kernel(&c,
                              "vs 10.254.0.1:443/TCP rr 0 0\n  rs 172.16.1.10:6443 w1\n"
                              "vs 10.254.0.2:53/TCP rr 0 0\n  rs 10.253.4.1:53 w1\n  rs 10.253.4.2:53 w1\n"
                              "vs 10.254.0.2:53/UDP rr 0 0\n  rs 10.253.4.1:53 w1\n  rs 10.253.4.2:53 w1\n"
                              "vs 10.254.94.117:80/TCP rr 0 0\n  rs 10.253.1.1:8080 w1\n  rs 10.253.1.2:8080 w1\n"
                              "vs 10.254.111.142:8080/TCP rr 0 0\n  rs 10.253.0.1:8080 w1\n  rs 10.253.0.2:8080 w1\n"
                              "vs 10.254.112.177:443/TCP rr 0 0\n  rs 10.253.5.1:8443 w1\n  rs 10.253.5.2:8443 w1\n"
                              "vs 10.254.122.20:80/TCP rr 0 0\n  rs 10.253.2.1:80 w1\n  rs 10.253.2.2:80 w1\n"
                              "vs 10.254.122.20:443/TCP rr 0 0\n  rs 10.253.2.1:443 w1\n  rs 10.253.2.2:443 w1\n"
                              "vs 10.254.167.37:80/TCP rr 0x1 10800\n  rs 10.253.8.1:80 w1\n  rs 10.253.8.2:80 w1\n"
                              "vs 10.254.174.122:8086/TCP rr 0 0\n  rs 10.253.7.1:8086 w1\n  rs 10.253.7.2:8086 w1\n"
                              "vs 10.254.204.85:80/TCP rr 0 0\n  rs 10.253.3.1:8082 w1\n  rs 10.253.3.2:8082 w1\n"
                              "vs 10.254.227.68:80/TCP rr 0 0\n  rs 10.253.6.1:3000 w1\n  rs 10.253.6.2:3000 w1\n"
                              "vs 172.16.1.10:30080/TCP rr 0 0\n  rs 10.253.2.1:80 w1\n  rs 10.253.2.2:80 w1\n"
                              "vs 172.16.1.10:30443/TCP rr 0 0\n  rs 10.253.2.1:443 w1\n  rs 10.253.2.2:443 w1\n"
                              "vs 172.16.1.10:32766/TCP rr 0 0\n  rs 10.253.6.1:3000 w1\n  rs 10.253.6.2:3000 w1\n"
                              "vs 172.16.1.10:32767/TCP rr 0 0\n  rs 10.253.5.1:8443 w1\n  rs 10.253.5.2:8443 w1\n"
                              "addr 10.254.0.1\naddr 10.254.0.2\naddr 10.254.111.142\naddr 10.254.112.177\n"
                              "addr 10.254.122.20\naddr 10.254.167.37\naddr 10.254.174.122\naddr 10.254.204.85\n"
                              "addr 10.254.227.68\naddr 10.254.94.117\n");
        manager_status(c.manager, &status);
        assert_int_equal(status.state, MANAGER_STATE_RUNNING);
        assert_int_equal(status.n_services, 12);
        assert_int_equal(status.n_virtual_servers, 16);
        assert_string_equal(status.error, "");
        control_done(&c);
}

/* Before every list was complete nothing is made but what others need to start, and nothing is taken away. */
static void test_nothing_before_lists(void **state) {
        Control c;

        control_init(&c);
        start_with(&c, put_web);
        control_stop(&c);
        control_start(&c);
        control_list_begin(&c);
        control_put_service(&c, &dns);
        control_settle(&c);
        control_assert_kernel(&c, WEB_STATE);
        assert_int_equal(state_of(&c), MANAGER_STATE_SYNCING);
        control_list_end(&c);
        control_settle(&c);
        /* web is gone from the list, its connections may end first */
        control_assert_kernel(&c,
                              "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w0\n  rs 10.1.0.2:8080 w0\n"
                              "vs 10.0.0.2:53/UDP rr 0 0\naddr 10.0.0.1\naddr 10.0.0.2\n");
        control_done(&c);
}

/* A restart with nothing changed writes nothing at all (DESIGN §11). */
static void test_restart_writes_nothing(void **state) {
        Control c;
        _cleanup_(freep) char *before = NULL, *after = NULL;

        control_init(&c);
        c.options.timeouts = (IpvsTimeouts) { 800, 0, 200 };
        c.options.strict_arp = true;
        start_with(&c, control_put_founding_cluster);
        before = control_kernel_all(&c);
        assert_true(c.backend->n_writes > 0);
        for (int i = 0; i < 3; i++) {
                control_stop(&c);
                start_with(&c, control_put_founding_cluster);
                assert_int_equal(c.backend->n_writes, 0);
                assert_int_equal(state_of(&c), MANAGER_STATE_RUNNING);
        }
        after = control_kernel_all(&c);
        assert_string_equal(before, after);
        control_done(&c);
}

/* The same without /run: what is on kube-ipvs0 is ours, node ports are recognised by the services that want them. */
static void test_restart_without_journal(void **state) {
        Control c;
        char path[64];

        control_init(&c);
        start_with(&c, control_put_founding_cluster);
        control_stop(&c);
        (void) snprintf(path, sizeof(path), "%s/journal", c.directory);
        assert_int_equal(unlink(path), 0);
        start_with(&c, control_put_founding_cluster);
        assert_int_equal(c.backend->n_writes, 0);
        assert_int_equal(state_of(&c), MANAGER_STATE_RUNNING);
        control_stop(&c);
        start_with(&c, NULL); /* and are taken away when nobody wants them */
        control_done(&c);
}

static void foreign(Control *c, IpvsOpKind kind, const char *ip, uint16_t port, const char *dest, uint32_t weight) {
        IpvsOp op = { .kind = kind, .service = { .key = control_key(ip, port, PROTOCOL_TCP), .scheduler = "wlc" } };

        if (dest)
                op.dest = (RealServer) { .addr = control_port(dest, 9000), .weight = weight };
        assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
}

static void audit(Control *c) {
        control_begin_audit(c);
        control_settle(c);
}

/* What others made stays as it is, inside and outside of the service range, and a conflict is refused (DESIGN §7). */
static void test_foreign(void **state) {
        Control c;
        ManagerStatus status;

        control_init(&c);
        foreign(&c, IPVS_OP_ADD_SERVICE, "10.0.0.9", 80, NULL, 0);
        foreign(&c, IPVS_OP_ADD_DEST, "10.0.0.9", 80, "10.9.0.1", 7);
        foreign(&c, IPVS_OP_ADD_SERVICE, "10.0.0.1", 80, NULL, 0);
        foreign(&c, IPVS_OP_ADD_DEST, "10.0.0.1", 80, "10.9.0.2", 3);
        start_with(&c, put_web);
        control_assert_kernel(&c,
                              "vs 10.0.0.1:80/TCP wlc 0 0\n  rs 10.9.0.2:9000 w3\n"
                              "vs 10.0.0.9:80/TCP wlc 0 0\n  rs 10.9.0.1:9000 w7\n");
        manager_status(c.manager, &status);
        assert_int_equal(status.n_refused, 1);
        assert_int_equal(status.n_virtual_servers, 0);
        {
                _cleanup_(freep) char *all = control_kernel_all(&c);

                assert_null(strstr(all, "filter ")); /* traffic of a foreign server is not filtered either */
        }
        /* It is said once, however often the service is computed. */
        assert_int_equal(c.manager->refusals.n_logged, 1);
        audit(&c);
        control_put_endpoints(&c, &web, "10.1.0.1", 3);
        control_settle(&c);
        control_put_endpoints(&c, &web, "10.1.0.1", 2);
        control_settle(&c);
        assert_int_equal(c.manager->refusals.n_logged, 1);
        /* It goes: the service gets its address with the next audit, complete. */
        foreign(&c, IPVS_OP_DELETE_SERVICE, "10.0.0.1", 80, NULL, 0);
        audit(&c);
        control_assert_kernel(&c,
                              "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\n  rs 10.1.0.2:8080 w1\n"
                              "vs 10.0.0.9:80/TCP wlc 0 0\n  rs 10.9.0.1:9000 w7\naddr 10.0.0.1\n");
        control_done(&c);
}

typedef struct Answer {
        unsigned n;
        uint64_t generation;
        int error;
} Answer;

static void on_resync(uint64_t generation, int error, const char *message, void *userdata) {
        Answer *answer = userdata;

        answer->n++;
        answer->generation = generation;
        answer->error = error;
}

static void test_resync_tickets(void **state) {
        Control c;
        Answer a = {}, b = {}, cancelled = {};
        VirtualServerKey key = control_key("10.0.0.1", 80, PROTOCOL_TCP);
        uint64_t ticket, other;
        ManagerStatus status;

        control_init(&c);
        start_with(&c, put_web);
        assert_int_equal(manager_resync(c.manager, 0, on_resync, &a, &ticket), 0);
        assert_int_equal(manager_resync(c.manager, 0, on_resync, &cancelled, &other), 0);
        assert_int_equal(a.n, 0);
        manager_resync_cancel(c.manager, other);
        control_settle(&c);
        manager_status(c.manager, &status);
        assert_int_equal(a.n, 1);
        assert_int_equal(a.error, 0);
        assert_int_equal(a.generation, status.generation);
        assert_int_equal(cancelled.n, 0);

        /* An audit repairs what somebody broke before it answers, and says what fails. */
        foreign(&c, IPVS_OP_DELETE_SERVICE, "10.0.0.1", 80, NULL, 0);
        memory_backend_fail_server(c.hand, &key, -EBUSY);
        assert_int_equal(manager_resync(c.manager, RESYNC_AUDIT, on_resync, &b, &ticket), 0);
        control_settle(&c);
        assert_int_equal(b.n, 1);
        assert_int_equal(b.error, -EBUSY);
        assert_int_equal(state_of(&c), MANAGER_STATE_DEGRADED);
        memory_backend_fail_server(c.hand, NULL, 0);
        assert_int_equal(manager_resync(c.manager, 0, on_resync, &b, &ticket), 0);
        control_settle(&c);
        assert_int_equal(b.n, 2);
        assert_int_equal(b.error, 0);
        control_assert_kernel(&c, WEB_STATE);
        assert_int_equal(state_of(&c), MANAGER_STATE_RUNNING);
        control_done(&c);
}

/* Stale UDP entries go with an endpoint, and where a service gets its first one (reference §4.8). */
static void test_udp_flows(void **state) {
        static const char *const flushed[] = { "flushed ", NULL };
        Control c;
        _cleanup_(freep) char *first = NULL, *second = NULL;

        control_init(&c);
        c.options.retry_usec = 100 * USEC_PER_MSEC; /* longer than a slow machine settles */
        start_with(&c, NULL);
        control_put_service(&c, &dns);
        control_settle(&c);
        first = control_kernel(&c, flushed);
        assert_string_equal(first, "");
        control_put_endpoints(&c, &dns, "10.1.0.1", 2);
        control_settle(&c);
        memory_backend_fail_nth(c.hand, 2, -ENOBUFS); /* the pass over the table, after the real server went */
        control_put_endpoints(&c, &dns, "10.1.0.1", 1);
        control_settle(&c);
        assert_int_equal(state_of(&c), MANAGER_STATE_DEGRADED);
        /* the retry, and before it whatever else a busy machine is late with */
        for (unsigned i = 0; i < 50 && state_of(&c) != MANAGER_STATE_RUNNING; i++) {
                assert_true(sd_event_run(c.event, 100 * USEC_PER_MSEC) >= 0);
                control_settle(&c);
        }
        assert_int_equal(state_of(&c), MANAGER_STATE_RUNNING);
        second = control_kernel(&c, flushed);
        assert_string_equal(second, "flushed 10.0.0.2:53\nflushed 10.0.0.2:53 -> 10.1.0.2:53\n");
        control_done(&c);
}

/* With all Nodes watched nothing is served before they are known; then their addresses are no service's, as they change. */
static void put_cluster_node(Control *c, const char *name, const char *address) {
        Node *node;

        assert_int_equal(node_new(name, &node), 0);
        node->addresses = calloc(1, sizeof(IpAddr));
        assert_int_equal(ip_addr_parse(address, &node->addresses[node->n_addresses++]), 0);
        assert_true(store_put_cluster_node(manager_store(c->manager), OBJECT_SOURCE_API, node) >= 0);
}

static void test_addresses_of_other_nodes(void **state) {
        static const ServiceSpec outside = {
                .key = "a/outside", .cluster_ip = "10.0.0.5", .external_ip = "172.16.1.11",
                .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } },
        };
        static const char refused[] = "vs 10.0.0.5:80/TCP rr 0 0\naddr 10.0.0.5\n";
        static const char served[] = "vs 10.0.0.5:80/TCP rr 0 0\nvs 172.16.1.11:80/TCP rr 0 0\naddr 10.0.0.5\naddr 172.16.1.11\n";
        Store *store;
        Control c;

        control_init(&c);
        c.options.watch_nodes = true;
        control_start(&c);
        store = manager_store(c.manager);
        control_list_begin(&c);
        store_list_begin(store, OBJECT_SOURCE_API, OBJECT_KIND_CLUSTER_NODE);
        control_put_service(&c, &outside);
        control_list_end(&c);
        control_settle(&c);
        control_assert_kernel(&c, "");
        put_cluster_node(&c, CONTROL_NODE, CONTROL_NODE_IP);
        put_cluster_node(&c, "k8s02", "172.16.1.11");
        store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_CLUSTER_NODE);
        manager_source_synced(c.manager);
        control_settle(&c);
        control_assert_kernel(&c, refused);
        put_cluster_node(&c, "k8s02", "172.16.1.12");
        control_settle(&c);
        control_assert_kernel(&c, served);
        put_cluster_node(&c, "k8s03", "172.16.1.11");
        control_settle(&c);
        control_assert_kernel(&c, refused);
        assert_int_equal(store_remove(store, OBJECT_SOURCE_API, OBJECT_KIND_CLUSTER_NODE, NULL, "k8s03"), 1);
        control_settle(&c);
        control_assert_kernel(&c, served);
        control_done(&c);
}

/* A kernel without IPv6 serves the IPv4 side of dual-stack services, and nothing is wrong with that. */
static void test_kernel_without_ipv6(void **state) {
        Service *service;
        Control c;

        control_init(&c);
        memory_backend_set_ipv4_only(c.hand, true);
        control_start(&c);
        control_list_begin(&c);
        assert_int_equal(service_new("a", "dual", &service), 0);
        service->cluster_ips = calloc(2, sizeof(IpAddr));
        assert_int_equal(ip_addr_parse("fd00::5", &service->cluster_ips[service->n_cluster_ips++]), 0);
        assert_int_equal(ip_addr_parse("10.0.0.5", &service->cluster_ips[service->n_cluster_ips++]), 0);
        service->ports = calloc(1, sizeof(ServicePort));
        service->ports[service->n_ports++] = (ServicePort) { .name = strdup(""), .port = 80 };
        assert_true(store_put_service(manager_store(c.manager), OBJECT_SOURCE_API, service) >= 0);
        control_list_end(&c);
        control_settle(&c);
        control_assert_kernel(&c, "vs 10.0.0.5:80/TCP rr 0 0\naddr 10.0.0.5\n");
        assert_int_equal(state_of(&c), MANAGER_STATE_RUNNING);
        control_done(&c);
}

/* ---- a slow kernel */

#define SLOW_SERVICES 300U
#define SLOW_OP_NSEC 500000

static const KernelBackendOps *slow_original;
static size_t slow_calls, slow_most; /* after the first call, from which nobody can know */

/* As the kernel is that has many deleted real servers to walk. */
static int slow_ipvs_apply(KernelBackend *backend, IpvsOp *ops, size_t n_ops) {
        struct timespec pause = { .tv_nsec = SLOW_OP_NSEC };

        for (size_t i = 0; i < n_ops; i++)
                (void) nanosleep(&pause, NULL);
        if (++slow_calls > 2)
                slow_most = MAX2(slow_most, n_ops);
        return slow_original->ipvs_apply(backend, ops, n_ops);
}

static void put_many(Control *c) {
        for (unsigned i = 0; i < SLOW_SERVICES; i++) {
                char key[16], addr[16];
                ServiceSpec spec = { .key = key, .cluster_ip = addr, .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };

                (void) snprintf(key, sizeof(key), "a/many-%u", i);
                (void) snprintf(addr, sizeof(addr), "10.0.%u.%u", 1 + i / 200, 1 + i % 200);
                control_put_service(c, &spec);
                control_put_endpoints(c, &spec, "10.1.0.1", 1);
        }
}

/* Two operations a virtual server: in the time of a turn no more than so many, whatever the first turns were. */
static void test_slow_kernel(void **state) {
        Control c;
        KernelBackendOps slow;
        ManagerStatus status;

        control_init(&c);
        control_start(&c);
        slow_original = control_override(&c, &slow);
        slow.ipvs_apply = slow_ipvs_apply;
        control_list_begin(&c);
        put_many(&c);
        control_list_end(&c);
        control_settle(&c);
        manager_status(c.manager, &status);
        assert_int_equal(status.n_virtual_servers, SLOW_SERVICES);
        assert_true(slow_calls > 4);
        assert_in_range(slow_most, 1, 2 * TURN_USEC / (SLOW_OP_NSEC / 1000));
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_founding_cluster),        cmocka_unit_test(test_nothing_before_lists),
                cmocka_unit_test(test_restart_writes_nothing),  cmocka_unit_test(test_restart_without_journal),
                cmocka_unit_test(test_foreign),                 cmocka_unit_test(test_resync_tickets),
                cmocka_unit_test(test_udp_flows),               cmocka_unit_test(test_addresses_of_other_nodes),
                cmocka_unit_test(test_kernel_without_ipv6),
                cmocka_unit_test(test_slow_kernel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
