/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of ApiServer, for its files: what it does, and what it tells. */
#pragma once

#include "apiserver/api-resource.h"
#include "apiserver/api-server.h"
#include "apiserver/feed.h"
#include "apiserver/http-client.h"
#include "apiserver/prober.h"

/* That something was heard is told no more often. */
#define HEARD_EVERY_USEC USEC_PER_SEC

struct ApiServer {
        sd_event *event; /* owned reference */
        Store *store; /* borrowed */
        int64_t priority;
        char *node_name; /* owned; NULL = none */
        bool watch_nodes;
        ApiServerHandlers handlers;
        void *userdata;

        HttpClient *http; /* owned, like all below */
        Feed *feed;
        Prober *prober;
        Discovery *discovery;
        Events *events; /* NULL = none are sent */
        ApiResource *resources[_API_RESOURCE_MAX]; /* NULL = not watched, or not yet */
        EndpointsApi endpoints_api;
        sd_event_source *changed; /* defer: what libcurl's and the reflectors' callbacks leave to be done */
        bool started;

        ApiState state;
        bool listed; /* tell `synced` */
        uint64_t n_missing_told; /* failures of the endpoints when discovery was last told that they are missing */
        uint64_t last_event_usec, told_event_usec;
        uint64_t told_words; /* hash of the words of the status, as last told */
        uint64_t n_lost;
        bool lost; /* disconnected since it was last watched, and told so */
};

typedef struct ResourceStatuses {
        ReflectorStatus of[_API_RESOURCE_MAX];
} ResourceStatuses;

/* api-server-status.c */
void api_server_statuses(const ApiServer *server, ResourceStatuses *ret);
ApiState api_server_find_state(const ApiServer *server, const ResourceStatuses *statuses);
/* Also tells the owner what else is new. */
void api_server_set_state(ApiServer *server, ApiState state);
