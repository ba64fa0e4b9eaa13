/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services with many ports: what a turn gives the kernel is bounded by virtual servers, not by services. */
#include "tests/unit/control-fixture.h"

#include <stdio.h>

#define N_SERVICES 60
#define N_PORTS 100
/* SERVERS_WAITING_MAX of reconciler.c, and those of the service that reached it */
#define SERVERS_MAX (1024 + N_PORTS)

static const KernelBackendOps *original;
static size_t most_guarded, n_guarded, n_transactions;

static int count_filter_apply(KernelBackend *backend, const FilterOp *ops, size_t n_ops) {
        size_t n = 0;

        for (size_t i = 0; i < n_ops; i++)
                n += ops[i].add && ops[i].element.set == FILTER_SET_SERVICE_PORTS;
        most_guarded = MAX2(most_guarded, n);
        n_guarded += n;
        n_transactions += n > 0;
        return original->filter_apply(backend, ops, n_ops);
}

static void put_service(Control *c, unsigned number) {
        char name[16];
        Service *service;

        (void) snprintf(name, sizeof(name), "s%u", number);
        assert_int_equal(service_new("a", name, &service), 0);
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        service->cluster_ips[service->n_cluster_ips++] =
                (IpAddr) { .family = AF_INET, .bytes = { 10, 0, 1, (uint8_t) number } };
        service->ports = calloc(N_PORTS, sizeof(ServicePort));
        while (service->n_ports < N_PORTS) {
                ServicePort *port = &service->ports[service->n_ports++];

                assert_true(asprintf(&port->name, "p%zu", service->n_ports) > 0);
                port->protocol = PROTOCOL_TCP;
                port->port = (uint16_t) (1000 + service->n_ports);
        }
        assert_int_equal(store_put_service(manager_store(c->manager), OBJECT_SOURCE_API, service), 1);
}

static void test_many_ports(void **state) {
        ManagerStatus status;
        KernelBackendOps ops;
        Control c;

        control_init(&c);
        control_start(&c);
        original = control_override(&c, &ops);
        ops.filter_apply = count_filter_apply;
        control_list_begin(&c);
        for (unsigned i = 0; i < N_SERVICES; i++)
                put_service(&c, i);
        control_list_end(&c);
        control_settle(&c);
        manager_status(c.manager, &status);
        assert_int_equal(status.n_virtual_servers, N_SERVICES * N_PORTS);
        assert_int_equal(n_guarded, N_SERVICES * N_PORTS);
        assert_in_range(most_guarded, 1, SERVERS_MAX);
        /* nor is there one for each of a few: each costs the kernel by itself */
        assert_in_range(n_transactions, N_SERVICES * N_PORTS / SERVERS_MAX, 2 * N_SERVICES * N_PORTS / 1024);
        assert_string_equal(memory_backend_breach(c.hand), "");
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_many_ports),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
