/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/describe.h"

#include <errno.h>

#define VIRTUAL_SERVERS_MAX 1000

/* ---- parts */

void describe_statistics(Json *json, const char *key, const PortStatistics *statistics) {
        const TrafficStats *t = &statistics->traffic;

        json_open(json, key, '{');
        json_number(json, "connections", t->connections);
        json_number(json, "inPackets", t->in_packets);
        json_number(json, "outPackets", t->out_packets);
        json_number(json, "inBytes", t->in_bytes);
        json_number(json, "outBytes", t->out_bytes);
        json_number(json, "connectionsPerSec", t->cps);
        json_number(json, "inPacketsPerSec", t->in_pps);
        json_number(json, "outPacketsPerSec", t->out_pps);
        json_number(json, "inBytesPerSec", t->in_bps);
        json_number(json, "outBytesPerSec", t->out_bps);
        json_number(json, "active", statistics->active);
        json_number(json, "inactive", statistics->inactive);
        json_close(json, '{');
}

void describe_difference(Json *json, const Difference *difference) {
        json_open(json, NULL, '{');
        json_text(json, "action", difference->action);
        json_text(json, "kind", difference->kind);
        json_text(json, "object", difference->object);
        if (difference->detail[0])
                json_text(json, "detail", difference->detail);
        json_close(json, '{');
}

void describe_kernel(Json *json, const ServerState *server) {
        char address[IP_ADDR_STRLEN];

        json_boolean(json, "present", server->present);
        if (!server->present)
                return;
        json_text(json, "owner", server->owner == SERVER_OWNER_US ? "us" : "foreign");
        json_text(json, "kernelScheduler", server->actual.scheduler);
        json_number(json, "flags", server->actual.flags);
        json_number(json, "persistenceTimeoutSec", server->actual.timeout_sec);
        json_open(json, "realServers", '[');
        for (size_t i = 0; i < server->n_dests; i++) {
                const RealServerState *dest = &server->dests[i];

                json_open(json, NULL, '{');
                json_text(json, "address", ip_addr_format(&dest->server.addr.addr, address));
                json_number(json, "port", dest->server.addr.port);
                json_number(json, "weight", dest->server.weight);
                json_boolean(json, "draining", dest->drain_usec > 0);
                json_close(json, '{');
        }
        json_close(json, '[');
}

/* The socket of a process that is no longer reached because of a node port. */
void describe_listener(const Bus *bus, Json *json, const DesiredPort *port, const PortServer *server) {
        const ListenerInfo *listener =
                server->kind == ADDRESS_KIND_NODE_PORT ? port_view_listener(bus->manager, port) : NULL;
        char address[IP_PORT_STRLEN];

        if (!listener)
                return;
        json_text(json, "listener", ip_port_format(&listener->addr, listener->port, address));
        json_number(json, "listenerUid", listener->uid);
        json_number(json, "listenerInode", listener->inode);
}

static void describe_virtual_servers(const Bus *bus, Json *json, const DesiredPort *port, bool kernel) {
        char address[IP_ADDR_STRLEN];

        json_open(json, "virtualServers", '[');
        for (size_t i = 0; i < MIN2(port->n_servers, (uint32_t) VIRTUAL_SERVERS_MAX); i++) {
                const PortServer *server = &port->servers[i];
                const VirtualServerKey *key = &server->claim.wanted.key;

                json_open(json, NULL, '{');
                json_text(json, "kind", address_kind_to_string(server->kind));
                json_text(json, "address", ip_addr_format(&key->addr, address));
                json_number(json, "port", key->port);
                json_number(json, "fwmark", key->fwmark);
                if (port_server_refusal(server) != REFUSAL_NONE)
                        json_text(json, "refused", refusal_reason_to_string(port_server_refusal(server)));
                describe_listener(bus, json, port, server);
                if (kernel && server->claim.server)
                        describe_kernel(json, server->claim.server);
                json_close(json, '{');
        }
        json_close(json, '[');
}

static void describe_endpoint(Json *json, const EndpointRow *row) {
        char address[IP_ADDR_STRLEN];

        json_open(json, NULL, '{');
        json_text(json, "address", ip_addr_format(&row->addr.addr, address));
        json_number(json, "port", row->addr.port);
        json_text(json, "state", row->state);
        json_text(json, "node", row->node);
        json_number(json, "weight", row->weight);
        json_number(json, "active", row->active);
        json_number(json, "inactive", row->inactive);
        json_boolean(json, "local", row->local);
        if (row->pod[0])
                json_text(json, "pod", row->pod);
        if (row->zone[0])
                json_text(json, "zone", row->zone);
        if (row->drain_deadline_usec > 0)
                json_number(json, "drainDeadlineUSec", row->drain_deadline_usec);
        if (row->override) {
                json_text(json, "override", row->override->reason);
                json_number(json, "overrideWeight", row->override->weight);
                json_number(json, "overrideExpiresUSec", row->override->expires_usec);
        }
        json_close(json, '{');
}

