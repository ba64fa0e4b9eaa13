/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What objects are, as JSON: for Describe, dumps and shells. Keys are those of the properties, in camelCase. */
#pragma once

#include "bus/bus-private.h"
#include "bus/json.h"
#include "control/differences.h"

/* Sections of a service's record beside its own properties. */
enum {
        DESCRIBE_ENDPOINTS = 1,
        DESCRIBE_STATISTICS = 2,
        DESCRIBE_KERNEL = 4, /* virtual servers and real servers as known to be in the kernel */
};

#define DESCRIBE_ENDPOINTS_MAX 1000

/* One object. `max_endpoints` 0 = all; else "truncated" says that there are more. -errno. */
int describe_service(Bus *bus,
                     Json *json,
                     const char *key,
                     const DesiredPort *port,
                     unsigned sections,
                     size_t max_endpoints);
void describe_manager(Bus *bus, Json *json);
void describe_difference(Json *json, const Difference *difference);
void describe_statistics(Json *json, const char *key, const PortStatistics *statistics);

/* Parts of them: a service's properties, who listens at its node port, what the kernel has of a virtual server. */
void describe_view(Json *json, const ServiceView *view);
void describe_listener(const Bus *bus, Json *json, const DesiredPort *port, const PortServer *server);
void describe_kernel(Json *json, const ServerState *server);

/* Closes the stream of a document and answers with its text; `r` is how writing it went. */
int describe_reply(sd_bus_message *m, FILE *out, char **text, int r);

/* Methods: of the manager, of a service, and the manager's Explain. */
int bus_describe(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_describe_service(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_explain(sd_bus_message *m, void *userdata, sd_bus_error *error);
