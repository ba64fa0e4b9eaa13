/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/desired.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct Desired {
        Store *store; /* borrowed */
        KernelTable *table; /* borrowed */
        HashMap ports; /* id → DesiredPort, owned by its service */
        DesiredObserver observer;
        void *userdata;
};

static const char *const address_kind_table[_ADDRESS_KIND_MAX] = {
        [ADDRESS_KIND_CLUSTER_IP] = "cluster-ip",
        [ADDRESS_KIND_EXTERNAL_IP] = "external-ip",
        [ADDRESS_KIND_LOAD_BALANCER_IP] = "load-balancer-ip",
        [ADDRESS_KIND_NODE_PORT] = "node-port",
};

const char *address_kind_to_string(AddressKind kind) {
        return kind < _ADDRESS_KIND_MAX ? address_kind_table[kind] : NULL;
}

static const char *const refusal_reason_table[_REFUSAL_MAX] = {
        [REFUSAL_NONE] = "",
        [REFUSAL_CONFLICT] = "Conflict",
        [REFUSAL_FOREIGN] = "ForeignVirtualServer",
        [REFUSAL_LOOPBACK] = "LoopbackAddress",
        [REFUSAL_MULTICAST] = "MulticastAddress",
        [REFUSAL_UNSPECIFIED] = "UnspecifiedAddress",
        [REFUSAL_LINK_LOCAL] = "LinkLocalAddress",
};

const char *refusal_reason_to_string(RefusalReason reason) {
        return reason < _REFUSAL_MAX ? refusal_reason_table[reason] : NULL;
}

RefusalReason port_server_refusal(const PortServer *server) {
        const ServerState *state = server->claim.server;

        if (!state || state->claims != &server->claim)
                return REFUSAL_CONFLICT;
        if (state->present && state->owner == SERVER_OWNER_FOREIGN)
                return REFUSAL_FOREIGN;
        return REFUSAL_NONE;
}

/* ---- freeing */

static void desired_port_done(DesiredPort *port) {
        for (size_t i = 0; i < port->n_servers; i++)
                (void) dest_list_unref(port->servers[i].claim.dests);
        free(port->servers);
        free(port->name);
        free(port->id);
}

static void desired_service_free(DesiredService *service) {
        if (!service)
                return;
        for (size_t i = 0; i < service->n_ports; i++)
                desired_port_done(&service->ports[i]);
        free(service->ports);
        free(service->refused);
        free(service->elements);
        free(service->addresses);
        free(service);
}
DEFINE_CLEANUP(DesiredService *, desired_service_free);

/* ---- building: ports and their claims */

typedef struct Builder {
        const ProxyConfig *config;
        const Service *object;
        DesiredService *service;
} Builder;

/* One family of one port while it is built. */
typedef struct PortFamily {
        EndpointRefs refs;
        DestList *cluster, *local; /* owned references */
} PortFamily;

static void port_family_done(PortFamily *family) {
        endpoint_refs_done(&family->refs);
        (void) dest_list_unref(family->cluster);
        (void) dest_list_unref(family->local);
}

/*
 * Policy Local without a local endpoint uses the cluster's where the service can be reached from outside, so that
 * the node's own and its pods' traffic works (kubernetes PR 97081); outside traffic is then filtered.
 */
static DestList *port_family_dests(const PortFamily *family, TrafficPolicy policy, bool external) {
        if (policy == TRAFFIC_POLICY_CLUSTER)
                return family->cluster;
        return external && family->local->n_servers == 0 ? family->cluster : family->local;
}

static bool service_is_external(const Service *object, const ServicePort *port) {
        return port->node_port > 0 || object->n_external_ips > 0 || object->n_load_balancer_ips > 0;
}

static bool address_listed(const IpAddr *list, size_t n, const IpAddr *addr) {
        for (size_t i = 0; i < n; i++)
                if (ip_addr_equal(&list[i], addr))
                        return true;
        return false;
}

static RefusalReason external_address_refusal(const IpAddr *addr) {
        return ip_addr_is_unspecified(addr)  ? REFUSAL_UNSPECIFIED
               : ip_addr_is_loopback(addr)   ? REFUSAL_LOOPBACK
               : ip_addr_is_multicast(addr)  ? REFUSAL_MULTICAST
               : ip_addr_is_link_local(addr) ? REFUSAL_LINK_LOCAL
                                             : REFUSAL_NONE;
}

