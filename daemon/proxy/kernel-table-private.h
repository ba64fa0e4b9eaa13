/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the kernel table, for its files: records, wishes and what the kernel holds (kernel-table.c); who holds a
 * virtual server (kernel-table-claim.c); queues of what differs, and what failed (kernel-table-queue.c).
 */
#pragma once

#include "common/hash.h"
#include "proxy/kernel-table.h"

typedef struct DirtyQueue {
        DirtyLink *first, *last;
        size_t n;
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
/* Finds or makes; NULL on OOM. */
ServerState *kernel_table_ensure_server(KernelTable *table, const VirtualServerKey *key);
/* Whether it is among the n_servers of its address. */
bool server_state_is_counted(const ServerState *server);
/* Somebody may have won or lost the server. */
void kernel_table_observe(const KernelTable *table, const ServerState *server);
