/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One turn of work: some dirty services become wishes, the kernel table's queues a plan, the plan operations in the
 * kernel, and their results knowledge. Bounded by time (turn-pace.h), so that the event loop keeps answering. No timers: who calls it
 * decides when (manager.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "control/journal.h"
#include "control/measure.h"
#include "kernel/backend.h"
#include "model/store.h"
#include "proxy/desired.h"
#include "proxy/plan.h"

/* What a turn works with; all borrowed. */
typedef struct ReconcilerParts {
        Store *store;
        Desired *desired;
        KernelTable *table;
        KernelBackend *backend;
        Journal *journal;
        const FilterConfig *filter;
        Measure *measure;
} ReconcilerParts;

typedef struct Reconciler Reconciler;

int reconciler_new(const ReconcilerParts *parts, Reconciler **ret);
Reconciler *reconciler_free(Reconciler *reconciler);
DEFINE_CLEANUP(Reconciler *, reconciler_free);

typedef struct ReconcilerResult {
        bool more; /* there is work left that can be done now */
        size_t n_changed; /* operations done */
        size_t n_failed; /* operations that have to be tried again after a while */
        bool filter_lost; /* the nftables table has to be made again first */
        bool filter_refused; /* nftables takes nothing at all */
        bool channel_lost; /* IPVS could not be spoken to: what it holds has to be read again */
        bool flows_left; /* stale conntrack entries could not be deleted: a later turn tries again */
        int error; /* first failure … */
        char message[192]; /* … and of what; "" if none */
} ReconcilerResult;

/* `begun` is called for each virtual server of which a real server got its deadline. */
typedef void (*DrainBegun)(const VirtualServerKey *key, void *userdata);
void reconciler_on_drain(Reconciler *reconciler, DrainBegun begun, void *userdata);

typedef enum ReconcileScope {
        RECONCILE_ALL,
        RECONCILE_URGENT, /* lists are not complete: only the services that others need to start (DESIGN §7) */
} ReconcileScope;

/* -ENOMEM: nothing was done, everything is queued still. Other failures are in the result. */
int reconciler_turn(Reconciler *reconciler,
                    ReconcileScope scope,
                    const ProxyConfig *config,
                    const PlanOptions *options,
                    ReconcilerResult *ret);
