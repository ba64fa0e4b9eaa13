/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said about one service port, for D-Bus and HTTP: its state derived from claims and virtual servers,
 * its endpoints with what the kernel holds of each, its statistics. Nothing here is stored; all is read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "control/manager.h"
#include "model/override.h"
#include "control/statistics.h"

typedef enum PortState {
        PORT_STATE_PENDING, /* not all of it is in the kernel yet */
        PORT_STATE_SYNCED,
        PORT_STATE_DEGRADED, /* the kernel refused something; retried */
        PORT_STATE_REFUSED, /* an address belongs to another Service or is nobody's to serve */
        PORT_STATE_REMOVING,
        _PORT_STATE_MAX,
        _PORT_STATE_INVALID = -22,
} PortState;

/* "pending", … */
const char *port_state_to_string(PortState state);

/* *ret_reason: a CamelCase token, "" if fine; static. */
PortState port_view_state(const Manager *manager, const DesiredPort *port, const char **ret_reason);

/* The socket of a process in the way of its node port, or NULL; see control/node-ports.h. Valid until the next turn. */
const ListenerInfo *port_view_listener(const Manager *manager, const DesiredPort *port);

typedef struct EndpointRow {
        IpPort addr;
        const char *state; /* static: "ready", "not-ready", "terminating", "draining", … see endpoint_row_states */
        const char *node, *zone, *pod; /* borrowed from the store until the next event loop turn; "" = unknown */
        uint32_t weight; /* in the kernel; 0 if it is not there */
        uint32_t active, inactive; /* connections over all virtual servers of the port */
        uint64_t drain_deadline_usec; /* CLOCK_REALTIME; 0 = does not drain */
        bool local;
        const Override *override; /* borrowed likewise; NULL = none */
} EndpointRow;

/* Sorted by address and port; those that drain and are no longer in a slice too. Owned by the caller. -errno. */
int port_view_endpoints(Manager *manager, const DesiredPort *port, EndpointRow **ret, size_t *ret_n);

/* The same without connections and the weights that only the kernel knows: nothing is read from it. */
int port_view_known_endpoints(Manager *manager, const DesiredPort *port, EndpointRow **ret, size_t *ret_n);

typedef struct PortStatistics {
        TrafficStats traffic; /* sum over the virtual servers of the port */
        uint64_t active, inactive;
} PortStatistics;

/* Read at most a second before *ret_usec (CLOCK_REALTIME). -EAGAIN before the first sync. */
int port_view_statistics(Manager *manager, const DesiredPort *port, PortStatistics *ret, uint64_t *ret_usec);
/* Every counter begins at 0 again. -EAGAIN before the first sync. */
int manager_reset_statistics(Manager *manager);
/*
 * Where node ports are served: true = on every address of the host, and then the array is not what to bind to; false =
 * on these, borrowed until the next event loop turn.
 */
bool manager_node_port_addresses(const Manager *manager, const IpAddr **ret, size_t *ret_n);
/*
 * A walk over all virtual servers in pieces: each read at most a second before, valid until the next call (-EAGAIN before
 * the first sync; -ESRCH, -errno). The end of the walk, with the time at which it began, lets what is gone be forgotten.
 */
int manager_read_server(Manager *manager, const VirtualServerKey *key, const ServerSample **ret);
/* Reads up to STATISTICS_MANY that the walk comes to next at the price of a few (statistics.h). */
void manager_prefetch_servers(Manager *manager, const VirtualServerKey *keys, size_t n_keys);
void manager_end_reading(Manager *manager, uint64_t since_usec);
/* Of one virtual server of ours in that sample, after either of these succeeded; NULL if it was not there. */
const ServerSample *manager_server_statistics(const Manager *manager, const VirtualServerKey *key);
/* The sum over all virtual servers of ours; the larger the cluster, the older (statistics.h). */
int manager_statistics(Manager *manager, PortStatistics *ret, uint64_t *ret_usec);
