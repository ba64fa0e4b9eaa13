/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager-config.h"

#include <errno.h>
#include <string.h>

void manager_config_done(ManagerConfig *config) {
        free(config->node_port_nets);
        *config = (ManagerConfig) {};
}

/* The kernel counts IPVS timeouts in whole seconds; what is shorter than one is not "leave". */
static uint32_t timeout_sec(uint64_t usec) {
        uint64_t sec = usec / USEC_PER_SEC;

        if (usec > 0 && sec == 0)
                return 1;
        return sec > UINT32_MAX ? UINT32_MAX : (uint32_t) sec;
}

/* "localhost" stands for both loopback networks (reference §2). */
static int copy_node_port_nets(const NodePortAddresses *from, ManagerConfig *to) {
        size_t n = from->nets.n_items;

        to->node_port_nets = calloc(n + 2, sizeof(IpNet));
        if (!to->node_port_nets)
                return -ENOMEM;
        if (n > 0)
                memcpy(to->node_port_nets, from->nets.items, n * sizeof(IpNet));
        if (from->localhost) {
                (void) ip_net_parse("127.0.0.0/8", &to->node_port_nets[n++]);
                (void) ip_net_parse("::1/128", &to->node_port_nets[n++]);
        }
        to->options.node_port_nets = to->node_port_nets;
        to->options.n_node_port_nets = n;
        to->options.node_port_primary = from->primary;
        to->options.node_port_all = from->all || (n == 0 && !from->primary);
        return 0;
}

static FilterConfig filter_config(const Config *config) {
        bool cluster_cidr = config->detect_local_mode == DETECT_LOCAL_CLUSTER_CIDR;

        return (FilterConfig) {
                .mark = UINT32_C(1) << config->iptables.masquerade_bit,
                .masquerade_all = config->iptables.masquerade_all,
                .ping = config->ping,
                .detect_local = config->detect_local_mode,
                .local_cidrs = cluster_cidr ? config->cluster_cidrs.items : NULL,
                .n_local_cidrs = cluster_cidr ? config->cluster_cidrs.n_items : 0,
                .local_interface = config->detect_local_mode == DETECT_LOCAL_BRIDGE_INTERFACE ?
                                           config->pod_bridge_interface :
                                           config->pod_interface_prefix,
        };
}

static uint64_t duration_sec(uint64_t usec) {
        return (usec + USEC_PER_SEC - 1) / USEC_PER_SEC;
}

static ConntrackOptions conntrack_options(const Config *config) {
        return (ConntrackOptions) {
                .max_per_core = (uint32_t) config->conntrack_max_per_core,
                .min = (uint32_t) config->conntrack_min,
                .tcp_established_sec = duration_sec(config->conntrack_tcp_established_usec),
                .tcp_close_wait_sec = duration_sec(config->conntrack_tcp_close_wait_usec),
                .udp_sec = duration_sec(config->conntrack_udp_usec),
                .udp_stream_sec = duration_sec(config->conntrack_udp_stream_usec),
                .tcp_be_liberal = config->conntrack_tcp_be_liberal,
        };
}

int manager_config_make(const Config *config, bool has_api, bool has_manifests, ManagerConfig *ret) {
        *ret = (ManagerConfig) {
                .options = {
                        .node_name = config->node_name,
                        .scheduler = config->scheduler,
                        .bind_address = config->bind_address,
                        .exclude_cidrs = config->exclude_cidrs.items,
                        .n_exclude_cidrs = config->exclude_cidrs.n_items,
                        .filter = filter_config(config),
                        .timeouts = { timeout_sec(config->tcp_timeout_usec),
                                      timeout_sec(config->tcp_fin_timeout_usec),
                                      timeout_sec(config->udp_timeout_usec) },
                        .node_hints = config_feature_enabled(config, "PreferSameTrafficDistribution", true),
                        .watch_nodes = has_api && config->watch_nodes,
                        .strict_arp = config->strict_arp,
                        .conntrack = conntrack_options(config),
                        .min_sync_usec = config->min_sync_period_usec,
                        .sync_usec = config->audit == AUDIT_MODE_OFF ? 0 : config->sync_period_usec,
                        .drain_timeout_usec = config->drain_timeout_usec,
                        .state_directory = config->state_directory,
                        .dry_run = config->dry_run,
                        .needs_source = { [OBJECT_SOURCE_API] = has_api, [OBJECT_SOURCE_MANIFEST] = has_manifests },
                },
        };
        return copy_node_port_nets(&config->node_port_addresses, ret);
}
