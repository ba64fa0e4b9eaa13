/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the work of the manager costs, from an object's bytes to the kernel: beside it what the kernel takes for the
 * same operations when nothing else is done, so that runs on different machines can be compared. On a real kernel (as
 * root, in network namespaces of its own), or with --memory over the one in memory, for profiles.
 *
 *   manager-bench [--memory] SERVICES ENDPOINTS
 *
 * Prints one "name value unit" a line; docs/performance.md says what they mean.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/parse.h"
#include "kernel/memory-backend.h"
#include "tests/bench/bench.h"
#include "tests/bench/timed-backend.h"

#define CHANGES 200
#define ROLLING 100
#define IDLE_USEC (5 * USEC_PER_SEC)
#define AUDITS 3
#define AUDIT_USEC (5 * USEC_PER_SEC)

static void bench_check_synced(Bench *bench, const char *what) {
        ManagerStatus status;

        manager_status(bench->manager, &status);
        bench_check(bench, status.state == MANAGER_STATE_RUNNING && status.n_virtual_servers == bench->n_services, what);
}

/* Without a routing table no address is one of a real server to the kernel (ip_vs_new_dest(): EINVAL). -errno. */
static int bench_set_loopback_up(void) {
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

        if (fd < 0)
                return -errno;
        r = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
        (void) close(fd);
        return r;
}

/*
 * A network namespace without anything in it: for two minutes the kernel keeps real servers that were deleted in a list,
 * and goes through it for each one that is added (ip_vs_trash_get_dest()), so that one run would spoil the next. -errno.
 */
static int bench_enter_namespace(void) {
        return unshare(CLONE_NEWNET) < 0 ? -errno : bench_set_loopback_up();
}

/* The operations of a cold start, and nothing else. */
static int limit_measure(const Bench *bench, KernelBackend *backend) {
        size_t n = 0, n_all = (size_t) bench->n_services * (bench->n_endpoints + 1);
        _cleanup_(freep) IpvsOp *ops = calloc(n_all, sizeof(IpvsOp));
        uint64_t begun;
        int r;

        if (!ops)
                return -ENOMEM;
        for (uint32_t i = 0; i < bench->n_services; i++) {
                VirtualServer server = { .key = { .addr = bench_service_addr(i), .port = 80 }, .scheduler = "rr" };

                ops[n++] = (IpvsOp) { .kind = IPVS_OP_ADD_SERVICE, .service = server };
                for (uint32_t k = 0; k < bench->n_endpoints; k++)
                        ops[n++] = (IpvsOp) { .kind = IPVS_OP_ADD_DEST,
                                              .service = server,
                                              .dest = { .addr = { bench_endpoint_addr(bench, i, k), 8080 }, .weight = 1 } };
        }
        begun = bench_now_nsec();
        r = backend->ops->ipvs_apply(backend, ops, n);
        bench_print_msec("kernel-limit", bench_now_nsec() - begun);
        return r;
}

/* Behind all else: see bench_enter_namespace(). */
static int bench_limit(const Bench *bench) {
        _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL;
        int r;

        if (bench->hand)
                r = memory_backend_new(&backend);
        else
                r = bench_enter_namespace();
        if (r >= 0 && !bench->hand)
                r = kernel_backend_new(&backend);
        return r < 0 ? r : limit_measure(bench, backend);
}

/* Not inlined, like bench_resync(): tests/bench/instructions counts what it does. */
static __attribute__((noinline)) void bench_cold(Bench *bench) {
        uint64_t begun, settling, longest;
        BackendTimes times;

        bench->decode_nsec = 0;
        (void) timed_backend_take();
        bench_list(bench);
        begun = bench_now_nsec();
        longest = bench_settle(bench);
        settling = bench_now_nsec() - begun;
        times = timed_backend_take();
        bench_print_msec("cold-start", bench->decode_nsec + settling);
        bench_print_msec("cold-decode", bench->decode_nsec);
        bench_print_msec("cold-plan", settling - times.filter_nsec - times.address_nsec - times.ipvs_nsec);
        bench_print_msec("cold-filter", times.filter_nsec);
        bench_print_msec("cold-addresses", times.address_nsec);
        bench_print_msec("cold-ipvs", times.ipvs_nsec);
        bench_print("cold-longest-turn", longest, "us");
        bench_print("cold-writes", bench->backend->n_writes, "messages");
        bench_check_synced(bench, "the cold start did not end well");
        bench_print("rss", bench_rss_kib(), "KiB");
}

/* ---- changes */

