/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/endpoints.h"

#include <errno.h>
#include <string.h>

void endpoint_refs_done(EndpointRefs *refs) {
        free(refs->refs);
        *refs = (EndpointRefs) {};
}

DestList *dest_list_ref(DestList *list) {
        if (list)
                list->n_ref++;
        return list;
}

DestList *dest_list_unref(DestList *list) {
        if (list && --list->n_ref == 0)
                free(list);
        return NULL;
}

bool dest_list_equal(const DestList *a, const DestList *b) {
        if (a == b)
                return true;
        if (a->n_servers != b->n_servers)
                return false;
        for (size_t i = 0; i < a->n_servers; i++)
                if (real_server_compare(&a->servers[i], &b->servers[i]) != 0 ||
                    a->servers[i].weight != b->servers[i].weight || a->servers[i].forward != b->servers[i].forward)
                        return false;
        return true;
}

bool dest_list_has(const DestList *list, const IpPort *addr) {
        const RealServer key = { .addr = *addr };

        return list->n_servers > 0 &&
               bsearch(&key, list->servers, list->n_servers, sizeof(RealServer), real_server_compare);
}

static const char *const endpoint_use_table[_ENDPOINT_USE_MAX] = {
        [ENDPOINT_USE_USED] = "used",
        [ENDPOINT_USE_FALLBACK] = "fallback",
        [ENDPOINT_USE_NOT_READY] = "not-ready",
        [ENDPOINT_USE_TERMINATING] = "terminating",
        [ENDPOINT_USE_NOT_LOCAL] = "not-local",
        [ENDPOINT_USE_OTHER_ZONE] = "other-zone",
        [ENDPOINT_USE_OTHER_NODE] = "other-node",
};

const char *endpoint_use_to_string(EndpointUse use) {
        return use < _ENDPOINT_USE_MAX ? endpoint_use_table[use] : NULL;
}

/* ---- collecting */

static bool slice_port_matches(const EndpointSlice *slice,
                               const SlicePort *port,
                               const char *name,
                               Protocol protocol) {
        return port->protocol == protocol &&
               strcmp(endpoint_slice_string(slice, port->name), name) == 0;
}

static int endpoint_ref_compare(const void *a, const void *b) {
        const EndpointRef *x = a, *y = b;
        int r = ip_port_compare(&x->addr, &y->addr);

        if (r != 0)
                return r;
        /* In the order of slices, then of endpoints, so that the same input gives the same choice. */
        if (x->slice != y->slice)
                return strcmp(x->slice->name, y->slice->name);
        return x->endpoint < y->endpoint ? -1 : x->endpoint > y->endpoint;
}

/* Of a run with one address the last that is not terminating stays, else the first. */
static size_t endpoint_refs_deduplicate(EndpointRef *refs, size_t n_refs) {
        size_t n = 0;

        for (size_t i = 0; i < n_refs; i++) {
                if (n > 0 && ip_port_compare(&refs[n - 1].addr, &refs[i].addr) == 0) {
                        if (!(refs[i].endpoint->conditions & ENDPOINT_TERMINATING))
                                refs[n - 1] = refs[i];
                        continue;
                }
                refs[n++] = refs[i];
        }
        return n;
}

/* reference §3.5: the name of the node says it, never an address. */
static bool endpoint_is_local(const EndpointSlice *slice, const Endpoint *endpoint, const Topology *topology) {
        return endpoint->node > 0 && strcmp(endpoint_slice_string(slice, endpoint->node), topology->node_name) == 0;
}

/* Endpoints of the port before duplicates are dropped; into `refs` if it is not NULL. */
static size_t endpoints_gather(const ServiceEntry *entry,
                               const char *port_name,
                               Protocol protocol,
                               int family,
                               const Topology *topology,
                               EndpointRef *refs) {
        size_t n = 0;

        for (const SliceEntry *s = entry->slices; s; s = s->next_of_service) {
                const EndpointSlice *slice = slice_entry_object(s);

                for (size_t p = 0; slice->family == family && p < slice->n_ports; p++) {
                        if (!slice_port_matches(slice, &slice->ports[p], port_name, protocol))
                                continue;
                        for (size_t i = 0; refs && i < slice->n_endpoints; i++)
                                refs[n + i] = (EndpointRef) {
                                        .addr = { slice->endpoints[i].addr, slice->ports[p].port },
                                        .endpoint = &slice->endpoints[i],
                                        .slice = slice,
                                        .local = endpoint_is_local(slice, &slice->endpoints[i], topology),
                                };
                        n += slice->n_endpoints;
                }
        }
        return n;
}

