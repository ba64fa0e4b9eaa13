/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/manager-private.h"

/* Claims are the first member of what a service port wants; the head of the list holds the server. */
const DesiredPort *explain_find(const Manager *manager, const VirtualServerKey *key, const PortServer **ret_server) {
        const ServerState *server = kernel_table_server(manager->table, key);
        const PortServer *holder;

        if (!server || !server->claims)
                return NULL;
        holder = (const PortServer *) (const void *) server->claims;
        for (size_t i = 0; i < holder->service->n_ports; i++) {
                const DesiredPort *port = &holder->service->ports[i];

                if (holder >= port->servers && holder < port->servers + port->n_servers) {
                        *ret_server = holder;
                        return port;
                }
        }
        return NULL;
}

static bool dest_list_has(const DestList *list, const IpPort *addr) {
        const RealServer key = { .addr = *addr };

        return list->n_servers > 0 &&
               bsearch(&key, list->servers, list->n_servers, sizeof(RealServer), real_server_compare);
}

/* The policy that chose: a server that stands in for local endpoints has those of the cluster. */
static TrafficPolicy explain_policy(const PortServer *server) {
        if (server->stands_in)
                return TRAFFIC_POLICY_CLUSTER;
        return server->kind == ADDRESS_KIND_CLUSTER_IP ? server->service->internal_policy :
                                                         server->service->external_policy;
}

int explain_endpoints(const Manager *manager,
                      const DesiredPort *port,
                      const PortServer *server,
                      ExplainedEndpoint **ret,
                      size_t *ret_n) {
        const Topology *topology = &manager->view.config.topology;
        _cleanup_(endpoint_refs_done) EndpointRefs refs = {};
        _cleanup_(dest_list_unrefp) DestList *chosen = NULL;
        _cleanup_(freep) EndpointUse *uses = NULL;
        ExplainedEndpoint *rows;
        int r;

        r = endpoints_collect(port->service->entry,
                              port->name,
                              port->protocol,
                              server->claim.wanted.key.addr.family,
                              topology,
                              &refs);
        if (r < 0)
                return r;
        uses = calloc(refs.n_refs + 1, sizeof(EndpointUse));
        rows = calloc(refs.n_refs + 1, sizeof(ExplainedEndpoint));
        r = uses && rows ? endpoints_choose(&refs, topology, explain_policy(server), uses, &chosen) : -ENOMEM;
        for (size_t i = 0; r >= 0 && i < refs.n_refs; i++) {
                const EndpointRef *ref = &refs.refs[i];
                const RealServerState *dest = server_state_find_dest(server->claim.server, &ref->addr);

                rows[i] = (ExplainedEndpoint) {
                        .addr = ref->addr,
                        .use = uses[i],
                        .local = ref->local,
                        .override = override_set_find(manager->overrides.set, port->id, &ref->addr),
                        .node = endpoint_slice_string(ref->slice, ref->endpoint->node),
                        .zone = endpoint_slice_string(ref->slice, ref->endpoint->zone),
                        .wanted = dest_list_has(server->claim.dests, &ref->addr),
                        .present = dest != NULL,
                        .weight = dest ? dest->server.weight : 0,
                };
        }
        if (r < 0) {
                free(rows);
                return r;
        }
        *ret = rows;
        *ret_n = refs.n_refs;
        return 0;
}

/* ---- differences */

typedef struct Teller {
        DifferenceVisitor visitor;
        void *userdata;
} Teller;

static int tell(const Teller *teller, const char *action, const char *kind, const char *object, const char *detail) {
        return teller->visitor(&(Difference) { action, kind, object, detail }, teller->userdata);
}

static int tell_dest(const Teller *teller,
                     const char *action,
                     const ServerState *server,
                     const IpPort *addr,
                     const char *detail) {
        char object[VIRTUAL_SERVER_STRLEN + IP_PORT_STRLEN + 8], name[VIRTUAL_SERVER_STRLEN], address[IP_PORT_STRLEN];

        (void) snprintf(object,
                        sizeof(object),
                        "%s -> %s",
                        virtual_server_key_format(&server->key, name),
                        ip_port_format(&addr->addr, addr->port, address));
        return tell(teller, action, "real-server", object, detail);
}

