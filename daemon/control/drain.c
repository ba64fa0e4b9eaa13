/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/drain.h"

#include <errno.h>

#include "common/hash.h"

/* One read of the kernel each; the rest has its turn next time. */
#define DRAIN_LOOKS 128

typedef struct DrainEntry {
        struct DrainEntry *next;
        VirtualServerKey key;
} DrainEntry;

struct Drain {
        KernelTable *table; /* borrowed */
        KernelBackend *backend; /* borrowed */
        HashMap entries; /* VirtualServerKey → DrainEntry, owned */
        DrainEntry *first, **last; /* in the order of the next look */
};

int drain_new(KernelTable *table, KernelBackend *backend, Drain **ret) {
        Drain *drain = calloc(1, sizeof(Drain));

        if (!drain)
                return -ENOMEM;
        drain->table = table;
        drain->backend = backend;
        drain->entries.ops = &virtual_server_key_ops;
        drain->last = &drain->first;
        *ret = drain;
        return 0;
}

Drain *drain_free(Drain *drain) {
        if (!drain)
                return NULL;
        while (drain->first) {
                DrainEntry *entry = drain->first;

                drain->first = entry->next;
                free(entry);
        }
        hashmap_done(&drain->entries);
        free(drain);
        return NULL;
}

static void drain_push(Drain *drain, DrainEntry *entry) {
        entry->next = NULL;
        *drain->last = entry;
        drain->last = &entry->next;
}

int drain_add(Drain *drain, const VirtualServerKey *key) {
        DrainEntry *entry;

        if (hashmap_get(&drain->entries, key))
                return 0;
        entry = calloc(1, sizeof(DrainEntry));
        if (!entry)
                return -ENOMEM;
        entry->key = *key;
        if (hashmap_put(&drain->entries, &entry->key, entry) < 0) {
                free(entry);
                return -ENOMEM;
        }
        drain_push(drain, entry);
        return 0;
}

static bool server_has_draining(const ServerState *server) {
        for (size_t i = 0; i < server->n_dests; i++)
                if (server->dests[i].drain_usec > 0)
                        return true;
        return false;
}

int drain_add_all(Drain *drain) {
        const ServerState *server;
        int r = 0;

        for (size_t i = 0; r >= 0 && (server = kernel_table_next_server(drain->table, &i));)
                if (server->present && server->owner == SERVER_OWNER_US && server_has_draining(server))
                        r = drain_add(drain, &server->key);
        return r;
}

typedef struct DrainLook {
        ServerState *server;
        uint64_t now_usec;
        bool done; /* something is to be removed */
} DrainLook;

static int drain_visit(const VirtualServer *service,
                       const TrafficStats *stats,
                       const RealServerInfo *infos,
                       size_t n_infos,
                       void *userdata) {
        DrainLook *look = userdata;

        for (size_t i = 0; i < n_infos; i++) {
                RealServerState *dest = server_state_find_dest(look->server, &infos[i].server.addr);

                if (!dest || dest->drain_usec == 0)
                        continue;
                if (infos[i].active + infos[i].inactive == 0)
                        dest->drain_usec = 1; /* a deadline long past */
                look->done = look->done || dest->drain_usec <= look->now_usec;
        }
        return 0;
}

/* Whether it still has to be watched. */
static bool drain_look_at(Drain *drain, const VirtualServerKey *key, uint64_t now_usec, size_t *n_queued) {
        DrainLook look = { .server = kernel_table_server(drain->table, key), .now_usec = now_usec };
        int r;

        if (!look.server || !look.server->present || !server_has_draining(look.server))
                return false;
        r = drain->backend->ops->ipvs_read(drain->backend, key, drain_visit, &look);
        if (r == -ESRCH)
                look.done = true; /* somebody removed it; the plan finds out */
        if (look.done) {
                kernel_table_queue_server(drain->table, look.server);
                (*n_queued)++;
        }
        return true;
}

size_t drain_look(Drain *drain, uint64_t now_usec, size_t *ret_left) {
        size_t n = MIN2(drain->entries.n_entries, (size_t) DRAIN_LOOKS), n_queued = 0;

        for (size_t i = 0; i < n; i++) {
                DrainEntry *entry = drain->first;

                drain->first = entry->next;
                if (!drain->first)
                        drain->last = &drain->first;
                if (drain_look_at(drain, &entry->key, now_usec, &n_queued)) {
                        drain_push(drain, entry);
                } else {
                        (void) hashmap_remove(&drain->entries, &entry->key);
                        free(entry);
                }
        }
        *ret_left = drain->entries.n_entries;
        return n_queued;
}
