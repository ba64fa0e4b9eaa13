/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/node-view.h"

#include <errno.h>
#include <string.h>

void node_view_done(NodeView *view) {
        free(view->node_port_addresses);
        free(view->zone);
        *view = (NodeView) {};
}

static bool node_has_address(const ManagerOptions *options, const Node *node, const IpAddr *addr) {
        if (ip_addr_equal(&options->bind_address, addr))
                return true;
        for (size_t i = 0; node && i < node->n_addresses; i++)
                if (ip_addr_equal(&node->addresses[i], addr))
                        return true;
        return false;
}

static bool serves_node_ports(const ManagerOptions *options, const Node *node, const IpAddr *addr) {
        if (options->node_port_all || (options->n_node_port_nets == 0 && !options->node_port_primary))
                return true;
        for (size_t i = 0; i < options->n_node_port_nets; i++)
                if (ip_net_contains(&options->node_port_nets[i], addr))
                        return true;
        return options->node_port_primary && node_has_address(options, node, addr);
}

/* sh and mh must not refuse the clients of a real server at weight 0: they look for another. */
static uint32_t scheduler_flags(const char *scheduler) {
        return strcmp(scheduler, "sh") == 0 || strcmp(scheduler, "mh") == 0 ? VIRTUAL_SERVER_SCHED1 : 0;
}

static bool node_view_changed(const NodeView *view, const ProxyConfig *config, const char *zone) {
        return config->n_node_port_addresses != view->config.n_node_port_addresses ||
               (config->n_node_port_addresses > 0 &&
                memcmp(config->node_port_addresses,
                       view->config.node_port_addresses,
                       config->n_node_port_addresses * sizeof(IpAddr)) != 0) ||
               !view->zone || strcmp(view->zone, zone) != 0;
}

int node_view_update(NodeView *view, const ManagerOptions *options, const Node *node, const HostAddresses *host) {
        _cleanup_(freep) IpAddr *addresses = calloc(host->n_addrs + 1, sizeof(IpAddr));
        _cleanup_(freep) char *zone = strdup(node ? node->zone : "");
        ProxyConfig config = {};
        size_t n = 0;
        bool changed;

        if (!addresses || !zone)
                return -ENOMEM;
        for (size_t i = 0; i < host->n_addrs; i++)
                if (serves_node_ports(options, node, &host->addrs[i]))
                        addresses[n++] = host->addrs[i];
        config = (ProxyConfig) {
                .topology = { .node_name = options->node_name, .zone = zone, .node_hints = true },
                .scheduler_flags = scheduler_flags(options->scheduler),
                .node_port_addresses = addresses,
                .n_node_port_addresses = n,
                .host_addresses = host->addrs,
                .n_host_addresses = host->n_addrs,
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
