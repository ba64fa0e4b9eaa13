/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/web.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "control/priorities.h"
#include "web/text.h"
#include "web/web-private.h"

#define HEALTHZ_CONNECTIONS 128
#define HEALTHZ_CONNECTIONS_PER_ADDRESS 16
#define METRICS_CONNECTIONS 32
#define METRICS_CONNECTIONS_PER_ADDRESS 8
#define HEALTHZ_CONNECTION_MEMORY (8 * 1024)
#define METRICS_CONNECTION_MEMORY (32 * 1024)
/* kube-proxy tries every 5 s for ever */
#define RETRY_FIRST_USEC (5 * USEC_PER_SEC)
#define RETRY_LAST_USEC (60 * USEC_PER_SEC)

typedef struct WebBindType {
        const char *name;
        const char *setting; /* what to change in the configuration */
        const char *reason; /* of the Event (reference §6.1) */
} WebBindType;

static const WebBindType web_bind_types[_WEB_BIND_MAX] = {
        [WEB_BIND_HEALTHZ] = { "healthz", "healthzBindAddress", "FailedToStartProxierHealthcheck" },
        [WEB_BIND_METRICS] = { "metrics", "metricsBindAddress", "FailedToStartMetricServer" },
};

/* ---- paths */

typedef struct WebRoute {
        const char *path;
        WebBindKind kind;
        int (*answer)(Web *web, HttpReply *reply);
} WebRoute;

static int reply_text(HttpReply *reply, const char *content_type, const char *body) {
        reply->content_type = content_type;
        reply->body = strdup(body);
        return reply->body ? 0 : -ENOMEM;
}

static int web_answer_ok(Web *web, HttpReply *reply) {
        return reply_text(reply, "text/plain; charset=utf-8", "ok");
}

static int web_answer_proxy_mode(Web *web, HttpReply *reply) {
        return reply_text(reply, "text/plain; charset=utf-8", "ipvs");
}

static int web_answer_configz(Web *web, HttpReply *reply) {
        _cleanup_(freep) char *config = web->options.config ? web->options.config(web->options.userdata) : strdup("{}");
        Text text = {};

        if (!config)
                return -ENOMEM;
        text_put(&text, "{\"kubeproxy.config.k8s.io\":");
        text_put(&text, config);
        text_put(&text, "}");
        reply->content_type = "application/json";
        reply->body = text_take(&text);
        return reply->body ? 0 : -ENOMEM;
}

static int web_answer_metrics(Web *web, HttpReply *reply) {
        return metrics_answer(web->metrics, reply);
}

static const WebRoute web_routes[] = {
        { "/healthz", WEB_BIND_HEALTHZ, web_answer_healthz },
        { "/livez", WEB_BIND_HEALTHZ, web_answer_livez },
        { "/metrics", WEB_BIND_METRICS, web_answer_metrics },
        { "/healthz", WEB_BIND_METRICS, web_answer_ok },
        { "/metrics/slis", WEB_BIND_METRICS, web_answer_slis },
        { "/proxyMode", WEB_BIND_METRICS, web_answer_proxy_mode },
        { "/configz", WEB_BIND_METRICS, web_answer_configz },
};

static int on_request(const HttpRequest *request, HttpReply *reply, void *userdata) {
        const WebBind *bind = request->context;
        Web *web = userdata;

        for (size_t i = 0; i < ELEMENTSOF(web_routes); i++)
                if (bind == &web->binds[web_routes[i].kind] && strcmp(request->path, web_routes[i].path) == 0)
                        return web_routes[i].answer(web, reply);
        reply->status = 404;
        return reply_text(reply, "text/plain; charset=utf-8", "404 page not found\n");
}

static void on_fill(MetricsSnapshot *snapshot, void *userdata) {
        Web *web = userdata;

        memcpy(snapshot->n_healthz, web->n_healthz, sizeof(snapshot->n_healthz));
        memcpy(snapshot->n_livez, web->n_livez, sizeof(snapshot->n_livez));
        for (WebBindKind kind = 0; kind < _WEB_BIND_MAX; kind++)
                if (web->binds[kind].server)
                        http_server_status(web->binds[kind].server, &snapshot->servers[kind]);
        health_ports_status(web->health_ports, &snapshot->health_ports);
        snapshot->servers[_WEB_BIND_MAX] = snapshot->health_ports.server;
        snapshot->has_counters = web->options.counters != NULL;
        if (snapshot->has_counters)
                web->options.counters(&snapshot->counters, web->options.userdata);
}

/* ---- addresses */

static const char *bind_error_remedy(int error) {
        switch (error) {
        case -EADDRINUSE:
                return "stop what listens there (another kube-proxy?)";
        case -EADDRNOTAVAIL:
                return "give an address of this host";
        case -EACCES:
                return "take a port above 1023";
        case -EAFNOSUPPORT:
                return "this kernel does not have this address family";
        default:
                return "see to it";
        }
}

static void web_bind_report(Web *web, WebBindKind kind, int error) {
        const WebBindType *type = &web_bind_types[kind];
        WebBind *bind = &web->binds[kind];
        char address[IP_PORT_STRLEN], message[512];
        WebFailure failure = { .reason = type->reason, .action = "StartKubeProxy", .message = message };

        if (bind->reported)
                return;
        bind->reported = true;
        (void) snprintf(message,
                        sizeof(message),
                        "Failed to listen on %s for %s: %s; %s or change %s",
                        ip_port_format(&bind->address.addr, bind->address.port, address),
                        type->name,
                        strerror(-error),
                        bind_error_remedy(error),
                        type->setting);
        (void) log_error_errno(error, "%s%s", message, web->options.hard_fail ? "" : "; retrying");
        if (web->options.failed)
                web->options.failed(&failure, web->options.userdata);
}

