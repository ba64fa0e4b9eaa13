/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is answered over HTTP (reference §5.1 to §5.4): /healthz and /livez, /metrics with /proxyMode and /configz,
 * and the health check node ports of services. Reads from the manager; changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/addr.h"
#include "common/macros.h"
#include "control/manager.h"
#include "model/metrics-detail.h"

typedef struct Web Web;

/* One list and watch of the API server. */
typedef struct WebResourceCounters {
        const char *resource; /* static: "services", … */
        uint64_t n_lists, n_watches; /* begun well */
        uint64_t n_events, n_errors;
        uint64_t n_expired; /* watches that had to begin anew with a list */
} WebResourceCounters;

#define WEB_RESOURCES_MAX 4

/* What other rooms counted since the start, for /metrics. */
typedef struct WebCounters {
        WebResourceCounters resources[WEB_RESOURCES_MAX];
        size_t n_resources;
        uint64_t api_lost; /* times that the API server stopped answering */
        uint64_t api_unreadable; /* objects that could not be understood, or not in full */
        uint64_t events_sent, events_dropped; /* Kubernetes Events that were told, or will never be */
        uint64_t bus_calls; /* method calls on D-Bus that were admitted */
        uint64_t bus_denied; /* not authorised by polkit */
        uint64_t bus_limited; /* refused because a caller's budget was used up */
        uint64_t bus_signals; /* sent on D-Bus */
        uint64_t bus_clients; /* connections that called lately */
} WebCounters;

/* A port that cannot be listened on, for a Kubernetes Event (reference §6.1). Strings are valid during the call. */
typedef struct WebFailure {
        const char *reason; /* "FailedToStartServiceHealthcheck", … */
        const char *action; /* "Listen", "StartKubeProxy" */
        const char *namespace, *name; /* of the Service; NULL: it regards the Node */
        const char *message;
} WebFailure;

/* Copied by web_new(), strings too. Callbacks may be NULL. */
typedef struct WebOptions {
        IpPort healthz_address, metrics_address; /* addr.family 0: no such server */
        bool hard_fail; /* bindAddressHardFail: an address that cannot be bound ends web_start() */
        const char *version; /* of the daemon */
        MetricsDetail metrics_detail;
        size_t max_series; /* of service ports; 0 = 50,000 */

        /* The running KubeProxyConfiguration as a JSON object, new memory; NULL when out of memory. */
        char *(*config)(void *userdata);
        void (*counters)(WebCounters *ret, void *userdata);
        void (*failed)(const WebFailure *failure, void *userdata);
        void *userdata; /* of the three */
} WebOptions;

/* `manager` is borrowed and must outlive it. No I/O but the servers' epoll descriptors. -ENOMEM, -EMFILE. */
int web_new(sd_event *event, Manager *manager, const WebOptions *options, Web **ret);
/*
 * Listens. An address that cannot be bound is logged and tried again for ever; with hard_fail it is logged and its
 * -errno returned. Health check node ports are opened as services come, after the manager's first sync.
 */
int web_start(Web *web);
/* Of the options; after a reload. */
void web_set_detail(Web *web, MetricsDetail detail, size_t max_series);
/* Before the manager is freed no listener of it may run any more: free both between two turns of the loop. */
Web *web_free(Web *web);
DEFINE_CLEANUP(Web *, web_free);

/* What "healthz" or "metrics" listens on, where the configuration says port 0; 0 while it does not. */
uint16_t web_port(const Web *web, const char *name);
