/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets of one health check node port. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "web/health-ports-private.h"

void health_port_close(HealthPorts *ports, HealthPort *port) {
        for (size_t i = 0; i < port->n_listeners; i++)
                (void) http_listener_close(port->listeners[i]);
        ports->n_descriptors -= port->n_listeners;
        free(port->listeners);
        port->listeners = NULL;
        port->n_listeners = 0;
}

static const char *listen_error_remedy(int error) {
        switch (error) {
        case -EADDRINUSE:
                return "; another program or Service has this port";
        case -EMFILE:
        case -ENFILE:
                return "; raise LimitNOFILE= of ipvsproxyd.service";
        default:
                return "";
        }
}

static void health_port_fail(HealthPorts *ports, HealthPort *port, const IpPort *address, int error) {
        char message[512], text[IP_PORT_STRLEN];
        ManagerStatus status;

        if (port->failed)
                return;
        port->failed = true;
        manager_status_brief(ports->manager, &status);
        (void) snprintf(message,
                        sizeof(message),
                        "node %s failed to start healthcheck \"%s\" on port %u: listen on %s: %s%s",
                        status.node_name,
                        port->key,
                        (unsigned) port->port,
                        ip_port_format(&address->addr, address->port, text),
                        strerror(-error),
                        listen_error_remedy(error));
        (void) log_error_errno(error, "Failed to start healthcheck, retrying: %s", message);
        if (ports->failed)
                ports->failed(port->namespace, port->name, message, ports->userdata);
}

static int health_port_listen(HealthPorts *ports, HealthPort *port, const IpAddr *addr) {
        IpPort address = { *addr, port->port };
        int r;

        r = ports->n_descriptors < ports->max_descriptors ?
                    http_server_listen(ports->server, &address, port, &port->listeners[port->n_listeners]) :
                    -EMFILE;
        if (r < 0) {
                health_port_fail(ports, port, &address, r);
                return r;
        }
        port->n_listeners++;
        ports->n_descriptors++;
        return 0;
}

/* On all its addresses or on none, so that a load balancer sees one state. */
void health_port_open(HealthPorts *ports, HealthPort *port) {
        static const IpAddr any = { .family = AF_INET };
        const IpAddr *addrs = ports->all ? &any : ports->addresses;
        size_t n = ports->all ? 1 : ports->n_addresses;
        int r = 0;

        port->listeners = calloc(n + 1, sizeof(HttpListener *));
        if (!port->listeners)
                r = -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; i++)
                r = health_port_listen(ports, port, &addrs[i]);
        if (r < 0) {
                health_port_close(ports, port);
                health_ports_retry_later(ports);
                return;
        }
        port->failed = false;
        if (n > 0)
                log_v(2, "Opening healthcheck \"%s\" on port %u", port->key, (unsigned) port->port);
}