static bool service_has_server(const DesiredService *service, const VirtualServerKey *key) {
        for (size_t i = 0; i < service->n_ports; i++)
                for (size_t k = 0; k < service->ports[i].n_servers; k++)
                        if (memcmp(&service->ports[i].servers[k].claim.wanted.key, key, sizeof(*key)) == 0)
                                return true;
        return false;
}

static void builder_add_server(Builder *b,
                               DesiredPort *port,
                               AddressKind kind,
                               const IpAddr *addr,
                               DestList *dests) {
        uint32_t timeout = b->object->affinity_timeout_sec;
        VirtualServer wanted = {
                .key = { .addr = *addr,
                         .protocol = (uint8_t) port->protocol,
                         .port = kind == ADDRESS_KIND_NODE_PORT ? port->node_port : port->port },
                .flags = b->config->scheduler_flags | (timeout > 0 ? VIRTUAL_SERVER_PERSISTENT : 0),
                .timeout_sec = timeout,
        };

        memcpy(wanted.scheduler, b->config->scheduler, sizeof(wanted.scheduler));
        if (service_has_server(b->service, &wanted.key))
                return;
        port->servers[port->n_servers++] = (PortServer) {
                .claim = { .wanted = wanted,
                           .dests = dest_list_ref(dests),
                           .age_usec = b->object->created_usec,
                           .age_tie = b->service->entry->key },
                .kind = kind,
                .bound = kind != ADDRESS_KIND_NODE_PORT &&
                         !address_listed(b->config->host_addresses, b->config->n_host_addresses, addr),
                .service = b->service,
        };
}

static void builder_add_addresses(Builder *b,
                                  DesiredPort *port,
                                  AddressKind kind,
                                  const IpAddr *addrs,
                                  size_t n_addrs,
                                  int family,
                                  DestList *dests) {
        for (size_t i = 0; i < n_addrs; i++) {
                RefusalReason reason = kind == ADDRESS_KIND_EXTERNAL_IP ||
                                                       kind == ADDRESS_KIND_LOAD_BALANCER_IP ?
                                               external_address_refusal(&addrs[i]) :
                                               REFUSAL_NONE;

                if (addrs[i].family != family)
                        continue;
                if (reason == REFUSAL_NONE)
                        builder_add_server(b, port, kind, &addrs[i], dests);
                else if (port == b->service->ports) /* once a service */
                        b->service->refused[b->service->n_refused++] =
                                (RefusedAddress) { addrs[i], reason };
        }
}

static int port_family_init(PortFamily *family,
                            const Builder *b,
                            const ServicePort *port,
                            int af) {
        const Topology *topology = &b->config->topology;
        int r;

        r = endpoints_collect(b->service->entry, port->name, port->protocol, af, topology, &family->refs);
        if (r < 0)
                return r;
        r = endpoints_choose(&family->refs, topology, TRAFFIC_POLICY_CLUSTER, NULL, &family->cluster);
        if (r < 0)
                return r;
        return endpoints_choose(&family->refs, topology, TRAFFIC_POLICY_LOCAL, NULL, &family->local);
}

static void desired_port_count(DesiredPort *port, const PortFamily *family) {
        port->n_endpoints += family->refs.n_refs;
        for (size_t i = 0; i < family->refs.n_refs; i++) {
                port->n_ready += (family->refs.refs[i].endpoint->conditions & ENDPOINT_READY) != 0;
                port->n_local += family->refs.refs[i].local;
        }
}

