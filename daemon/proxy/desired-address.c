/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses of a service are served, and which of them are bound: reference §3.4 and §4.2, DESIGN §6. */
#include "proxy/desired-private.h"

#include <stdlib.h>

bool addresses_have_family(const IpAddr *addrs, size_t n_addrs, int family) {
        for (size_t i = 0; i < n_addrs; i++)
                if (addrs[i].family == family)
                        return true;
        return false;
}

bool service_is_external(const Service *object, const ServicePort *port, int family) {
        return port->node_port > 0 ||
               addresses_have_family(object->external_ips, object->n_external_ips, family) ||
               addresses_have_family(object->load_balancer_ips, object->n_load_balancer_ips, family);
}

/* An address of this node is served, where another one has it too. */
static bool address_is_of_another_node(const ProxyConfig *config, const IpAddr *addr) {
        return config->cluster_nodes && node_set_find(config->cluster_nodes, addr, config->topology.node_name);
}

RefusalReason external_address_refusal(const ProxyConfig *config, const Service *object, const IpAddr *addr) {
        return ip_addr_is_unspecified(addr)  ? REFUSAL_UNSPECIFIED
               : ip_addr_is_loopback(addr)   ? REFUSAL_LOOPBACK
               : ip_addr_is_multicast(addr)  ? REFUSAL_MULTICAST
               : ip_addr_is_link_local(addr) ? REFUSAL_LINK_LOCAL
               : address_is_of_another_node(config, addr) ? REFUSAL_NODE_ADDRESS
               : object->n_external_ips + object->n_load_balancer_ips > SERVICE_SERVERS_MAX / object->n_ports ?
                                               REFUSAL_TOO_MANY :
                                               REFUSAL_NONE;
}

static int ip_addr_compare_void(const void *a, const void *b) {
        return ip_addr_compare(a, b);
}

bool address_is_bound(const ProxyConfig *config, AddressKind kind, const IpAddr *addr) {
        switch (kind) {
        case ADDRESS_KIND_CLUSTER_IP:
                return true;
        case ADDRESS_KIND_EXTERNAL_IP:
        case ADDRESS_KIND_LOAD_BALANCER_IP:
                return config->n_host_addresses == 0 || !bsearch(addr,
                                                                 config->host_addresses,
                                                                 config->n_host_addresses,
                                                                 sizeof(IpAddr),
                                                                 ip_addr_compare_void);
        case ADDRESS_KIND_NODE_PORT:
        case _ADDRESS_KIND_MAX:
                return false;
        }
        return false;
}
