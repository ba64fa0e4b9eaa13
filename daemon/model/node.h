/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The own Node, reduced to what a node proxy reads (reference §3.3). A plain value, owned by the store. */
#pragma once

#include <stdbool.h>

#include "common/addr.h"
#include "common/macros.h"

typedef struct Node {
        char *name; /* owned, like all below */
        char *zone; /* label topology.kubernetes.io/zone; "" = unknown */
        IpAddr *addresses; /* status.addresses: all InternalIP first, then all ExternalIP */
        size_t n_addresses;
        IpNet *pod_cidrs; /* spec.podCIDRs, else podCIDR */
        size_t n_pod_cidrs;
        bool deleting; /* metadata.deletionTimestamp is set */
        bool to_be_deleted; /* taint ToBeDeletedByClusterAutoscaler */
} Node;

int node_new(const char *name, Node **ret);
Node *node_free(Node *node);
DEFINE_CLEANUP(Node *, node_free);
bool node_equal(const Node *a, const Node *b);