int endpoints_collect(const ServiceEntry *entry,
                      const char *port_name,
                      Protocol protocol,
                      int family,
                      const Topology *topology,
                      EndpointRefs *ret) {
        size_t n = endpoints_gather(entry, port_name, protocol, family, topology, NULL);
        EndpointRef *refs;

        if (n == 0) {
                *ret = (EndpointRefs) {};
                return 0;
        }
        refs = calloc(n, sizeof(EndpointRef));
        if (!refs)
                return -ENOMEM;
        (void) endpoints_gather(entry, port_name, protocol, family, topology, refs);
        qsort(refs, n, sizeof(EndpointRef), endpoint_ref_compare);
        *ret = (EndpointRefs) { refs, endpoint_refs_deduplicate(refs, n) };
        return 0;
}

static int address_compare(const void *a, const void *b) {
        return ip_addr_compare(a, b);
}

int endpoints_count_local_ready(const ServiceEntry *entry, int family, const Topology *topology, uint32_t *ret) {
        _cleanup_(freep) IpAddr *addrs = NULL;
        size_t n = 0, n_max = 0;
        uint32_t n_distinct = 0;

        for (const SliceEntry *s = entry->slices; s; s = s->next_of_service)
                n_max += slice_entry_object(s)->n_endpoints;
        addrs = calloc(n_max + 1, sizeof(IpAddr));
        if (!addrs)
                return -ENOMEM;
        for (const SliceEntry *s = entry->slices; s; s = s->next_of_service) {
                const EndpointSlice *slice = slice_entry_object(s);

                for (size_t i = 0; slice->family == family && slice->n_ports > 0 && i < slice->n_endpoints; i++)
                        if ((slice->endpoints[i].conditions & ENDPOINT_READY) &&
                            endpoint_is_local(slice, &slice->endpoints[i], topology))
                                addrs[n++] = slice->endpoints[i].addr;
        }
        qsort(addrs, n, sizeof(IpAddr), address_compare);
        for (size_t i = 0; i < n; i++)
                n_distinct += i == 0 || !ip_addr_equal(&addrs[i - 1], &addrs[i]);
        *ret = n_distinct;
        return 0;
}

/* ---- choosing */

static bool endpoint_is_ready(const EndpointRef *ref) {
        return ref->endpoint->conditions & ENDPOINT_READY;
}

static bool endpoint_is_fallback(const EndpointRef *ref) {
        const uint8_t both = ENDPOINT_SERVING | ENDPOINT_TERMINATING;

        return (ref->endpoint->conditions & both) == both;
}

static bool hints_name(const EndpointRef *ref, SliceString first, unsigned n, const char *name) {
        for (unsigned i = 0; i < n; i++)
                if (strcmp(endpoint_slice_string_at(ref->slice, first, i), name) == 0)
                        return true;
        return false;
}

static bool endpoint_hints_node(const EndpointRef *ref, const Topology *topology) {
        return hints_name(ref, ref->endpoint->node_hints, ref->endpoint->n_node_hints, topology->node_name);
}

static bool endpoint_hints_zone(const EndpointRef *ref, const Topology *topology) {
        return hints_name(ref, ref->endpoint->zone_hints, ref->endpoint->n_zone_hints, topology->zone);
}

typedef enum HintMode {
        HINT_MODE_NONE,
        HINT_MODE_NODE,
        HINT_MODE_ZONE,
} HintMode;

