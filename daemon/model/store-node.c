/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes in the store: the own one of each source, and of the others their addresses. */
#include "model/store-private.h"

#include <string.h>

/* ---- the own one */

int store_put_node(Store *store, ObjectSource source, Node *node) {
        _cleanup_(node_freep) Node *owned = node;

        store->node_seen[source] = store->list_number[source][OBJECT_KIND_NODE];
        if (store->nodes[source] && node_equal(store->nodes[source], node))
                return 0;
        (void) node_free(store->nodes[source]);
        store->nodes[source] = TAKE_PTR(owned);
        store->n_changes[OBJECT_KIND_NODE]++;
        /* Zone, addresses and pod CIDRs may matter to every service. */
        store_mark_all_dirty(store);
        return 1;
}

int store_remove_node(Store *store, ObjectSource source, const char *name) {
        if (!store->nodes[source] || strcmp(store->nodes[source]->name, name) != 0)
                return 0;
        store->nodes[source] = node_free(store->nodes[source]);
        store->n_changes[OBJECT_KIND_NODE]++;
        store_mark_all_dirty(store);
        return 1;
}

bool store_keep_node(Store *store, ObjectSource source, const char *name) {
        if (!store->nodes[source] || strcmp(store->nodes[source]->name, name) != 0)
                return false;
        store->node_seen[source] = store->list_number[source][OBJECT_KIND_NODE];
        return true;
}

const Node *store_node(const Store *store) {
        for (size_t i = 0; i < _OBJECT_SOURCE_MAX; i++)
                if (store->nodes[i])
                        return store->nodes[i];
        return NULL;
}

/* ---- nodes of the cluster */

void store_cluster_nodes_changed(Store *store) {
        store->n_changes[OBJECT_KIND_CLUSTER_NODE]++;
        if (store->wake)
                store->wake(store->userdata);
}

int store_put_cluster_node(Store *store, ObjectSource source, Node *node) {
        _cleanup_(node_freep) Node *owned = node;
        int r;

        if (source != OBJECT_SOURCE_API)
                return 0;
        r = node_set_put(&store->cluster_nodes, owned, store->list_number[source][OBJECT_KIND_CLUSTER_NODE]);
        if (r > 0)
                store_cluster_nodes_changed(store);
        return r;
}

int store_remove_cluster_node(Store *store, const char *name) {
        int r = node_set_remove(&store->cluster_nodes, name);

        if (r > 0)
                store_cluster_nodes_changed(store);
        return r;
}

NodeSet *store_cluster_nodes(Store *store) {
        return &store->cluster_nodes;
}
