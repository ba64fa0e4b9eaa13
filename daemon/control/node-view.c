/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/node-view.h"

#include <errno.h>
#include <string.h>

void node_view_done(NodeView *view) {
        free(view->node_port_addresses);
        free(view->zone);
        *view = (NodeView) {};
}

/*
 * The address of the node in each family, as kube-proxy finds it (reference §3.2.4): the first InternalIP, else the
 * first ExternalIP. --bind-address takes the place of that of its family.
 */
static void node_find_ips(const ManagerOptions *options, const Node *node, IpAddr ret[static 2]) {
        static const int families[] = { AF_INET, AF_INET6 };
        const IpAddr *bind = &options->bind_address;

        for (size_t f = 0; f < ELEMENTSOF(families); f++) {
                ret[f] = (IpAddr) {};
                for (size_t i = 0; node && i < node->n_addresses && ret[f].family == 0; i++)
                        if (node->addresses[i].family == families[f])
                                ret[f] = node->addresses[i];
                if (bind->family == families[f] && !ip_addr_is_unspecified(bind))
                        ret[f] = *bind;
        }
}

static bool nets_have_family(const ManagerOptions *options, int family) {
        for (size_t i = 0; i < options->n_node_port_nets; i++)
                if (options->node_port_nets[i].addr.family == family)
                        return true;
        return false;
}

static bool nets_contain(const ManagerOptions *options, const IpAddr *addr) {
        for (size_t i = 0; i < options->n_node_port_nets; i++)
                if (ip_net_contains(&options->node_port_nets[i], addr))
                        return true;
        return false;
}

/*
 * Reference §3.9. A family without a CIDR of its own is served on all addresses, whatever is said of the other one.
 * "primary" speaks of both families: without an address of the node there are no node ports in a family, where
 * kube-proxy would open them on all.
 */
static bool serves_node_ports(const ManagerOptions *options, const IpAddr node_ips[static 2], const IpAddr *addr) {
        size_t family = addr->family == AF_INET6;

        if (ip_addr_is_loopback(addr))
                return false;
        if (nets_contain(options, addr) || (options->node_port_primary && ip_addr_equal(&node_ips[family], addr)))
                return true;
        if (!options->node_port_all && (options->node_port_primary || nets_have_family(options, addr->family)))
                return false;
        return addr->family == AF_INET || !ip_addr_is_link_local(addr);
}

static bool address_listed(const IpAddr *addrs, size_t n_addrs, const IpAddr *addr) {
        for (size_t i = 0; i < n_addrs; i++)
                if (ip_addr_equal(&addrs[i], addr))
                        return true;
        return false;
}

/*
 * sh and mh must not refuse the clients of a real server at weight 0: they look for another. mh takes the source port
 * into the hash, as kube-proxy has it (reference §4.2).
 */
static uint32_t scheduler_flags(const char *scheduler) {
        if (strcmp(scheduler, "mh") == 0)
                return VIRTUAL_SERVER_SCHED1 | VIRTUAL_SERVER_SCHED2;
        return strcmp(scheduler, "sh") == 0 ? VIRTUAL_SERVER_SCHED1 : 0;
}

static bool node_view_changed(const NodeView *view, const ProxyConfig *config, const char *zone) {
        return config->n_node_port_addresses != view->config.n_node_port_addresses ||
               (config->n_node_port_addresses > 0 &&
                memcmp(config->node_port_addresses,
                       view->config.node_port_addresses,
                       config->n_node_port_addresses * sizeof(IpAddr)) != 0) ||
               memcmp(config->node_ips, view->config.node_ips, sizeof(config->node_ips)) != 0 || !view->zone ||
               strcmp(view->zone, zone) != 0;
}

int node_view_update(NodeView *view, const ManagerOptions *options, const Node *node, const HostAddresses *host) {
        _cleanup_(freep) IpAddr *addresses = calloc(host->n_addrs + 1, sizeof(IpAddr));
        _cleanup_(freep) char *zone = strdup(node ? node->zone : "");
        ProxyConfig config = {};
        IpAddr node_ips[2];
        size_t n = 0;
        bool changed;

        if (!addresses || !zone)
                return -ENOMEM;
        node_find_ips(options, node, node_ips);
        for (size_t i = 0; i < host->n_addrs; i++)
                if (!address_listed(host->shared, host->n_shared, &host->addrs[i]) &&
                    serves_node_ports(options, node_ips, &host->addrs[i]))
                        addresses[n++] = host->addrs[i];
        config = (ProxyConfig) {
                .topology = { .node_name = options->node_name, .zone = zone, .node_hints = options->node_hints },
                .scheduler_flags = scheduler_flags(options->scheduler),
                .node_port_addresses = addresses,
                .n_node_port_addresses = n,
                .host_addresses = host->addrs,
                .n_host_addresses = host->n_addrs,
                .ping_by_endpoints = options->filter.ping == PING_WITH_ENDPOINTS,
                .node_ips = { node_ips[0], node_ips[1] },
        };
        (void) strncpy(config.scheduler, options->scheduler, sizeof(config.scheduler) - 1);
        changed = node_view_changed(view, &config, zone);
        free(view->node_port_addresses);
        free(view->zone);
        view->node_port_addresses = TAKE_PTR(addresses);
        view->zone = TAKE_PTR(zone);
        view->config = config;
        return changed;
}
