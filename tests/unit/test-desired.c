/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "proxy/desired.h"

typedef struct Fixture {
        Store *store;
        KernelTable *table;
        Desired *desired;
        IpAddr node_ip;
        ProxyConfig config;
} Fixture;

static IpAddr addr(const char *text) {
        IpAddr a;

        assert_int_equal(ip_addr_parse(text, &a), 0);
        return a;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_int_equal(store_new(NULL, NULL, &f->store), 0);
        assert_int_equal(kernel_table_new(&f->table), 0);
        assert_int_equal(desired_new(f->store, f->table, &f->desired), 0);
        f->node_ip = addr("172.16.1.10");
        f->config = (ProxyConfig) {
                .topology = { .node_name = "k8s01", .zone = "" },
                .scheduler = "rr",
                .node_port_addresses = &f->node_ip,
                .n_node_port_addresses = 1,
                .host_addresses = &f->node_ip,
                .n_host_addresses = 1,
        };
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        (void) desired_free(f->desired);
        (void) kernel_table_free(f->table);
        (void) store_free(f->store);
        free(f);
        return 0;
}

static void put_service(Fixture *f, const char *name, const char *ip, uint16_t node_port, uint64_t created) {
        Service *service;

        assert_int_equal(service_new("default", name, &service), 0);
        service->created_usec = created;
        service->type = node_port > 0 ? SERVICE_TYPE_NODE_PORT : SERVICE_TYPE_CLUSTER_IP;
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        service->cluster_ips[0] = addr(ip);
        service->n_cluster_ips = 1;
        service->ports = calloc(1, sizeof(ServicePort));
        service->ports[0] = (ServicePort) { strdup("http"), PROTOCOL_TCP, 80, node_port };
        service->n_ports = 1;
        assert_int_equal(store_put_service(f->store, OBJECT_SOURCE_API, service), 1);
}

static void put_slice(Fixture *f, const char *name, unsigned n) {
        EndpointSlice *slice;
        SliceString port;

        assert_int_equal(endpoint_slice_new("default", name, &slice), 0);
        free(slice->service_name);
        slice->service_name = strdup(name);
        slice->family = AF_INET;
        assert_int_equal(endpoint_slice_add_string(slice, "http", true, &port), 0);
        slice->ports = calloc(1, sizeof(SlicePort));
        slice->ports[0] = (SlicePort) { port, 8080, PROTOCOL_TCP };
        slice->n_ports = 1;
        slice->endpoints = calloc(n, sizeof(Endpoint));
        slice->n_endpoints = n;
        for (unsigned i = 0; i < n; i++) {
                slice->endpoints[i].addr = addr("10.1.0.1");
                slice->endpoints[i].addr.bytes[3] = (uint8_t) (i + 1);
                slice->endpoints[i].conditions = ENDPOINT_READY | ENDPOINT_SERVING;
        }
        assert_true(store_put_slice(f->store, OBJECT_SOURCE_API, slice) >= 0);
}

static void run(Fixture *f) {
        ServiceEntry *entry;

        while ((entry = store_take_dirty(f->store)))
                assert_int_equal(desired_update(f->desired, &f->config, entry), 0);
}

/* Takes every queued record as applied. */
static void settle(Fixture *f) {
        AddressState *a;
        ElementState *e;

        while ((a = kernel_table_take(f->table, DIRTY_ADDRESSES)))
                assert_int_equal(kernel_table_set_address(f->table, &a->addr, a->n_wanted > 0), 0);
        while ((e = kernel_table_take(f->table, DIRTY_ELEMENTS)))
                assert_int_equal(kernel_table_set_element(f->table, &e->element, e->n_wanted > 0), 0);
        while (kernel_table_take(f->table, DIRTY_SERVERS))
                ;
}

static bool wanted(Fixture *f, FilterSet set, const char *ip, uint16_t port) {
        FilterElement e = { .set = (uint8_t) set, .port = port };
        ElementState *state;

        if (ip)
                e.addr = addr(ip);
        state = kernel_table_element(f->table, &e);
        return state && state->n_wanted > 0;
}

