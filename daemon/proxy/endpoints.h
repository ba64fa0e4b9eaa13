/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which endpoints a service port uses: union over its slices, readiness, fall-back to terminating ones, traffic
 * policy, zone and node hints. The rules of kube-proxy, pkg/proxy/topology.go and endpointslicecache.go
 * (reference §3.5 and §3.6). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"
#include "model/override.h"
#include "model/store.h"
#include "model/virtual-server.h"

/* What of this node matters. Strings are borrowed. */
typedef struct Topology {
        const char *node_name;
        const char *zone; /* "" = unknown */
        bool node_hints; /* gate PreferSameTrafficDistribution */
} Topology;

/* One endpoint of a service port; pointers are borrowed from the store until the next change there. */
typedef struct EndpointRef {
        IpPort addr;
        const Endpoint *endpoint;
        const EndpointSlice *slice;
        bool local; /* its nodeName is ours */
} EndpointRef;

typedef struct EndpointRefs {
        EndpointRef *refs; /* owned; sorted by address and port, each once */
        size_t n_refs;
} EndpointRefs;

void endpoint_refs_done(EndpointRefs *refs);

/*
 * All endpoints of the port in slices of the family. Of two with the same address and port the one that is not
 * terminating counts. -ENOMEM.
 */
int endpoints_collect(const ServiceEntry *entry,
                      const char *port_name,
                      Protocol protocol,
                      int family,
                      const Topology *topology,
                      EndpointRefs *ret);

/*
 * Distinct addresses of local ready endpoints of the family, over all ports: what a health check node port counts
 * (reference §5.2). -ENOMEM.
 */
int endpoints_count_local_ready(const ServiceEntry *entry, int family, const Topology *topology, uint32_t *ret);

/* Sorted real servers, shared by the virtual servers of a port. Reference counted. */
typedef struct DestList {
        unsigned n_ref;
        size_t n_servers;
        RealServer servers[];
} DestList;

DestList *dest_list_ref(DestList *list);
DestList *dest_list_unref(DestList *list);
/* The same real servers with the same weights. */
bool dest_list_equal(const DestList *a, const DestList *b);
bool dest_list_has(const DestList *list, const IpPort *addr);
DEFINE_CLEANUP(DestList *, dest_list_unref);

/*
 * Weights that an administrator gave to some. An endpoint of weight 0 is left out, so that it drains as one that left.
 * Only while the list is nobody else's.
 */
void dest_list_override(DestList *list, const Override *overrides);

/* Why an endpoint is or is not used, for operators. */
typedef enum EndpointUse {
        ENDPOINT_USE_USED,
        ENDPOINT_USE_FALLBACK, /* used though terminating: there is no ready one */
        ENDPOINT_USE_NOT_READY,
        ENDPOINT_USE_TERMINATING, /* others are ready */
        ENDPOINT_USE_NOT_LOCAL, /* policy Local */
        ENDPOINT_USE_OTHER_ZONE, /* hints name other zones */
        ENDPOINT_USE_OTHER_NODE, /* hints name other nodes */
        _ENDPOINT_USE_MAX,
} EndpointUse;

/* "used", "fallback", "not-ready", … */
const char *endpoint_use_to_string(EndpointUse use);

/*
 * The real servers under a policy, each with weight 1. `ret_uses` may be NULL, or an array of n_refs that is filled.
 * Policy Local knows no hints and does not fall back to others' endpoints here. -ENOMEM.
 */
int endpoints_choose(const EndpointRefs *refs,
                     const Topology *topology,
                     TrafficPolicy policy,
                     EndpointUse *ret_uses,
                     DestList **ret);
