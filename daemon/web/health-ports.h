/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health check node ports (reference §5.2): for each Service of type LoadBalancer with policy Local a port that
 * tells the load balancer whether this node has endpoints of it. Follows the manager: work is done for services that
 * changed alone. All ports share one HTTP server and its bounds; each costs one descriptor an address.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macros.h"
#include "control/manager.h"
#include "web/http-server.h"

typedef struct HealthPorts HealthPorts;

/* A port cannot be listened on; once until it can. Strings are valid during the call. */
typedef void (*HealthPortFailed)(const char *namespace, const char *name, const char *message, void *userdata);

/* `manager` is borrowed. -ENOMEM, -EMFILE. */
int health_ports_new(sd_event *event, Manager *manager, HealthPortFailed failed, void *userdata, HealthPorts **ret);
/* Begins to follow the manager; not twice. Must outlive the manager's last turn. */
int health_ports_start(HealthPorts *ports);
HealthPorts *health_ports_free(HealthPorts *ports);
DEFINE_CLEANUP(HealthPorts *, health_ports_free);

typedef struct HealthPortsStatus {
        uint32_t n_listening, n_failed; /* services */
        uint64_t n_answered[2]; /* requests, with 200 and with 503 */
        HttpServerStatus server;
} HealthPortsStatus;

void health_ports_status(const HealthPorts *ports, HealthPortsStatus *ret);
