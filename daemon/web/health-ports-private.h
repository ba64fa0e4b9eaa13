/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of HealthPorts, for health-ports.c and health-listen.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/hash.h"
#include "web/health-ports.h"

typedef struct HealthPort {
        char *key; /* owned: "namespace/name" */
        char *namespace; /* owned */
        const char *name; /* inside of `key` */
        uint16_t port;
        HttpListener **listeners; /* owned array; the server's; one an address */
        size_t n_listeners;
        size_t n_local; /* distinct ready endpoints on this node */
        bool failed; /* cannot be listened on: said once */
} HealthPort;

struct HealthPorts {
        Manager *manager; /* borrowed */
        HttpServer *server; /* owned */
        HashMap ports; /* key → HealthPort, owned */
        HashMap changed; /* key → the same, owned: services to look at after the sync */
        IpAddr *addresses; /* owned: where the listeners are; none where `all` */
        size_t n_addresses;
        bool all;
        bool changed_all; /* memory ran out: look at everything */
        sd_event_source *retry; /* owned */
        uint64_t retry_usec;
        size_t n_descriptors, max_descriptors;
        HealthPortFailed failed;
        void *userdata;
        HealthPortsStatus status;
};

/* Listens on all addresses where node ports are served, or on none: then says why, once, and is tried again later. */
void health_port_open(HealthPorts *ports, HealthPort *port);
void health_port_close(HealthPorts *ports, HealthPort *port);
void health_ports_retry_later(HealthPorts *ports);
