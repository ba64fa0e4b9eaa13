/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/signal-hash.h"

#include <string.h>

#include "common/hash.h"

uint32_t signal_hash_text(const char *text) {
        return (uint32_t) hash_bytes(text, strlen(text));
}

uint32_t signal_hash_number(uint64_t number) {
        return (uint32_t) hash_bytes(&number, sizeof(number));
}

static uint32_t hash_virtual_servers(const DesiredPort *port) {
        uint64_t sum = port->n_servers;

        for (size_t i = 0; i < port->n_servers; i++) {
                const PortServer *server = &port->servers[i];
                const uint64_t parts[] = { sum,
                                           hash_bytes(&server->claim.wanted.key, sizeof(VirtualServerKey)),
                                           server->kind,
                                           port_server_refusal(server),
                                           server->claim.dests->n_servers };

                sum = hash_bytes(parts, sizeof(parts));
        }
        return (uint32_t) sum;
}

static uint32_t hash_refused(const DesiredPort *port) {
        uint64_t sum = 0;

        for (size_t i = 0; i < port->service->n_refused; i++) {
                const uint64_t parts[] = { sum,
                                           hash_bytes(&port->service->refused[i].addr, sizeof(IpAddr)),
                                           port->service->refused[i].reason };

                sum = hash_bytes(parts, sizeof(parts));
        }
        for (size_t i = 0; i < port->n_servers; i++)
                sum += (uint64_t) port_server_refusal(&port->servers[i]) << (i % 32);
        return (uint32_t) sum;
}

void signal_hash_service(const ServiceView *view, uint32_t hashes[static INDEX_PROPERTIES]) {
        size_t n = 0;

        hashes[n++] = signal_hash_text(view->protocol);
        hashes[n++] = signal_hash_number(view->port_number);
        hashes[n++] = signal_hash_text(view->type);
        hashes[n++] = signal_hash_text(view->scheduler);
        hashes[n++] = signal_hash_number(view->affinity_usec);
        hashes[n++] = signal_hash_text(view->internal_policy);
        hashes[n++] = signal_hash_text(view->external_policy);
        hashes[n++] = hash_virtual_servers(view->port);
        hashes[n++] = signal_hash_number(view->n_ready);
        hashes[n++] = signal_hash_number(view->n_endpoints);
        hashes[n++] = signal_hash_number(view->n_draining);
        hashes[n++] = signal_hash_number(view->n_local);
        hashes[n++] = signal_hash_text(view->state) ^ signal_hash_text(view->reason);
        hashes[n++] = signal_hash_number(view->generation);
        hashes[n++] = signal_hash_number(view->programmed_usec);
        hashes[n++] = hash_refused(view->port);
}

const char *const signal_service_properties[INDEX_PROPERTIES] = {
        "Protocol",
        "Port",
        "Type",
        "Scheduler",
        "AffinityTimeoutUSec",
        "InternalTrafficPolicy",
        "ExternalTrafficPolicy",
        "VirtualServers",
        "ReadyEndpointCount",
        "EndpointCount",
        "DrainingEndpointCount",
        "LocalEndpointCount",
        "State", /* Reason goes with it */
        "ProgrammedGeneration",
        "ProgrammedUSec",
        "RefusedAddresses",
};
