/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/api-server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apiserver/api-server-private.h"
#include "common/log.h"

/* What reference §3.1 says is not ours: another proxy's services, and headless ones. Encoded. */
#define PROXY_SELECTOR \
        "labelSelector=%21service.kubernetes.io%2Fheadless%2C%21service.kubernetes.io%2Fservice-proxy-name"

static const struct {
        FeedKind kind;
        const char *path;
} endpoints_table[_ENDPOINTS_API_MAX] = {
        [ENDPOINTS_API_SLICES_V1] = { FEED_KIND_ENDPOINT_SLICE, "/apis/discovery.k8s.io/v1/endpointslices" },
        [ENDPOINTS_API_SLICES_V1BETA1] = { FEED_KIND_ENDPOINT_SLICE, "/apis/discovery.k8s.io/v1beta1/endpointslices" },
        [ENDPOINTS_API_ENDPOINTS] = { FEED_KIND_ENDPOINTS, "/api/v1/endpoints" },
};

/* ---- what is left to the deferred event */

static void api_server_defer(ApiServer *server) {
        (void) sd_event_source_set_enabled(server->changed, SD_EVENT_ONESHOT);
}

static void on_resource_changed(bool listed, void *userdata) {
        ApiServer *server = userdata;

        server->listed = server->listed || listed;
        api_server_defer(server);
}

static void on_resource_heard(void *userdata) {
        ApiServer *server = userdata;

        (void) sd_event_now(server->event, CLOCK_REALTIME, &server->last_event_usec);
        if (server->last_event_usec - server->told_event_usec >= HEARD_EVERY_USEC)
                api_server_defer(server);
}

/* ---- resources */

static int api_server_start_resource(ApiServer *server, ApiResourceKind which, FeedKind kind, const ReflectorConfig *config) {
        ApiResourceContext context = {
                .event = server->event,
                .priority = server->priority,
                .http = server->http,
                .feed = server->feed,
                .store = server->store,
                .changed = on_resource_changed,
                .heard = on_resource_heard,
                .userdata = server,
        };
        int r;

        server->resources[which] = api_resource_free(server->resources[which]);
        r = api_resource_new(&context, kind, config, &server->resources[which]);
        if (r >= 0)
                api_resource_start(server->resources[which]);
        return r;
}

static int api_server_start_services(ApiServer *server) {
        ReflectorConfig config = {
                .kind = feed_kind_to_string(FEED_KIND_SERVICE),
                .path = "/api/v1/services",
                .selector = PROXY_SELECTOR,
                .stream = true,
        };

        return api_server_start_resource(server, API_RESOURCE_SERVICES, FEED_KIND_SERVICE, &config);
}

static int api_server_start_endpoints(ApiServer *server) {
        FeedKind kind = endpoints_table[server->endpoints_api].kind;
        ReflectorConfig config = {
                .kind = feed_kind_to_string(kind),
                .path = endpoints_table[server->endpoints_api].path,
                .selector = PROXY_SELECTOR,
                .stream = true,
        };

        server->n_missing_told = 0;
        return api_server_start_resource(server, API_RESOURCE_ENDPOINTS, kind, &config);
}

static int api_server_start_node(ApiServer *server) {
        _cleanup_(freep) char *selector = NULL, *path = NULL;
        ReflectorConfig config = {
                .kind = feed_kind_to_string(FEED_KIND_NODE),
                .path = "/api/v1/nodes",
        };

        if (!server->node_name)
                return 0;
        /* The name is a DNS name: nothing in it needs encoding. */
        if (asprintf(&selector, "fieldSelector=metadata.name%%3D%s", server->node_name) < 0)
                return -ENOMEM;
        if (asprintf(&path, "/api/v1/nodes/%s", server->node_name) < 0)
                return -ENOMEM;
        config.selector = selector;
        config.get_path = path;
        return api_server_start_resource(server, API_RESOURCE_NODE, FEED_KIND_NODE, &config);
}

/* Streamed, for a Node is long and only its addresses stay. */
static int api_server_start_cluster_nodes(ApiServer *server) {
        ReflectorConfig config = {
                .kind = feed_kind_to_string(FEED_KIND_CLUSTER_NODE),
                .path = "/api/v1/nodes",
                .selector = "",
                .stream = true,
        };

        if (!server->watch_nodes)
                return 0;
        return api_server_start_resource(server, API_RESOURCE_CLUSTER_NODES, FEED_KIND_CLUSTER_NODE, &config);
}

