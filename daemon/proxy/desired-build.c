/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which services are proxied, on which addresses, and with which endpoints: reference §3.4 to §3.7. Each address of a
 * port becomes a claim on a virtual server; what the kernel table makes of claims is not known here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proxy/desired-private.h"

typedef struct Builder {
        const ProxyConfig *config;
        const Service *object;
        DesiredService *service;
        KernelTable *table;
        HashMap keys; /* VirtualServerKey → PortServer: what the service has already */
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

static void desired_port_done(DesiredPort *port) {
        for (size_t i = 0; i < port->n_servers; i++)
                (void) dest_list_unref(port->servers[i].claim.dests);
        free(port->servers);
        free(port->id);
}

void desired_service_free(DesiredService *service) {
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

/* ---- claims */

static bool address_listed(const IpAddr *addrs, size_t n_addrs, const IpAddr *addr) {
        for (size_t i = 0; i < n_addrs; i++)
                if (ip_addr_equal(&addrs[i], addr))
                        return true;
        return false;
}

/* The real servers under a policy, and whether they stand in for local ones. */
typedef struct Choice {
        DestList *dests; /* borrowed from PortFamily */
        bool stands_in;
} Choice;

/*
 * Policy Local without a local endpoint uses the cluster's where the service can be reached from outside, so that the
 * node's own and its pods' traffic works (kubernetes PR 97081). Outside traffic is then filtered.
 */
static Choice port_family_choose(const PortFamily *family, TrafficPolicy policy, bool external) {
        if (policy == TRAFFIC_POLICY_CLUSTER)
                return (Choice) { family->cluster, false };
        if (family->local->n_servers > 0 || !external)
                return (Choice) { family->local, false };
        return (Choice) { family->cluster, family->cluster->n_servers > 0 };
}

static VirtualServer builder_virtual_server(const Builder *b, const DesiredPort *port, AddressKind kind, const IpAddr *addr) {
        uint32_t timeout = b->object->affinity_timeout_sec;
        VirtualServer wanted = {
                .key = { .addr = *addr,
                         .protocol = (uint8_t) port->protocol,
                         .port = kind == ADDRESS_KIND_NODE_PORT ? port->node_port : port->port },
                .flags = b->config->scheduler_flags | (timeout > 0 ? VIRTUAL_SERVER_PERSISTENT : 0),
                .timeout_sec = timeout,
        };

        memcpy(wanted.scheduler, b->config->scheduler, sizeof(wanted.scheduler));
        return wanted;
}

/* The first of equal address, port and protocol in a service counts. */
static int builder_add_server(Builder *b, DesiredPort *port, AddressKind kind, const IpAddr *addr, const Choice *choice) {
        const Service *object = b->object;
        VirtualServer wanted = builder_virtual_server(b, port, kind, addr);
        PortServer *server = &port->servers[port->n_servers];

        if (hashmap_get(&b->keys, &wanted.key))
                return 0;
        *server = (PortServer) {
                .claim = { .wanted = wanted,
                           .dests = dest_list_ref(choice->dests),
                           .age_usec = object->created_usec,
                           .age_tie = b->service->entry->key },
                .service = b->service,
                .kind = kind,
                .bound = address_is_bound(b->config, kind, addr),
                .stands_in = kind != ADDRESS_KIND_CLUSTER_IP && choice->stands_in,
                .firewalled = kind != ADDRESS_KIND_NODE_PORT && object->has_source_ranges &&
                              address_listed(object->load_balancer_ips, object->n_load_balancer_ips, addr),
        };
        port->n_servers++;
        return hashmap_put(&b->keys, &server->claim.wanted.key, server);
}

static int builder_add_external(Builder *b,
                                DesiredPort *port,
                                AddressKind kind,
                                const IpAddr *addrs,
                                size_t n_addrs,
                                int family,
                                const Choice *choice) {
        int r = 0;

        for (size_t i = 0; i < n_addrs && r >= 0; i++) {
                RefusalReason reason = external_address_refusal(b->config, b->object, &addrs[i]);

                if (addrs[i].family != family)
                        continue;
                if (reason == REFUSAL_NONE)
                        r = builder_add_server(b, port, kind, &addrs[i], choice);
                else if (port == b->service->ports) /* once a service */
                        b->service->refused[b->service->n_refused++] = (RefusedAddress) { addrs[i], reason };
        }
        return r;
}

static int builder_add_addresses(Builder *b,
                                 DesiredPort *port,
                                 AddressKind kind,
                                 const IpAddr *addrs,
                                 size_t n_addrs,
                                 int family,
                                 const Choice *choice) {
        int r = 0;

        for (size_t i = 0; i < n_addrs && r >= 0; i++)
                if (addrs[i].family == family)
                        r = builder_add_server(b, port, kind, &addrs[i], choice);
        return r;
}

/* ---- endpoints of a port */

static int port_family_init(PortFamily *family, const Builder *b, const char *id, const ServicePort *port, int af) {
        const Override *overrides = override_set_of(b->config->overrides, id);
        const Topology *topology = &b->config->topology;
        int r;

        r = endpoints_collect(b->service->entry, port->name, port->protocol, af, topology, &family->refs);
        if (r < 0)
                return r;
        r = endpoints_choose(&family->refs, topology, TRAFFIC_POLICY_CLUSTER, NULL, &family->cluster);
        if (r < 0)
                return r;
        r = endpoints_choose(&family->refs, topology, TRAFFIC_POLICY_LOCAL, NULL, &family->local);
        if (r < 0 || !overrides)
                return r;
        dest_list_override(family->cluster, overrides);
        dest_list_override(family->local, overrides);
        return 0;
}

/* reference §4.5 KUBE-LOOP-BACK: every local endpoint, ready or not */
static int builder_want_hairpins(Builder *b, const DesiredPort *port, const EndpointRefs *refs) {
        int r = 0;

        for (size_t i = 0; i < refs->n_refs && r >= 0; i++) {
                FilterElement element = {
                        .set = FILTER_SET_HAIRPIN,
                        .protocol = (uint8_t) port->protocol,
                        .port = refs->refs[i].addr.port,
                        .addr = refs->refs[i].addr.addr,
                        .source = refs->refs[i].addr.addr,
                };

                if (refs->refs[i].local)
                        r = desired_service_want(b->service, b->table, &element);
        }
        return r;
}

/* The cluster list is empty only if no endpoint at all may be used: "hasAnyEndpoints" of the reference §3.6. */
static void builder_note_no_local(Builder *b, const PortFamily *family, bool external) {
        if (family->local->n_servers > 0 || family->cluster->n_servers == 0)
                return;
        if (b->object->internal_policy == TRAFFIC_POLICY_LOCAL)
                b->service->no_local[0] = true;
        if (b->service->external_policy == TRAFFIC_POLICY_LOCAL && external)
                b->service->no_local[1] = true;
}

static void desired_port_count(DesiredPort *port, const EndpointRefs *refs) {
        port->n_endpoints += (uint32_t) refs->n_refs;
        for (size_t i = 0; i < refs->n_refs; i++) {
                port->n_ready += (refs->refs[i].endpoint->conditions & ENDPOINT_READY) != 0;
                port->n_local += refs->refs[i].local;
        }
}

/* Load-balancer IPs come before external IPs: of an address that is both, kind and source ranges are theirs. */
static int builder_add_family(Builder *b, DesiredPort *port, const ServicePort *source, int af) {
        _cleanup_(port_family_done) PortFamily family = {};
        const Service *object = b->object;
        bool accessible = service_is_external(object, source, af);
        Choice internal, external;
        int r;

        r = port_family_init(&family, b, port->id, source, af);
        if (r < 0)
                return r;
        desired_port_count(port, &family.refs);
        builder_note_no_local(b, &family, accessible);
        internal = port_family_choose(&family, object->internal_policy, accessible);
        external = port_family_choose(&family, b->service->external_policy, true);
        port->n_used += (uint32_t) internal.dests->n_servers;

        r = builder_want_hairpins(b, port, &family.refs);
        if (r >= 0)
                r = builder_add_addresses(b, port, ADDRESS_KIND_CLUSTER_IP, object->cluster_ips,
                                          object->n_cluster_ips, af, &internal);
        if (r >= 0)
                r = builder_add_external(b, port, ADDRESS_KIND_LOAD_BALANCER_IP, object->load_balancer_ips,
                                         object->n_load_balancer_ips, af, &external);
        if (r >= 0)
                r = builder_add_external(b, port, ADDRESS_KIND_EXTERNAL_IP, object->external_ips,
                                         object->n_external_ips, af, &external);
        if (r >= 0 && source->node_port > 0)
                r = builder_add_addresses(b, port, ADDRESS_KIND_NODE_PORT, b->config->node_port_addresses,
                                          b->config->n_node_port_addresses, af, &external);
        return r;
}

/* ---- ports */

/* Room for all addresses, be they refused or of a family that the service lacks. */
static size_t builder_n_servers(const Builder *b, const ServicePort *source) {
        const Service *object = b->object;
        size_t n = object->n_cluster_ips + (source->node_port > 0 ? b->config->n_node_port_addresses : 0);

        if (object->n_external_ips + object->n_load_balancer_ips <= SERVICE_SERVERS_MAX / object->n_ports)
                n += object->n_external_ips + object->n_load_balancer_ips;
        return n;
}

static int builder_add_port(Builder *b, const ServicePort *source) {
        DesiredPort *port = &b->service->ports[b->service->n_ports++];
        const char *key = b->service->entry->key;
        int families[] = { AF_INET, AF_INET6 }, r = 0;

        *port = (DesiredPort) {
                .service = b->service,
                .protocol = source->protocol,
                .port = source->port,
                .node_port = source->node_port,
                .generation = b->config->generation,
                .programmed_usec = b->config->now_usec,
        };
        port->servers = calloc(builder_n_servers(b, source), sizeof(PortServer));
        if (asprintf(&port->id, "%s%s%s", key, source->name[0] ? ":" : "", source->name) < 0)
                port->id = NULL;
        if (!port->servers || !port->id)
                return -ENOMEM;
        port->name = port->id + strlen(port->id) - strlen(source->name);
        for (size_t i = 0; i < ELEMENTSOF(families) - b->config->ipv4_only && r >= 0; i++)
                if (addresses_have_family(b->object->cluster_ips, b->object->n_cluster_ips, families[i]))
                        r = builder_add_family(b, port, source, families[i]);
        return r;
}

/* ---- the service */

/* A pod of two families counts once: the family with more of them says how many there are. */
static int builder_add_health_check(Builder *b) {
        const ServiceEntry *entry = b->service->entry;
        const Topology *topology = &b->config->topology;
        uint32_t n4 = 0, n6 = 0;
        int r;

        if (b->object->type != SERVICE_TYPE_LOAD_BALANCER || b->object->external_policy != TRAFFIC_POLICY_LOCAL ||
            b->object->health_check_node_port == 0)
                return 0;
        r = endpoints_count_local_ready(entry, AF_INET, topology, &n4);
        if (r >= 0)
                r = endpoints_count_local_ready(entry, AF_INET6, topology, &n6);
        b->service->health_check_node_port = b->object->health_check_node_port;
        b->service->n_local_ready = MAX2(n4, n6);
        return r;
}

/* reference §3.4: what is not proxied at all */
static bool service_is_proxied(const Service *object) {
        return object && !object->other_proxy && !object->headless_label &&
               object->type != SERVICE_TYPE_EXTERNAL_NAME && object->n_cluster_ips > 0 && object->n_ports > 0;
}

/* kube-proxy's ExternalPolicyLocal(): a service that was a LoadBalancer may have the field and the ingress still. */
static TrafficPolicy service_external_policy(const Service *object) {
        return object->type == SERVICE_TYPE_CLUSTER_IP && object->n_external_ips == 0 ? TRAFFIC_POLICY_CLUSTER :
                                                                                        object->external_policy;
}

static int builder_run(Builder *b) {
        const Service *object = b->object;
        DesiredService *service = b->service;
        size_t n_external = object->n_external_ips + object->n_load_balancer_ips;
        int r = 0;

        service->type = object->type;
        service->internal_policy = object->internal_policy;
        service->external_policy = service_external_policy(object);
        service->affinity_timeout_sec = object->affinity_timeout_sec;
        service->ports = calloc(object->n_ports, sizeof(DesiredPort));
        service->refused = calloc(n_external + 1, sizeof(RefusedAddress));
        if (!service->ports || !service->refused)
                return -ENOMEM;
        for (size_t i = 0; i < object->n_ports && r >= 0; i++)
                r = builder_add_port(b, &object->ports[i]);
        if (service->n_refused == 0) {
                free(service->refused);
                service->refused = NULL;
        }
        return r < 0 ? r : builder_add_health_check(b);
}

int desired_service_build(const ProxyConfig *config, KernelTable *table, ServiceEntry *entry, DesiredService **ret) {
        Builder b = {
                .config = config,
                .object = service_entry_object(entry),
                .table = table,
                .keys = { .ops = &virtual_server_key_ops },
        };
        int r;

        *ret = NULL;
        if (!service_is_proxied(b.object))
                return 0;
        *ret = b.service = calloc(1, sizeof(DesiredService));
        if (!b.service)
                return -ENOMEM;
        b.service->entry = entry;
        r = builder_run(&b);
        hashmap_done(&b.keys);
        return r;
}