static int builder_add_family(Builder *b, DesiredPort *port, const ServicePort *source, int af) {
        _cleanup_(port_family_done) PortFamily family = {};
        const Service *object = b->object;
        DestList *internal, *external;
        int r;

        r = port_family_init(&family, b, source, af);
        if (r < 0)
                return r;
        desired_port_count(port, &family);
        internal = port_family_dests(
                &family, object->internal_policy, service_is_external(object, source));
        external = port_family_dests(&family, object->external_policy, true);
        port->n_used += internal->n_servers;

        builder_add_addresses(b, port, ADDRESS_KIND_CLUSTER_IP, object->cluster_ips,
                              object->n_cluster_ips, af, internal);
        builder_add_addresses(b, port, ADDRESS_KIND_EXTERNAL_IP, object->external_ips,
                              object->n_external_ips, af, external);
        builder_add_addresses(b, port, ADDRESS_KIND_LOAD_BALANCER_IP, object->load_balancer_ips,
                              object->n_load_balancer_ips, af, external);
        if (source->node_port > 0)
                builder_add_addresses(b, port, ADDRESS_KIND_NODE_PORT,
                                      b->config->node_port_addresses,
                                      b->config->n_node_port_addresses, af, external);
        return 0;
}

static bool service_has_family(const Service *object, int af) {
        for (size_t i = 0; i < object->n_cluster_ips; i++)
                if (object->cluster_ips[i].family == af)
                        return true;
        return false;
}

