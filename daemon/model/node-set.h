/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes of the cluster by name, and of each nothing but its addresses: some tens of bytes a node. For the one question
 * whose an address is. A plain value, embedded in the store.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/hash.h"
#include "model/node.h"

typedef struct NodeSetEntry NodeSetEntry;

typedef struct NodeSetAddress {
        IpAddr addr;
        const NodeSetEntry *node; /* borrowed */
} NodeSetAddress;

typedef struct NodeSet {
        HashMap nodes; /* name → NodeSetEntry, owned; .ops = &hash_ops_string */
        NodeSetAddress *addrs; /* owned; sorted, as of the last node_set_settle() */
        size_t n_addrs;
} NodeSet;

void node_set_done(NodeSet *set);

/*
 * `seen`: the number of the list that has it. 1 = its addresses changed, 0 = they did not, -ENOMEM. What changes the set
 * forgets whose addresses are whose, until it settles.
 */
int node_set_put(NodeSet *set, const Node *node, uint32_t seen);
/* 1 = it was there; in the first case with its addresses as they are. */
int node_set_keep(NodeSet *set, const char *name, uint32_t seen);
int node_set_remove(NodeSet *set, const char *name);
/* Removes those of another list; true if there were any. */
bool node_set_sweep(NodeSet *set, uint32_t seen);

/* After changes, before somebody asks. -ENOMEM: nobody has an address. */
int node_set_settle(NodeSet *set);
/* The name of a node with this address; NULL if none has, or if the node `except` has it too. */
const char *node_set_find(const NodeSet *set, const IpAddr *addr, const char *except);
