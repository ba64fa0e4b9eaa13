/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of the nftables sets and the addresses of kube-ipvs0 that belong to a service: what kube-proxy puts
 * into its ipsets (reference §4.5), arranged for our rules (DESIGN §6, kernel/ruleset.c).
 */
#include <errno.h>
#include <string.h>

#include "proxy/desired-private.h"

/* ---- wishes */

/* The array of pointers with room for one more behind the first `n`; NULL on OOM, then it is as it was. */
static void *wish_array_grow(void *array, uint32_t n, uint32_t *n_allocated, uint32_t first) {
        uint32_t bigger_n = MAX2(*n_allocated * 2, first);
        void *bigger;

        if (n < *n_allocated)
                return array;
        bigger = reallocarray(array, bigger_n, sizeof(void *));
        if (bigger)
                *n_allocated = bigger_n;
        return bigger;
}

/* A cluster IP with one port has three. */
int desired_service_want(DesiredService *service, KernelTable *table, const FilterElement *element) {
        ElementState **elements =
                wish_array_grow(service->elements, service->n_elements, &service->n_elements_allocated, 3);
        int r;

        if (!elements)
                return -ENOMEM;
        service->elements = elements;
        r = kernel_table_want_element(table, element, &elements[service->n_elements]);
        service->n_elements += r >= 0;
        return r;
}

static int desired_service_want_address(DesiredService *service, KernelTable *table, const IpAddr *addr) {
        AddressState **addresses =
                wish_array_grow(service->addresses, service->n_addresses, &service->n_addresses_allocated, 1);
        int r;

        if (!addresses)
                return -ENOMEM;
        service->addresses = addresses;
        r = kernel_table_want_address(table, addr, &addresses[service->n_addresses]);
        service->n_addresses += r >= 0;
        return r;
}

void desired_service_withdraw_wishes(DesiredService *service, KernelTable *table) {
        for (uint32_t i = 0; i < service->n_elements; i++)
                kernel_table_unwant_element(table, service->elements[i]);
        for (uint32_t i = 0; i < service->n_addresses; i++)
                kernel_table_unwant_address(table, service->addresses[i]);
        service->n_elements = service->n_addresses = 0;
}

/* ---- source ranges */

/* The ranges of a service that count for one family: sorted, none inside of another. */
typedef struct Ranges {
        IpNet *nets; /* owned */
        size_t n_nets;
        bool restricts; /* else everybody may come */
} Ranges;

static void ranges_done(Ranges *ranges) {
        free(ranges->nets);
}

static int net_compare(const void *a, const void *b) {
        const IpNet *x = a, *y = b;
        int r = ip_addr_compare(&x->addr, &y->addr);

        return r != 0 ? r : x->prefix < y->prefix ? -1 : x->prefix > y->prefix;
}

/*
 * A family without a range of its own is open, and so is one with a /0 (reference §3.4). A list of which nothing at all
 * could be read shuts everybody out; the API server lets none pass.
 */
static int ranges_init(Ranges *ranges, const Service *object, int family) {
        size_t n = 0;

        ranges->nets = calloc(object->n_source_ranges + 1, sizeof(IpNet));
        if (!ranges->nets)
                return -ENOMEM;
        for (size_t i = 0; i < object->n_source_ranges; i++)
                if (object->source_ranges[i].addr.family == family)
                        ranges->nets[n++] = object->source_ranges[i];
        qsort(ranges->nets, n, sizeof(IpNet), net_compare);
        for (size_t i = 0; i < n; i++)
                if (ranges->n_nets == 0 || !ip_net_contains(&ranges->nets[ranges->n_nets - 1], &ranges->nets[i].addr))
                        ranges->nets[ranges->n_nets++] = ranges->nets[i];
        ranges->restricts = n > 0 ? ranges->nets[0].prefix > 0 : object->n_source_ranges == 0;
        return 0;
}

static bool ranges_contain(const Ranges *ranges, const IpAddr *addr) {
        for (size_t i = 0; i < ranges->n_nets; i++)
                if (ip_net_contains(&ranges->nets[i], addr))
                        return true;
        return false;
}

static FilterElement server_element(const VirtualServerKey *key, FilterSet set) {
        bool has_port = filter_set_type(set)->has_port;

        return (FilterElement) {
                .set = (uint8_t) set,
                .protocol = has_port ? key->protocol : 0,
                .port = has_port ? key->port : 0,
                .addr = key->addr,
        };
}

static int desired_service_want_range(DesiredService *service,
                                      KernelTable *table,
                                      const VirtualServerKey *key,
                                      const IpAddr *addr,
                                      uint8_t prefix) {
        FilterElement element = server_element(key, FILTER_SET_SOURCE_RANGES);

        element.source = *addr;
        element.source_prefix = prefix;
        return desired_service_want(service, table, &element);
}

