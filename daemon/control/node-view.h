/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this node is for the rules: its name, zone and addresses, and the addresses on which node ports are served
 * (reference §3.2, §3.9), from the Node object, the options and the host's addresses. Pure.
 */
#pragma once

#include "control/adopt.h"
#include "control/manager.h"
#include "proxy/desired.h"

typedef struct NodeView {
        ProxyConfig config; /* points into the rest and into the options */
        IpAddr *node_port_addresses; /* owned */
        char *zone; /* owned */
} NodeView;

void node_view_done(NodeView *view);

/*
 * Computes it anew. `node` may be NULL; `host` is borrowed as long as the view. 1 = something that services depend on
 * changed, 0 = nothing did, -ENOMEM = it is as it was.
 */
int node_view_update(NodeView *view, const ManagerOptions *options, const Node *node, const HostAddresses *host);
