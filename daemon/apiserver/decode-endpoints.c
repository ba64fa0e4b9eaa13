/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints (core v1), for clusters without EndpointSlices: each subset becomes a slice a family, because its ports
 * belong to its addresses alone. Addresses that are not ready are kept as such.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/decode.h"

/* Kubernetes cuts at 1000 since 1.22; before, only the size of the object was limited. */
#define SUBSET_ADDRESSES_MAX 100000
#define SUBSET_PORTS_MAX 20000

typedef struct EndpointsDecoder {
        ObjectMeta meta;
        DecodedSlices slices;
        size_t n_families[2]; /* slices made of IPv4 and IPv6 */
        DecodeReport *report;
} EndpointsDecoder;

char *decoded_slice_name(const char *name, int family, size_t number) {
        char *text;

        return asprintf(&text, "%s/%d-%zu", name, family == AF_INET ? 4 : 6, number) < 0 ? NULL : text;
}

void decoded_slices_done(DecodedSlices *slices) {
        for (size_t i = 0; i < slices->n_slices; i++)
                (void) endpoint_slice_free(slices->slices[i]);
        free(slices->slices);
        *slices = (DecodedSlices) {};
}

static int subset_add_port(EndpointsDecoder *d, json_object *object, const JsonPath *path, EndpointSlice *slice) {
        SlicePort *port = &slice->ports[slice->n_ports];
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
                r = json_read_int(object, "port", path, d->report, (const int64_t[]) { 1, UINT16_MAX, 0 }, &number);
        if (r >= 0 && number == 0)
                r = decode_fail(d->report, path, "the port number is missing");
        if (r < 0)
                return r;
        port->port = (uint16_t) number;
        port->protocol = (uint8_t) protocol;
        slice->n_ports++;
        return endpoint_slice_add_string(slice, name, /* share= */ true, &port->name);
}

static int subset_add_ports(EndpointsDecoder *d, json_object *subset, const JsonPath *path, EndpointSlice *slice) {
        JsonPath array_path = { .parent = path, .key = "ports" };
        json_object *array;
        int r = json_read_array(subset, "ports", path, d->report, &array);

        if (r < 0 || json_length(array) == 0)
                return r;
        if (json_length(array) > SUBSET_PORTS_MAX)
                return decode_fail(d->report, &array_path, "more than %d ports", SUBSET_PORTS_MAX);
        r = decode_array(json_length(array), sizeof(SlicePort), &slice->ports);
        for (size_t i = 0; i < json_length(array) && r >= 0; i++) {
                JsonPath here = { .parent = &array_path, .index = i };

                r = subset_add_port(d, json_object_array_get_idx(array, i), &here, slice);
        }
        return r;
}

/* Fills in what is beside the address; -EBADMSG, -ENOMEM. */
static int address_decode(EndpointsDecoder *d, json_object *object, const JsonPath *path, EndpointSlice *slice, Endpoint *ret) {
        JsonPath target_path = { .parent = path, .key = "targetRef" };
        const char *node, *kind, *pod = NULL;
        json_object *target;
        int r = json_read_string(object, "nodeName", path, d->report, &node);

        if (r >= 0)
                r = json_read_object(object, "targetRef", path, d->report, &target);
        if (r >= 0)
                r = json_read_string(target, "kind", &target_path, d->report, &kind);
        if (r >= 0 && kind && strcmp(kind, "Pod") == 0)
                r = json_read_string(target, "name", &target_path, d->report, &pod);
        if (r >= 0 && node && *node)
                r = endpoint_slice_add_string(slice, node, /* share= */ true, &ret->node);
        if (r >= 0 && pod && *pod)
                r = endpoint_slice_add_string(slice, pod, /* share= */ false, &ret->pod);
        return r;
}

/* Adds the addresses under `key` that are of the slice's family. */
static int subset_add_addresses(EndpointsDecoder *d,
                                json_object *subset,
                                const char *key,
                                const JsonPath *path,
                                EndpointSlice *slice) {
        bool ready = strcmp(key, "addresses") == 0;
        JsonPath array_path = { .parent = path, .key = key };
        json_object *array;
        int r = json_read_array(subset, key, path, d->report, &array);

        for (size_t i = 0; r >= 0 && i < json_length(array); i++) {
                json_object *object = json_object_array_get_idx(array, i);
                JsonPath here = { .parent = &array_path, .index = i }, ip_path = { .parent = &here, .key = "ip" };
                Endpoint *endpoint = &slice->endpoints[slice->n_endpoints];
                const char *text;

                if (!json_object_is_type(object, json_type_object))
                        return decode_fail(d->report, &here, "this is no object");
                r = json_read_string(object, "ip", &here, d->report, &text);
                if (r >= 0)
                        r = decode_endpoint_address(text ? text : "", 0, &ip_path, d->report, &endpoint->addr);
                if (r < 0)
                        return r;
                if (endpoint->addr.family != slice->family) {
                        *endpoint = (Endpoint) {};
                        continue;
                }
                endpoint->conditions = ready ? ENDPOINT_READY | ENDPOINT_SERVING : 0;
                slice->n_endpoints++;
                r = address_decode(d, object, &here, slice, endpoint);
        }
        return r;
}

