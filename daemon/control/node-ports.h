/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes of this node in the way of node ports. IPVS takes every packet to a node port before a socket sees it, so
 * a process that listens there is no longer reached, and nobody told it: Kubernetes gives out node ports without
 * knowing what runs on the nodes. The socket is left alone; it is told in the log and on the service.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/manager.h"

/* The sockets in the way, as last looked at; NodePorts {} is none. */
typedef struct NodePorts {
        ListenerInfo *items; /* owned; sorted by protocol, port and address, each once */
        size_t n_items;
} NodePorts;

void node_ports_done(NodePorts *ports);

/*
 * Reads the sockets of the host and keeps those on an address and port that a service has as its node port. What was
 * not so before, or is no longer, is logged, and its service computed again so that listeners hear of it. Costs by the
 * number of sockets, not of services. -errno: they are as before.
 */
int manager_look_at_node_ports(Manager *manager);

/* Whether a port of a service that changed may have given or taken a node port: then the sockets are to be read. */
bool node_port_changed(const DesiredPort *before, const DesiredPort *after);