/* The node's own packets come from the service address: that is let in if the node is (reference §4.5, SOURCE-IP). */
static int desired_service_want_firewall(DesiredService *service,
                                         KernelTable *table,
                                         const VirtualServerKey *key,
                                         const Ranges *ranges,
                                         const IpAddr *node_ip) {
        FilterElement firewalled = server_element(key, FILTER_SET_FIREWALLED);
        int r;

        if (!ranges->restricts)
                return 0;
        r = desired_service_want(service, table, &firewalled);
        for (size_t i = 0; i < ranges->n_nets && r >= 0; i++)
                r = desired_service_want_range(
                        service, table, key, &ranges->nets[i].addr, ranges->nets[i].prefix);
        if (r >= 0 && ip_addr_size(node_ip) > 0 && ranges_contain(ranges, node_ip) &&
            !ranges_contain(ranges, &key->addr))
                r = desired_service_want_range(
                        service, table, key, &key->addr, (uint8_t) (8 * ip_addr_size(&key->addr)));
        return r;
}

/* ---- servers */

/* The sets a server of a kind is in, with the state of its real servers. */
static size_t server_sets(const ProxyConfig *config,
                          const DesiredService *service,
                          const PortServer *server,
                          FilterSet sets[static _FILTER_SET_MAX]) {
        bool empty = server->claim.dests->n_servers == 0;
        size_t n = 0;

        if (server->kind != ADDRESS_KIND_NODE_PORT)
                sets[n++] = FILTER_SET_SERVICE_PORTS;
        if (server->bound)
                sets[n++] = FILTER_SET_SERVICE_IPS;
        if (server->bound && !empty && config->ping_by_endpoints)
                sets[n++] = FILTER_SET_PING_IPS;
        if (empty)
                sets[n++] = FILTER_SET_NO_ENDPOINTS;
        if (server->kind == ADDRESS_KIND_CLUSTER_IP)
                sets[n++] = FILTER_SET_CLUSTER_PORTS;
        else if (service->external_policy == TRAFFIC_POLICY_CLUSTER)
                sets[n++] = FILTER_SET_EXTERNAL_PORTS;
        else if (server->stands_in)
                sets[n++] = FILTER_SET_LOCAL_ONLY;
        return n;
}

typedef struct Wisher {
        KernelTable *table;
        const ProxyConfig *config;
        const Service *object;
        Ranges ranges[2]; /* IPv4, IPv6; made when first needed */
} Wisher;

static int wisher_want_firewall(Wisher *w, DesiredService *service, const VirtualServerKey *key) {
        size_t family = key->addr.family == AF_INET6;
        int r;

        if (!w->ranges[family].nets) {
                r = ranges_init(&w->ranges[family], w->object, key->addr.family);
                if (r < 0)
                        return r;
        }
        return desired_service_want_firewall(
                service, w->table, key, &w->ranges[family], &w->config->node_ips[family]);
}

static int desired_service_want_health_port(DesiredService *service, KernelTable *table, const IpAddr *addr) {
        VirtualServerKey key = {
                .addr = *addr,
                .protocol = PROTOCOL_TCP,
                .port = service->health_check_node_port,
        };
        FilterElement element = server_element(&key, FILTER_SET_HEALTH_PORTS);

        return desired_service_want(service, table, &element);
}

static int wisher_want_server(Wisher *w, DesiredService *service, PortServer *server) {
        const VirtualServerKey *key = &server->claim.wanted.key;
        FilterSet sets[_FILTER_SET_MAX];
        size_t n_sets;
        int r = 0;

        server->claim.held = server_claim_holds(&server->claim);
        if (!server->claim.held)
                return 0;
        if (server->claim.next && !server->claim.next->held)
                kernel_table_queue_server(w->table, server->claim.server); /* was left out of plans so far */
        n_sets = server_sets(w->config, service, server, sets);
        for (size_t i = 0; i < n_sets && r >= 0; i++) {
                FilterElement element = server_element(key, sets[i]);

                r = desired_service_want(service, w->table, &element);
        }
        if (r >= 0 && server->bound && service->health_check_node_port > 0)
                r = desired_service_want_health_port(service, w->table, &key->addr);
        if (r >= 0 && server->firewalled)
                r = wisher_want_firewall(w, service, key);
        if (r >= 0 && server->bound)
                r = desired_service_want_address(service, w->table, &key->addr);
        return r;
}

int desired_service_enter_wishes(DesiredService *service, KernelTable *table, const ProxyConfig *config) {
        Wisher w = { .table = table, .config = config, .object = service_entry_object(service->entry) };
        int r = 0;

        for (size_t i = 0; i < service->n_ports && r >= 0; i++)
                for (size_t k = 0; k < service->ports[i].n_servers && r >= 0; k++)
                        r = wisher_want_server(&w, service, &service->ports[i].servers[k]);
        ranges_done(&w.ranges[0]);
        ranges_done(&w.ranges[1]);
        return r;
}