static int web_bind_open(Web *web, WebBindKind kind) {
        WebBind *bind = &web->binds[kind];
        char address[IP_PORT_STRLEN];
        int r;

        if (!bind->server || bind->listener)
                return 0;
        r = http_server_listen(bind->server, &bind->address, bind, &bind->listener);
        if (r < 0) {
                web_bind_report(web, kind, r);
                return r;
        }
        log_info("Listening on %s for %s",
                 ip_port_format(&bind->address.addr, bind->address.port, address),
                 web_bind_types[kind].name);
        return 0;
}

/* The first failure; the other is tried all the same. */
static int web_open(Web *web) {
        int first = 0;

        for (WebBindKind kind = 0; kind < _WEB_BIND_MAX; kind++) {
                int r = web_bind_open(web, kind);

                first = first < 0 ? first : r;
        }
        return first;
}

static void web_retry_later(Web *web) {
        (void) sd_event_source_set_time_relative(web->retry, web->retry_usec);
        (void) sd_event_source_set_enabled(web->retry, SD_EVENT_ONESHOT);
        web->retry_usec = MIN2(web->retry_usec * 2, RETRY_LAST_USEC);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Web *web = userdata;

        if (web_open(web) < 0)
                web_retry_later(web);
        return 0;
}

static void on_health_port_failed(const char *namespace, const char *name, const char *message, void *userdata) {
        Web *web = userdata;
        WebFailure failure = { "FailedToStartServiceHealthcheck", "Listen", namespace, name, message };

        if (web->options.failed)
                web->options.failed(&failure, web->options.userdata);
}

/* ---- life */

void web_set_detail(Web *web, MetricsDetail detail, size_t max_series) {
        web->options.metrics_detail = detail;
        web->options.max_series = max_series;
}

static int web_add_server(Web *web, WebBindKind kind, const IpPort *address, const HttpServerOptions *options) {
        WebBind *bind = &web->binds[kind];

        bind->address = *address;
        return address->addr.family == 0 ? 0 : http_server_new(web->event, options, &bind->server);
}

static int web_add_servers(Web *web) {
        HttpServerOptions healthz = {
                .max_connections = HEALTHZ_CONNECTIONS,
                .max_per_address = HEALTHZ_CONNECTIONS_PER_ADDRESS,
                .connection_memory = HEALTHZ_CONNECTION_MEMORY,
                .handler = on_request,
                .userdata = web,
        };
        HttpServerOptions metrics = {
                .max_connections = METRICS_CONNECTIONS,
                .max_per_address = METRICS_CONNECTIONS_PER_ADDRESS,
                .connection_memory = METRICS_CONNECTION_MEMORY,
                .handler = on_request,
                .userdata = web,
        };
        int r;

        r = web_add_server(web, WEB_BIND_HEALTHZ, &web->options.healthz_address, &healthz);
        if (r >= 0)
                r = web_add_server(web, WEB_BIND_METRICS, &web->options.metrics_address, &metrics);
        if (r >= 0)
                r = health_ports_new(web->event, web->manager, on_health_port_failed, web, &web->health_ports);
        return r;
}

static int web_add_retry(Web *web) {
        int r;

        web->retry_usec = RETRY_FIRST_USEC;
        r = sd_event_add_time_relative(web->event, &web->retry, CLOCK_BOOTTIME, 0, USEC_PER_SEC, on_retry, web);
        if (r >= 0)
                r = sd_event_source_set_enabled(web->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(web->retry, EVENT_PRIORITY_HTTP);
        return r;
}

int web_new(sd_event *event, Manager *manager, const WebOptions *options, Web **ret) {
        _cleanup_(web_freep) Web *web = calloc(1, sizeof(Web));
        int r;

        if (!web)
                return -ENOMEM;
        web->event = sd_event_ref(event);
        web->manager = manager;
        web->options = *options;
        web->version = strdup(options->version ? options->version : "");
        if (!web->version)
                return -ENOMEM;
        web->options.version = web->version;
        r = web_add_servers(web);
        if (r >= 0)
                r = metrics_new(manager, &web->options, on_fill, web, &web->metrics);
        if (r >= 0)
                r = web_add_retry(web);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(web);
        return 0;
}

int web_start(Web *web) {
        int r = web_open(web);

        if (r < 0 && web->options.hard_fail)
                return r;
        if (r < 0)
                web_retry_later(web);
        return health_ports_start(web->health_ports);
}

Web *web_free(Web *web) {
        if (!web)
                return NULL;
        (void) sd_event_source_disable_unref(web->retry);
        for (WebBindKind kind = 0; kind < _WEB_BIND_MAX; kind++)
                (void) http_server_free(web->binds[kind].server); /* first: its answers borrow from the rest */
        (void) health_ports_free(web->health_ports);
        (void) metrics_free(web->metrics);
        (void) sd_event_unref(web->event);
        free(web->version);
        free(web);
        return NULL;
}

uint16_t web_port(const Web *web, const char *name) {
        for (WebBindKind kind = 0; kind < _WEB_BIND_MAX; kind++)
                if (strcmp(web_bind_types[kind].name, name) == 0 && web->binds[kind].listener)
                        return http_listener_port(web->binds[kind].listener);
        return 0;
}
