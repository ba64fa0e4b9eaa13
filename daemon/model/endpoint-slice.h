/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Kubernetes EndpointSlice, reduced to what a node proxy reads (reference §3.5), in few allocations: a cluster
 * has a hundred thousand endpoints. Core v1 Endpoints are turned into the same form by their decoder. A plain
 * value made by a decoder, then owned by the store and never changed again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/macros.h"
#include "model/service.h"

/* A string inside of a slice: an offset into `strings`. 0 is "". */
typedef uint32_t SliceString;

typedef struct SlicePort {
        SliceString name; /* "" for the unnamed port */
        uint16_t port; /* never 0 */
        uint8_t protocol; /* Protocol */
} SlicePort;

enum {
        ENDPOINT_READY = 1 << 0, /* conditions.ready, default true */
        ENDPOINT_SERVING = 1 << 1, /* conditions.serving, default true */
        ENDPOINT_TERMINATING = 1 << 2, /* conditions.terminating, default false */
};

typedef struct Endpoint {
        IpAddr addr; /* addresses[0] */
        uint8_t conditions; /* ENDPOINT_… */
        uint8_t n_zone_hints; /* strings `zone_hints`, `zone_hints + strlen + 1`, … */
        uint8_t n_node_hints;
        SliceString node; /* nodeName; "" = unknown, never local */
        SliceString zone;
        SliceString pod; /* targetRef.name of kind Pod */
        SliceString zone_hints;
        SliceString node_hints;
} Endpoint;

typedef struct EndpointSlice {
        char *namespace; /* owned, like all below */
        char *name;
        char *service_name; /* label kubernetes.io/service-name */
        uint8_t family; /* AF_INET or AF_INET6; every endpoint has it */
        SlicePort *ports;
        size_t n_ports;
        Endpoint *endpoints;
        size_t n_endpoints;
        char *strings; /* NUL-terminated strings one behind the other, the first is "" */
        size_t strings_size;
        size_t strings_allocated;
        uint64_t trigger_usec; /* annotation endpoints.kubernetes.io/last-change-trigger-time; 0 = none */
} EndpointSlice;

/* An empty slice with copies of the names. -ENOMEM. */
int endpoint_slice_new(const char *namespace, const char *name, EndpointSlice **ret);
EndpointSlice *endpoint_slice_free(EndpointSlice *slice);
DEFINE_CLEANUP(EndpointSlice *, endpoint_slice_free);

/*
 * For decoders: appends a string, or finds the same one stored last or as first of its kind nearby, so that a
 * node's or zone's name is kept once. Consecutive calls with `share` false give adjacent strings (hints).
 * -ENOMEM, -E2BIG above 4 MiB.
 */
int endpoint_slice_add_string(EndpointSlice *slice, const char *text, bool share, SliceString *ret);

static inline const char *endpoint_slice_string(const EndpointSlice *slice, SliceString s) {
        return slice->strings ? slice->strings + s : "";
}

/* The n-th of adjacent strings. */
const char *endpoint_slice_string_at(const EndpointSlice *slice, SliceString first, unsigned n);

/* Gives memory back that growing took too much of. */
void endpoint_slice_shrink(EndpointSlice *slice);

/* Whether all fields but trigger_usec are equal: an update that says nothing new. */
bool endpoint_slice_equal(const EndpointSlice *a, const EndpointSlice *b);
