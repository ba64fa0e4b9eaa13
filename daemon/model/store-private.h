/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the store, for its files: objects and lists (store.c), what is dirty (store-dirty.c), Nodes (store-node.c). */
#pragma once

#include "model/store.h"

/* Dirty services in two queues, so that DNS and the API server come first after a start. */
typedef struct DirtyQueue {
        ServiceEntry *first, *last;
} DirtyQueue;

struct Store {
        HashMap services; /* key → ServiceEntry, owned */
        HashMap slices; /* key → SliceEntry, owned */
        Node *nodes[_OBJECT_SOURCE_MAX]; /* owned */
        uint32_t node_seen[_OBJECT_SOURCE_MAX];
        NodeSet cluster_nodes; /* of OBJECT_SOURCE_API */
        uint32_t list_number[_OBJECT_SOURCE_MAX][_OBJECT_KIND_MAX]; /* of the list that runs or ran last */
        bool synced[_OBJECT_SOURCE_MAX][_OBJECT_KIND_MAX];

        DirtyQueue urgent, normal;
        size_t n_dirty;
        uint64_t n_changes[_OBJECT_KIND_MAX];
        ServiceEntry *taken; /* handed out last; freed with the next take if nothing is left of it */

        void (*wake)(void *userdata);
        void *userdata;
};

void service_entry_free(ServiceEntry *entry);

/* store-node.c: as store_remove() and store_keep(). */
int store_remove_node(Store *store, ObjectSource source, const char *name);
bool store_keep_node(Store *store, ObjectSource source, const char *name);
int store_remove_cluster_node(Store *store, const char *name);
/* Their addresses, or who they are, are others than before. */
void store_cluster_nodes_changed(Store *store);