static int builder_add_port(Builder *b, const ServicePort *source) {
        const Service *object = b->object;
        DesiredPort *port = &b->service->ports[b->service->n_ports++];
        size_t n_max = object->n_cluster_ips + object->n_external_ips + object->n_load_balancer_ips +
                       b->config->n_node_port_addresses;
        int families[] = { AF_INET, AF_INET6 }, r;

        *port = (DesiredPort) {
                .service = b->service,
                .protocol = source->protocol,
                .port = source->port,
                .node_port = source->node_port,
                .generation = b->config->generation,
                .programmed_usec = b->config->now_usec,
        };
        port->name = strdup(source->name);
        port->servers = calloc(MAX2(n_max, (size_t) 1), sizeof(PortServer));
        if (!port->name || !port->servers ||
            asprintf(&port->id, "%s%s%s", b->service->entry->key, source->name[0] ? ":" : "", source->name) < 0) {
                port->id = NULL;
                return -ENOMEM;
        }
        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                if (!service_has_family(object, families[i]))
                        continue;
                r = builder_add_family(b, port, source, families[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* reference §3.4: what is not proxied at all */
static bool service_is_proxied(const Service *object) {
        return object && !object->other_proxy && !object->headless_label &&
               object->type != SERVICE_TYPE_EXTERNAL_NAME && object->n_cluster_ips > 0 &&
               object->n_ports > 0;
}

static int desired_service_build(const ProxyConfig *config, ServiceEntry *entry, DesiredService **ret) {
        _cleanup_(desired_service_freep) DesiredService *service = NULL;
        const Service *object = service_entry_object(entry);
        Builder b = { .config = config, .object = object };
        int r;

        if (!service_is_proxied(object)) {
                *ret = NULL;
                return 0;
        }
        b.service = service = calloc(1, sizeof(DesiredService));
        if (!service)
                return -ENOMEM;
        service->entry = entry;
        service->type = object->type;
        service->internal_policy = object->internal_policy;
        service->external_policy = object->external_policy;
        service->affinity_timeout_sec = object->affinity_timeout_sec;
        service->ports = calloc(object->n_ports, sizeof(DesiredPort));
        service->refused = calloc(object->n_external_ips + object->n_load_balancer_ips + 1,
                                  sizeof(RefusedAddress));
        if (!service->ports || !service->refused)
                return -ENOMEM;
        for (size_t i = 0; i < object->n_ports; i++) {
                r = builder_add_port(&b, &object->ports[i]);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(service);
        return 0;
}

/* ---- building: elements and addresses of the claims that hold */

static int desired_service_add_element(DesiredService *service, FilterElement element) {
        if (service->n_elements == service->n_elements_allocated) {
                size_t n = MAX2(service->n_elements_allocated * 2, (size_t) 8);
                FilterElement *bigger = reallocarray(service->elements, n, sizeof(FilterElement));

                if (!bigger)
                        return -ENOMEM;
                service->elements = bigger;
                service->n_elements_allocated = n;
        }
        service->elements[service->n_elements++] = element;
        return 0;
}

static int desired_service_add_address(DesiredService *service, const IpAddr *addr) {
        if (service->n_addresses == service->n_addresses_allocated) {
                size_t n = MAX2(service->n_addresses_allocated * 2, (size_t) 2);
                IpAddr *bigger = reallocarray(service->addresses, n, sizeof(IpAddr));

                if (!bigger)
                        return -ENOMEM;
                service->addresses = bigger;
                service->n_addresses_allocated = n;
        }
        service->addresses[service->n_addresses++] = *addr;
        return 0;
}

static FilterElement server_element(const VirtualServerKey *key, FilterSet set) {
        const FilterSetType *type = filter_set_type(set);

        return (FilterElement) {
                .set = (uint8_t) set,
                .protocol = type->has_port ? key->protocol : 0,
                .port = type->has_port ? key->port : 0,
                .addr = type->has_addr ? key->addr : (IpAddr) {},
        };
}

/* Whether the chosen servers are remote ones that stand in for a missing local one. */
static bool server_stands_in(const DesiredService *service, const PortServer *server, const Topology *topology) {
        const DestList *dests = server->claim.dests;

        if (service->external_policy != TRAFFIC_POLICY_LOCAL || dests->n_servers == 0)
                return false;
        for (const SliceEntry *s = service->entry->slices; s; s = s->next_of_service) {
                const EndpointSlice *slice = slice_entry_object(s);

                for (size_t i = 0; i < slice->n_endpoints; i++) {
                        const Endpoint *e = &slice->endpoints[i];

                        if (ip_addr_equal(&e->addr, &dests->servers[0].addr.addr) && e->node > 0 &&
                            strcmp(endpoint_slice_string(slice, e->node), topology->node_name) == 0)
                                return false; /* the local list has only local ones */
                }
        }
        return true;
}

static int desired_service_add_ranges(DesiredService *service, const Service *object, const VirtualServerKey *key) {
        int r;

        for (size_t i = 0; i < object->n_source_ranges; i++)
                if (object->source_ranges[i].addr.family == key->addr.family &&
                    object->source_ranges[i].prefix == 0)
                        return 0; /* everybody */
        r = desired_service_add_element(service, server_element(key, FILTER_SET_FIREWALLED));
        for (size_t i = 0; i < object->n_source_ranges && r >= 0; i++) {
                FilterElement element = server_element(key, FILTER_SET_SOURCE_RANGES);

                if (object->source_ranges[i].addr.family != key->addr.family)
                        continue;
                element.source = object->source_ranges[i].addr;
                element.source_prefix = object->source_ranges[i].prefix;
                r = desired_service_add_element(service, element);
        }
        return r;
}

/* The sets a server of a kind is in, with the state of its destinations. */
static size_t server_sets(const DesiredService *service,
                          const PortServer *server,
                          const Topology *topology,
                          FilterSet sets[static _FILTER_SET_MAX]) {
        bool node = server->kind == ADDRESS_KIND_NODE_PORT, empty = server->claim.dests->n_servers == 0;
        size_t n = 0;

        if (node) {
                sets[n++] = FILTER_SET_NODE_IPS;
        } else {
                sets[n++] = FILTER_SET_SERVICE_PORTS;
                if (server->bound)
                        sets[n++] = FILTER_SET_SERVICE_IPS;
                if (server->bound && !empty)
                        sets[n++] = FILTER_SET_PING_IPS;
        }
        if (empty)
                sets[n++] = node ? FILTER_SET_NO_ENDPOINTS_NODE : FILTER_SET_NO_ENDPOINTS;
        if (server->kind == ADDRESS_KIND_CLUSTER_IP)
                sets[n++] = FILTER_SET_CLUSTER_PORTS;
        else if (service->external_policy == TRAFFIC_POLICY_CLUSTER)
                sets[n++] = node ? FILTER_SET_NODE_PORTS : FILTER_SET_EXTERNAL_PORTS;
        else if (server_stands_in(service, server, topology))
                sets[n++] = node ? FILTER_SET_LOCAL_ONLY_NODE : FILTER_SET_LOCAL_ONLY;
        return n;
}

static int desired_service_add_server(DesiredService *service, PortServer *server, const Topology *topology) {
        const Service *object = service_entry_object(service->entry);
        const VirtualServerKey *key = &server->claim.wanted.key;
        FilterSet sets[_FILTER_SET_MAX];
        size_t n_sets;
        int r = 0;

        server->held = server_claim_holds(&server->claim);
        if (!server->held)
                return 0;
        n_sets = server_sets(service, server, topology, sets);
        for (size_t i = 0; i < n_sets && r >= 0; i++)
                r = desired_service_add_element(service, server_element(key, sets[i]));
        if (r >= 0 && server->kind == ADDRESS_KIND_LOAD_BALANCER_IP && object->has_source_ranges)
                r = desired_service_add_ranges(service, object, key);
        if (r >= 0 && server->bound)
                r = desired_service_add_address(service, &key->addr);
        return r;
}

/* reference §4.5 KUBE-LOOP-BACK: every local endpoint, ready or not */
static int desired_service_add_hairpins(DesiredService *service, const DesiredPort *port, const Topology *topology) {
        int families[] = { AF_INET, AF_INET6 }, r = 0;

        for (size_t f = 0; f < ELEMENTSOF(families) && r >= 0; f++) {
                _cleanup_(endpoint_refs_done) EndpointRefs refs = {};

                r = endpoints_collect(
                        service->entry, port->name, port->protocol, families[f], topology, &refs);
                for (size_t i = 0; i < refs.n_refs && r >= 0; i++) {
                        const IpPort *ep = &refs.refs[i].addr;

                        if (!refs.refs[i].local)
                                continue;
                        r = desired_service_add_element(service,
                                                        (FilterElement) { .set = FILTER_SET_HAIRPIN,
                                                                          .protocol = (uint8_t) port->protocol,
                                                                          .port = ep->port,
                                                                          .addr = ep->addr,
                                                                          .source = ep->addr });
                }
        }
        return r;
}

static int desired_service_add_elements(DesiredService *service, const Topology *topology) {
        int r = 0;

        for (size_t i = 0; i < service->n_ports && r >= 0; i++) {
                DesiredPort *port = &service->ports[i];

                for (size_t k = 0; k < port->n_servers && r >= 0; k++)
                        r = desired_service_add_server(service, &port->servers[k], topology);
                if (r >= 0)
                        r = desired_service_add_hairpins(service, port, topology);
        }
        return r;
}

/* ---- entering and taking back */

/* Somebody else's claim whose luck changed: its service must be computed again. */
static void desired_notice_others(Desired *desired, const ServerState *server, const DesiredService *self) {
        for (const ServerClaim *c = server ? server->claims : NULL; c; c = c->next) {
                const PortServer *other = (const PortServer *) (const void *) c;

                if (other->service->entry != self->entry && other->held != server_claim_holds(c))
                        store_mark_dirty(desired->store, other->service->entry);
        }
}

static int desired_enter_claims(Desired *desired, DesiredService *service) {
        for (size_t i = 0; i < service->n_ports; i++)
                for (size_t k = 0; k < service->ports[i].n_servers; k++) {
                        int r = kernel_table_claim(desired->table, &service->ports[i].servers[k].claim);

                        if (r < 0)
                                return r;
                }
        return 0;
}

static void desired_release_claims(Desired *desired, DesiredService *service) {
        for (size_t i = 0; i < service->n_ports; i++)
                for (size_t k = 0; k < service->ports[i].n_servers; k++) {
                        PortServer *server = &service->ports[i].servers[k];
                        ServerState *state = server->claim.server;

                        kernel_table_release(desired->table, &server->claim);
                        desired_notice_others(desired, state, service);
                }
}

static int desired_enter_wishes(Desired *desired, const DesiredService *service) {
        size_t n_elements, n_addresses = 0;
        int r = 0;

        for (n_elements = 0; n_elements < service->n_elements && r >= 0; n_elements++)
                r = kernel_table_want_element(desired->table, &service->elements[n_elements]);
        if (r < 0)
                n_elements--;
        for (; n_addresses < service->n_addresses && r >= 0; n_addresses++)
                r = kernel_table_want_address(desired->table, &service->addresses[n_addresses]);
        if (r >= 0)
                return 0;

        if (n_addresses > 0)
                n_addresses--;
        while (n_addresses > 0)
                kernel_table_unwant_address(desired->table, &service->addresses[--n_addresses]);
        while (n_elements > 0)
                kernel_table_unwant_element(desired->table, &service->elements[--n_elements]);
        return r;
}

static void desired_withdraw_wishes(Desired *desired, const DesiredService *service) {
        for (size_t i = 0; i < service->n_elements; i++)
                kernel_table_unwant_element(desired->table, &service->elements[i]);
        for (size_t i = 0; i < service->n_addresses; i++)
                kernel_table_unwant_address(desired->table, &service->addresses[i]);
}

static void desired_index(Desired *desired, DesiredService *service, bool enter) {
        for (size_t i = 0; i < service->n_ports; i++) {
                DesiredPort *port = &service->ports[i];

                if (enter)
                        (void) hashmap_put(&desired->ports, port->id, port); /* on OOM it is not listed */
                else if (hashmap_get(&desired->ports, port->id) == port)
                        (void) hashmap_remove(&desired->ports, port->id);
        }
}

static const DesiredPort *desired_service_port(const DesiredService *service, const char *id) {
        for (size_t i = 0; service && i < service->n_ports; i++)
                if (strcmp(service->ports[i].id, id) == 0)
                        return &service->ports[i];
        return NULL;
}

static void desired_observe(Desired *desired, const DesiredService *before, const DesiredService *after) {
        if (!desired->observer)
                return;
        for (size_t i = 0; before && i < before->n_ports; i++)
                if (!desired_service_port(after, before->ports[i].id))
                        desired->observer(&before->ports[i], NULL, desired->userdata);
        for (size_t i = 0; after && i < after->n_ports; i++)
                desired->observer(desired_service_port(before, after->ports[i].id),
                                  &after->ports[i],
                                  desired->userdata);
}

static void desired_drop(Desired *desired, DesiredService *service) {
        desired_release_claims(desired, service);
        desired_withdraw_wishes(desired, service);
        desired_index(desired, service, false);
        desired_service_free(service);
}

/* Enters `service`; claims of the old one with the same age and name give way. Undone on failure. */
static int desired_enter(Desired *desired, DesiredService *service, const Topology *topology) {
        int r = desired_enter_claims(desired, service);

        if (r >= 0)
                r = desired_service_add_elements(service, topology);
        if (r >= 0)
                r = desired_enter_wishes(desired, service);
        if (r < 0) {
                desired_release_claims(desired, service);
                return r;
        }
        for (size_t i = 0; i < service->n_ports; i++)
                for (size_t k = 0; k < service->ports[i].n_servers; k++)
                        desired_notice_others(desired, service->ports[i].servers[k].claim.server, service);
        return 0;
}

int desired_update(Desired *desired, const ProxyConfig *config, ServiceEntry *entry) {
        DesiredService *old = entry->desired, *service;
        int r;

        r = desired_service_build(config, entry, &service);
        if (r < 0)
                return r;
        if (service) {
                r = desired_enter(desired, service, &config->topology);
                if (r < 0) {
                        desired_service_free(service);
                        return r;
                }
        }
        desired_observe(desired, old, service);
        if (old)
                desired_drop(desired, old);
        if (service)
                desired_index(desired, service, true);
        entry->desired = service;
        return 0;
}

/* ---- reading */

DesiredPort *desired_find(const Desired *desired, const char *id) {
        return hashmap_get(&desired->ports, id);
}

DesiredPort *desired_next(const Desired *desired, size_t *i) {
        return hashmap_next(&desired->ports, i);
}

size_t desired_n_ports(const Desired *desired) {
        return desired->ports.n_entries;
}

void desired_set_observer(Desired *desired, DesiredObserver observer, void *userdata) {
        desired->observer = observer;
        desired->userdata = userdata;
}

int desired_new(Store *store, KernelTable *table, Desired **ret) {
        Desired *desired = calloc(1, sizeof(Desired));

        if (!desired)
                return -ENOMEM;
        desired->store = store;
        desired->table = table;
        desired->ports.ops = &hash_ops_string;
        *ret = desired;
        return 0;
}

Desired *desired_free(Desired *desired) {
        ServiceEntry *entry;

        if (!desired)
                return NULL;
        for (size_t i = 0; (entry = store_next(desired->store, &i));) {
                DesiredService *service = entry->desired;

                entry->desired = NULL;
                if (service)
                        desired_drop(desired, service);
        }
        hashmap_done(&desired->ports);
        free(desired);
        return NULL;
}
