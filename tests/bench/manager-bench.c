/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the work of the manager costs, from objects in its store to the kernel: beside it what the kernel takes for the
 * same operations when nothing else is done, so that runs on different machines can be compared. On a real kernel (as
 * root, in a node that may be changed), or with --memory over the one in memory, for profiles.
 *
 *   manager-bench [--memory] SERVICES ENDPOINTS
 *   manager-bench --churn EVENTS SERVICES ENDPOINTS
 *
 * The second makes so many random changes over the kernel in memory, and fails if more memory is in use at the end than
 * 2 % above what was in use after a tenth of them. Prints one "name value unit" a line.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/log.h"
#include "common/parse.h"
#include "control/manager.h"
#include "kernel/memory-backend.h"

#define CHANGES 200
#define ROLLING 100
#define IDLE_USEC (5 * USEC_PER_SEC)

typedef struct Bench {
        sd_event *event;
        KernelBackend *hand; /* the kernel in memory, as long as the program runs; NULL: the real one */
        KernelBackend *backend; /* the manager's */
        Manager *manager;
        uint32_t n_services, n_endpoints;
        const char *failed; /* what went wrong first */
} Bench;

static uint64_t now_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

static uint64_t cpu_usec(void) {
        struct rusage usage;

        (void) getrusage(RUSAGE_SELF, &usage);
        return (uint64_t) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
               (uint64_t) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint64_t rss_kib(void) {
        unsigned long pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");

        if (!file)
                return 0;
        if (fscanf(file, "%*u %lu", &pages) != 1)
                pages = 0;
        (void) fclose(file);
        return pages * (uint64_t) sysconf(_SC_PAGESIZE) / 1024;
}

static void print(const char *name, uint64_t value, const char *unit) {
        printf("%-28s %10" PRIu64 " %s\n", name, value, unit);
        (void) fflush(stdout);
}

static void bench_check(Bench *bench, bool good, const char *what) {
        if (!good && !bench->failed)
                bench->failed = what;
}

/* ---- objects */

static IpAddr bench_addr(uint8_t net, uint32_t i) {
        uint8_t bytes[4] = { net, (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i };
        IpAddr addr = {};

        (void) ip_addr_from_bytes(AF_INET, bytes, sizeof(bytes), &addr);
        return addr;
}

static void bench_put_service(Bench *bench, uint32_t i) {
        Service *service;
        char name[32];

        (void) snprintf(name, sizeof(name), "service-%u", i);
        if (service_new("bench", name, &service) < 0)
                return;
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        service->ports = calloc(1, sizeof(ServicePort));
        service->cluster_ips[0] = bench_addr(20, i + 1);
        service->n_cluster_ips = 1;
        service->ports[0] = (ServicePort) { strdup("http"), PROTOCOL_TCP, 80, 0 };
        service->n_ports = 1;
        (void) store_put_service(manager_store(bench->manager), OBJECT_SOURCE_API, service);
}

/* `shift` makes other endpoints of the same number. */
static void bench_put_slice(Bench *bench, uint32_t i, uint32_t shift) {
        EndpointSlice *slice;
        SliceString port;
        char name[32];

        (void) snprintf(name, sizeof(name), "service-%u", i);
        if (endpoint_slice_new("bench", name, &slice) < 0)
                return;
        free(slice->service_name);
        slice->service_name = strdup(name);
        slice->family = AF_INET;
        (void) endpoint_slice_add_string(slice, "http", true, &port);
        slice->ports = calloc(1, sizeof(SlicePort));
        slice->ports[0] = (SlicePort) { port, 8080, PROTOCOL_TCP };
        slice->n_ports = 1;
        slice->endpoints = calloc(bench->n_endpoints, sizeof(Endpoint));
        slice->n_endpoints = bench->n_endpoints;
        for (uint32_t k = 0; k < bench->n_endpoints; k++) {
                slice->endpoints[k].addr = bench_addr(30, i * (bench->n_endpoints + 1) + (k + shift) % (bench->n_endpoints + 1));
                slice->endpoints[k].conditions = ENDPOINT_READY | ENDPOINT_SERVING;
        }
        (void) store_put_slice(manager_store(bench->manager), OBJECT_SOURCE_API, slice);
}

static void bench_remove(Bench *bench, ObjectKind kind, uint32_t i) {
        char name[32];

        (void) snprintf(name, sizeof(name), "service-%u", i);
        (void) store_remove(manager_store(bench->manager), OBJECT_SOURCE_API, kind, "bench", name);
}

/* ---- the manager */

static int bench_start(Bench *bench) {
        ManagerOptions options = {
                .node_name = "bench",
                .filter = { .mark = 0x4000, .masquerade_all = true },
                .sync_usec = 3600 * USEC_PER_SEC,
                .drain_timeout_usec = 900 * USEC_PER_SEC,
                .needs_source = { [OBJECT_SOURCE_API] = true },
        };
        int r = bench->hand ? memory_backend_share(bench->hand, &bench->backend) : kernel_backend_new(&bench->backend);

        if (r >= 0)
                r = manager_new(bench->event, bench->backend, &options, &bench->manager);
        return r < 0 ? r : manager_start(bench->manager);
}

static void bench_list(Bench *bench) {
        static const ObjectKind kinds[] = { OBJECT_KIND_NODE, OBJECT_KIND_SERVICE, OBJECT_KIND_ENDPOINT_SLICE };
        Store *store = manager_store(bench->manager);

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                store_list_begin(store, OBJECT_SOURCE_API, kinds[i]);
        for (uint32_t i = 0; i < bench->n_services; i++) {
                bench_put_service(bench, i);
                bench_put_slice(bench, i, 0);
        }
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                store_list_end(store, OBJECT_SOURCE_API, kinds[i]);
        manager_source_synced(bench->manager);
}

static uint64_t bench_settle(Bench *bench) {
        uint64_t longest = 0, begun, turn;
        int r;

        do {
                begun = now_usec();
                r = sd_event_run(bench->event, 0);
                turn = now_usec() - begun;
                longest = MAX2(longest, turn);
        } while (r > 0);
        return longest;
}

static void bench_check_synced(Bench *bench, const char *what) {
        ManagerStatus status;

        manager_status(bench->manager, &status);
        bench_check(bench, status.state == MANAGER_STATE_RUNNING && status.n_virtual_servers == bench->n_services, what);
}

/* ---- what is measured */

/* The operations of a cold start, and nothing else. */
static int bench_limit(Bench *bench, KernelBackend *backend) {
        size_t n = 0, n_all = (size_t) bench->n_services * (bench->n_endpoints + 1);
        _cleanup_(freep) IpvsOp *ops = calloc(n_all, sizeof(IpvsOp));
        uint64_t begun;
        int r;

        if (!ops)
                return -ENOMEM;
        for (uint32_t i = 0; i < bench->n_services; i++) {
                VirtualServer server = { .key = { .addr = bench_addr(20, i + 1), .port = 80 }, .scheduler = "rr" };

                ops[n++] = (IpvsOp) { .kind = IPVS_OP_ADD_SERVICE, .service = server };
                for (uint32_t k = 0; k < bench->n_endpoints; k++)
                        ops[n++] = (IpvsOp) { .kind = IPVS_OP_ADD_DEST,
                                              .service = server,
                                              .dest = { .addr = { bench_addr(30, i * bench->n_endpoints + k), 8080 }, .weight = 1 } };
        }
        begun = now_usec();
        r = backend->ops->ipvs_apply(backend, ops, n);
        print("kernel-limit", (now_usec() - begun) / 1000, "ms");
        for (uint32_t i = 0; i < bench->n_services; i++) {
                ops[i] = ops[(size_t) i * (bench->n_endpoints + 1)];
                ops[i].kind = IPVS_OP_DELETE_SERVICE;
        }
        return r < 0 ? r : backend->ops->ipvs_apply(backend, ops, bench->n_services);
}

static int number_compare(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static void print_percentiles(const char *name, uint64_t *samples, size_t n) {
        char text[64];

        qsort(samples, n, sizeof(uint64_t), number_compare);
        (void) snprintf(text, sizeof(text), "%s-p50", name);
        print(text, samples[n / 2], "us");
        (void) snprintf(text, sizeof(text), "%s-p99", name);
        print(text, samples[n * 99 / 100], "us");
}

static void bench_changes(Bench *bench) {
        uint64_t samples[CHANGES], begun;

        for (uint32_t i = 0; i < CHANGES; i++) {
                begun = now_usec();
                bench_put_slice(bench, i * 7919 % bench->n_services, 1 + i / bench->n_services);
                (void) bench_settle(bench);
                samples[i] = now_usec() - begun;
        }
        print_percentiles("endpoint-change", samples, CHANGES);
        for (uint32_t i = 0; i < CHANGES; i++) {
                uint32_t extra = bench->n_services + i / 2;

                begun = now_usec();
                if (i % 2 == 0) {
                        bench_put_service(bench, extra);
                        bench_put_slice(bench, extra, 0);
                } else {
                        bench_remove(bench, OBJECT_KIND_SERVICE, extra);
                        bench_remove(bench, OBJECT_KIND_ENDPOINT_SLICE, extra);
                }
                (void) bench_settle(bench);
                samples[i] = now_usec() - begun;
        }
        print_percentiles("service-added-or-removed", samples, CHANGES);
}

static void bench_rolling(Bench *bench) {
        uint64_t begun = now_usec(), longest = 0, turn;

        for (uint32_t step = 0; step < bench->n_endpoints; step++) {
                for (uint32_t i = 0; i < MIN2((uint32_t) ROLLING, bench->n_services); i++)
                        bench_put_slice(bench, i, 2 + step);
                turn = bench_settle(bench);
                longest = MAX2(longest, turn);
        }
        print("rolling-restart", (now_usec() - begun) / 1000, "ms");
        print("rolling-longest-turn", longest, "us");
}

static bool bench_drains(const Bench *bench) {
        ManagerStatus status;

        manager_status_brief(bench->manager, &status);
        return status.n_draining > 0;
}

/* To the endpoints of the first list, and what drains is gone: a restart finds all as it should be. */
static void bench_back(Bench *bench) {
        for (uint32_t i = 0; i < bench->n_services; i++)
                bench_put_slice(bench, i, 0);
        (void) bench_settle(bench);
        for (unsigned i = 0; i < 600 && bench_drains(bench); i++)
                (void) sd_event_run(bench->event, 100 * USEC_PER_MSEC);
        (void) bench_settle(bench);
        bench_check(bench, !bench_drains(bench), "real servers without connections drain on");
}

static void on_audit(uint64_t generation, int error, const char *message, void *userdata) {
        *(bool *) userdata = true;
}

static void bench_audit(Bench *bench) {
        uint64_t ticket, writes = bench->backend->n_writes, cpu = cpu_usec(), longest;
        bool done = false;

        /* what an audit costs by itself: nothing is computed anew, so this is more than that */
        if (manager_resync(bench->manager, RESYNC_AUDIT, on_audit, &done, &ticket) < 0)
                return;
        longest = bench_settle(bench);
        print("resync-with-audit-cpu", (cpu_usec() - cpu) / 1000, "ms");
        print("resync-longest-turn", longest, "us");
        bench_check(bench, done && bench->backend->n_writes == writes, "an audit that finds nothing wrote something");
}

static void bench_idle(Bench *bench) {
        uint64_t cpu = cpu_usec(), begun = now_usec();

        while (now_usec() - begun < IDLE_USEC)
                (void) sd_event_run(bench->event, IDLE_USEC / 10);
        print("idle-cpu-per-mille", (cpu_usec() - cpu) * 1000 / (now_usec() - begun), "1/1000");
}

static int bench_run(Bench *bench) {
        uint64_t begun, longest;
        int r;

        r = bench_start(bench);
        if (r < 0)
                return r;
        r = bench_limit(bench, bench->backend);
        if (r < 0)
                return r;
        begun = now_usec();
        bench_list(bench);
        print("objects-into-store", (now_usec() - begun) / 1000, "ms");
        begun = now_usec();
        longest = bench_settle(bench);
        print("cold-start", (now_usec() - begun) / 1000, "ms");
        print("cold-longest-turn", longest, "us");
        print("cold-writes", bench->backend->n_writes, "messages");
        bench_check_synced(bench, "the cold start did not end well");
        print("rss", rss_kib(), "KiB");
        bench_changes(bench);
        bench_rolling(bench);
        bench_back(bench);
        bench_audit(bench);
        bench_idle(bench);
        bench_check_synced(bench, "the kernel is not what the objects say");

        bench->manager = manager_free(bench->manager);
        begun = now_usec();
        r = bench_start(bench);
        if (r < 0)
                return r;
        print("restart-read-kernel", (now_usec() - begun) / 1000, "ms");
        bench_list(bench);
        (void) bench_settle(bench);
        print("restart-until-synced", (now_usec() - begun) / 1000, "ms");
        print("restart-writes", bench->backend->n_writes, "messages");
        return 0;
}

/* ---- churn */

static uint32_t churn_random(uint64_t *state) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t) (*state >> 33);
}

static void churn_event(Bench *bench, uint64_t *state) {
        uint32_t i = churn_random(state) % bench->n_services;

        switch (churn_random(state) % 8) {
        case 0:
                bench_remove(bench, OBJECT_KIND_SERVICE, i);
                break;
        case 1:
                bench_remove(bench, OBJECT_KIND_ENDPOINT_SLICE, i);
                break;
        case 2:
                (void) memory_backend_flush_filter(bench->hand);
                break;
        default:
                bench_put_service(bench, i);
                bench_put_slice(bench, i, churn_random(state) % (bench->n_endpoints + 1));
                break;
        }
        if (churn_random(state) % 4 == 0)
                (void) bench_settle(bench);
}

/* In use when every object is there and nothing drains. */
static size_t churn_heap(Bench *bench) {
        bench_list(bench);
        bench_back(bench);
        return mallinfo2().uordblks;
}

static int bench_churn(Bench *bench, uint32_t n_events) {
        uint64_t state = 1, begun = now_usec();
        size_t after_tenth = 0, at_end;
        int r = bench_start(bench);

        if (r < 0)
                return r;
        bench_list(bench);
        for (uint32_t i = 0; i < n_events; i++) {
                churn_event(bench, &state);
                if (i == n_events / 10)
                        after_tenth = churn_heap(bench);
        }
        at_end = churn_heap(bench);
        print("churn", (now_usec() - begun) / 1000, "ms");
        print("heap-after-a-tenth", after_tenth / 1024, "KiB");
        print("heap-at-the-end", at_end / 1024, "KiB");
        print("rss", rss_kib(), "KiB");
        bench_check(bench, at_end <= after_tenth + after_tenth / 50, "memory grew by more than 2 %");
        return 0;
}

int main(int argc, char **argv) {
        Bench bench = { .n_services = 1000, .n_endpoints = 10 };
        bool churn = argc > 2 && strcmp(argv[1], "--churn") == 0;
        bool memory = churn || (argc > 1 && strcmp(argv[1], "--memory") == 0);
        uint32_t n_events = 0;
        int r = 0;

        if (churn)
                r = parse_uint32(argv[2], &n_events);
        argc -= memory + churn;
        argv += memory + churn;
        if (r < 0 || argc != 3 || parse_uint32(argv[1], &bench.n_services) < 0 || parse_uint32(argv[2], &bench.n_endpoints) < 0 ||
            bench.n_services == 0 || bench.n_endpoints == 0) {
                fprintf(stderr, "usage: manager-bench [--memory | --churn EVENTS] SERVICES ENDPOINTS\n");
                return 2;
        }
        log_set_max_level(LOG_ERR);
        r = sd_event_new(&bench.event);
        if (r >= 0 && memory)
                r = memory_backend_new(&bench.hand);
        if (r >= 0)
                r = churn ? bench_churn(&bench, n_events) : bench_run(&bench);
        if (r < 0)
                fprintf(stderr, "manager-bench: %s\n", strerror(-r));
        if (bench.failed)
                fprintf(stderr, "manager-bench: %s\n", bench.failed);
        (void) manager_free(bench.manager);
        (void) kernel_backend_free(bench.hand);
        (void) sd_event_unref(bench.event);
        return r < 0 || bench.failed ? 1 : 0;
}
