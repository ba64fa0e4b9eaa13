/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted and timed while the manager works, for whoever shows it (web/): histograms with kube-proxy's fixed
 * buckets (reference §5.4), and since when changes wait, which is what its health is made of (reference §5.1). Nothing
 * here influences the work. Times are microseconds; no number is a float.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/manager.h"

#define HISTOGRAM_BOUNDS_MAX 80

/* Upper bounds of buckets, ascending; above the last one there is one more. */
typedef struct HistogramBounds {
        size_t n_bounds;
        uint64_t usec[HISTOGRAM_BOUNDS_MAX];
} HistogramBounds;

extern const HistogramBounds histogram_bounds_sync; /* 1 ms · 2^n, n < 15 */
extern const HistogramBounds histogram_bounds_programming; /* 0.25 s to 300 s */

/* Embedded by value, all zero is empty. */
typedef struct Histogram {
        uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* each bucket by itself, not those below it */
        uint64_t n_observations, sum_usec;
} Histogram;

void histogram_observe(Histogram *histogram, const HistogramBounds *bounds, uint64_t usec);

typedef enum MeasuredFamily {
        MEASURED_FAMILY_IPV4,
        MEASURED_FAMILY_IPV6,
        _MEASURED_FAMILY_MAX,
} MeasuredFamily;

/* "IPv4", "IPv6", as kube-proxy's label ip_family has it */
const char *measured_family_to_string(MeasuredFamily family);
MeasuredFamily measured_family_of(const IpAddr *addr);

typedef struct FamilyMeasure {
        bool served; /* a service with an address of the family was ever programmed */
        Histogram sync; /* bounds_sync; one sync serves both families and counts for both */
        Histogram programming; /* bounds_programming; from the trigger time of an EndpointSlice to the kernel */
        Histogram conntrack; /* bounds_sync; deleting stale UDP entries */
        uint64_t n_conntrack_deleted;
} FamilyMeasure;

typedef struct MeasuredTrigger {
        uint64_t trigger_usec;
        uint8_t families; /* bits 1 << MeasuredFamily */
} MeasuredTrigger;

/* Embedded by value; measure_init(), measure_done(). */
typedef struct Measure {
        FamilyMeasure families[_MEASURED_FAMILY_MAX];
        uint64_t started_usec; /* CLOCK_REALTIME, like all but the next three */
        uint64_t sync_begun_usec, conntrack_begun_usec; /* CLOCK_MONOTONIC */
        uint64_t pending_usec; /* CLOCK_BOOTTIME: the oldest change that is not in the kernel; 0 = none */
        uint64_t queued_usec; /* last time something began to wait; 0 = never */
        uint64_t updated_usec; /* last time all was in the kernel that could be; 0 = never */
        uint64_t n_filter_transactions; /* of nftables, refused ones too */
        uint64_t n_filter_failures; /* the refused ones */
        uint64_t n_changes_done[_OBJECT_KIND_MAX]; /* store_n_changes() when that was so */
        MeasuredTrigger *triggers; /* owned: of changes computed in the running sync */
        size_t n_triggers, n_triggers_allocated;
} Measure;

void measure_init(Measure *measure);
void measure_done(Measure *measure);

/* Something waits to be programmed. */
void measure_queued(Measure *measure);
/* A service was computed: its trigger time is taken from it, to be looked at when the sync ends. */
void measure_computed(Measure *measure, ServiceEntry *entry);
/* One pass over the connection table; it counts for the family of `addr`, its first flow. */
void measure_conntrack_begin(Measure *measure);
void measure_conntrack_end(Measure *measure, const IpAddr *addr, size_t n_deleted);
void measure_sync_begin(Measure *measure);
/* `updated`: everything known was computed and the kernel took orders, though it may have refused some. Returns how
 * long the sync took. */
uint64_t measure_sync_end(Measure *measure, const Store *store, bool updated);

/* Of the manager, as long as it lives. */
const Measure *manager_measure(const Manager *manager);

/*
 * The condition of kube-proxy's healthz: no change waits longer than twice the sync period. Healthy before the first
 * sync (reference §5.1).
 */
bool manager_is_healthy(const Manager *manager);
/* New connections should go to other nodes: it drains, is being deleted, or the autoscaler will delete it. */
bool manager_is_leaving(const Manager *manager);
/*
 * Whether load balancers may send new connections to this node: it is not leaving, and it is known (reference §5.1),
 * unless no API server is read.
 */
bool manager_is_eligible(const Manager *manager);
