/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EndpointSlice (discovery.k8s.io/v1 and v1beta1), reference §3.5. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "apiserver/decode.h"
#include "common/hash.h"

/* discovery/validation: maxEndpoints, maxPorts, maxAddresses, maxZoneHints, maxNodeHints */
#define SLICE_ENDPOINTS_MAX 1000
#define SLICE_PORTS_MAX 20000
#define ENDPOINT_ADDRESSES_MAX 100
#define ENDPOINT_HINTS_MAX 8
#define NODE_NAME_MAX 253

typedef struct SliceDecoder {
        EndpointSlice *slice; /* borrowed */
        unsigned flags;
        DecodeReport *report;
} SliceDecoder;

/* ---- ports */

/* 1 = a port without name or number, which no proxy can use (reference §3.5). */
static int slice_decode_port(SliceDecoder *d, json_object *object, const JsonPath *path, SlicePort *ret) {
        Protocol protocol;
        const char *name;
        int64_t number;
        int r;

        if (!json_object_is_type(object, json_type_object))
                return decode_fail(d->report, path, "this is no object");
        r = decode_port_name(object, path, d->report, &name);
        if (r >= 0)
                r = decode_protocol(object, path, d->report, &protocol);
        if (r >= 0)
                r = json_read_int(object, "port", path, d->report, (const int64_t[]) { 0, UINT16_MAX, 0 }, &number);
        if (r < 0)
                return r;
        if (number == 0 || (!json_member(object, "name") && !(d->flags & DECODE_DEFAULTS))) {
                decode_note(d->report, path, "a port without %s is left out", number == 0 ? "number" : "name");
                return 1;
        }
        ret->port = (uint16_t) number;
        ret->protocol = (uint8_t) protocol;
        return endpoint_slice_add_string(d->slice, name, /* share= */ true, &ret->name);
}

/* Of the ports that are used; their names are complete, so that the strings do not move any more. */
static int slice_check_port_names(SliceDecoder *d, const JsonPath *path) {
        HashMap names = { .ops = &hash_ops_string };
        int r = 0;

        for (size_t i = 0; i < d->slice->n_ports && r >= 0; i++) {
                const char *name = endpoint_slice_string(d->slice, d->slice->ports[i].name);

                if (hashmap_get(&names, name))
                        r = decode_fail(d->report, path, "there are two ports of the name \"%s\"", name);
                else
                        r = hashmap_put(&names, name, d->slice);
        }
        hashmap_done(&names);
        return r;
}

static int slice_decode_ports(SliceDecoder *d, json_object *object) {
        JsonPath path = { .key = "ports" };
        EndpointSlice *slice = d->slice;
        json_object *array;
        int r = json_read_array(object, "ports", NULL, d->report, &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        if (json_length(array) > SLICE_PORTS_MAX)
                return decode_fail(d->report, &path, "%zu ports are more than %d", json_length(array), SLICE_PORTS_MAX);
        r = decode_array(json_length(array), sizeof(SlicePort), &slice->ports);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &path, .index = i };

                r = slice_decode_port(d, json_object_array_get_idx(array, i), &here, &slice->ports[slice->n_ports]);
                if (r == 0)
                        slice->n_ports++;
        }
        return r < 0 ? r : slice_check_port_names(d, &path);
}

/* ---- endpoints */

/* hints.forZones or forNodes: the names one behind the other. */
static int endpoint_decode_hints(SliceDecoder *d,
                                 json_object *hints,
                                 const char *key,
                                 const JsonPath *path,
                                 SliceString *ret_first,
                                 uint8_t *ret_n) {
        JsonPath array_path = { .parent = path, .key = key };
        json_object *array;
        int r = json_read_array(hints, key, path, d->report, &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        if (json_length(array) > ENDPOINT_HINTS_MAX)
                return decode_fail(d->report, &array_path, "more than %d hints", ENDPOINT_HINTS_MAX);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &array_path, .index = i };
                const char *name;
                SliceString string;

                r = json_read_string(json_object_array_get_idx(array, i), "name", &here, d->report, &name);
                if (r >= 0 && (!name || strlen(name) > NODE_NAME_MAX))
                        r = decode_fail(d->report, &here, "the hint's name is missing or too long");
                if (r >= 0)
                        r = endpoint_slice_add_string(d->slice, name, /* share= */ json_length(array) == 1, &string);
                if (r >= 0 && i == 0)
                        *ret_first = string;
        }
        if (r >= 0)
                *ret_n = (uint8_t) json_length(array);
        return r;
}

