/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "control/manager-private.h"

static IpNet *copy_nets(const IpNet *nets, size_t n) {
        IpNet *copy = calloc(n + 1, sizeof(IpNet));

        if (copy && n > 0)
                memcpy(copy, nets, n * sizeof(IpNet));
        return copy;
}

static bool is_set(const char *text) {
        return text && text[0];
}

int owned_options_copy(OwnedOptions *owned, const ManagerOptions *from, ManagerOptions *ret) {
        owned->node_name = strdup(from->node_name ? from->node_name : "");
        owned->scheduler = strdup(is_set(from->scheduler) ? from->scheduler : "rr");
        owned->state_directory = is_set(from->state_directory) ? strdup(from->state_directory) : NULL;
        owned->local_interface = strdup(from->filter.local_interface ? from->filter.local_interface : "");
        owned->node_port_nets = copy_nets(from->node_port_nets, from->n_node_port_nets);
        owned->exclude_cidrs = copy_nets(from->exclude_cidrs, from->n_exclude_cidrs);
        owned->local_cidrs = copy_nets(from->filter.local_cidrs, from->filter.n_local_cidrs);
        if (!owned->node_name || !owned->scheduler || !owned->local_interface || !owned->node_port_nets ||
            !owned->exclude_cidrs || !owned->local_cidrs ||
            (is_set(from->state_directory) && !owned->state_directory))
                return -ENOMEM;
        *ret = *from;
        ret->node_name = owned->node_name;
        ret->scheduler = owned->scheduler;
        ret->state_directory = owned->state_directory;
        ret->filter.local_interface = owned->local_interface;
        ret->node_port_nets = owned->node_port_nets;
        ret->exclude_cidrs = owned->exclude_cidrs;
        ret->filter.local_cidrs = owned->local_cidrs;
        return 0;
}

void owned_options_done(OwnedOptions *owned) {
        free(owned->node_name);
        free(owned->scheduler);
        free(owned->state_directory);
        free(owned->local_interface);
        free(owned->node_port_nets);
        free(owned->exclude_cidrs);
        free(owned->local_cidrs);
        *owned = (OwnedOptions) {};
}
