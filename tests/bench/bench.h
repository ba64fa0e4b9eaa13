/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What manager-bench and manager-churn share: a manager over the real kernel or the one in memory, whose objects come
 * as JSON the way the API server sends them, and clocks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "apiserver/feed.h"
#include "control/manager.h"

/* Embedded by value, all zero but what is said; bench_new(), bench_done(). */
typedef struct Bench {
        uint32_t n_services, n_endpoints; /* set before bench_new() */
        sd_event *event;
        KernelBackend *hand; /* the kernel in memory, as long as the program runs; NULL: the real one */
        KernelBackend *backend; /* the manager's */
        Manager *manager;
        Feed *feed;
        uint64_t n_versions; /* resourceVersions given so far */
        uint64_t decode_nsec; /* from bytes to objects in the store, all of it so far */
        const char *failed; /* what went wrong first */
} Bench;

/* CLOCK_MONOTONIC, and the CPU time of the process. */
uint64_t bench_now_nsec(void);
uint64_t bench_cpu_usec(void);
uint64_t bench_rss_kib(void);

/* One "name value unit" line. */
void bench_print(const char *name, uint64_t value, const char *unit);
void bench_print_msec(const char *name, uint64_t nsec);
/* Keeps the first thing that went wrong. */
void bench_check(Bench *bench, bool good, const char *what);

/* `memory`: over the kernel in memory. -errno. */
int bench_new(Bench *bench, bool memory);
void bench_done(Bench *bench);
/* Prints what went wrong. Returns the program's exit status. */
int bench_verdict(const Bench *bench, const char *program, int r);

/* A manager that reads the kernel, and its end, which leaves the kernel as it is. -errno. */
int bench_start(Bench *bench);
void bench_stop(Bench *bench);
/* Of a running manager, so long as it is not told otherwise. -ENOMEM. */
#define BENCH_AUDIT_USEC (3600 * USEC_PER_SEC)
int bench_audit_every(Bench *bench, uint64_t usec);
/* Runs the event loop until nothing is left to do at once. Returns the longest turn in microseconds. */
uint64_t bench_settle(Bench *bench);

/* ---- objects; the numbers are of services, from 0 */

/* All of them, as the two lists of a cold start. */
void bench_list(Bench *bench);
void bench_put_service(Bench *bench, uint32_t i);
/* `shift` makes other endpoints of the same number. */
void bench_put_slice(Bench *bench, uint32_t i, uint32_t shift);
/* The service and its slice. */
void bench_remove(Bench *bench, ObjectKind kind, uint32_t i);
/* To the endpoints of the first list, and what drains is gone: a restart finds all as it should be. */
void bench_back(Bench *bench);

/* What the numbers stand for. */
IpAddr bench_service_addr(uint32_t i);
IpAddr bench_endpoint_addr(const Bench *bench, uint32_t i, uint32_t k);
