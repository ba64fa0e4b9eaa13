/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pure part at the size of a big cluster: memory and time of model, wishes and kernel table, and of one endpoint
 * that changes. Nothing is done to a kernel: every operation of the plan is taken as done.
 *
 *   bench-proxy [SERVICES [ENDPOINTS [NODES]]]       10000 services, 10 endpoints each, spread over 100 nodes
 *
 * For instruction counts: valgrind --tool=callgrind --toggle-collect=bench_change bench-proxy 10000 10
 */
#undef NDEBUG
#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/parse.h"
#include "proxy/desired.h"
#include "proxy/plan.h"

typedef struct Bench {
        uint32_t n_services, n_endpoints, n_nodes;
        Store *store;
        KernelTable *table;
        Desired *desired;
        ProxyConfig config;
        Plan plan;
} Bench;

static uint64_t now_nsec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000000U + (uint64_t) ts.tv_nsec;
}

static size_t heap_size(void) {
        struct mallinfo2 info = mallinfo2();

        return info.uordblks + info.hblkhd;
}

/* ---- objects */

static IpAddr numbered(const char *base, uint32_t n) {
        IpAddr addr;

        assert(ip_addr_parse(base, &addr) == 0);
        addr.bytes[1] = (uint8_t) (addr.bytes[1] + (n >> 16));
        addr.bytes[2] = (uint8_t) (n >> 8);
        addr.bytes[3] = (uint8_t) n;
        return addr;
}

static void put_service(Bench *bench, uint32_t n) {
        char name[32];
        Service *service;

        (void) snprintf(name, sizeof(name), "service-%u", n);
        assert(service_new("namespace", name, &service) == 0);
        service->created_usec = n;
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        service->ports = calloc(1, sizeof(ServicePort));
        assert(service->cluster_ips && service->ports);
        service->cluster_ips[service->n_cluster_ips++] = numbered("10.96.0.0", n);
        service->ports[service->n_ports++] = (ServicePort) { strdup("http"), PROTOCOL_TCP, 80, 0 };
        assert(store_put_service(bench->store, OBJECT_SOURCE_API, service) == 1);
}

static void fill_endpoint(EndpointSlice *slice, Endpoint *endpoint, uint32_t n, uint32_t n_nodes) {
        char text[32];

        endpoint->addr = numbered("10.128.0.0", n);
        endpoint->conditions = ENDPOINT_READY | ENDPOINT_SERVING;
        (void) snprintf(text, sizeof(text), "node-%u", n % n_nodes);
        assert(endpoint_slice_add_string(slice, text, /* share= */ true, &endpoint->node) == 0);
        (void) snprintf(text, sizeof(text), "pod-%08x-%05u", n * 2654435761U, n % 99999);
        assert(endpoint_slice_add_string(slice, text, /* share= */ false, &endpoint->pod) == 0);
}

static void put_slice(Bench *bench, uint32_t n, uint32_t n_endpoints) {
        char name[40];
        EndpointSlice *slice;
        SliceString port;

        (void) snprintf(name, sizeof(name), "service-%u-abcde", n);
        assert(endpoint_slice_new("namespace", name, &slice) == 0);
        free(slice->service_name);
        *strrchr(name, '-') = '\0';
        slice->service_name = strdup(name);
        slice->family = AF_INET;
        assert(endpoint_slice_add_string(slice, "http", true, &port) == 0);
        slice->ports = calloc(1, sizeof(SlicePort));
        slice->endpoints = calloc(n_endpoints + 1, sizeof(Endpoint));
        assert(slice->ports && slice->endpoints && slice->service_name);
        slice->ports[slice->n_ports++] = (SlicePort) { port, 8080, PROTOCOL_TCP };
        while (slice->n_endpoints < n_endpoints) {
                uint32_t i = (uint32_t) slice->n_endpoints++;

                fill_endpoint(slice, &slice->endpoints[i], n * bench->n_endpoints + i, bench->n_nodes);
        }
        assert(store_put_slice(bench->store, OBJECT_SOURCE_API, slice) == 1);
}

/* ---- work */

static void compute(Bench *bench) {
        ServiceEntry *entry;

        while ((entry = store_take_dirty(bench->store)))
                assert(desired_update(bench->desired, &bench->config, entry) == 0);
}

