/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services that were computed are noted while that happens, and looked at after the sync: then the desired state may
 * be read again, and what is answered is never ahead of the kernel.
 */
#include "web/health-ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/log.h"
#include "control/measure.h"
#include "control/port-view.h"
#include "control/priorities.h"
#include "web/health-ports-private.h"
#include "web/health-service.h"
#include "web/text.h"

#define PORTS_CONNECTIONS 256
#define PORTS_CONNECTIONS_PER_ADDRESS 16
#define PORTS_CONNECTION_MEMORY (8 * 1024)
#define RETRY_FIRST_USEC (5 * USEC_PER_SEC)
#define RETRY_LAST_USEC (60 * USEC_PER_SEC)
/* Descriptors left to everything else */
#define DESCRIPTORS_RESERVED 512

/* ---- the table */

void health_ports_retry_later(HealthPorts *ports) {
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(ports->retry, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void) sd_event_source_set_time_relative(ports->retry, ports->retry_usec);
        (void) sd_event_source_set_enabled(ports->retry, SD_EVENT_ONESHOT);
        ports->retry_usec = MIN2(ports->retry_usec * 2, RETRY_LAST_USEC);
}

static void health_port_free(HealthPorts *ports, HealthPort *port) {
        if (!port)
                return;
        if (port->n_listeners > 0)
                log_v(2, "Closing healthcheck \"%s\" on port %u", port->key, (unsigned) port->port);
        health_port_close(ports, port);
        free(port->namespace);
        free(port->key);
        free(port);
}

static int health_port_new(HealthPorts *ports, const char *key, HealthPort **ret) {
        HealthPort *port = calloc(1, sizeof(HealthPort));
        const char *slash = strchr(key, '/');

        if (port && slash) {
                port->key = strdup(key);
                port->namespace = strndup(key, (size_t) (slash - key));
        }
        if (!port || !port->key || !port->namespace || hashmap_put(&ports->ports, port->key, port) < 0) {
                health_port_free(ports, port);
                return -ENOMEM;
        }
        port->name = port->key + (slash - key) + 1;
        *ret = port;
        return 0;
}

static void health_ports_drop(HealthPorts *ports, HealthPort *port) {
        (void) hashmap_remove(&ports->ports, port->key);
        health_port_free(ports, port);
}

static int health_ports_update(HealthPorts *ports, const char *key, const ServiceEntry *entry) {
        HealthPort *port = hashmap_get(&ports->ports, key);
        uint16_t wanted = health_service_port(entry);
        ManagerStatus status;
        int r;

        if (port && port->port != wanted) {
                health_ports_drop(ports, port);
                port = NULL;
        }
        if (wanted == 0)
                return 0;
        if (!port) {
                r = health_port_new(ports, key, &port);
                if (r < 0)
                        return r;
                port->port = wanted;
        }
        manager_status_brief(ports->manager, &status);
        r = health_service_count(entry, status.node_name, &port->n_local);
        if (r >= 0 && port->n_listeners == 0)
                health_port_open(ports, port);
        return r;
}

static const ServiceEntry *health_ports_find_entry(const HealthPorts *ports, const char *key) {
        const char *slash = strchr(key, '/');
        _cleanup_(freep) char *namespace = slash ? strndup(key, (size_t) (slash - key)) : NULL;

        return namespace ? store_find(manager_store(ports->manager), namespace, slash + 1) : NULL;
}

/* ---- following the manager */

static void health_ports_note(HealthPorts *ports, const char *key) {
        char *copy;

        if (hashmap_get(&ports->changed, key))
                return;
        copy = strdup(key);
        if (!copy || hashmap_put(&ports->changed, copy, copy) < 0) {
                free(copy);
                ports->changed_all = true;
        }
}

static void on_port_computed(const DesiredPort *before, const DesiredPort *after, void *userdata) {
        const ServiceEntry *entry = (after ? after : before)->service->entry;
        const Service *object = service_entry_object(entry);
        HealthPorts *ports = userdata;

        if ((object && object->health_check_node_port > 0) || hashmap_get(&ports->ports, entry->key))
                health_ports_note(ports, entry->key);
}

static void health_ports_update_all(HealthPorts *ports) {
        Store *store = manager_store(ports->manager);
        HealthPort *port;
        ServiceEntry *entry;
        int r = 0;

        ports->changed_all = false;
        for (size_t i = 0; (entry = store_next(store, &i));)
                if (health_service_port(entry) > 0)
                        r = MIN2(r, health_ports_update(ports, entry->key, entry));
        for (size_t i = 0; (port = hashmap_next(&ports->ports, &i));)
                if (health_service_port(health_ports_find_entry(ports, port->key)) == 0)
                        health_ports_note(ports, port->key);
        ports->changed_all = ports->changed_all || r < 0;
}

/* Where node ports are served has changed: everything is opened anew. */
static void health_ports_follow_addresses(HealthPorts *ports) {
        const IpAddr *addrs;
        size_t n;
        bool all = manager_node_port_addresses(ports->manager, &addrs, &n);
        HealthPort *port;
        IpAddr *copy;

        n = all ? 0 : n;
        if (all == ports->all && n == ports->n_addresses &&
            (n == 0 || memcmp(addrs, ports->addresses, n * sizeof(IpAddr)) == 0))
                return;
        copy = calloc(n + 1, sizeof(IpAddr));
        if (!copy)
                return; /* it still differs at the next sync */
        if (n > 0)
                memcpy(copy, addrs, n * sizeof(IpAddr));
        free(ports->addresses);
        ports->addresses = copy;
        ports->n_addresses = n;
        ports->all = all;
        for (size_t i = 0; (port = hashmap_next(&ports->ports, &i));) {
                health_port_close(ports, port);
                health_port_open(ports, port);
        }
}

