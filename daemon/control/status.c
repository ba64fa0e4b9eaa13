/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about the daemon as a whole. */
#include "control/manager-private.h"

static void manager_count(const Manager *manager, ManagerStatus *status) {
        const DesiredPort *port;
        const ServerState *server;

        for (size_t i = 0; (port = desired_next(manager->desired, &i));) {
                status->n_endpoints += (uint32_t) port->n_endpoints;
                for (size_t k = 0; k < port->n_servers; k++)
                        status->n_refused += port_server_refusal(&port->servers[k]) != REFUSAL_NONE;
                status->n_refused += port == port->service->ports ? port->service->n_refused : 0;
        }
        for (size_t i = 0; (server = kernel_table_next_server(manager->table, &i));)
                status->n_virtual_servers += server->present && server->owner == SERVER_OWNER_US;
}

/* What somebody asked for is shown where all is well otherwise; a hold always is. */
static ManagerState manager_shown_state(const Manager *manager) {
        if (manager->held && manager->state != MANAGER_STATE_STARTING)
                return MANAGER_STATE_HELD;
        if (manager->state == MANAGER_STATE_RUNNING && manager->node_drain.state != NODE_DRAIN_OFF)
                return MANAGER_STATE_DRAINING;
        return manager->state;
}

static unsigned manager_missing_features(const Manager *manager) {
        return (manager->missing & LOOK_SERVERS ? KERNEL_LACKS_IPVS : 0) |
               (manager->missing & LOOK_FILTER ? KERNEL_LACKS_NFTABLES : 0) |
               (manager->missing & LOOK_ADDRESSES ? KERNEL_LACKS_DUMMY : 0);
}

void manager_status_brief(const Manager *manager, ManagerStatus *ret) {
        *ret = (ManagerStatus) {
                .state = manager_shown_state(manager),
                .api_state = manager->api_state,
                .last_api_event_usec = manager->last_api_event_usec,
                .generation = manager->generation,
                .n_pending = (uint32_t) store_n_dirty(manager->store),
                .n_services = (uint32_t) desired_n_ports(manager->desired),
                .last_sync_usec = manager->last_sync_usec,
                .last_sync_duration_usec = manager->last_sync_duration_usec,
                .n_syncs = manager->n_syncs,
                .n_sync_errors = manager->n_sync_errors,
                .n_operations = manager->n_operations,
                .n_operation_failures = manager->n_operation_failures,
                .n_drift = manager->drift.n_added,
                .n_draining = drain_n_real_servers(manager->drain),
                .n_node_port_conflicts = manager->node_ports.n_items,
                .forward_chain = manager->forward_chain,
                .drain_state = node_drain_state_to_string(manager->node_drain.state),
                .drain_deadline_usec = manager->node_drain.deadline_usec,
                .drain_connections = manager->node_drain.n_connections,
                .kernel_known = manager->adopted,
                .kernel_lacks = manager_missing_features(manager),
                .sources = source_texts_report(&manager->sources),
                .error = manager->error,
                .node_name = manager->options.node_name,
        };
}

void manager_status(const Manager *manager, ManagerStatus *ret) {
        manager_status_brief(manager, ret);
        manager_count(manager, ret);
}

const KernelInfo *manager_kernel_info(const Manager *manager) {
        return &manager->info;
}

const DriftLog *manager_drift(const Manager *manager) {
        return &manager->drift;
}
