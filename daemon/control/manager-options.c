/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/manager-private.h"
#include "control/node-setup.h"

#define NODE_IPS_STRLEN (2 * IP_ADDR_STRLEN + 2)

static IpNet *copy_nets(const IpNet *nets, size_t n) {
        IpNet *copy = calloc(n + 1, sizeof(IpNet));

        if (copy && n > 0)
                memcpy(copy, nets, n * sizeof(IpNet));
        return copy;
}

static bool is_set(const char *text) {
        return text && text[0];
}

int owned_options_copy(OwnedOptions *owned, const ManagerOptions *from, ManagerOptions *ret) {
        owned->node_name = strdup(from->node_name ? from->node_name : "");
        owned->scheduler = strdup(is_set(from->scheduler) ? from->scheduler : SCHEDULER_DEFAULT);
        owned->state_directory = is_set(from->state_directory) ? strdup(from->state_directory) : NULL;
        owned->local_interface = strdup(from->filter.local_interface ? from->filter.local_interface : "");
        owned->node_port_nets = copy_nets(from->node_port_nets, from->n_node_port_nets);
        owned->exclude_cidrs = copy_nets(from->exclude_cidrs, from->n_exclude_cidrs);
        owned->local_cidrs = copy_nets(from->filter.local_cidrs, from->filter.n_local_cidrs);
        if (!owned->node_name || !owned->scheduler || !owned->local_interface || !owned->node_port_nets ||
            !owned->exclude_cidrs || !owned->local_cidrs ||
            (is_set(from->state_directory) && !owned->state_directory))
                return -ENOMEM;
        *ret = *from;
        ret->drain_look_usec = from->drain_look_usec > 0 ? from->drain_look_usec : 5 * USEC_PER_SEC;
        ret->retry_usec = from->retry_usec > 0 ? from->retry_usec : USEC_PER_SEC;
        ret->node_name = owned->node_name;
        ret->scheduler = owned->scheduler;
        ret->state_directory = owned->state_directory;
        ret->filter.local_interface = owned->local_interface;
        ret->node_port_nets = owned->node_port_nets;
        ret->exclude_cidrs = owned->exclude_cidrs;
        ret->filter.local_cidrs = owned->local_cidrs;
        return 0;
}

void owned_options_done(OwnedOptions *owned) {
        free(owned->node_name);
        free(owned->scheduler);
        free(owned->state_directory);
        free(owned->local_interface);
        free(owned->node_port_nets);
        free(owned->exclude_cidrs);
        free(owned->local_cidrs);
        *owned = (OwnedOptions) {};
}

/* ---- what follows from options and Node */

static bool nets_equal(const IpNet *a, size_t n_a, const IpNet *b, size_t n_b) {
        return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof(IpNet)) == 0);
}

/* Detection by NodeCIDR takes the pod CIDRs of the Node object, which may come late or change (reference §3.8). */
static int manager_follow_pod_cidrs(Manager *manager, const Node *node) {
        FilterConfig *filter = &manager->options.filter;
        IpNet *copy;

        if (filter->detect_local != DETECT_LOCAL_NODE_CIDR || !node ||
            nets_equal(filter->local_cidrs, filter->n_local_cidrs, node->pod_cidrs, node->n_pod_cidrs))
                return 0;
        copy = copy_nets(node->pod_cidrs, node->n_pod_cidrs);
        if (!copy)
                return -ENOMEM;
        free(manager->owned.local_cidrs);
        filter->local_cidrs = manager->owned.local_cidrs = copy;
        filter->n_local_cidrs = node->n_pod_cidrs;
        manager->look |= LOOK_FILTER;
        return 0;
}

/* One walk over the services, however many Nodes changed since the last turn. */
static int manager_follow_cluster_nodes(Manager *manager) {
        uint64_t n = store_n_changes(manager->store, OBJECT_KIND_CLUSTER_NODE);
        int r;

        if (!manager->options.watch_nodes)
                return 0;
        r = node_set_settle(store_cluster_nodes(manager->store));
        if (r >= 0 && n != manager->n_cluster_nodes_seen)
                manager_host_changed(manager);
        if (r >= 0)
                manager->n_cluster_nodes_seen = n;
        return r;
}

/* "10.0.0.1, fd00::1"; "" = none */
static const char *node_ips_format(const IpAddr ips[static 2], char buf[static NODE_IPS_STRLEN]) {
        char text[IP_ADDR_STRLEN];

        buf[0] = '\0';
        for (size_t f = 0; f < 2; f++)
                if (ips[f].family != 0) {
                        (void) strcat(buf, buf[0] ? ", " : "");
                        (void) strcat(buf, ip_addr_format(&ips[f], text));
                }
        return buf;
}