static int endpoint_decode_name(SliceDecoder *d,
                                json_object *object,
                                const char *key,
                                const JsonPath *path,
                                SliceString *ret) {
        JsonPath here = { .parent = path, .key = key };
        const char *text;
        int r = json_read_string(object, key, path, d->report, &text);

        if (r < 0 || !text || !*text)
                return r;
        if (strlen(text) > NODE_NAME_MAX)
                return decode_fail(d->report, &here, "\"%.32s…\" is longer than %d characters", text, NODE_NAME_MAX);
        return endpoint_slice_add_string(d->slice, text, /* share= */ true, ret);
}

/*
 * v1 has nodeName and zone. v1beta1 has them in topology, and nodeName too from 1.20 on. Elements of a list do not say
 * their version, but only v1beta1 has topology.
 */
static int endpoint_decode_place(SliceDecoder *d, json_object *object, const JsonPath *path, Endpoint *ret) {
        JsonPath topology_path = { .parent = path, .key = "topology" };
        json_object *topology;
        int r = endpoint_decode_name(d, object, "nodeName", path, &ret->node);

        if (r >= 0)
                r = endpoint_decode_name(d, object, "zone", path, &ret->zone);
        if (r < 0)
                return r;
        r = json_read_object(object, "topology", path, d->report, &topology);
        if (r >= 0 && ret->node == 0)
                r = endpoint_decode_name(d, topology, "kubernetes.io/hostname", &topology_path, &ret->node);
        if (r >= 0 && ret->zone == 0)
                r = endpoint_decode_name(d, topology, "topology.kubernetes.io/zone", &topology_path, &ret->zone);
        return r;
}

/* What is not said is true of ready and serving, each by itself, and false of terminating (reference §3.5, newest). */
static int endpoint_decode_conditions(SliceDecoder *d, json_object *object, const JsonPath *path, Endpoint *ret) {
        JsonPath here = { .parent = path, .key = "conditions" };
        bool ready, serving, terminating;
        json_object *conditions;
        int r = json_read_object(object, "conditions", path, d->report, &conditions);

        if (r >= 0)
                r = json_read_bool(conditions, "ready", &here, d->report, true, &ready);
        if (r >= 0)
                r = json_read_bool(conditions, "serving", &here, d->report, true, &serving);
        if (r >= 0)
                r = json_read_bool(conditions, "terminating", &here, d->report, false, &terminating);
        if (r < 0)
                return r;
        ret->conditions = (uint8_t) ((ready ? ENDPOINT_READY : 0) | (serving ? ENDPOINT_SERVING : 0) |
                                     (terminating ? ENDPOINT_TERMINATING : 0));
        return 0;
}

static int endpoint_decode_pod(SliceDecoder *d, json_object *object, const JsonPath *path, Endpoint *ret) {
        JsonPath here = { .parent = path, .key = "targetRef" };
        json_object *target;
        const char *kind;
        int r = json_read_object(object, "targetRef", path, d->report, &target);

        if (r >= 0)
                r = json_read_string(target, "kind", &here, d->report, &kind);
        if (r < 0 || !kind || strcmp(kind, "Pod") != 0)
                return r;
        return endpoint_decode_name(d, target, "name", &here, &ret->pod);
}

/* 1 = an endpoint without an address, which is left out. */
static int endpoint_decode_address(SliceDecoder *d, json_object *object, const JsonPath *path, Endpoint *ret) {
        JsonPath array_path = { .parent = path, .key = "addresses" };
        json_object *array;
        const char *text;
        int r = json_read_array(object, "addresses", path, d->report, &array);

        if (r < 0)
                return r;
        if (json_length(array) > ENDPOINT_ADDRESSES_MAX)
                return decode_fail(d->report, &array_path, "more than %d addresses", ENDPOINT_ADDRESSES_MAX);
        if (json_length(array) == 0) {
                decode_note(d->report, path, "an endpoint without an address is left out");
                return 1;
        }
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &array_path, .index = i };
                IpAddr addr;

                r = json_element_string(array, i, &array_path, d->report, &text);
                if (r >= 0)
                        r = decode_endpoint_address(text, d->slice->family, &here, d->report, &addr);
                if (r >= 0 && i == 0)
                        ret->addr = addr;
        }
        return r;
}

