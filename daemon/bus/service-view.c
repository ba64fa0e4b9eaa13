/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/service-view.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "bus/json.h"
#include "common/bus-names.h"

void service_view_done(ServiceView *view) {
        free(view->namespace);
        *view = (ServiceView) {};
}

/* Whether a virtual server of the port before the k-th has this real server draining too. */
static bool drains_before(const DesiredPort *port, size_t k, const IpPort *addr) {
        for (size_t i = 0; i < k; i++) {
                const ServerState *server = port->servers[i].claim.server;
                const RealServerState *dest = server ? server_state_find_dest(server, addr) : NULL;

                if (dest && dest->drain_usec > 0)
                        return true;
        }
        return false;
}

static uint32_t port_n_draining(const DesiredPort *port) {
        uint32_t n = 0;

        for (size_t k = 0; k < port->n_servers; k++) {
                const ServerState *server = port->servers[k].claim.server;

                for (size_t i = 0; server && i < server->n_dests; i++)
                        n += server->dests[i].drain_usec > 0 && !drains_before(port, k, &server->dests[i].server.addr);
        }
        return n;
}

static uint32_t port_n_held(const DesiredPort *port) {
        uint32_t n = 0;

        for (size_t k = 0; k < port->n_servers; k++)
                n += port_server_refusal(&port->servers[k]) == REFUSAL_NONE;
        return n;
}

int service_view_fill(ServiceView *view, const Manager *manager, const DesiredPort *port) {
        const DesiredService *service = port->service;
        const char *key = service->entry->key, *slash = strchr(key, '/');
        char *namespace = strndup(key, slash ? (size_t) (slash - key) : 0);
        const char *reason = "";

        service_view_done(view);
        if (!namespace)
                return -ENOMEM;
        *view = (ServiceView) {
                .port = port,
                .namespace = namespace,
                .id = port->id,
                .name = slash ? slash + 1 : key,
                .port_name = port->name,
                .protocol = protocol_to_string(port->protocol),
                .type = service_type_to_string(service->type),
                .scheduler = port->n_servers > 0 ? port->servers[0].claim.wanted.scheduler : "",
                .internal_policy = traffic_policy_to_string(service->internal_policy),
                .external_policy = traffic_policy_to_string(service->external_policy),
                .state = port_state_to_string(port_view_state(manager, port, &reason)),
                .port_number = port->port,
                .affinity_usec = service->affinity_timeout_sec * USEC_PER_SEC,
                .n_ready = (uint32_t) port->n_ready,
                .n_endpoints = (uint32_t) port->n_endpoints,
                .n_draining = port_n_draining(port),
                .n_local = (uint32_t) port->n_local,
                .n_servers = port_n_held(port),
                .generation = port->generation,
                .programmed_usec = port->programmed_usec,
        };
        view->reason = reason;
        return 0;
}

int service_path_new(const char *id, char **ret) {
        return sd_bus_path_encode(BUS_PATH_SERVICE, id, ret);
}

/* sd_bus_path_decode() also takes other spellings of an id: only the one that encoding gives is its object's path. */
const DesiredPort *service_path_find(const Manager *manager, const char *path) {
        _cleanup_(freep) char *id = NULL, *again = NULL;
        const DesiredPort *port;

        if (sd_bus_path_decode(path, BUS_PATH_SERVICE, &id) <= 0)
                return NULL;
        port = desired_find(manager_desired(manager), id);
        if (!port || !utf8_is_valid(id))
                return NULL; /* the bus would throw us out for a string that is no UTF-8 */
        return service_path_new(id, &again) >= 0 && strcmp(again, path) == 0 ? port : NULL;
}
