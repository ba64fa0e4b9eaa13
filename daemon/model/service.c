/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/service.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
        const char *name, *kube;
        int ip;
} protocol_table[_PROTOCOL_MAX] = {
        [PROTOCOL_TCP] = { "tcp", "TCP", IPPROTO_TCP },
        [PROTOCOL_UDP] = { "udp", "UDP", IPPROTO_UDP },
        [PROTOCOL_SCTP] = { "sctp", "SCTP", IPPROTO_SCTP },
};

const char *protocol_to_string(Protocol protocol) {
        return protocol >= 0 && protocol < _PROTOCOL_MAX ? protocol_table[protocol].name : NULL;
}

const char *protocol_to_kube(Protocol protocol) {
        return protocol >= 0 && protocol < _PROTOCOL_MAX ? protocol_table[protocol].kube : NULL;
}

Protocol protocol_from_string(const char *text) {
        for (Protocol p = 0; p < _PROTOCOL_MAX; p++)
                if (strcmp(text, protocol_table[p].name) == 0 ||
                    strcmp(text, protocol_table[p].kube) == 0)
                        return p;
        return _PROTOCOL_INVALID;
}

int protocol_to_ip(Protocol protocol) {
        return protocol_table[protocol].ip;
}

Protocol protocol_from_ip(int ip_protocol) {
        for (Protocol p = 0; p < _PROTOCOL_MAX; p++)
                if (protocol_table[p].ip == ip_protocol)
                        return p;
        return _PROTOCOL_INVALID;
}

static const struct {
        const char *name, *kube;
} service_type_table[_SERVICE_TYPE_MAX] = {
        [SERVICE_TYPE_CLUSTER_IP] = { "cluster-ip", "ClusterIP" },
        [SERVICE_TYPE_NODE_PORT] = { "node-port", "NodePort" },
        [SERVICE_TYPE_LOAD_BALANCER] = { "load-balancer", "LoadBalancer" },
        [SERVICE_TYPE_EXTERNAL_NAME] = { "external-name", "ExternalName" },
};

const char *service_type_to_string(ServiceType type) {
        return type >= 0 && type < _SERVICE_TYPE_MAX ? service_type_table[type].name : NULL;
}

ServiceType service_type_from_kube(const char *text) {
        for (ServiceType t = 0; t < _SERVICE_TYPE_MAX; t++)
                if (strcmp(text, service_type_table[t].kube) == 0)
                        return t;
        return _SERVICE_TYPE_INVALID;
}

static const char *const traffic_policy_table[_TRAFFIC_POLICY_MAX] = {
        [TRAFFIC_POLICY_CLUSTER] = "Cluster",
        [TRAFFIC_POLICY_LOCAL] = "Local",
};

const char *traffic_policy_to_string(TrafficPolicy policy) {
        return policy >= 0 && policy < _TRAFFIC_POLICY_MAX ? traffic_policy_table[policy] : NULL;
}

TrafficPolicy traffic_policy_from_string(const char *text) {
        for (TrafficPolicy p = 0; p < _TRAFFIC_POLICY_MAX; p++)
                if (strcmp(text, traffic_policy_table[p]) == 0)
                        return p;
        return _TRAFFIC_POLICY_INVALID;
}

int service_new(const char *namespace, const char *name, Service **ret) {
        _cleanup_(service_freep) Service *service = calloc(1, sizeof(Service));

        if (!service)
                return -ENOMEM;
        service->namespace = strdup(namespace);
        service->name = strdup(name);
        service->uid = strdup("");
        if (!service->namespace || !service->name || !service->uid)
                return -ENOMEM;
        *ret = TAKE_PTR(service);
        return 0;
}

Service *service_free(Service *service) {
        if (!service)
                return NULL;
        for (size_t i = 0; i < service->n_ports; i++)
                free(service->ports[i].name);
        free(service->ports);
        free(service->namespace);
        free(service->name);
        free(service->uid);
        free(service->cluster_ips);
        free(service->external_ips);
        free(service->load_balancer_ips);
        free(service->source_ranges);
        free(service);
        return NULL;
}

/* Byte-wise for arrays of values without padding that matters (all are zeroed at creation). */
static bool array_equal(const void *a, size_t n_a, const void *b, size_t n_b, size_t size) {
        return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * size) == 0);
}

static bool service_ports_equal(const Service *a, const Service *b) {
        if (a->n_ports != b->n_ports)
                return false;
        for (size_t i = 0; i < a->n_ports; i++) {
                const ServicePort *x = &a->ports[i], *y = &b->ports[i];

                if (strcmp(x->name, y->name) != 0 || x->protocol != y->protocol ||
                    x->port != y->port || x->node_port != y->node_port)
                        return false;
        }
        return true;
}

bool service_equal(const Service *a, const Service *b) {
#define SAME_ARRAY(field) \
        array_equal(a->field, a->n_##field, b->field, b->n_##field, sizeof(*a->field))

        return strcmp(a->namespace, b->namespace) == 0 && strcmp(a->name, b->name) == 0 &&
               a->created_usec == b->created_usec && a->type == b->type &&
               a->other_proxy == b->other_proxy && a->headless_label == b->headless_label &&
               a->has_source_ranges == b->has_source_ranges &&
               a->affinity_timeout_sec == b->affinity_timeout_sec &&
               a->internal_policy == b->internal_policy &&
               a->external_policy == b->external_policy &&
               a->health_check_node_port == b->health_check_node_port && SAME_ARRAY(cluster_ips) &&
               SAME_ARRAY(external_ips) && SAME_ARRAY(load_balancer_ips) &&
               SAME_ARRAY(source_ranges) && service_ports_equal(a, b);
}
