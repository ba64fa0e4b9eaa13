/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/node.h"

#include <errno.h>
#include <string.h>

int node_new(const char *name, Node **ret) {
        _cleanup_(node_freep) Node *node = calloc(1, sizeof(Node));

        if (!node)
                return -ENOMEM;
        node->name = strdup(name);
        node->zone = strdup("");
        if (!node->name || !node->zone)
                return -ENOMEM;
        *ret = TAKE_PTR(node);
        return 0;
}

Node *node_free(Node *node) {
        if (!node)
                return NULL;
        free(node->name);
        free(node->zone);
        free(node->addresses);
        free(node->pod_cidrs);
        free(node);
        return NULL;
}

bool node_equal(const Node *a, const Node *b) {
        return strcmp(a->name, b->name) == 0 && strcmp(a->zone, b->zone) == 0 &&
               a->deleting == b->deleting && a->to_be_deleted == b->to_be_deleted &&
               a->n_addresses == b->n_addresses && a->n_pod_cidrs == b->n_pod_cidrs &&
               (a->n_addresses == 0 ||
                memcmp(a->addresses, b->addresses, a->n_addresses * sizeof(IpAddr)) == 0) &&
               (a->n_pod_cidrs == 0 ||
                memcmp(a->pod_cidrs, b->pod_cidrs, a->n_pod_cidrs * sizeof(IpNet)) == 0);
}
