/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/node-ports.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/manager-private.h"
#include "control/port-view.h"

void node_ports_done(NodePorts *ports) {
        free(ports->items);
        *ports = (NodePorts) {};
}

static int listener_compare_port(const ListenerInfo *a, const ListenerInfo *b) {
        return a->protocol != b->protocol ? a->protocol - b->protocol : a->port - b->port;
}

static int listener_compare(const void *a, const void *b) {
        const ListenerInfo *x = a, *y = b;
        int r = listener_compare_port(x, y);

        return r != 0 ? r : ip_addr_compare(&x->addr, &y->addr);
}

/* Whether the socket would be given packets to this address, were it not for IPVS. */
static bool listener_hears(const ListenerInfo *listener, const IpAddr *addr) {
        if (!ip_addr_is_unspecified(&listener->addr))
                return ip_addr_equal(&listener->addr, addr);
        return listener->addr.family == addr->family || (listener->addr.family == AF_INET6 && !listener->v6_only);
}

/* The port of a service whose node port the socket is in the way of; NULL for most sockets. */
static const DesiredPort *listener_find_port(const Manager *manager, const ListenerInfo *listener) {
        const ProxyConfig *config = &manager->view.config;

        for (size_t i = 0; i < config->n_node_port_addresses; i++) {
                VirtualServerKey key = {
                        .addr = config->node_port_addresses[i],
                        .protocol = listener->protocol,
                        .port = listener->port,
                };
                const PortServer *server;
                const DesiredPort *port;

                if (!listener_hears(listener, &key.addr))
                        continue;
                port = desired_port_at(manager->table, &key, &server);
                if (port && server->kind == ADDRESS_KIND_NODE_PORT)
                        return port;
        }
        return NULL;
}

/* ---- reading */

typedef struct SocketWalk {
        const Manager *manager;
        NodePorts found;
        size_t n_allocated;
} SocketWalk;

static int socket_walk_visit(const ListenerInfo *listener, void *userdata) {
        SocketWalk *walk = userdata;

        if (!listener_find_port(walk->manager, listener))
                return 0;
        if (walk->found.n_items == walk->n_allocated) {
                size_t n = MAX2(walk->n_allocated * 2, (size_t) 8);
                ListenerInfo *bigger = reallocarray(walk->found.items, n, sizeof(ListenerInfo));

                if (!bigger)
                        return -ENOMEM;
                walk->found.items = bigger;
                walk->n_allocated = n;
        }
        walk->found.items[walk->found.n_items++] = *listener;
        return 0;
}

/* Several sockets may share address and port (SO_REUSEPORT): one stands for all. */
static void node_ports_sort(NodePorts *ports) {
        size_t n = 0;

        if (ports->n_items == 0)
                return;
        qsort(ports->items, ports->n_items, sizeof(ListenerInfo), listener_compare);
        for (size_t i = 1; i < ports->n_items; i++)
                if (listener_compare(&ports->items[n], &ports->items[i]) != 0)
                        ports->items[++n] = ports->items[i];
        ports->n_items = n + 1;
}

/* ---- telling */

static void tell_conflict(Manager *manager, const ListenerInfo *listener) {
        const DesiredPort *port = listener_find_port(manager, listener);
        char text[IP_PORT_STRLEN];

        if (!port)
                return;
        (void) ip_port_format(&listener->addr, listener->port, text);
        log_warning("Node port %u/%s of service %s: a process of user %u listens on %s (socket %u) and is no longer "
                    "reached there; move it, or give the service another node port",
                    listener->port,
                    protocol_to_kube(listener->protocol),
                    port->id,
                    listener->uid,
                    text,
                    listener->inode);
        store_mark_dirty(manager->store, port->service->entry);
}

static void tell_solved(Manager *manager, const ListenerInfo *listener) {
        const DesiredPort *port = listener_find_port(manager, listener);
        char text[IP_PORT_STRLEN];

        log_info("No socket on %s/%s is in the way of a node port any more",
                 ip_port_format(&listener->addr, listener->port, text),
                 protocol_to_kube(listener->protocol));
        if (port)
                store_mark_dirty(manager->store, port->service->entry);
}

static bool node_ports_have(const NodePorts *ports, const ListenerInfo *listener) {
        return ports->n_items > 0 &&
               bsearch(listener, ports->items, ports->n_items, sizeof(ListenerInfo), listener_compare);
}

int manager_look_at_node_ports(Manager *manager) {
        SocketWalk walk = { .manager = manager };
        NodePorts before = manager->node_ports;
        int r = manager->backend->ops->listener_dump(manager->backend, socket_walk_visit, &walk);

        if (r < 0) {
                node_ports_done(&walk.found);
                return log_debug_errno(r, "Failed to read the sockets of this node: %m");
        }
        node_ports_sort(&walk.found);
        manager->node_ports = walk.found;
        for (size_t i = 0; i < walk.found.n_items; i++)
                if (!node_ports_have(&before, &walk.found.items[i]))
                        tell_conflict(manager, &walk.found.items[i]);
        for (size_t i = 0; i < before.n_items; i++)
                if (!node_ports_have(&walk.found, &before.items[i]))
                        tell_solved(manager, &before.items[i]);
        node_ports_done(&before);
        return 0;
}

/* ---- asking */

const ListenerInfo *port_view_listener(const Manager *manager, const DesiredPort *port) {
        const NodePorts *ports = &manager->node_ports;
        ListenerInfo key = { .protocol = (uint8_t) port->protocol, .port = port->node_port };
        size_t first = 0, end = ports->n_items;

        if (port->node_port == 0)
                return NULL;
        while (first < end) {
                size_t middle = first + (end - first) / 2;

                if (listener_compare_port(&ports->items[middle], &key) < 0)
                        first = middle + 1;
                else
                        end = middle;
        }
        return first < ports->n_items && listener_compare_port(&ports->items[first], &key) == 0 ?
                       &ports->items[first] :
                       NULL;
}

static uint32_t node_port_of(const DesiredPort *port) {
        return port && port->node_port > 0 ? (uint32_t) port->protocol << 16 | port->node_port : 0;
}

bool node_port_changed(const DesiredPort *before, const DesiredPort *after) {
        return node_port_of(before) != node_port_of(after);
}