static void on_decided(EndpointsApi api, void *userdata) {
        ApiServer *server = userdata;
        int r;

        if (api == server->endpoints_api && server->resources[API_RESOURCE_ENDPOINTS])
                return;
        log_info("Endpoints are read from %s", endpoints_api_to_string(api));
        server->endpoints_api = api;
        r = api_server_start_endpoints(server);
        if (r < 0)
                (void) log_error_errno(r, "Failed to watch %s: %m", endpoints_api_to_string(api));
        api_server_defer(server);
}

static void api_server_kick(ApiServer *server, ReflectorWaitsFor what) {
        for (size_t i = 0; i < _API_RESOURCE_MAX; i++)
                if (server->resources[i])
                        api_resource_kick(server->resources[i], what);
}

/* ---- the server as such */

static void on_probe_lost(void *userdata) {
        ApiServer *server = userdata;

        server->n_lost++;
        log_warning("The API server at %s does not answer, connecting anew", http_client_server(server->http));
        http_client_reset(server->http, HTTP_RESET_LOST, "the server does not answer");
}

static void on_probe_reached(void *userdata) {
        ApiServer *server = userdata;

        (void) sd_event_now(server->event, CLOCK_REALTIME, &server->last_event_usec);
        discovery_kick(server->discovery);
        api_server_kick(server, REFLECTOR_WAITS_FOR_SERVER);
        api_server_defer(server);
}

static void on_probe_recovered(void *userdata) {
        api_server_kick(userdata, REFLECTOR_WAITS_FOR_HEALTH);
}

/* Another version may have another API for endpoints; the best is in use already if it is v1. */
static void on_probe_version(const char *version, void *userdata) {
        ApiServer *server = userdata;

        log_info("The API server at %s is of version %s", http_client_server(server->http), version);
        if (server->endpoints_api != ENDPOINTS_API_SLICES_V1 && server->resources[API_RESOURCE_ENDPOINTS])
                discovery_start(server->discovery);
}

static void on_probe_rotated(void *userdata) {
        ApiServer *server = userdata;

        log_info("The certificates for the API server at %s changed, connecting anew", http_client_server(server->http));
        http_client_reset(server->http, HTTP_RESET_RENEWED, "the certificates changed");
        api_server_kick(server, REFLECTOR_WAITS_FOR_CREDENTIALS);
}

static void on_probe_renewed(void *userdata) {
        api_server_kick(userdata, REFLECTOR_WAITS_FOR_CREDENTIALS);
}

/* ---- what comes out of it */

void api_server_set_priority(ApiServer *server, int64_t priority) {
        http_client_set_priority(server->http, priority);
}

void api_server_report(ApiServer *server, const EventReport *report) {
        if (server->events)
                events_report(server->events, report);
}

static void api_server_follow_endpoints(ApiServer *server, const ReflectorStatus *endpoints) {
        if (endpoints->missing && endpoints->n_errors != server->n_missing_told) {
                server->n_missing_told = endpoints->n_errors;
                discovery_missing(server->discovery, server->endpoints_api);
        } else if (endpoints->connected)
                discovery_found(server->discovery);
}

static int on_changed(sd_event_source *source, void *userdata) {
        ApiServer *server = userdata;
        bool listed = server->listed, searching = *discovery_error(server->discovery) != '\0';
        ResourceStatuses statuses;

        server->listed = false;
        api_server_statuses(server, &statuses);
        for (size_t i = 0; i < _API_RESOURCE_MAX; i++)
                searching = searching || statuses.of[i].waits_for == REFLECTOR_WAITS_FOR_SERVER ||
                            statuses.of[i].waits_for == REFLECTOR_WAITS_FOR_HEALTH;
        prober_set_searching(server->prober, searching);
        api_server_follow_endpoints(server, &statuses.of[API_RESOURCE_ENDPOINTS]);
        api_server_set_state(server, api_server_find_state(server, &statuses));
        if (listed && server->handlers.synced)
                server->handlers.synced(server->userdata);
        return 0;
}

/* ---- life */

int api_server_start(ApiServer *server) {
        int r;

        if (server->started)
                return 0;
        server->started = true;
        r = api_server_start_services(server);
        if (r >= 0)
                r = api_server_start_node(server);
        if (r >= 0)
                r = api_server_start_cluster_nodes(server);
        if (r < 0)
                return r;
        discovery_start(server->discovery);
        prober_start(server->prober);
        return 0;
}

