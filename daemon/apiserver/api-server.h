/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The API server as a source of objects: Services, endpoints and the own Node (or all) are listed and watched, and put into a
 * store as OBJECT_SOURCE_API. What has been put stays while the server is away. No failure of the server is final.
 *
 * The rights of the ClusterRole system:node-proxier suffice (reference §3.1); where the Node may be read but not listed
 * (1.20) it is read every 30 to 60 s, and where it may not or does not exist everything else works without it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "apiserver/discovery.h"
#include "apiserver/events.h"
#include "apiserver/reflector.h"
#include "common/macros.h"
#include "config/kubeconfig.h"
#include "model/api-state.h"
#include "model/store.h"

typedef struct ApiServer ApiServer;

/* Copied. */
typedef struct ApiServerOptions {
        const char *node_name; /* NULL or "": no Node is watched */
        bool watch_nodes; /* all of them, for their addresses */
        const char *user_agent; /* NULL: none */
        int64_t priority; /* of all event sources */
        bool events; /* tell it of Events; else api_server_report() does nothing */
        uint64_t silence_usec; /* after which the server is probed; 0 = 15 s */
} ApiServerOptions;

/* From the event loop, never from within a call of this header. None may free the ApiServer. Each may be NULL. */
typedef struct ApiServerHandlers {
        /* A list became complete. */
        void (*synced)(void *userdata);
        /* The state or what the status says in words changed, or, at most once a second, something was heard. `event_usec`: CLOCK_REALTIME of that, 0 = never */
        void (*state)(ApiState state, uint64_t event_usec, void *userdata);
        /* What the server sent has been worked on since `begun_usec` (CLOCK_MONOTONIC); the answer may be api_server_set_priority(). */
        void (*worked)(uint64_t begun_usec, void *userdata);
} ApiServerHandlers;

/*
 * Takes `client` in every case. No I/O. The store is borrowed. -EINVAL: the server is no http(s) URL (kubeconfig_load()
 * has refused it before); -ENOMEM.
 */
int api_server_new(sd_event *event,
                   Store *store,
                   KubeClientConfig *client,
                   const ApiServerOptions *options,
                   const ApiServerHandlers *handlers,
                   void *userdata,
                   ApiServer **ret);
ApiServer *api_server_free(ApiServer *server);
DEFINE_CLEANUP(ApiServer *, api_server_free);

int api_server_start(ApiServer *server);

/*
 * After a reload of the kubeconfig; takes `client` in every case. All connections are made anew; with another server all
 * lists too, and what only the old one had goes when they are complete. Failure leaves things as they were.
 */
int api_server_set_client(ApiServer *server, KubeClientConfig *client);

/* Of what comes from the server, so that others may go first for a while. */
void api_server_set_priority(ApiServer *server, int64_t priority);

/* An Event, see events.h: told when there is a server that takes it, while nothing else is in trouble. */
void api_server_report(ApiServer *server, const EventReport *report);

typedef enum ApiResourceKind {
        API_RESOURCE_SERVICES,
        API_RESOURCE_ENDPOINTS,
        API_RESOURCE_NODE,
        API_RESOURCE_CLUSTER_NODES,
        _API_RESOURCE_MAX,
} ApiResourceKind;

/* "services", "endpoints", "node", "nodes" */
const char *api_resource_kind_to_string(ApiResourceKind kind);

/* By value; strings are valid until the event loop goes on. Counters only grow, until another server is set. */
typedef struct ApiServerStatus {
        ApiState state;
        const char *server; /* "https://host:6443" */
        const char *server_version; /* "v1.30.1"; "" = unknown */
        EndpointsApi endpoints_api; /* _ENDPOINTS_API_INVALID while not decided */
        uint64_t last_event_usec; /* CLOCK_REALTIME; 0 = never */
        uint64_t n_lost; /* times that the server stopped answering */
        uint64_t n_reported; /* objects that could not be understood, or not in full */
        size_t n_unreadable; /* such objects now */
        const char *unreadable; /* what is wrong with one of them */
        EventsStatus events; /* all zero without Events */
        const char *error; /* the first failure of these: services, endpoints, discovery, node, nodes; "" = none */
        /* state REFLECTOR_STATE_IDLE, and all zero, for one that is not watched */
        ReflectorStatus resources[_API_RESOURCE_MAX];
} ApiServerStatus;

void api_server_status(const ApiServer *server, ApiServerStatus *ret);