static void test_node_port(void **state) {
        Fixture *f = *state;
        IpAddr ip = addr("10.254.0.5");
        VirtualServerKey node = { .addr = f->node_ip, .port = 30080 };
        DesiredPort *port;

        put_service(f, "web", "10.254.0.5", 30080, 1);
        run(f);
        assert_true(wanted(f, FILTER_SET_NO_ENDPOINTS, "10.254.0.5", 80));
        assert_true(wanted(f, FILTER_SET_NO_ENDPOINTS, "172.16.1.10", 30080));
        put_slice(f, "web", 2);
        run(f);
        assert_false(wanted(f, FILTER_SET_NO_ENDPOINTS, "10.254.0.5", 80));
        assert_true(wanted(f, FILTER_SET_SERVICE_IPS, "10.254.0.5", 0));
        assert_true(wanted(f, FILTER_SET_SERVICE_PORTS, "10.254.0.5", 80));
        assert_true(wanted(f, FILTER_SET_CLUSTER_PORTS, "10.254.0.5", 80));
        assert_false(wanted(f, FILTER_SET_NO_ENDPOINTS, "172.16.1.10", 30080));
        assert_true(wanted(f, FILTER_SET_EXTERNAL_PORTS, "172.16.1.10", 30080));
        assert_false(wanted(f, FILTER_SET_SERVICE_PORTS, "172.16.1.10", 30080));
        assert_false(wanted(f, FILTER_SET_SERVICE_IPS, "172.16.1.10", 0));
        assert_int_equal(kernel_table_address(f->table, &ip)->n_wanted, 1);
        assert_null(kernel_table_address(f->table, &f->node_ip)); /* node addresses are never bound */
        assert_int_equal(kernel_table_server(f->table, &node)->claims->dests->n_servers, 2);
        port = desired_find(f->desired, "default/web:http");
        assert_non_null(port);
        assert_int_equal(port->n_servers, 2);
        assert_int_equal(port->n_ready, 2);
}

/* What is equal to before queues no address and no element. */
static void test_unchanged_is_no_work(void **state) {
        Fixture *f = *state;

        put_service(f, "web", "10.254.0.5", 30080, 1);
        put_slice(f, "web", 2);
        run(f);
        settle(f);
        put_slice(f, "web", 3);
        run(f);
        assert_null(kernel_table_take(f->table, DIRTY_ADDRESSES));
        assert_null(kernel_table_take(f->table, DIRTY_ELEMENTS));
        assert_non_null(kernel_table_take(f->table, DIRTY_SERVERS));
}

static void test_removed_leaves_nothing(void **state) {
        Fixture *f = *state;
        size_t i = 0;

        put_service(f, "web", "10.254.0.5", 30080, 1);
        put_slice(f, "web", 2);
        run(f);
        settle(f);
        assert_int_equal(
                store_remove(f->store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, "default", "web"), 1);
        run(f);
        settle(f);
        assert_null(kernel_table_next_element(f->table, &i));
        i = 0;
        assert_null(kernel_table_next_address(f->table, &i));
        assert_int_equal(desired_n_ports(f->desired), 0);
}

/* DESIGN §6.6: the older Service wins, whatever the order of arrival; the other gets it when that one goes. */
static void test_conflict(void **state) {
        Fixture *f = *state;
        DesiredPort *young, *old;

        put_service(f, "young", "10.254.0.5", 0, 2);
        run(f);
        put_service(f, "old", "10.254.0.5", 0, 1);
        put_slice(f, "old", 1);
        run(f);
        young = desired_find(f->desired, "default/young:http");
        old = desired_find(f->desired, "default/old:http");
        assert_int_equal(port_server_refusal(&young->servers[0]), REFUSAL_CONFLICT);
        assert_int_equal(port_server_refusal(&old->servers[0]), REFUSAL_NONE);
        assert_false(wanted(f, FILTER_SET_NO_ENDPOINTS, "10.254.0.5", 80)); /* the young one's wish is gone */

        assert_int_equal(
                store_remove(f->store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, "default", "old"), 1);
        run(f);
        young = desired_find(f->desired, "default/young:http");
        assert_int_equal(port_server_refusal(&young->servers[0]), REFUSAL_NONE);
        assert_true(wanted(f, FILTER_SET_NO_ENDPOINTS, "10.254.0.5", 80));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_node_port, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unchanged_is_no_work, setup, teardown),
                cmocka_unit_test_setup_teardown(test_removed_leaves_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
