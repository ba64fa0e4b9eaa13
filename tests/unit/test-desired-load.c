/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 200,000 pairs of address and port (user-needs P28: kube-proxy's sets end at 65,536): 1000 services of 10 ports on 20
 * addresses each, of both families. One service that changes costs itself alone.
 */
#include "tests/unit/test.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "tests/unit/world.h"

#define N_SERVICES 1000
#define N_PORTS 10
#define N_ADDRESSES 20

static double seconds(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static IpAddr numbered(const char *base, uint32_t n) {
        IpAddr addr = world_addr(base);
        size_t last = ip_addr_size(&addr) - 1;

        addr.bytes[last] = (uint8_t) n;
        addr.bytes[last - 1] = (uint8_t) (n >> 8);
        return addr;
}

/* Two cluster IPs, half of the others of each family. */
static void put_service(World *world, uint32_t n) {
        char name[32];
        Service *service;

        (void) snprintf(name, sizeof(name), "s%u", n);
        assert_int_equal(service_new("ns", name, &service), 0);
        service->cluster_ips = calloc(2, sizeof(IpAddr));
        service->external_ips = calloc(N_ADDRESSES - 2, sizeof(IpAddr));
        service->ports = calloc(N_PORTS, sizeof(ServicePort));
        service->cluster_ips[service->n_cluster_ips++] = numbered("10.96.0.0", n);
        service->cluster_ips[service->n_cluster_ips++] = numbered("fd00:96::", n);
        while (service->n_external_ips < N_ADDRESSES - 2) {
                uint32_t i = (uint32_t) service->n_external_ips++;

                service->external_ips[i] = numbered(i % 2 ? "50.0.0.0" : "2012::", n * N_ADDRESSES + i);
        }
        while (service->n_ports < N_PORTS) {
                ServicePort *port = &service->ports[service->n_ports++];

                assert_true(asprintf(&port->name, "p%zu", service->n_ports) > 0);
                port->protocol = (Protocol) (service->n_ports % _PROTOCOL_MAX);
                port->port = (uint16_t) (1000 + service->n_ports);
        }
        assert_int_equal(store_put_service(world->store, OBJECT_SOURCE_API, service), 1);
}

static size_t count_lines(const char *text) {
        size_t n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

/* Programs and says how long it took; returns how many operations on servers and addresses that were. */
static size_t program(World *world, const char *what) {
        double begin = seconds();
        _cleanup_(freep) char *done = world_program(world, 0);
        struct mallinfo2 info = mallinfo2();

        print_message("%s: %.3f s, %zu operations, heap %zu MiB\n",
                      what,
                      seconds() - begin,
                      count_lines(done),
                      (info.uordblks + info.hblkhd) >> 20);
        return count_lines(done);
}

static void test_200000_pairs(void **state) {
        const size_t n_pairs = (size_t) N_SERVICES * N_PORTS * N_ADDRESSES;
        const DesiredPort *port;
        size_t n_held = 0;
        World world;

        world_init(&world);
        for (uint32_t n = 0; n < N_SERVICES; n++)
                put_service(&world, n);
        assert_int_equal(program(&world, "200000 pairs"), n_pairs + N_SERVICES * N_ADDRESSES);
        assert_int_equal(kernel_table_n_servers(world.table), n_pairs);
        for (size_t i = 0; (port = desired_next(world.desired, &i));)
                for (size_t k = 0; k < port->n_servers; k++)
                        n_held += port_server_refusal(&port->servers[k]) == REFUSAL_NONE;
        assert_int_equal(n_held, n_pairs);

        world.n_updates = 0;
        world_do(&world, "slice ns/a svc=s500 port=p1/UDP/80 ep=10.1.0.1\n");
        assert_int_equal(program(&world, "an endpoint"), N_ADDRESSES / 2 + N_ADDRESSES / 2 /* flushed */);
        assert_int_equal(world.n_updates, 1);
        world_do(&world, "remove service ns/s500\n");
        assert_int_equal(program(&world, "a service removed"), N_PORTS * N_ADDRESSES + N_ADDRESSES + N_ADDRESSES / 2);
        assert_int_equal(kernel_table_n_servers(world.table), n_pairs - N_PORTS * N_ADDRESSES);
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_200000_pairs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
