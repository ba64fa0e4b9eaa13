/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service (core v1), reference §3.4. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/decode-service.h"
#include "common/hash.h"
#include "common/parse.h"

/* core.DefaultClientIPServiceAffinitySeconds, core.MaxClientIPServiceAffinitySeconds */
#define AFFINITY_DEFAULT_SEC 10800
#define AFFINITY_MAX_SEC 86400
int service_decode_array(ServiceDecoder *d, const char *key, json_object **ret) {
        JsonPath here = { .parent = &d->path, .key = key };
        int r = json_read_array(d->spec, key, &d->path, d->report, ret);

        if (r >= 0 && json_length(*ret) > SERVICE_ARRAY_MAX)
                return decode_fail(d->report, &here, "%zu elements are more than %d", json_length(*ret), SERVICE_ARRAY_MAX);
        return r;
}

/* ---- ports */

static int service_decode_port(ServiceDecoder *d, json_object *object, const JsonPath *path, ServicePort *ret) {
        int64_t port, node_port;
        const char *name;
        int r;

        if (!json_object_is_type(object, json_type_object))
                return decode_fail(d->report, path, "this is no object");
        r = decode_port_name(object, path, d->report, &name);
        if (r >= 0)
                r = decode_protocol(object, path, d->report, &ret->protocol);
        if (r >= 0)
                r = json_read_int(object, "port", path, d->report, (const int64_t[]) { 1, UINT16_MAX, 0 }, &port);
        if (r >= 0 && port == 0)
                r = decode_fail(d->report, path, "the port number is missing");
        if (r >= 0)
                r = json_read_int(object, "nodePort", path, d->report, (const int64_t[]) { 0, UINT16_MAX, 0 }, &node_port);
        if (r < 0)
                return r;
        ret->port = (uint16_t) port;
        ret->node_port = (uint16_t) node_port;
        ret->name = strdup(name);
        return ret->name ? 0 : -ENOMEM;
}

/* Names must differ: a port is known by its name. */
static int service_check_port_names(ServiceDecoder *d, const JsonPath *path) {
        HashMap names = { .ops = &hash_ops_string };
        int r = 0;

        for (size_t i = 0; i < d->service->n_ports && r >= 0; i++) {
                ServicePort *port = &d->service->ports[i];
                JsonPath here = { .parent = path, .index = i };

                if (hashmap_get(&names, port->name))
                        r = decode_fail(d->report, &here, "there are two ports of the name \"%s\"", port->name);
                else
                        r = hashmap_put(&names, port->name, port);
        }
        hashmap_done(&names);
        return r;
}

