/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the kernel table, for its two files: records, wishes and what the kernel holds (kernel-table.c); queues of
 * what differs, and what failed (kernel-table-queue.c).
 */
#pragma once

#include "common/hash.h"
#include "proxy/kernel-table.h"

typedef struct DirtyQueue {
        DirtyLink *first, *last;
} DirtyQueue;

struct KernelTable {
        HashMap addresses; /* IpAddr → AddressState, owned */
        HashMap elements; /* FilterElement → ElementState, owned */
        HashMap servers; /* VirtualServerKey → ServerState, owned */
        DirtyQueue queues[_DIRTY_MAX];
        size_t n_failed;
        uint64_t next_retry_usec; /* not later than that of any failure */
        ClaimObserver observer;
        void *userdata;
};

void server_state_free(ServerState *server);