/* Another server: its versions mean nothing to this one, and it may have other APIs. */
static int api_server_start_again(ApiServer *server) {
        for (size_t i = 0; i < _API_RESOURCE_MAX; i++)
                server->resources[i] = api_resource_free(server->resources[i]);
        server->endpoints_api = _ENDPOINTS_API_INVALID;
        server->started = false;
        discovery_found(server->discovery);
        api_server_defer(server);
        return api_server_start(server);
}

int api_server_set_client(ApiServer *server, KubeClientConfig *client) {
        _cleanup_(freep) char *before = strdup(http_client_server(server->http));
        int r;

        if (!before) {
                (void) kube_client_config_free(client);
                return -ENOMEM;
        }
        r = http_client_set_config(server->http, client);
        if (r < 0)
                return r;
        if (server->events)
                events_renew(server->events);
        if (server->started && strcmp(before, http_client_server(server->http)) != 0)
                return api_server_start_again(server);
        if (server->started)
                prober_start(server->prober);
        api_server_kick(server, REFLECTOR_WAITS_FOR_SERVER);
        api_server_kick(server, REFLECTOR_WAITS_FOR_HEALTH);
        api_server_kick(server, REFLECTOR_WAITS_FOR_CREDENTIALS);
        return 0;
}

static int api_server_add_parts(ApiServer *server) {
        static const ProberHandlers prober_handlers = {
                .lost = on_probe_lost,
                .reached = on_probe_reached,
                .recovered = on_probe_recovered,
                .version = on_probe_version,
                .rotated = on_probe_rotated,
                .renewed = on_probe_renewed,
        };
        int r;

        r = feed_new(server->store, OBJECT_SOURCE_API, 0, &server->feed);
        if (r >= 0)
                r = discovery_new(server->event, server->priority, server->http, on_decided, server, &server->discovery);
        if (r >= 0)
                r = prober_new(server->event, server->priority, server->http, &prober_handlers, server, &server->prober);
        if (r >= 0)
                r = sd_event_add_defer(server->event, &server->changed, on_changed, server);
        if (r >= 0)
                r = sd_event_source_set_enabled(server->changed, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(server->changed, server->priority);
        if (r >= 0)
                (void) sd_event_source_set_description(server->changed, "api-changed");
        return r;
}

int api_server_new(sd_event *event,
                   Store *store,
                   KubeClientConfig *client,
                   const ApiServerOptions *options,
                   const ApiServerHandlers *handlers,
                   void *userdata,
                   ApiServer **ret) {
        _cleanup_(api_server_freep) ApiServer *server = calloc(1, sizeof(ApiServer));
        EventsOptions events = { .node_name = options->node_name ? options->node_name : "", .priority = options->priority };
        int r;

        if (!server) {
                (void) kube_client_config_free(client);
                return -ENOMEM;
        }
        server->event = sd_event_ref(event);
        server->store = store;
        server->priority = options->priority;
        server->watch_nodes = options->watch_nodes;
        server->handlers = *handlers;
        server->userdata = userdata;
        server->endpoints_api = _ENDPOINTS_API_INVALID;
        r = http_client_new(event, options->priority, options->user_agent ? options->user_agent : "", client, &server->http);
        if (r < 0)
                return r;
        if (options->node_name && *options->node_name) {
                server->node_name = strdup(options->node_name);
                if (!server->node_name)
                        return -ENOMEM;
        }
        http_client_set_worked(server->http, handlers->worked, userdata);
        r = api_server_add_parts(server);
        if (r >= 0 && options->events)
                r = events_new(event, server->http, &events, &server->events);
        if (r < 0)
                return r;
        if (options->silence_usec > 0)
                prober_set_silence(server->prober, options->silence_usec);
        *ret = TAKE_PTR(server);
        return 0;
}

ApiServer *api_server_free(ApiServer *server) {
        if (!server)
                return NULL;
        for (size_t i = 0; i < _API_RESOURCE_MAX; i++)
                server->resources[i] = api_resource_free(server->resources[i]);
        (void) prober_free(server->prober);
        (void) discovery_free(server->discovery);
        (void) events_free(server->events);
        (void) http_client_free(server->http);
        (void) feed_free(server->feed);
        (void) sd_event_source_disable_unref(server->changed);
        (void) sd_event_unref(server->event);
        free(server->node_name);
        free(server);
        return NULL;
}
