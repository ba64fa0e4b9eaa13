/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EVENTS random changes over the kernel in memory: fails if more memory is in use at the end than 2 % above what was in
 * use after a tenth of them.
 *
 *   manager-churn EVENTS SERVICES ENDPOINTS
 */
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/parse.h"
#include "kernel/memory-backend.h"
#include "tests/bench/bench.h"

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

static int churn_run(Bench *bench, uint32_t n_events) {
        uint64_t state = 1, begun = bench_now_nsec();
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
        bench_print_msec("churn", bench_now_nsec() - begun);
        bench_print("heap-after-a-tenth", after_tenth / 1024, "KiB");
        bench_print("heap-at-the-end", at_end / 1024, "KiB");
        bench_print("rss", bench_rss_kib(), "KiB");
        bench_check(bench, at_end <= after_tenth + after_tenth / 50, "memory grew by more than 2 %");
        return 0;
}

/*
 * What a thread keeps of freed memory for itself counts as in use, and fills over hundreds of thousands of events; so it
 * is to keep nothing, which can be said only before it begins.
 */
static void churn_without_cache(char **argv) {
        static const char key[] = "GLIBC_TUNABLES";

        if (!getenv(key) && setenv(key, "glibc.malloc.tcache_count=0", /* overwrite= */ 1) == 0)
                (void) execv("/proc/self/exe", argv); /* if it fails, more is counted than there is */
}

int main(int argc, char **argv) {
        Bench bench = {};
        uint32_t n_events = 0;
        int r;

        if (argc != 4 || parse_uint32(argv[1], &n_events) < 0 || parse_uint32(argv[2], &bench.n_services) < 0 ||
            parse_uint32(argv[3], &bench.n_endpoints) < 0 || bench.n_services == 0 || bench.n_endpoints == 0) {
                fprintf(stderr, "usage: manager-churn EVENTS SERVICES ENDPOINTS\n");
                return 2;
        }
        churn_without_cache(argv);
        r = bench_new(&bench, /* memory= */ true);
        if (r >= 0)
                r = churn_run(&bench, n_events);
        r = bench_verdict(&bench, "manager-churn", r);
        bench_done(&bench);
        return r;
}
