/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/defaults.h"

#include <stdbool.h>
#include <string.h>

#define TOPOLOGY_HOSTNAME "kubernetes.io/hostname"
#define TOPOLOGY_ZONE "topology.kubernetes.io/zone"

/* Takes `value` over, also on failure. */
static int member_add(struct json_object *object, const char *key, struct json_object *value) {
        if (value && json_object_object_add(object, key, value) == 0)
                return 0;
        json_object_put(value);
        return -ENOMEM;
}

static int member_default(struct json_object *object, const char *key, const char *value) {
        if (json_object_object_get_ex(object, key, NULL))
                return 0;
        return member_add(object, key, json_object_new_string(value));
}

static struct json_object *member_typed(struct json_object *object, const char *key, json_type type) {
        struct json_object *value;

        if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
                return NULL;
        return value;
}

/* The n-th element if it is an object. */
static struct json_object *array_object(struct json_object *array, size_t i) {
        struct json_object *item = json_object_array_get_idx(array, i);

        return json_object_is_type(item, json_type_object) ? item : NULL;
}

/* ---- services */

static int service_default_ports(struct json_object *spec) {
        struct json_object *ports = member_typed(spec, "ports", json_type_array);
        int r = 0;

        for (size_t i = 0; ports && r >= 0 && i < json_object_array_length(ports); i++) {
                struct json_object *port = array_object(ports, i), *number;

                if (!port)
                        continue;
                r = member_default(port, "protocol", "TCP");
                if (r >= 0 && json_object_object_get_ex(port, "port", &number) &&
                    !json_object_object_get_ex(port, "targetPort", NULL))
                        r = member_add(port, "targetPort", json_object_get(number));
        }
        return r;
}

static int service_default_families(struct json_object *spec, const char *cluster_ip) {
        struct json_object *families, *family;
        int r;

        if (json_object_object_get_ex(spec, "ipFamilies", NULL) || strcmp(cluster_ip, "None") == 0)
                return 0;
        families = json_object_new_array();
        family = json_object_new_string(strchr(cluster_ip, ':') ? "IPv6" : "IPv4");
        if (!families || !family || json_object_array_add(families, family) < 0) {
                json_object_put(family);
                json_object_put(families);
                return -ENOMEM;
        }
        r = member_add(spec, "ipFamilies", families);
        return r < 0 ? r : member_default(spec, "ipFamilyPolicy", "SingleStack");
}

static int service_default_addresses(struct json_object *spec) {
        struct json_object *address = member_typed(spec, "clusterIP", json_type_string), *addresses;

        if (!address)
                return 0;
        if (!json_object_object_get_ex(spec, "clusterIPs", NULL)) {
                addresses = json_object_new_array();
                if (!addresses || json_object_array_add(addresses, json_object_get(address)) < 0) {
                        json_object_put(addresses);
                        return -ENOMEM;
                }
                if (member_add(spec, "clusterIPs", addresses) < 0)
                        return -ENOMEM;
        }
        return service_default_families(spec, json_object_get_string(address));
}

static int service_default_affinity(struct json_object *spec) {
        struct json_object *affinity = member_typed(spec, "sessionAffinity", json_type_string);

        if (!affinity)
                return member_default(spec, "sessionAffinity", "None");
        if (strcmp(json_object_get_string(affinity), "ClientIP") != 0 ||
            json_object_object_get_ex(spec, "sessionAffinityConfig", NULL))
                return 0;
        return member_add(
                spec, "sessionAffinityConfig", json_tokener_parse("{\"clientIP\":{\"timeoutSeconds\":10800}}"));
}

static int service_fill(struct json_object *service) {
        struct json_object *spec = member_typed(service, "spec", json_type_object), *type;
        int r;

        if (!spec)
                return 0;
        r = member_default(spec, "type", "ClusterIP");
        type = member_typed(spec, "type", json_type_string);
        if (r >= 0 && type && strcmp(json_object_get_string(type), "ExternalName") != 0) {
                r = member_default(spec, "internalTrafficPolicy", "Cluster");
                if (r >= 0)
                        r = service_default_addresses(spec);
        }
        if (r >= 0 && type &&
            (strcmp(json_object_get_string(type), "NodePort") == 0 ||
             strcmp(json_object_get_string(type), "LoadBalancer") == 0))
                r = member_default(spec, "externalTrafficPolicy", "Cluster");
        if (r >= 0)
                r = service_default_ports(spec);
        if (r >= 0)
                r = service_default_affinity(spec);
        if (r >= 0 && !json_object_object_get_ex(service, "status", NULL))
                r = member_add(service, "status", json_tokener_parse("{\"loadBalancer\":{}}"));
        return r;
}

