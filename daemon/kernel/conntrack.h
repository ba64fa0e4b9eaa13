/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletes connection tracking entries of UDP that would go on sending packets to where nobody is any more. Reads
 * the table once for all flows, sees UDP alone where the kernel can select it (5.8), deletes by the entry's own
 * tuple and id, so that an entry made anew meanwhile stays. Logs nothing.
 */
#pragma once

#include <stddef.h>

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct Conntrack Conntrack;

/* Opens nothing; the first flush does. */
int conntrack_new(Conntrack **ret);
Conntrack *conntrack_free(Conntrack *conntrack);
DEFINE_CLEANUP(Conntrack *, conntrack_free);

/* Contract of KernelBackendOps.conntrack_flush_udp. No flows: nothing is opened or read. */
int conntrack_flush_udp(Conntrack *conntrack, const ConntrackFlow *flows, size_t n_flows, size_t *ret_deleted);
