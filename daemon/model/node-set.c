/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/node-set.h"

#include <errno.h>
#include <string.h>

struct NodeSetEntry {
        uint32_t seen;
        uint32_t n_addrs;
        IpAddr *addrs; /* behind the name, in the same piece of memory */
        char name[];
};

static void node_set_forget(NodeSet *set) {
        free(set->addrs);
        set->addrs = NULL;
        set->n_addrs = 0;
}

void node_set_done(NodeSet *set) {
        NodeSetEntry *entry;

        for (size_t i = 0; (entry = hashmap_next(&set->nodes, &i));)
                free(entry);
        hashmap_done(&set->nodes);
        node_set_forget(set);
}

/* IpAddr has no alignment. */
static NodeSetEntry *node_set_entry_new(const Node *node) {
        size_t name_size = strlen(node->name) + 1, addrs_size = node->n_addresses * sizeof(IpAddr);
        NodeSetEntry *entry = malloc(sizeof(NodeSetEntry) + name_size + addrs_size);

        _Static_assert(_Alignof(IpAddr) == 1, "addresses may stand behind a name");
        if (!entry)
                return NULL;
        *entry = (NodeSetEntry) {
                .n_addrs = (uint32_t) node->n_addresses,
                .addrs = (IpAddr *) (entry->name + name_size),
        };
        memcpy(entry->name, node->name, name_size);
        if (addrs_size > 0)
                memcpy(entry->addrs, node->addresses, addrs_size);
        return entry;
}

static bool node_set_entry_is(const NodeSetEntry *entry, const Node *node) {
        return entry->n_addrs == node->n_addresses &&
               (entry->n_addrs == 0 || memcmp(entry->addrs, node->addresses, entry->n_addrs * sizeof(IpAddr)) == 0);
}

int node_set_put(NodeSet *set, const Node *node, uint32_t seen) {
        NodeSetEntry *before = hashmap_get(&set->nodes, node->name), *entry;

        if (before && node_set_entry_is(before, node)) {
                before->seen = seen;
                return 0;
        }
        entry = node_set_entry_new(node);
        if (!entry)
                return -ENOMEM;
        entry->seen = seen;
        if (hashmap_put(&set->nodes, entry->name, entry) < 0) {
                free(entry);
                return -ENOMEM;
        }
        free(before);
        node_set_forget(set);
        return 1;
}

int node_set_keep(NodeSet *set, const char *name, uint32_t seen) {
        NodeSetEntry *entry = hashmap_get(&set->nodes, name);

        if (!entry)
                return 0;
        entry->seen = seen;
        return 1;
}

int node_set_remove(NodeSet *set, const char *name) {
        NodeSetEntry *entry = hashmap_remove(&set->nodes, name);

        if (!entry)
                return 0;
        free(entry);
        node_set_forget(set);
        return 1;
}

/* Removing shifts the table: the same slot is looked at again. */
bool node_set_sweep(NodeSet *set, uint32_t seen) {
        NodeSetEntry *entry;
        bool any = false;
        size_t i = 0;

        while ((entry = hashmap_next(&set->nodes, &i)))
                if (entry->seen != seen) {
                        any |= node_set_remove(set, entry->name) > 0;
                        i--;
                }
        return any;
}

static int address_compare(const void *a, const void *b) {
        return ip_addr_compare(&((const NodeSetAddress *) a)->addr, &((const NodeSetAddress *) b)->addr);
}

int node_set_settle(NodeSet *set) {
        const NodeSetEntry *entry;
        size_t n = 0;

        if (set->addrs)
                return 0;
        for (size_t i = 0; (entry = hashmap_next(&set->nodes, &i));)
                n += entry->n_addrs;
        set->addrs = calloc(n + 1, sizeof(NodeSetAddress));
        if (!set->addrs)
                return -ENOMEM;
        for (size_t i = 0; (entry = hashmap_next(&set->nodes, &i));)
                for (size_t k = 0; k < entry->n_addrs; k++)
                        set->addrs[set->n_addrs++] = (NodeSetAddress) { entry->addrs[k], entry };
        if (n > 0)
                qsort(set->addrs, n, sizeof(NodeSetAddress), address_compare);
        return 0;
}

const char *node_set_find(const NodeSet *set, const IpAddr *addr, const char *except) {
        const NodeSetAddress key = { .addr = *addr }, *end = set->addrs + set->n_addrs, *found;
        const char *name = NULL;

        found = set->n_addrs > 0 ?
                        bsearch(&key, set->addrs, set->n_addrs, sizeof(NodeSetAddress), address_compare) :
                        NULL;
        while (found && found > set->addrs && address_compare(&found[-1], &key) == 0)
                found--;
        for (; found && found < end && address_compare(found, &key) == 0; found++) {
                if (strcmp(found->node->name, except) == 0)
                        return NULL;
                name = found->node->name;
        }
        return name;
}
