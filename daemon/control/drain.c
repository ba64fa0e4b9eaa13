/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/drain.h"

#include <errno.h>

#include "common/hash.h"

/* One read of the kernel each in a turn of the loop; the rest has its turn soon. */
#define DRAIN_LOOKS 64

typedef struct DrainEntry {
        struct DrainEntry *next;
        VirtualServerKey key;
        uint64_t due_usec; /* of the next look; 0 = now */
} DrainEntry;

struct Drain {
        KernelTable *table; /* borrowed */
        KernelBackend *backend; /* borrowed */
        HashMap entries; /* VirtualServerKey → DrainEntry, owned */
        DrainEntry *first, **last; /* in the order of the next look: new ones come first */
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
        entry->next = drain->first;
        if (!drain->first)
                drain->last = &entry->next;
        drain->first = entry;
        return 0;
}

static size_t server_n_draining(const ServerState *server) {
        size_t n = 0;

        for (size_t i = 0; i < server->n_dests; i++)
                n += server->dests[i].drain_usec > 0;
        return n;
}

int drain_add_all(Drain *drain) {
        const ServerState *server;
        int r = 0;

        for (size_t i = 0; r >= 0 && (server = kernel_table_next_server(drain->table, &i));)
                if (server->present && server->owner == SERVER_OWNER_US && server_n_draining(server) > 0)
                        r = drain_add(drain, &server->key);
        return r;
}

typedef struct DrainLook {
        ServerState *server;
        uint64_t now_usec;
        size_t n_seen; /* of those that drain */
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
                look->n_seen++;
                if (infos[i].active + infos[i].inactive == 0)
                        dest->drain_usec = 1; /* a deadline long past */
                look->done = look->done || dest->drain_usec <= look->now_usec;
        }
        return 0;
}

/* Whether it still has to be watched. */
static bool drain_look_at(Drain *drain, const VirtualServerKey *key, uint64_t now_usec, DrainResult *result) {
        DrainLook look = { .server = kernel_table_server(drain->table, key), .now_usec = now_usec };
        int r;

        if (!look.server || !look.server->present || server_n_draining(look.server) == 0)
                return false;
        r = drain->backend->ops->ipvs_read(drain->backend, key, drain_visit, &look);
        if (r == -ESRCH || (r >= 0 && look.n_seen < server_n_draining(look.server)))
                result->stale = true;
        if (look.done) {
                kernel_table_queue_server(drain->table, look.server);
                result->n_queued++;
        }
        return true;
}

void drain_look(Drain *drain, uint64_t now_usec, uint64_t period_usec, DrainResult *ret) {
        DrainResult result = {};
        DrainEntry *entry;

        for (size_t i = 0; i < DRAIN_LOOKS && (entry = drain->first) && entry->due_usec <= now_usec; i++) {
                entry->due_usec = now_usec + period_usec;
                drain->first = entry->next;
                if (!drain->first)
                        drain->last = &drain->first;
                if (drain_look_at(drain, &entry->key, now_usec, &result)) {
                        drain_push(drain, entry);
                } else {
                        (void) hashmap_remove(&drain->entries, &entry->key);
                        free(entry);
                }
        }
        if (drain->first)
                result.next_usec = MAX2(drain->first->due_usec, now_usec + 1);
        *ret = result;
}

size_t drain_n_real_servers(const Drain *drain) {
        size_t n = 0;

        for (const DrainEntry *entry = drain->first; entry; entry = entry->next) {
                const ServerState *server = kernel_table_server(drain->table, &entry->key);

                n += server ? server_n_draining(server) : 0;
        }
        return n;
}