/* Hints count if every ready endpoint has them and one of them names us; those of nodes before those of zones. */
static HintMode endpoints_hint_mode(const EndpointRefs *refs, const Topology *topology) {
        bool all_node = topology->node_hints, any_node = false;
        bool all_zone = topology->zone[0] != '\0', any_zone = false;

        for (size_t i = 0; i < refs->n_refs; i++) {
                const EndpointRef *ref = &refs->refs[i];

                if (!endpoint_is_ready(ref))
                        continue;
                all_node = all_node && ref->endpoint->n_node_hints > 0;
                all_zone = all_zone && ref->endpoint->n_zone_hints > 0;
                any_node = any_node || endpoint_hints_node(ref, topology);
                any_zone = any_zone || endpoint_hints_zone(ref, topology);
        }
        return all_node && any_node   ? HINT_MODE_NODE
               : all_zone && any_zone ? HINT_MODE_ZONE
                                      : HINT_MODE_NONE;
}

/* The use of one endpoint, given whether a ready one exists among those the policy allows. */
static EndpointUse endpoint_use(const EndpointRef *ref,
                                TrafficPolicy policy,
                                bool any_ready,
                                HintMode hints,
                                const Topology *topology) {
        if (policy == TRAFFIC_POLICY_LOCAL && !ref->local)
                return ENDPOINT_USE_NOT_LOCAL;
        if (!any_ready)
                return endpoint_is_fallback(ref) ? ENDPOINT_USE_FALLBACK : ENDPOINT_USE_NOT_READY;
        if (!endpoint_is_ready(ref))
                return endpoint_is_fallback(ref) ? ENDPOINT_USE_TERMINATING : ENDPOINT_USE_NOT_READY;
        if (policy == TRAFFIC_POLICY_CLUSTER && hints == HINT_MODE_NODE &&
            !endpoint_hints_node(ref, topology))
                return ENDPOINT_USE_OTHER_NODE;
        if (policy == TRAFFIC_POLICY_CLUSTER && hints == HINT_MODE_ZONE &&
            !endpoint_hints_zone(ref, topology))
                return ENDPOINT_USE_OTHER_ZONE;
        return ENDPOINT_USE_USED;
}

int endpoints_choose(const EndpointRefs *refs,
                     const Topology *topology,
                     TrafficPolicy policy,
                     EndpointUse *ret_uses,
                     DestList **ret) {
        HintMode hints = policy == TRAFFIC_POLICY_CLUSTER ? endpoints_hint_mode(refs, topology) :
                                                            HINT_MODE_NONE;
        bool any_ready = false;
        DestList *list, *smaller;

        for (size_t i = 0; i < refs->n_refs && !any_ready; i++)
                any_ready = endpoint_is_ready(&refs->refs[i]) &&
                            (policy == TRAFFIC_POLICY_CLUSTER || refs->refs[i].local);

        list = calloc(1, sizeof(DestList) + refs->n_refs * sizeof(RealServer));
        if (!list)
                return -ENOMEM;
        list->n_ref = 1;

        for (size_t i = 0; i < refs->n_refs; i++) {
                EndpointUse use = endpoint_use(&refs->refs[i], policy, any_ready, hints, topology);

                if (use == ENDPOINT_USE_USED || use == ENDPOINT_USE_FALLBACK)
                        list->servers[list->n_servers++] = (RealServer) {
                                .addr = refs->refs[i].addr,
                                .weight = 1,
                                .forward = FORWARD_MASQUERADE,
                        };
                if (ret_uses)
                        ret_uses[i] = use;
        }
        smaller = list->n_servers < refs->n_refs ?
                          realloc(list, sizeof(DestList) + list->n_servers * sizeof(RealServer)) :
                          NULL;
        if (smaller)
                list = smaller;
        *ret = list;
        return 0;
}

void dest_list_override(DestList *list, const Override *overrides) {
        size_t n = 0;

        for (size_t i = 0; i < list->n_servers; i++) {
                const Override *o = overrides;

                while (o && ip_port_compare(&o->addr, &list->servers[i].addr) != 0)
                        o = o->next;
                if (o)
                        list->servers[i].weight = o->weight;
                if (list->servers[i].weight > 0)
                        list->servers[n++] = list->servers[i];
        }
        list->n_servers = n;
}
