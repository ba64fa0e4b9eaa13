/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking the node out of service before it is worked on: health checks say no, so that load balancers send new
 * connections elsewhere, and those that are open are counted down. Nothing in the kernel changes: pods of this node
 * need their services until the end. It is kept over a restart of the daemon, which would send new connections to a node
 * somebody works on, and not over one of the node: a node that comes back serves.
 */
#pragma once

#include "control/manager.h"

typedef enum NodeDrainState {
        NODE_DRAIN_OFF,
        NODE_DRAIN_ACTIVE,
        NODE_DRAIN_DONE, /* no connections are left, or the deadline has passed */
        _NODE_DRAIN_MAX,
} NodeDrainState;

/* "off", "draining", "done" */
const char *node_drain_state_to_string(NodeDrainState state);

/* Of the manager. */
typedef struct NodeDrain {
        NodeDrainState state;
        uint64_t deadline_usec; /* CLOCK_REALTIME; 0 = none */
        uint64_t n_connections; /* as last counted */
        sd_event_source *timer; /* owned */
} NodeDrain;

/*
 * `deadline_usec` (CLOCK_REALTIME) 0: until no connection is left. -EALREADY; -ERANGE: it is over already; -errno: it
 * could not be written down, and the node serves.
 */
int manager_begin_drain(Manager *manager, uint64_t deadline_usec);
/* -ESRCH: it does not drain. */
int manager_end_drain(Manager *manager);
/* What health checks ask: whether load balancers are to keep away. */
bool manager_is_draining(const Manager *manager);
