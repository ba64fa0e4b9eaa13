/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of the API server: its state, in the log too, and everything in the status. */
#include <string.h>

#include "apiserver/api-server-private.h"
#include "common/log.h"
#include "common/message-ids.h"

static const char *const api_resource_kind_table[_API_RESOURCE_MAX] = {
        [API_RESOURCE_SERVICES] = "services",
        [API_RESOURCE_ENDPOINTS] = "endpoints",
        [API_RESOURCE_NODE] = "node",
        [API_RESOURCE_CLUSTER_NODES] = "nodes",
};

const char *api_resource_kind_to_string(ApiResourceKind kind) {
        return kind < _API_RESOURCE_MAX ? api_resource_kind_table[kind] : NULL;
}

void api_server_statuses(const ApiServer *server, ResourceStatuses *ret) {
        *ret = (ResourceStatuses) {};
        for (size_t i = 0; i < _API_RESOURCE_MAX; i++) {
                ret->of[i].error = ret->of[i].version = "";
                if (server->resources[i])
                        api_resource_status(server->resources[i], &ret->of[i]);
        }
}

/* Nodes do not count: everything works without them. */
ApiState api_server_find_state(const ApiServer *server, const ResourceStatuses *statuses) {
        const ReflectorStatus *services = &statuses->of[API_RESOURCE_SERVICES], *endpoints = &statuses->of[API_RESOURCE_ENDPOINTS];

        if (services->state == REFLECTOR_STATE_WATCHING && services->connected &&
            endpoints->state == REFLECTOR_STATE_WATCHING && endpoints->connected)
                return API_STATE_WATCHING;
        if (services->failure < 0 || endpoints->failure < 0 || *discovery_error(server->discovery))
                return API_STATE_DISCONNECTED;
        return services->connected || endpoints->connected ? API_STATE_LISTING : API_STATE_CONNECTING;
}

/* Lost is lost until both lists are watched again, whatever it tries meanwhile. */
static void api_server_log_state(ApiServer *server, ApiState state) {
        bool lost = state == API_STATE_DISCONNECTED && !server->lost, back = state == API_STATE_WATCHING && server->lost;
        static const char *const lost_fields[] = { "MESSAGE_ID=" MESSAGE_ID_API_LOST, NULL },
                                 *const back_fields[] = { "MESSAGE_ID=" MESSAGE_ID_API_BACK, NULL };

        server->lost = lost || (server->lost && !back);
        log_struct(lost ? LOG_WARNING : LOG_INFO,
                   lost   ? lost_fields :
                   back   ? back_fields :
                            NULL,
                   "API server %s: %s -> %s%s",
                   http_client_server(server->http),
                   api_state_to_string(server->state),
                   api_state_to_string(state),
                   lost ? "; what is programmed stays as it is" : "");
}

void api_server_status(const ApiServer *server, ApiServerStatus *ret) {
        ResourceStatuses statuses;
        const char *error;

        api_server_statuses(server, &statuses);
        error = statuses.of[API_RESOURCE_SERVICES].error;
        if (!*error)
                error = statuses.of[API_RESOURCE_ENDPOINTS].error;
        if (!*error)
                error = discovery_error(server->discovery);
        if (!*error)
                error = statuses.of[API_RESOURCE_NODE].error;
        if (!*error)
                error = statuses.of[API_RESOURCE_CLUSTER_NODES].error;
        *ret = (ApiServerStatus) {
                .state = server->state,
                .server = http_client_server(server->http),
                .server_version = prober_version(server->prober),
                .endpoints_api = server->endpoints_api,
                .last_event_usec = server->last_event_usec,
                .n_lost = server->n_lost,
                .n_reported = feed_n_reported(server->feed),
                .error = error,
        };
        ret->n_unreadable = feed_n_unreadable(server->feed, &ret->unreadable);
        memcpy(ret->resources, statuses.of, sizeof(ret->resources));
        if (server->events)
                events_status(server->events, &ret->events);
}

/* Also remembers them as told. */
static bool api_server_has_new_words(ApiServer *server) {
        ApiServerStatus status;
        uint64_t words;

        api_server_status(server, &status);
        words = hash_ops_string.hash(status.error) + 3 * hash_ops_string.hash(status.server_version) + 5 * hash_ops_string.hash(status.server) +
                7 * hash_ops_string.hash(status.unreadable) + status.n_unreadable;
        if (words == server->told_words)
                return false;
        server->told_words = words;
        return true;
}

void api_server_set_state(ApiServer *server, ApiState state) {
        bool changed = server->state != state, words = api_server_has_new_words(server);

        if (changed)
                api_server_log_state(server, state);
        server->state = state;
        if (server->events)
                events_set_online(server->events, state == API_STATE_WATCHING);
        if (!changed && !words && server->last_event_usec - server->told_event_usec < HEARD_EVERY_USEC)
                return;
        server->told_event_usec = server->last_event_usec;
        if (server->handlers.state)
                server->handlers.state(state, server->last_event_usec, server->userdata);
}
