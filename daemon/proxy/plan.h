/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the kernel table's queues to operations, and their results back into the table (DESIGN §7). The arrays are
 * applied in the order they stand in the struct: elements added, virtual servers and real servers (a service before
 * its destinations), addresses added, addresses removed, elements removed. Pure: control/reconciler.c applies them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "model/kernel-ops.h"
#include "proxy/kernel-table.h"

/* UDP entries that have to go with what the plan does. */
typedef struct StaleFlow {
        VirtualServerKey key;
        IpPort endpoint; /* the real server that goes; family 0: entries that were never translated */
} StaleFlow;

/* A real server that got its deadline in this plan. */
typedef struct DrainStart {
        VirtualServerKey key;
        IpPort dest;
} DrainStart;

/* A growing array that keeps its memory from turn to turn. */
#define PLAN_ARRAY(type)                                                                           \
        struct {                                                                                   \
                type *items; /* owned */                                                           \
                size_t n_items, n_allocated;                                                       \
        }

/* Embedded by value, `{}` is empty. plan_make() fills it anew. */
typedef struct Plan {
        PLAN_ARRAY(FilterOp) elements_added; /* first those removed with them, see plan_make() */
        PLAN_ARRAY(IpvsOp) servers;
        PLAN_ARRAY(AddressOp) addresses_added;
        PLAN_ARRAY(AddressOp) addresses_removed;
        PLAN_ARRAY(FilterOp) elements_removed;
        PLAN_ARRAY(StaleFlow) flows;
        PLAN_ARRAY(DrainStart) drains; /* those whose operation failed are in it too: look at the table */
        uint64_t drain_deadline_usec; /* of all of them; CLOCK_BOOTTIME */
        uint64_t now_usec, retry_usec; /* of PlanOptions */
} Plan;

typedef struct PlanOptions {
        uint64_t now_usec; /* CLOCK_BOOTTIME */
        uint64_t drain_timeout_usec; /* 0: real servers leave at once */
        uint64_t retry_usec; /* what fails is tried again after that, then after longer and longer */
        bool may_remove; /* false before every list was complete once (DESIGN §5): nothing is taken away */
        size_t max_servers; /* virtual servers looked at, the rest stays queued; 0 = all */
} PlanOptions;

void plan_done(Plan *plan);

/*
 * Empties the queues into `plan`. An address waits for the first virtual server on it, for without one its ports are
 * those of the host. Source ranges that go while their port stays firewalled stand in elements_added, before the
 * additions: the kernel takes no two ranges that overlap, and nobody is let in or shut out in between. What may not be
 * removed yet is dropped from the queues; plan_queue_differences() brings it back. -ENOMEM: the plan is to be thrown
 * away, then plan_queue_differences() brings back all of it.
 */
int plan_make(Plan *plan, KernelTable *table, const PlanOptions *options);

/*
 * After elements_added have their results: what depends on an element that is missing (a virtual server without its
 * filter rules, an address without its guard) gets the result -ECANCELED and must not be applied.
 */
void plan_withhold(Plan *plan);

/*
 * Enters what succeeded into the table. Returns how many operations failed: their records have a `failure` and are not
 * queued; see kernel_table_retry().
 */
size_t plan_commit(Plan *plan, KernelTable *table);

/* Queues every record whose sides may differ: for a full comparison, and when removals become allowed. */
void plan_queue_differences(KernelTable *table);

/* Operations in it, flows not counted. */
size_t plan_n_operations(const Plan *plan);