static int explain_wanted_dests(const ServerState *server, const Teller *teller) {
        const DestList *wanted = server->claims->dests;
        char detail[64];
        int r = 0;

        for (size_t i = 0; r >= 0 && i < wanted->n_servers; i++) {
                const RealServer *want = &wanted->servers[i];
                const RealServerState *have = server->present ? server_state_find_dest(server, &want->addr) : NULL;

                if (have && have->server.weight == want->weight)
                        continue;
                if (have)
                        (void) snprintf(detail,
                                        sizeof(detail),
                                        "weight %" PRIu32 ", wanted %" PRIu32,
                                        have->server.weight,
                                        want->weight);
                else
                        (void) snprintf(detail, sizeof(detail), "weight %" PRIu32, want->weight);
                r = tell_dest(teller, have ? "change" : "add", server, &want->addr, detail);
        }
        return r;
}

static int explain_present_dests(const ServerState *server, const Teller *teller) {
        const DestList *wanted = server->claims ? server->claims->dests : NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < server->n_dests; i++)
                if (!(wanted && dest_list_has(wanted, &server->dests[i].server.addr)) && server->dests[i].drain_usec == 0)
                        r = tell_dest(teller, "drain", server, &server->dests[i].server.addr, "");
        return r;
}

int explain_server_differences(const ServerState *server, DifferenceVisitor visitor, void *userdata) {
        const Teller teller = { visitor, userdata };
        char name[VIRTUAL_SERVER_STRLEN];
        int r = 0;

        if (server->present && server->owner == SERVER_OWNER_FOREIGN)
                return 0;
        (void) virtual_server_key_format(&server->key, name);
        if (server->claims && !server->present)
                r = tell(&teller, "add", "virtual-server", name, server->claims->wanted.scheduler);
        else if (server->claims && !virtual_server_equal(&server->actual, &server->claims->wanted))
                r = tell(&teller, "change", "virtual-server", name, server->claims->wanted.scheduler);
        else if (!server->claims && server->present)
                r = tell(&teller, "drain", "virtual-server", name, "");
        if (r >= 0 && server->claims)
                r = explain_wanted_dests(server, &teller);
        return r >= 0 && server->present ? explain_present_dests(server, &teller) : r;
}

static int explain_element_difference(const ElementState *element, const Teller *teller) {
        char object[IP_PORT_STRLEN + 64], address[IP_PORT_STRLEN];

        if ((element->n_wanted > 0) == element->present)
                return 0;
        (void) snprintf(object,
                        sizeof(object),
                        "%s %s",
                        filter_set_type((FilterSet) element->element.set)->name,
                        ip_port_format(&element->element.addr, element->element.port, address));
        return tell(teller, element->present ? "remove" : "add", "filter-element", object, "");
}

int explain_differences(const Manager *manager, DifferenceVisitor visitor, void *userdata) {
        const Teller teller = { visitor, userdata };
        const ElementState *element;
        const AddressState *address;
        const ServerState *server;
        char text[IP_ADDR_STRLEN];
        int r = 0;

        for (size_t i = 0; r >= 0 && (element = kernel_table_next_element(manager->table, &i));)
                r = explain_element_difference(element, &teller);
        for (size_t i = 0; r >= 0 && (server = kernel_table_next_server(manager->table, &i));)
                r = explain_server_differences(server, visitor, userdata);
        for (size_t i = 0; r >= 0 && (address = kernel_table_next_address(manager->table, &i));)
                if ((address->n_wanted > 0) != address->present && !(address->present && address->n_servers > 0))
                        r = tell(&teller,
                                 address->present ? "remove" : "add",
                                 "address",
                                 ip_addr_format(&address->addr, text),
                                 "");
        return r;
}