/* In turns as the reconciler has them. Returns the number of operations. */
static size_t program(Bench *bench) {
        PlanOptions options = { .now_usec = 1, .may_remove = true, .max_servers = 512 };
        size_t n = 0;

        do {
                assert(plan_make(&bench->plan, bench->table, &options) == 0);
                assert(plan_commit(&bench->plan, bench->table) == 0);
                n += plan_n_operations(&bench->plan);
        } while (!kernel_table_is_clean(bench->table));
        return n;
}

static void report(const Bench *bench, const char *what, uint64_t begin_nsec, size_t begin_size) {
        double msec = (double) (now_nsec() - begin_nsec) / 1e6;
        size_t size = heap_size() - begin_size;

        printf("%-28s %9.1f ms %9.2f MiB %8.0f bytes a service %7.1f an endpoint\n",
               what,
               msec,
               (double) size / (1 << 20),
               (double) size / bench->n_services,
               (double) size / (bench->n_services * (double) bench->n_endpoints));
}

/* Not inlined, so that callgrind can tell it from the rest. */
static __attribute__((noinline)) size_t bench_change(Bench *bench, uint32_t n, uint32_t n_endpoints) {
        put_slice(bench, n, n_endpoints);
        compute(bench);
        return program(bench);
}

static void bench_changes(Bench *bench) {
        const uint32_t n_changes = 1000;
        uint64_t begin = now_nsec(), worst = 0;
        size_t n_operations = 0;

        for (uint32_t i = 0; i < n_changes; i++) {
                uint64_t before = now_nsec(), took;

                /* one by one every service loses an endpoint, in the next round it gets it back */
                n_operations += bench_change(bench,
                                             i * 7919 % bench->n_services,
                                             bench->n_endpoints - 1 + i / bench->n_services % 2);
                took = now_nsec() - before;
                worst = took > worst ? took : worst;
        }
        printf("%-28s %9.1f us, worst %.1f us, %.2f operations\n",
               "one endpoint changes",
               (double) (now_nsec() - begin) / 1e3 / n_changes,
               (double) worst / 1e3,
               (double) n_operations / n_changes);
}

static void bench_run(Bench *bench) {
        uint64_t begin = now_nsec();
        size_t size = heap_size();

        printf("%u services with %u endpoints\n", bench->n_services, bench->n_endpoints);
        for (uint32_t i = 0; i < bench->n_services; i++) {
                put_service(bench, i);
                put_slice(bench, i, bench->n_endpoints);
        }
        report(bench, "objects", begin, size);
        begin = now_nsec();
        size = heap_size();
        compute(bench);
        report(bench, "wishes", begin, size);
        begin = now_nsec();
        size = heap_size();
        (void) program(bench);
        report(bench, "programmed", begin, size);
        bench_changes(bench);
        begin = now_nsec();
        size = heap_size();
        store_mark_all_dirty(bench->store);
        compute(bench);
        assert(program(bench) == 0);
        report(bench, "all again, nothing to do", begin, size);
        begin = now_nsec();
        size = heap_size();
        plan_queue_differences(bench->table);
        assert(program(bench) == 0);
        report(bench, "all compared", begin, size);
}

static uint32_t argument(int argc, char *argv[], int i, uint32_t otherwise) {
        uint32_t n = otherwise;

        if (i < argc && (parse_uint32(argv[i], &n) < 0 || n == 0 || n > 1U << 20)) {
                fprintf(stderr, "usage: bench-proxy [SERVICES [ENDPOINTS [NODES]]]\n");
                exit(2);
        }
        return n;
}

int main(int argc, char *argv[]) {
        Bench bench = {
                .n_services = argument(argc, argv, 1, 10000),
                .n_endpoints = argument(argc, argv, 2, 10),
                .n_nodes = argument(argc, argv, 3, 100),
                .config = { .topology = { .node_name = "node-0", .zone = "" }, .scheduler = "rr" },
        };

        assert(store_new(NULL, NULL, &bench.store) == 0);
        assert(kernel_table_new(&bench.table) == 0);
        assert(desired_new(bench.store, bench.table, &bench.desired) == 0);
        bench_run(&bench);
        printf("%-28s %22.2f MiB\n", "all of it", (double) heap_size() / (1 << 20));
        plan_done(&bench.plan);
        (void) desired_free(bench.desired);
        (void) kernel_table_free(bench.table);
        (void) store_free(bench.store);
        return 0;
}