static int service_decode_ports(ServiceDecoder *d) {
        JsonPath path = { .parent = &d->path, .key = "ports" };
        json_object *array;
        int r = service_decode_array(d, "ports", &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        r = decode_array(json_length(array), sizeof(ServicePort), &d->service->ports);
        if (r < 0)
                return r;
        for (size_t i = 0; i < json_length(array); i++) {
                JsonPath here = { .parent = &path, .index = i };

                d->service->n_ports++;
                r = service_decode_port(d, json_object_array_get_idx(array, i), &here, &d->service->ports[i]);
                if (r < 0)
                        return r;
        }
        return service_check_port_names(d, &path);
}

/* ---- the rest */

static int service_decode_type(ServiceDecoder *d) {
        JsonPath here = { .parent = &d->path, .key = "type" };
        const char *text;
        int r = json_read_string(d->spec, "type", &d->path, d->report, &text);

        if (r < 0 || !text || !*text)
                return r;
        d->service->type = service_type_from_kube(text);
        if (d->service->type < 0) {
                /* kube-proxy looks for ExternalName and LoadBalancer alone. */
                decode_note(d->report, &here, "\"%.32s\" is unknown and counts as ClusterIP", text);
                d->service->type = SERVICE_TYPE_CLUSTER_IP;
        }
        return 0;
}

static int service_decode_policy(ServiceDecoder *d, const char *key, TrafficPolicy *ret) {
        JsonPath here = { .parent = &d->path, .key = key };
        const char *text;
        int r = json_read_string(d->spec, key, &d->path, d->report, &text);

        if (r < 0 || !text || !*text)
                return r;
        *ret = traffic_policy_from_string(text);
        if (*ret < 0) {
                decode_note(d->report, &here, "\"%.32s\" is unknown and counts as Cluster", text);
                *ret = TRAFFIC_POLICY_CLUSTER;
        }
        return 0;
}

static int service_decode_affinity(ServiceDecoder *d) {
        JsonPath path = { .parent = &d->path, .key = "sessionAffinityConfig" },
                 client_path = { .parent = &path, .key = "clientIP" }, here = { .parent = &d->path, .key = "sessionAffinity" };
        json_object *config, *client;
        int64_t timeout;
        const char *text;
        int r = json_read_string(d->spec, "sessionAffinity", &d->path, d->report, &text);

        if (r < 0 || !text || !*text || strcmp(text, "None") == 0)
                return r;
        if (strcmp(text, "ClientIP") != 0)
                return decode_fail(d->report, &here, "\"%.32s\" is not None or ClientIP", text);
        r = json_read_object(d->spec, "sessionAffinityConfig", &d->path, d->report, &config);
        if (r >= 0)
                r = json_read_object(config, "clientIP", &path, d->report, &client);
        if (r >= 0)
                r = json_read_int(client,
                                  "timeoutSeconds",
                                  &client_path,
                                  d->report,
                                  (const int64_t[]) { 1, AFFINITY_MAX_SEC, AFFINITY_DEFAULT_SEC },
                                  &timeout);
        if (r < 0)
                return r;
        d->service->affinity_timeout_sec = (uint32_t) timeout;
        return 0;
}

static int service_decode_meta(Service *service, const ObjectMeta *meta, DecodeReport *report) {
        JsonPath path = { .key = "metadata" };
        const char *created, *uid;
        int r = json_read_string(meta->metadata, "creationTimestamp", &path, report, &created);

        if (r >= 0)
                r = json_read_string(meta->metadata, "uid", &path, report, &uid);
        if (r < 0)
                return r;
        if (created && parse_timestamp(created, &service->created_usec) < 0)
                decode_note(report, &path, "the creationTimestamp \"%.40s\" is not a time", created);
        service->other_proxy = json_object_object_get_ex(meta->labels, "service.kubernetes.io/service-proxy-name", NULL);
        service->headless_label = json_object_object_get_ex(meta->labels, "service.kubernetes.io/headless", NULL);
        if (!uid || !*uid)
                return 0;
        if (strlen(uid) > 128)
                return decode_fail(report, &path, "the uid is longer than 128 characters");
        free(service->uid);
        service->uid = strdup(uid);
        return service->uid ? 0 : -ENOMEM;
}

static int service_decode_spec(ServiceDecoder *d, unsigned flags) {
        int64_t port;
        int r;

        r = service_decode_type(d);
        if (r >= 0)
                r = service_decode_cluster_ips(d, flags);
        if (r >= 0)
                r = service_decode_ports(d);
        if (r >= 0)
                r = service_decode_external_ips(d);
        if (r >= 0)
                r = service_decode_source_ranges(d);
        if (r >= 0)
                r = service_decode_affinity(d);
        if (r >= 0)
                r = service_decode_policy(d, "internalTrafficPolicy", &d->service->internal_policy);
        if (r >= 0)
                r = service_decode_policy(d, "externalTrafficPolicy", &d->service->external_policy);
        if (r >= 0)
                r = json_read_int(d->spec,
                                  "healthCheckNodePort",
                                  &d->path,
                                  d->report,
                                  (const int64_t[]) { 0, UINT16_MAX, 0 },
                                  &port);
        if (r >= 0)
                d->service->health_check_node_port = (uint16_t) port;
        return r;
}

int decode_service(json_object *object, unsigned flags, Service **ret, DecodeReport *report) {
        _cleanup_(service_freep) Service *service = NULL;
        ServiceDecoder d = { .path = { .key = "spec" }, .report = report };
        ObjectMeta meta;
        int r = decode_meta(object, /* namespaced= */ true, flags, &meta, report);

        if (r >= 0)
                r = json_read_object(object, "spec", NULL, report, &d.spec);
        if (r >= 0)
                r = service_new(meta.namespace, meta.name, &service);
        if (r < 0)
                return r;
        d.service = service;
        r = service_decode_meta(service, &meta, report);
        if (r >= 0)
                r = service_decode_spec(&d, flags);
        if (r >= 0)
                r = service_decode_ingress(&d, object);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(service);
        return 0;
}