static int number_compare(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static void print_percentiles(const char *name, uint64_t *samples, size_t n) {
        char text[64];

        qsort(samples, n, sizeof(uint64_t), number_compare);
        (void) snprintf(text, sizeof(text), "%s-p50", name);
        bench_print(text, samples[n / 2] / NSEC_PER_USEC, "us");
        (void) snprintf(text, sizeof(text), "%s-p99", name);
        bench_print(text, samples[n * 99 / 100] / NSEC_PER_USEC, "us");
}

/* What was decoded since it was taken to be none, and what the kernel needed until now. */
static uint64_t bench_change_cost(Bench *bench) {
        uint64_t begun = bench_now_nsec();

        (void) bench_settle(bench);
        return bench->decode_nsec + bench_now_nsec() - begun;
}

static void bench_changes(Bench *bench) {
        uint64_t samples[CHANGES];

        for (uint32_t i = 0; i < CHANGES; i++) {
                bench->decode_nsec = 0;
                bench_put_slice(bench, i * 7919 % bench->n_services, 1 + i / bench->n_services);
                samples[i] = bench_change_cost(bench);
        }
        print_percentiles("endpoint-change", samples, CHANGES);
        for (uint32_t i = 0; i < CHANGES; i++) {
                uint32_t extra = bench->n_services + i / 2;

                bench->decode_nsec = 0;
                if (i % 2 == 0) {
                        bench_put_service(bench, extra);
                        bench_put_slice(bench, extra, 0);
                } else {
                        bench_remove(bench, OBJECT_KIND_SERVICE, extra);
                        bench_remove(bench, OBJECT_KIND_ENDPOINT_SLICE, extra);
                }
                samples[i] = bench_change_cost(bench);
        }
        print_percentiles("service-added-or-removed", samples, CHANGES);
}

static void bench_rolling(Bench *bench) {
        uint64_t cost = 0, longest = 0, begun, turn;

        bench->decode_nsec = 0;
        for (uint32_t step = 0; step < bench->n_endpoints; step++) {
                for (uint32_t i = 0; i < MIN2((uint32_t) ROLLING, bench->n_services); i++)
                        bench_put_slice(bench, i, 2 + step);
                begun = bench_now_nsec();
                turn = bench_settle(bench);
                cost += bench_now_nsec() - begun;
                longest = MAX2(longest, turn);
        }
        bench_print_msec("rolling-restart", bench->decode_nsec + cost);
        bench_print("rolling-longest-turn", longest, "us");
}

/* ---- nothing to do */

static void on_resync(uint64_t generation, int error, const char *message, void *userdata) {
        *(bool *) userdata = true;
}

/* Everything is read, computed and compared: an audit (daemon-bench) only reads and compares. */
static __attribute__((noinline)) void bench_resync(Bench *bench) {
        uint64_t ticket, writes = bench->backend->n_writes, cpu = bench_cpu_usec(), longest;
        bool done = false;

        if (manager_resync(bench->manager, RESYNC_AUDIT, on_resync, &done, &ticket) < 0) {
                bench_check(bench, false, "a resync was refused");
                return;
        }
        longest = bench_settle(bench);
        bench_print("resync-cpu", (bench_cpu_usec() - cpu) / USEC_PER_MSEC, "ms");
        bench_print("resync-longest-turn", longest, "us");
        bench_check(bench, done && bench->backend->n_writes == writes, "a comparison that finds nothing wrote something");
}

/*
 * What the loop costs for `usec`, in microseconds of CPU time. The longest that a turn kept it, in CPU time too, for it
 * also waits.
 */
static uint64_t bench_run_for(Bench *bench, uint64_t usec, uint64_t *ret_longest) {
        uint64_t cpu = bench_cpu_usec(), end = bench_now_nsec() + usec * NSEC_PER_USEC, longest = 0, now;

        while ((now = bench_now_nsec()) < end) {
                uint64_t begun = bench_cpu_usec();

                (void) sd_event_run(bench->event, (end - now) / NSEC_PER_USEC);
                longest = MAX2(longest, bench_cpu_usec() - begun);
        }
        *ret_longest = longest;
        return bench_cpu_usec() - cpu;
}

static void bench_idle(Bench *bench) {
        uint64_t writes = bench->backend->n_writes, longest, quiet = bench_run_for(bench, IDLE_USEC, &longest), audits;

        bench_print("idle-cpu-per-mille", quiet * 1000 / IDLE_USEC, "1/1000");
        bench_check(bench, bench_audit_every(bench, AUDIT_USEC) >= 0, "the period of audits could not be set");
        (void) bench_settle(bench);
        audits = bench_run_for(bench, AUDITS * AUDIT_USEC + AUDIT_USEC / 2, &longest);
        bench_print("audit-cpu", audits / AUDITS / USEC_PER_MSEC, "ms");
        bench_print("audit-longest-turn", longest, "us");
        bench_check(bench, bench_audit_every(bench, BENCH_AUDIT_USEC) >= 0, "the period of audits could not be set");
        bench_check(bench, bench->backend->n_writes == writes, "an audit that finds nothing wrote something");
}

static int bench_restart(Bench *bench) {
        uint64_t begun = bench_now_nsec();
        int r;

        r = bench_start(bench);
        if (r < 0)
                return r;
        bench_print_msec("restart-read-kernel", bench_now_nsec() - begun);
        bench->decode_nsec = 0;
        bench_list(bench);
        begun = bench_now_nsec();
        (void) bench_settle(bench);
        bench_print_msec("restart-until-synced", bench->decode_nsec + bench_now_nsec() - begun);
        bench_print("restart-writes", bench->backend->n_writes, "messages");
        bench_check_synced(bench, "the restart did not end well");
        return 0;
}

static int bench_run(Bench *bench) {
        int r = bench_start(bench);

        if (r < 0)
                return r;
        timed_backend_watch(bench->backend);
        bench_cold(bench);
        bench_changes(bench);
        bench_rolling(bench);
        bench_back(bench);
        bench_resync(bench);
        bench_idle(bench);
        bench_check_synced(bench, "the kernel is not what the objects say");
        bench_stop(bench);
        r = bench_restart(bench);
        return r < 0 ? r : bench_limit(bench);
}

int main(int argc, char **argv) {
        Bench bench = {};
        bool memory = argc > 1 && strcmp(argv[1], "--memory") == 0;
        int r;

        argc -= memory;
        argv += memory;
        if (argc != 3 || parse_uint32(argv[1], &bench.n_services) < 0 || parse_uint32(argv[2], &bench.n_endpoints) < 0 ||
            bench.n_services == 0 || bench.n_endpoints == 0) {
                fprintf(stderr, "usage: manager-bench [--memory] SERVICES ENDPOINTS\n");
                return 2;
        }
        r = memory ? 0 : bench_enter_namespace();
        if (r >= 0)
                r = bench_new(&bench, memory);
        if (r >= 0)
                r = bench_run(&bench);
        r = bench_verdict(&bench, "manager-bench", r);
        bench_done(&bench);
        return r;
}