/* ---- slices */

/* Moves a well-known key of v1beta1's topology into its v1 field. */
static int endpoint_move_topology(struct json_object *endpoint, const char *key, const char *field) {
        struct json_object *topology = member_typed(endpoint, "topology", json_type_object), *value;

        if (!topology || !json_object_object_get_ex(topology, key, &value))
                return 0;
        if (!json_object_object_get_ex(endpoint, field, NULL) &&
            member_add(endpoint, field, json_object_get(value)) < 0)
                return -ENOMEM;
        json_object_object_del(topology, key);
        return 0;
}

static int endpoint_to_v1(struct json_object *endpoint) {
        struct json_object *topology;
        int r;

        r = endpoint_move_topology(endpoint, TOPOLOGY_HOSTNAME, "nodeName");
        if (r >= 0)
                r = endpoint_move_topology(endpoint, TOPOLOGY_ZONE, "zone");
        if (r < 0)
                return r;
        topology = member_typed(endpoint, "topology", json_type_object);
        if (topology && json_object_object_length(topology) > 0)
                r = member_add(endpoint, "deprecatedTopology", json_object_get(topology));
        json_object_object_del(endpoint, "topology");
        return r;
}

static int slice_fill(struct json_object *slice) {
        struct json_object *endpoints = member_typed(slice, "endpoints", json_type_array),
                           *ports = member_typed(slice, "ports", json_type_array);
        int r = 0;

        for (size_t i = 0; endpoints && r >= 0 && i < json_object_array_length(endpoints); i++)
                if (array_object(endpoints, i))
                        r = endpoint_to_v1(array_object(endpoints, i));
        for (size_t i = 0; ports && r >= 0 && i < json_object_array_length(ports); i++) {
                struct json_object *port = array_object(ports, i);

                if (!port)
                        continue;
                r = member_default(port, "name", "");
                if (r >= 0)
                        r = member_default(port, "protocol", "TCP");
        }
        return r;
}

int defaults_fill(Resource resource, struct json_object *object) {
        switch (resource) {
        case RESOURCE_SERVICES:
                return service_fill(object);
        case RESOURCE_SLICES:
                return slice_fill(object);
        case RESOURCE_ENDPOINTS:
        case RESOURCE_NODES:
        case RESOURCE_EVENTS:
        case _RESOURCE_MAX:
        case _RESOURCE_INVALID:
                break;
        }
        return 0;
}

static int topology_add(struct json_object *endpoint, const char *field, struct json_object *topology, const char *key) {
        struct json_object *value;

        if (!json_object_object_get_ex(endpoint, field, &value))
                return 0;
        return member_add(topology, key, json_object_get(value));
}

static int endpoint_to_v1beta1(struct json_object *endpoint) {
        struct json_object *topology = json_object_new_object();
        bool any;
        int r;

        if (!topology)
                return -ENOMEM;
        r = topology_add(endpoint, "nodeName", topology, TOPOLOGY_HOSTNAME);
        if (r >= 0)
                r = topology_add(endpoint, "zone", topology, TOPOLOGY_ZONE);
        any = json_object_object_length(topology) > 0;
        if (r < 0 || !any) {
                json_object_put(topology);
                return r;
        }
        json_object_object_del(endpoint, "zone");
        return member_add(endpoint, "topology", topology);
}

int defaults_to_v1beta1(struct json_object *slice, struct json_object **ret) {
        struct json_object *copy = NULL, *endpoints;
        int r = 0;

        if (json_object_deep_copy(slice, &copy, NULL) < 0)
                return -ENOMEM;
        endpoints = member_typed(copy, "endpoints", json_type_array);
        for (size_t i = 0; endpoints && r >= 0 && i < json_object_array_length(endpoints); i++)
                if (array_object(endpoints, i))
                        r = endpoint_to_v1beta1(array_object(endpoints, i));
        if (r < 0) {
                json_object_put(copy);
                return r;
        }
        *ret = copy;
        return 0;
}