static void on_sync(Manager *manager, void *userdata) {
        HealthPorts *ports = userdata;
        char *key;

        health_ports_follow_addresses(ports);
        if (ports->changed_all)
                health_ports_update_all(ports);
        while ((key = hashmap_first(&ports->changed))) {
                (void) hashmap_remove(&ports->changed, key);
                if (health_ports_update(ports, key, health_ports_find_entry(ports, key)) < 0)
                        ports->changed_all = true;
                free(key);
        }
        if (ports->changed_all)
                health_ports_retry_later(ports);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        HealthPorts *ports = userdata;
        HealthPort *port;
        bool failed = false;

        on_sync(ports->manager, ports);
        for (size_t i = 0; (port = hashmap_next(&ports->ports, &i));)
                if (port->n_listeners == 0) {
                        health_port_open(ports, port);
                        failed = failed || port->failed;
                }
        if (!failed)
                ports->retry_usec = RETRY_FIRST_USEC;
        return 0;
}

/* ---- answering: the body as kube-proxy's pkg/proxy/healthcheck/service_health.go writes it */

static int on_request(const HttpRequest *request, HttpReply *reply, void *userdata) {
        HealthPorts *ports = userdata;
        const HealthPort *port = request->context;
        bool healthy = manager_is_healthy(ports->manager) && !manager_is_leaving(ports->manager);
        bool fine = healthy && port->n_local > 0;
        Text text = {};

        text_put(&text, "{\n\t\"service\": {\n\t\t\"namespace\": ");
        text_put_json(&text, port->namespace);
        text_put(&text, ",\n\t\t\"name\": ");
        text_put_json(&text, port->name);
        text_putf(&text,
                  "\n\t},\n\t\"localEndpoints\": %zu,\n\t\"serviceProxyHealthy\": %s\n}",
                  port->n_local,
                  healthy ? "true" : "false");
        reply->status = fine ? 200 : 503;
        reply->content_type = "application/json";
        reply->header = "X-Load-Balancing-Endpoint-Weight";
        (void) snprintf(reply->header_value, sizeof(reply->header_value), "%zu", port->n_local);
        reply->body = text_take(&text);
        ports->status.n_answered[fine ? 0 : 1]++;
        return reply->body ? 0 : -ENOMEM;
}

/* ---- life */

static size_t descriptors_available(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
                return SIZE_MAX;
        return limit.rlim_cur > DESCRIPTORS_RESERVED ? (size_t) limit.rlim_cur - DESCRIPTORS_RESERVED : 0;
}

int health_ports_new(sd_event *event, Manager *manager, HealthPortFailed failed, void *userdata, HealthPorts **ret) {
        _cleanup_(health_ports_freep) HealthPorts *ports = calloc(1, sizeof(HealthPorts));
        HttpServerOptions options = {
                .max_connections = PORTS_CONNECTIONS,
                .max_per_address = PORTS_CONNECTIONS_PER_ADDRESS,
                .connection_memory = PORTS_CONNECTION_MEMORY,
                .handler = on_request,
                .userdata = ports,
        };
        int r;

        if (!ports)
                return -ENOMEM;
        ports->manager = manager;
        ports->failed = failed;
        ports->userdata = userdata;
        ports->ports.ops = ports->changed.ops = &hash_ops_string;
        ports->retry_usec = RETRY_FIRST_USEC;
        ports->all = true;
        r = http_server_new(event, &options, &ports->server);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        event, &ports->retry, CLOCK_BOOTTIME, 0, USEC_PER_SEC, on_retry, ports);
        if (r >= 0)
                r = sd_event_source_set_enabled(ports->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(ports->retry, EVENT_PRIORITY_HTTP);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ports);
        return 0;
}

int health_ports_start(HealthPorts *ports) {
        int r;

        ports->max_descriptors = descriptors_available();
        ports->changed_all = true;
        r = manager_add_port_observer(ports->manager, on_port_computed, ports);
        if (r < 0)
                return r;
        r = manager_add_listener(ports->manager, on_sync, ports);
        if (r < 0)
                return r;
        on_sync(ports->manager, ports);
        return 0;
}

HealthPorts *health_ports_free(HealthPorts *ports) {
        HealthPort *port;
        char *key;

        if (!ports)
                return NULL;
        while ((port = hashmap_first(&ports->ports)))
                health_ports_drop(ports, port);
        while ((key = hashmap_first(&ports->changed))) {
                (void) hashmap_remove(&ports->changed, key);
                free(key);
        }
        hashmap_done(&ports->ports);
        hashmap_done(&ports->changed);
        (void) sd_event_source_disable_unref(ports->retry);
        (void) http_server_free(ports->server);
        free(ports->addresses);
        free(ports);
        return NULL;
}

void health_ports_status(const HealthPorts *ports, HealthPortsStatus *ret) {
        const HealthPort *port;

        *ret = ports->status;
        http_server_status(ports->server, &ret->server);
        for (size_t i = 0; (port = hashmap_next(&ports->ports, &i));) {
                if (port->n_listeners > 0)
                        ret->n_listening++;
                else
                        ret->n_failed++;
        }
}
