/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real servers at weight 0 that wait for their connections to end: reads their connection counts now and then and
 * marks those that are done, so that the next plan removes them (DESIGN §7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "kernel/backend.h"
#include "proxy/kernel-table.h"

typedef struct Drain Drain;

/* Borrows both. -ENOMEM. */
int drain_new(KernelTable *table, KernelBackend *backend, Drain **ret);
Drain *drain_free(Drain *drain);
DEFINE_CLEANUP(Drain *, drain_free);

/* A real server of this virtual server drains. -ENOMEM: it is removed at the next audit. */
int drain_add(Drain *drain, const VirtualServerKey *key);
/* Every virtual server of the table that has one: after the kernel was adopted. */
int drain_add_all(Drain *drain);

typedef struct DrainResult {
        size_t n_queued; /* virtual servers for the next plan */
        uint64_t next_usec; /* when to look again; 0 = nothing is waited for */
        bool stale; /* the kernel holds something else than the table says: somebody changed it */
} DrainResult;

/* Looks at those that are due, some of them in one call. `now_usec` is CLOCK_BOOTTIME; each is due again after a period. */
void drain_look(Drain *drain, uint64_t now_usec, uint64_t period_usec, DrainResult *ret);

/* Real servers at weight 0 that are waited for. */
size_t drain_n_real_servers(const Drain *drain);