static int slice_decode_endpoint(SliceDecoder *d, json_object *object, const JsonPath *path, Endpoint *ret) {
        JsonPath hints_path = { .parent = path, .key = "hints" };
        json_object *hints;
        int r;

        if (!json_object_is_type(object, json_type_object))
                return decode_fail(d->report, path, "this is no object");
        r = endpoint_decode_address(d, object, path, ret);
        if (r != 0)
                return r;
        r = endpoint_decode_conditions(d, object, path, ret);
        if (r >= 0)
                r = endpoint_decode_place(d, object, path, ret);
        if (r >= 0)
                r = endpoint_decode_pod(d, object, path, ret);
        if (r >= 0)
                r = json_read_object(object, "hints", path, d->report, &hints);
        if (r >= 0)
                r = endpoint_decode_hints(d, hints, "forZones", &hints_path, &ret->zone_hints, &ret->n_zone_hints);
        if (r >= 0)
                r = endpoint_decode_hints(d, hints, "forNodes", &hints_path, &ret->node_hints, &ret->n_node_hints);
        return r;
}

static int slice_decode_endpoints(SliceDecoder *d, json_object *object) {
        JsonPath path = { .key = "endpoints" };
        EndpointSlice *slice = d->slice;
        json_object *array;
        int r = json_read_array(object, "endpoints", NULL, d->report, &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        if (json_length(array) > SLICE_ENDPOINTS_MAX)
                return decode_fail(d->report, &path, "%zu endpoints are more than %d", json_length(array), SLICE_ENDPOINTS_MAX);
        r = decode_array(json_length(array), sizeof(Endpoint), &slice->endpoints);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &path, .index = i };

                r = slice_decode_endpoint(d, json_object_array_get_idx(array, i), &here, &slice->endpoints[slice->n_endpoints]);
                if (r == 0)
                        slice->n_endpoints++;
        }
        return r < 0 ? r : 0;
}

/* ---- the slice */

/* 1 = not for IP. */
static int slice_decode_family(SliceDecoder *d, json_object *object) {
        JsonPath here = { .key = "addressType" };
        const char *text;
        int r = json_read_string(object, "addressType", NULL, d->report, &text);

        if (r < 0)
                return r;
        if (text && strcmp(text, "IPv4") == 0)
                d->slice->family = AF_INET;
        else if (text && strcmp(text, "IPv6") == 0)
                d->slice->family = AF_INET6;
        else if (text && strcmp(text, "FQDN") == 0) {
                decode_note(d->report, NULL, "addressType FQDN is not supported, the slice is ignored");
                return 1;
        } else
                return decode_fail(d->report, &here, "\"%.32s\" is not IPv4, IPv6 or FQDN", text ? text : "");
        return 0;
}

/* 1 = of no service. */
static int slice_decode_service_name(SliceDecoder *d, const ObjectMeta *meta) {
        JsonPath path = { .key = "metadata" }, labels = { .parent = &path, .key = "labels" };
        const char *text;
        int r = json_read_string(meta->labels, "kubernetes.io/service-name", &labels, d->report, &text);

        if (r < 0)
                return r;
        if (!text || !*text) {
                decode_note(d->report, NULL, "without the label kubernetes.io/service-name the slice is ignored");
                return 1;
        }
        if (strlen(text) > 253 || strchr(text, '/'))
                return decode_fail(d->report, &labels, "kubernetes.io/service-name is not the name of a service");
        free(d->slice->service_name);
        d->slice->service_name = strdup(text);
        return d->slice->service_name ? 0 : -ENOMEM;
}

/* What decoding allocated in advance is given back: a hundred thousand of these are kept. */
static void slice_shrink(EndpointSlice *slice) {
        char *strings = slice->strings_size > 0 ? realloc(slice->strings, slice->strings_size) : NULL;

        if (!strings)
                return;
        slice->strings = strings;
        slice->strings_allocated = slice->strings_size;
}

int decode_slice(json_object *object, unsigned flags, EndpointSlice **ret, DecodeReport *report) {
        _cleanup_(endpoint_slice_freep) EndpointSlice *slice = NULL;
        SliceDecoder d = { .flags = flags, .report = report };
        ObjectMeta meta;
        int r = decode_meta(object, /* namespaced= */ true, flags, &meta, report);

        if (r >= 0)
                r = endpoint_slice_new(meta.namespace, meta.name, &slice);
        if (r < 0)
                return r;
        d.slice = slice;
        r = slice_decode_service_name(&d, &meta);
        if (r == 0)
                r = slice_decode_family(&d, object);
        if (r != 0)
                return r;
        r = slice_decode_ports(&d, object);
        if (r >= 0)
                r = slice_decode_endpoints(&d, object);
        if (r < 0)
                return r;
        slice->trigger_usec = decode_trigger_time(&meta);
        slice_shrink(slice);
        *ret = TAKE_PTR(slice);
        return 0;
}
