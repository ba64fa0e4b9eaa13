/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Node (core v1), reference §3.3. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "apiserver/decode.h"

#define NODE_ARRAY_MAX 1000
#define ZONE_MAX 63 /* a label's value */

typedef struct NodeDecoder {
        Node *node; /* borrowed */
        json_object *spec, *status;
        JsonPath spec_path, status_path;
        DecodeReport *report;
} NodeDecoder;

static int node_decode_zone(NodeDecoder *d, const ObjectMeta *meta) {
        JsonPath path = { .key = "metadata" }, labels = { .parent = &path, .key = "labels" };
        const char *zone;
        int r = json_read_string(meta->labels, "topology.kubernetes.io/zone", &labels, d->report, &zone);

        if (r < 0 || !zone || !*zone)
                return r;
        if (strlen(zone) > ZONE_MAX)
                return decode_fail(d->report, &labels, "the zone is longer than %d characters", ZONE_MAX);
        free(d->node->zone);
        d->node->zone = strdup(zone);
        return d->node->zone ? 0 : -ENOMEM;
}

/* Adds the addresses of one type; names and what cannot be an address are left out. */
static int node_add_addresses(NodeDecoder *d, json_object *array, const char *type) {
        JsonPath path = { .parent = &d->status_path, .key = "addresses" };
        int r = 0;

        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                json_object *object = json_object_array_get_idx(array, i);
                JsonPath here = { .parent = &path, .index = i };
                const char *found, *text;
                IpAddr addr;

                r = json_read_string(object, "type", &here, d->report, &found);
                if (r >= 0)
                        r = json_read_string(object, "address", &here, d->report, &text);
                if (r < 0 || !found || strcmp(found, type) != 0)
                        continue;
                if (!text || ip_addr_parse(text, &addr) < 0 || ip_addr_is_unspecified(&addr) ||
                    ip_addr_is_multicast(&addr))
                        decode_note(d->report, &here, "\"%.64s\" is not a node's address and is left out", text ? text : "");
                else
                        d->node->addresses[d->node->n_addresses++] = addr;
        }
        return r;
}

static int node_decode_addresses(NodeDecoder *d) {
        JsonPath path = { .parent = &d->status_path, .key = "addresses" };
        json_object *array;
        int r = json_read_array(d->status, "addresses", &d->status_path, d->report, &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        if (json_length(array) > NODE_ARRAY_MAX)
                return decode_fail(d->report, &path, "more than %d addresses", NODE_ARRAY_MAX);
        r = decode_array(json_length(array), sizeof(IpAddr), &d->node->addresses);
        if (r >= 0)
                r = node_add_addresses(d, array, "InternalIP");
        if (r >= 0)
                r = node_add_addresses(d, array, "ExternalIP");
        return r;
}

static void node_add_cidr(NodeDecoder *d, const char *text, const JsonPath *path) {
        if (ip_net_parse(text, &d->node->pod_cidrs[d->node->n_pod_cidrs]) >= 0)
                d->node->n_pod_cidrs++;
        else
                decode_note(d->report, path, "\"%.64s\" is not a network and is left out", text);
}

static int node_decode_cidrs(NodeDecoder *d) {
        JsonPath path = { .parent = &d->spec_path, .key = "podCIDRs" }, single = { .parent = &d->spec_path, .key = "podCIDR" };
        json_object *array;
        const char *text;
        int r = json_read_array(d->spec, "podCIDRs", &d->spec_path, d->report, &array);

        if (r >= 0)
                r = json_read_string(d->spec, "podCIDR", &d->spec_path, d->report, &text);
        if (r < 0)
                return r;
        if (json_length(array) > NODE_ARRAY_MAX)
                return decode_fail(d->report, &path, "more than %d networks", NODE_ARRAY_MAX);
        r = decode_array(json_length(array) + 1, sizeof(IpNet), &d->node->pod_cidrs);
        if (r >= 0 && json_length(array) == 0 && text && *text)
                node_add_cidr(d, text, &single);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &path, .index = i };

                r = json_element_string(array, i, &path, d->report, &text);
                if (r >= 0)
                        node_add_cidr(d, text, &here);
        }
        return r;
}

static int node_decode_taints(NodeDecoder *d) {
        JsonPath path = { .parent = &d->spec_path, .key = "taints" };
        json_object *array;
        int r = json_read_array(d->spec, "taints", &d->spec_path, d->report, &array);

        for (size_t i = 0; r >= 0 && i < json_length(array); i++) {
                JsonPath here = { .parent = &path, .index = i };
                const char *key;

                r = json_read_string(json_object_array_get_idx(array, i), "key", &here, d->report, &key);
                if (r >= 0 && key && strcmp(key, "ToBeDeletedByClusterAutoscaler") == 0)
                        d->node->to_be_deleted = true;
        }
        return r;
}

int decode_node(json_object *object, Node **ret, DecodeReport *report) {
        _cleanup_(node_freep) Node *node = NULL;
        NodeDecoder d = { .spec_path = { .key = "spec" }, .status_path = { .key = "status" }, .report = report };
        ObjectMeta meta;
        int r = decode_meta(object, /* namespaced= */ false, 0, &meta, report);

        if (r >= 0)
                r = json_read_object(object, "spec", NULL, report, &d.spec);
        if (r >= 0)
                r = json_read_object(object, "status", NULL, report, &d.status);
        if (r >= 0)
                r = node_new(meta.name, &node);
        if (r < 0)
                return r;
        d.node = node;
        node->deleting = json_member(meta.metadata, "deletionTimestamp") != NULL;
        r = node_decode_zone(&d, &meta);
        if (r >= 0)
                r = node_decode_addresses(&d);
        if (r >= 0)
                r = node_decode_cidrs(&d);
        if (r >= 0)
                r = node_decode_taints(&d);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(node);
        return 0;
}