static int subset_count(EndpointsDecoder *d, json_object *subset, const JsonPath *path, size_t *ret) {
        json_object *ready, *not_ready;
        int r = json_read_array(subset, "addresses", path, d->report, &ready);

        if (r >= 0)
                r = json_read_array(subset, "notReadyAddresses", path, d->report, &not_ready);
        if (r < 0)
                return r;
        *ret = json_length(ready) + json_length(not_ready);
        if (*ret > SUBSET_ADDRESSES_MAX)
                return decode_fail(d->report, path, "%zu addresses are more than %d", *ret, SUBSET_ADDRESSES_MAX);
        return 0;
}

static int endpoints_new_slice(EndpointsDecoder *d, int family, EndpointSlice **ret) {
        _cleanup_(endpoint_slice_freep) EndpointSlice *slice = NULL;
        _cleanup_(freep) char *name = decoded_slice_name(d->meta.name, family, d->n_families[family == AF_INET6]);
        int r;

        if (!name)
                return -ENOMEM;
        r = endpoint_slice_new(d->meta.namespace, name, &slice);
        if (r < 0)
                return r;
        free(slice->service_name);
        slice->service_name = strdup(d->meta.name);
        if (!slice->service_name)
                return -ENOMEM;
        slice->family = (uint8_t) family;
        slice->trigger_usec = decode_trigger_time(&d->meta);
        *ret = TAKE_PTR(slice);
        return 0;
}

static int endpoints_add_subset(EndpointsDecoder *d, json_object *subset, const JsonPath *path, int family) {
        _cleanup_(endpoint_slice_freep) EndpointSlice *slice = NULL;
        size_t n;
        int r;

        if (!json_object_is_type(subset, json_type_object))
                return decode_fail(d->report, path, "this is no object");
        r = subset_count(d, subset, path, &n);
        if (r < 0 || n == 0)
                return r;
        r = endpoints_new_slice(d, family, &slice);
        if (r >= 0)
                r = decode_array(n, sizeof(Endpoint), &slice->endpoints);
        if (r >= 0)
                r = subset_add_ports(d, subset, path, slice);
        if (r >= 0)
                r = subset_add_addresses(d, subset, "addresses", path, slice);
        if (r >= 0)
                r = subset_add_addresses(d, subset, "notReadyAddresses", path, slice);
        if (r < 0 || slice->n_endpoints == 0)
                return r;
        d->slices.slices[d->slices.n_slices++] = TAKE_PTR(slice);
        d->n_families[family == AF_INET6]++;
        return 0;
}

int decode_endpoints(json_object *object, unsigned flags, DecodedSlices *ret, DecodeReport *report) {
        static const int families[] = { AF_INET, AF_INET6 };
        EndpointsDecoder d = { .report = report };
        JsonPath path = { .key = "subsets" };
        json_object *array = NULL;
        int r = decode_meta(object, /* namespaced= */ true, flags, &d.meta, report);

        if (r >= 0)
                r = json_read_array(object, "subsets", NULL, report, &array);
        if (r >= 0 && json_length(array) > DECODED_SLICES_MAX / 2)
                r = decode_fail(report, &path, "more than %d subsets", DECODED_SLICES_MAX / 2);
        if (r >= 0 && json_length(array) > 0)
                r = decode_array(2 * json_length(array), sizeof(EndpointSlice *), &d.slices.slices);
        for (size_t i = 0; r >= 0 && i < json_length(array); i++) {
                JsonPath here = { .parent = &path, .index = i };

                for (size_t f = 0; f < ELEMENTSOF(families) && r >= 0; f++)
                        r = endpoints_add_subset(&d, json_object_array_get_idx(array, i), &here, families[f]);
        }
        if (r < 0) {
                decoded_slices_done(&d.slices);
                return r;
        }
        *ret = d.slices;
        return 0;
}
