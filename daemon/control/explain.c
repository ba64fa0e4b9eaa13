/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/manager-private.h"

/* Claims are the first member of what a service port wants; the head of the list holds the server. */
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