static int describe_endpoints(Bus *bus, Json *json, const DesiredPort *port, bool connections, size_t max) {
        _cleanup_(freep) EndpointRow *rows = NULL;
        size_t n = 0, end;
        int r;

        r = connections ? port_view_endpoints(bus->manager, port, &rows, &n) :
                          port_view_known_endpoints(bus->manager, port, &rows, &n);
        if (r < 0)
                return r;
        end = max > 0 ? MIN2(n, max) : n;
        json_open(json, "endpoints", '[');
        for (size_t i = 0; i < end; i++)
                describe_endpoint(json, &rows[i]);
        json_close(json, '[');
        if (end < n)
                json_boolean(json, "truncated", true);
        return 0;
}

/* ---- objects */

void describe_view(Json *json, const ServiceView *view) {
        json_text(json, "id", view->id);
        json_text(json, "namespace", view->namespace);
        json_text(json, "name", view->name);
        json_text(json, "portName", view->port_name);
        json_text(json, "protocol", view->protocol);
        json_number(json, "port", view->port_number);
        json_text(json, "type", view->type);
        json_text(json, "scheduler", view->scheduler);
        json_number(json, "affinityTimeoutUSec", view->affinity_usec);
        json_text(json, "internalTrafficPolicy", view->internal_policy);
        json_text(json, "externalTrafficPolicy", view->external_policy);
        json_text(json, "state", view->state);
        json_text(json, "reason", view->reason);
        json_number(json, "readyEndpointCount", view->n_ready);
        json_number(json, "endpointCount", view->n_endpoints);
        json_number(json, "drainingEndpointCount", view->n_draining);
        json_number(json, "localEndpointCount", view->n_local);
        json_number(json, "programmedGeneration", view->generation);
        json_number(json, "programmedUSec", view->programmed_usec);
}

int describe_service(Bus *bus,
                     Json *json,
                     const char *key,
                     const DesiredPort *port,
                     unsigned sections,
                     size_t max_endpoints) {
        PortStatistics statistics;
        uint64_t usec;
        int r;

        r = service_view_fill(&bus->view, bus->manager, port);
        if (r < 0)
                return r;
        json_open(json, key, '{');
        describe_view(json, &bus->view);
        describe_virtual_servers(bus, json, port, sections & DESCRIBE_KERNEL);
        if (sections & DESCRIBE_ENDPOINTS)
                r = describe_endpoints(bus, json, port, sections & DESCRIBE_STATISTICS, max_endpoints);
        if (r >= 0 && (sections & DESCRIBE_STATISTICS) &&
            port_view_statistics(bus->manager, port, &statistics, &usec) >= 0)
                describe_statistics(json, "statistics", &statistics);
        json_close(json, '{');
        return r;
}

void describe_manager(Bus *bus, Json *json) {
        const ManagerStatus *s = &bus->status;

        json_text(json, "version", bus->version);
        json_text(json, "nodeName", s->node_name);
        json_text(json, "interfaceName", bus->interface_name);
        json_text(json, "state", bus->state);
        json_text(json, "apiState", bus->api_state);
        json_number(json, "lastApiEventUSec", s->last_api_event_usec);
        json_number(json, "generation", s->generation);
        json_number(json, "pendingChanges", s->n_pending);
        json_number(json, "serviceCount", s->n_services);
        json_number(json, "endpointCount", s->n_endpoints);
        json_number(json, "virtualServerCount", s->n_virtual_servers);
        json_number(json, "lastSyncUSec", s->last_sync_usec);
        json_number(json, "lastSyncDurationUSec", s->last_sync_duration_usec);
        json_number(json, "syncCount", s->n_syncs);
        json_number(json, "syncErrorCount", s->n_sync_errors);
        json_number(json, "driftCount", s->n_drift);
        json_number(json, "refusedCount", s->n_refused);
        json_text(json, "drainState", s->drain_state);
        json_number(json, "drainDeadlineUSec", s->drain_deadline_usec);
        json_number(json, "drainConnections", s->drain_connections);
        json_number(json, "overrideCount", override_set_size(manager_overrides(bus->manager)));
        json_text(json, "error", s->error);
        conditions_describe(json, bus->conditions, s);
}

/* ---- methods */

int describe_reply(sd_bus_message *m, FILE *out, char **text, int r) {
        if (fclose(out) != 0 && r >= 0)
                r = -ENOMEM;
        return r < 0 ? r : sd_bus_reply_method_return(m, "s", *text);
}

int bus_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        Json json = { .out = open_memstream(&text, &size) };

        if (!json.out)
                return -ENOMEM;
        json_open(&json, NULL, '{');
        describe_manager(userdata, &json);
        json_close(&json, '{');
        return describe_reply(m, json.out, &text, 0);
}

int bus_describe_service(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        Json json = { .out = open_memstream(&text, &size) };
        int r;

        if (!json.out)
                return -ENOMEM;
        r = describe_service(bus,
                             &json,
                             NULL,
                             bus->view.port,
                             DESCRIBE_ENDPOINTS | DESCRIBE_STATISTICS | DESCRIBE_KERNEL,
                             DESCRIBE_ENDPOINTS_MAX);
        r = describe_reply(m, json.out, &text, r);
        bus_charge(bus, m, size, size / 100);
        return r;
}