/* Which families there are: 1 IPv4, 2 IPv6. */
static unsigned nets_families(const IpNet *nets, size_t n) {
        unsigned families = 0;

        for (size_t i = 0; i < n; i++)
                families |= nets[i].addr.family == AF_INET6 ? 2 : 1;
        return families;
}

/* Of a node with both families one is easily forgotten in what the operator says of networks (reference §2). */
static void manager_tell_families(const Manager *manager) {
        const ManagerOptions *options = &manager->options;
        const IpAddr *ips = manager->view.config.node_ips;
        unsigned cluster = nets_families(options->filter.local_cidrs, options->filter.n_local_cidrs);
        unsigned node_ports = nets_families(options->node_port_nets, options->n_node_port_nets);

        if (ips[0].family == 0 || ips[1].family == 0)
                return;
        if (!options->filter.masquerade_all && options->filter.detect_local == DETECT_LOCAL_CLUSTER_CIDR &&
            (cluster == 1 || cluster == 2))
                log_warning("The node has addresses of both families, and clusterCIDR has a network of IPv%c alone: in IPv%c "
                            "pods are not told from others",
                            cluster == 1 ? '4' : '6',
                            cluster == 1 ? '6' : '4');
        if (!options->node_port_all && !options->node_port_primary && (node_ports == 1 || node_ports == 2))
                log_warning("The node has addresses of both families, and nodePortAddresses has networks of IPv%c alone: in "
                            "IPv%c node ports are served on all addresses",
                            node_ports == 1 ? '4' : '6',
                            node_ports == 1 ? '6' : '4');
}

/* kube-proxy says it when it starts, and ends when they change (reference §3.2, §3.3). */
static void manager_tell_node_ips(Manager *manager, const IpAddr before[static 2], const Node *node) {
        const IpAddr *now = manager->view.config.node_ips;
        char old[NODE_IPS_STRLEN], new[NODE_IPS_STRLEN];

        (void) node_ips_format(before, old);
        (void) node_ips_format(now, new);
        if (new[0] && !old[0])
                log_info("Successfully retrieved NodeIPs: %s", new);
        else if (new[0] && strcmp(old, new) != 0)
                log_info("NodeIPs changed, they are followed: %s, before %s", new, old);
        else if (!new[0] && node && !manager->told_no_node_ip)
                log_warning("Can't determine this node's IP: the Node %s has neither InternalIP nor ExternalIP, and "
                            "--bind-address is not set; source ranges and node ports on \"primary\" do without it",
                            node->name);
        manager->told_no_node_ip = !new[0] && node;
        if (strcmp(old, new) != 0)
                manager_tell_families(manager);
}

int manager_update_view(Manager *manager) {
        const IpAddr *ips = manager->view.config.node_ips, before[] = { ips[0], ips[1] };
        const Node *node = store_node(manager->store);
        int r = manager_follow_pod_cidrs(manager, node);

        if (r >= 0)
                r = manager_follow_cluster_nodes(manager);
        if (r >= 0)
                r = node_view_update(&manager->view, &manager->options, node, &manager->host);
        manager->view.config.ipv4_only = manager->info.ipv4_only;
        manager->view.config.cluster_nodes =
                manager->options.watch_nodes ? store_cluster_nodes(manager->store) : NULL;
        if (r >= 0)
                manager_tell_node_ips(manager, before, node);
        if (r > 0)
                store_mark_all_dirty(manager->store);
        return r;
}

int manager_check_options(Manager *manager, const ManagerOptions *options, char **ret_problem) {
        const char *scheduler = is_set(options->scheduler) ? options->scheduler : SCHEDULER_DEFAULT;
        char message[MANAGER_MESSAGE_SIZE];
        int r;

        if (!manager->adopted || strcmp(scheduler, manager->options.scheduler) == 0)
                return 0;
        r = manager_probe_scheduler(manager, scheduler, message);
        if (r < 0)
                *ret_problem = strdup(message);
        return r;
}

int manager_reconfigure(Manager *manager, const ManagerOptions *options) {
        OwnedOptions owned = {};
        ManagerOptions merged = *options, copy;
        int r;

        merged.node_name = manager->options.node_name;
        merged.state_directory = manager->options.state_directory;
        r = owned_options_copy(&owned, &merged, &copy);
        if (r < 0) {
                owned_options_done(&owned);
                return r;
        }
        owned_options_done(&manager->owned);
        manager->owned = owned;
        manager->options = copy;
        r = manager_update_view(manager);
        (void) node_setup(manager->backend, &manager->options, &manager->info, NULL); /* logged; the rest works */
        store_mark_all_dirty(manager->store);
        manager_arm_audit(manager);
        manager_look(manager, LOOK_FILTER);
        return MIN2(r, 0);
}
