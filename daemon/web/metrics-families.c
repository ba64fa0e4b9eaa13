/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that begin with kubeproxy_ are kube-proxy's, with its types, labels and buckets (reference §5.4), so that
 * dashboards and alerts made for it go on working; a transaction of nftables takes the place of iptables-restore. A
 * sync here is one for both address families: it counts for each family that is served. Names that begin with
 * ipvsproxy_ are ours.
 */
#include "web/metrics-families.h"

#include <string.h>

#define PUT_ARGS Text *text, const MetricFamily *family, const MetricsSnapshot *snapshot

/* ---- what is not a plain number */

static void put_build_info(PUT_ARGS) {
        _cleanup_(text_done) Text labels = {};

        metric_put_label(&labels, "version", snapshot->version);
        metric_put(text, family->name, labels.data, 1);
}

static void put_detail(PUT_ARGS) {
        metric_put_labelled(text, family->name, "detail", metrics_detail_to_string(snapshot->detail), 1);
}

static void put_node_draining(PUT_ARGS) {
        metric_put(text, family->name, NULL, snapshot->node_draining);
}

static void put_states(PUT_ARGS) {
        for (ManagerState s = 0; s < _MANAGER_STATE_MAX; s++)
                metric_put_labelled(text, family->name, "state", manager_state_to_string(s), snapshot->status.state == s);
}

static void put_api_states(PUT_ARGS) {
        for (ApiState s = 0; s < _API_STATE_MAX; s++)
                metric_put_labelled(text, family->name, "state", api_state_to_string(s), snapshot->status.api_state == s);
}

static void put_port_states(PUT_ARGS) {
        for (PortState s = 0; s < _PORT_STATE_MAX; s++)
                metric_put_labelled(text, family->name, "state", port_state_to_string(s), snapshot->n_ports_in_state[s]);
}

static void put_problems(PUT_ARGS) {
        for (size_t i = 0; i < snapshot->n_problems; i++)
                metric_put(text, family->name, snapshot->strings.data + snapshot->problems[i], 1);
}

static void put_health_ports(PUT_ARGS) {
        metric_put_labelled(text, family->name, "state", "listening", snapshot->health_ports.n_listening);
        metric_put_labelled(text, family->name, "state", "failed", snapshot->health_ports.n_failed);
}

static void put_servers(PUT_ARGS) {
        for (size_t i = 0; i < ELEMENTSOF(snapshot->servers); i++) {
                const HttpServerStatus *server = &snapshot->servers[i];
                uint64_t number;

                memcpy(&number, (const char *) server + family->offset, sizeof(number));
                metric_put_labelled(text, family->name, "server", metric_server_names[i], number);
        }
}

static void put_resources(PUT_ARGS) {
        for (size_t i = 0; i < snapshot->counters.n_resources; i++) {
                const WebResourceCounters *resource = &snapshot->counters.resources[i];
                uint64_t number;

                memcpy(&number, (const char *) resource + family->offset, sizeof(number));
                metric_put_labelled(text, family->name, "resource", resource->resource, number);
        }
}

static bool family_is_shown(const MetricsSnapshot *snapshot, MeasuredFamily f) {
        return snapshot->measure.families[f].served ||
               (f == MEASURED_FAMILY_IPV4 && !snapshot->measure.families[MEASURED_FAMILY_IPV6].served);
}

static void put_conntrack_deleted(PUT_ARGS) {
        for (MeasuredFamily f = 0; f < _MEASURED_FAMILY_MAX; f++)
                if (family_is_shown(snapshot, f))
                        metric_put_labelled(text,
                                            family->name,
                                            "ip_family",
                                            measured_family_to_string(f),
                                            snapshot->measure.families[f].n_conntrack_deleted);
}

static void put_changes(PUT_ARGS) {
        ObjectKind kind = strstr(family->name, "_service_") ? OBJECT_KIND_SERVICE : OBJECT_KIND_ENDPOINT_SLICE;

        metric_put(text,
                   family->name,
                   NULL,
                   family->type == METRIC_COUNTER ? snapshot->n_changes[kind] : snapshot->n_pending_changes[kind]);
}

static void put_no_local_endpoints(PUT_ARGS) {
        static const char *const policies[2] = { "internal", "external" };

        for (MeasuredFamily f = 0; f < _MEASURED_FAMILY_MAX; f++)
                for (size_t p = 0; family_is_shown(snapshot, f) && p < ELEMENTSOF(policies); p++)
                        text_putf(text,
                                  "%s{ip_family=\"%s\",traffic_policy=\"%s\"} %u\n",
                                  family->name,
                                  measured_family_to_string(f),
                                  policies[p],
                                  snapshot->n_no_local[f][p]);
}

/* ---- the table */

#define AT(member) offsetof(MetricsSnapshot, member)
#define AT_MEASURE(member) offsetof(FamilyMeasure, member)
#define AT_ROW(member) offsetof(MetricRow, member)
#define AT_SERVER(member) offsetof(HttpServerStatus, member)
#define CUSTOM METRIC_SOURCE_CUSTOM, 0, METRIC_ALWAYS
#define PLAIN(kind, member) METRIC_SOURCE_##kind, AT(member), METRIC_ALWAYS, NULL
#define OTHERS(kind, member) METRIC_SOURCE_##kind, AT(counters.member), METRIC_WITH_COUNTERS, NULL
#define NODE(member) METRIC_SOURCE_UINT64, AT(member), METRIC_WITH_TRAFFIC, NULL
#define ROW(member, condition) METRIC_SOURCE_ROW_UINT64, AT_ROW(member), METRIC_##condition, NULL
#define HISTOGRAM(bounds, member) METRIC_SOURCE_HISTOGRAM_##bounds, AT_MEASURE(member), METRIC_ALWAYS, NULL
#define RESOURCE(member) METRIC_SOURCE_CUSTOM, offsetof(WebResourceCounters, member), METRIC_WITH_COUNTERS, put_resources
#define SERVER(member) METRIC_SOURCE_CUSTOM, AT_SERVER(member), METRIC_ALWAYS, put_servers

/* clang-format off */
const MetricFamily metric_families[] = {
        { "ipvsproxy_active_connections", METRIC_GAUGE, NODE(active), "Connections of all services that IPVS counts as active." },
        { "ipvsproxy_api_errors_total", METRIC_COUNTER, RESOURCE(n_errors), "Lists and watches of the API server that failed." },
        { "ipvsproxy_api_expired_total", METRIC_COUNTER, RESOURCE(n_expired), "Watches that had to begin anew with a list." },
        { "ipvsproxy_api_last_event_timestamp_seconds", METRIC_GAUGE, PLAIN(USEC, status.last_api_event_usec), "When something was last heard from the API server." },
        { "ipvsproxy_api_lists_total", METRIC_COUNTER, RESOURCE(n_lists), "Lists asked of the API server." },
        { "ipvsproxy_api_lost_total", METRIC_COUNTER, OTHERS(UINT64, api_lost), "Times that the API server stopped answering." },
        { "ipvsproxy_api_state", METRIC_GAUGE, CUSTOM, put_api_states, "State of the link to the API server; 1 for the state it is in." },
        { "ipvsproxy_api_unreadable_objects_total", METRIC_COUNTER, OTHERS(UINT64, api_unreadable), "Objects of the API server that could not be understood, or not in full." },
        { "ipvsproxy_api_watch_events_total", METRIC_COUNTER, RESOURCE(n_events), "Objects that watches said were added, changed or deleted." },
        { "ipvsproxy_api_watches_total", METRIC_COUNTER, RESOURCE(n_watches), "Watches asked of the API server." },
        { "ipvsproxy_build_info", METRIC_GAUGE, CUSTOM, put_build_info, "Version of the daemon; always 1." },
        { "ipvsproxy_connections_total", METRIC_COUNTER, NODE(traffic.connections), "Connections to all services." },
        { "ipvsproxy_dbus_calls_total", METRIC_COUNTER, OTHERS(UINT64, bus_calls), "Method calls on D-Bus that were admitted." },
        { "ipvsproxy_dbus_clients", METRIC_GAUGE, OTHERS(UINT64, bus_clients), "Connections to D-Bus that called lately." },
        { "ipvsproxy_dbus_denied_total", METRIC_COUNTER, OTHERS(UINT64, bus_denied), "Method calls on D-Bus that polkit did not authorise." },
        { "ipvsproxy_dbus_limited_total", METRIC_COUNTER, OTHERS(UINT64, bus_limited), "Method calls and signals on D-Bus refused because the sender's budget was used up." },
        { "ipvsproxy_dbus_signals_total", METRIC_COUNTER, OTHERS(UINT64, bus_signals), "Signals sent on D-Bus." },
        { "ipvsproxy_draining_endpoints", METRIC_GAUGE, PLAIN(UINT64, status.n_draining), "Virtual servers with real servers at weight 0 that wait for their connections to end." },
        { "ipvsproxy_drift_repairs_total", METRIC_COUNTER, PLAIN(UINT64, status.n_drift), "Differences that somebody else made in the kernel and that were repaired." },
        { "ipvsproxy_endpoints", METRIC_GAUGE, PLAIN(UINT32, status.n_endpoints), "Endpoints of all service ports." },
        { "ipvsproxy_events_dropped_total", METRIC_COUNTER, OTHERS(UINT64, events_dropped), "Kubernetes Events that the API server will never be told: too many, or it does not take them." },
        { "ipvsproxy_events_sent_total", METRIC_COUNTER, OTHERS(UINT64, events_sent), "Kubernetes Events that the API server was told." },
        { "ipvsproxy_health_check_ports", METRIC_GAUGE, CUSTOM, put_health_ports, "Health check node ports by whether they could be listened on." },
        { "ipvsproxy_health_check_requests_total", METRIC_COUNTER, PLAIN(CODES, health_ports.n_answered), "Requests to health check node ports by the answer's code." },
        { "ipvsproxy_http_accepted_total", METRIC_COUNTER, SERVER(n_accepted), "Connections accepted by the daemon's HTTP servers." },
        { "ipvsproxy_http_connections", METRIC_GAUGE, SERVER(n_connections), "Open connections of the daemon's HTTP servers." },
        { "ipvsproxy_http_evicted_total", METRIC_COUNTER, SERVER(n_evicted), "HTTP connections cut because they took too long or another one needed the place." },
        { "ipvsproxy_http_refused_total", METRIC_COUNTER, SERVER(n_refused), "HTTP connections refused because no place could be made." },
        { "ipvsproxy_in_bytes_total", METRIC_COUNTER, NODE(traffic.in_bytes), "Bytes from clients to all services." },
        { "ipvsproxy_in_packets_total", METRIC_COUNTER, NODE(traffic.in_packets), "Packets from clients to all services." },
        { "ipvsproxy_inactive_connections", METRIC_GAUGE, NODE(inactive), "Connections of all services that IPVS counts as inactive." },
        { "ipvsproxy_kernel_operation_failures_total", METRIC_COUNTER, PLAIN(UINT64, status.n_operation_failures), "Operations on the kernel that it refused." },
        { "ipvsproxy_kernel_operations_total", METRIC_COUNTER, PLAIN(UINT64, status.n_operations), "Operations on the kernel: virtual servers, real servers, addresses and filter elements." },
        { "ipvsproxy_metrics_detail", METRIC_GAUGE, CUSTOM, put_detail, "How much is said of each service port: full, essential, namespace or none; always 1." },
        { "ipvsproxy_node_drain_connections", METRIC_GAUGE, PLAIN(UINT64, status.drain_connections), "Connections that were left when the draining node counted them last." },
        { "ipvsproxy_node_draining", METRIC_GAUGE, CUSTOM, put_node_draining, "1 while the node drains: health checks say that it is not to be used." },
        { "ipvsproxy_node_port_conflicts", METRIC_GAUGE, PLAIN(UINT64, status.n_node_port_conflicts), "Sockets of this node's processes that node ports take the packets of." },
        { "ipvsproxy_oldest_pending_change_seconds", METRIC_GAUGE, PLAIN(USEC, pending_age_usec), "How long the oldest change waits that is not in the kernel; 0 if none does." },
        { "ipvsproxy_out_bytes_total", METRIC_COUNTER, NODE(traffic.out_bytes), "Bytes from all services to clients." },
        { "ipvsproxy_out_packets_total", METRIC_COUNTER, NODE(traffic.out_packets), "Packets from all services to clients." },
        { "ipvsproxy_pending_services", METRIC_GAUGE, PLAIN(UINT32, status.n_pending), "Services that wait to be computed." },
        { "ipvsproxy_refused_addresses", METRIC_GAUGE, PLAIN(UINT64, status.n_refused), "Addresses wanted by a service and not given to it." },
        { "ipvsproxy_service_active_connections", METRIC_GAUGE, ROW(active, WITH_TRAFFIC), "Connections of a service port that IPVS counts as active." },
        { "ipvsproxy_service_connections_total", METRIC_COUNTER, ROW(traffic.connections, WITH_TRAFFIC), "Connections to a service port." },
        { "ipvsproxy_service_endpoints", METRIC_GAUGE, METRIC_SOURCE_ROW_ENDPOINTS, 0, METRIC_ALWAYS, NULL, "Endpoints of a service port by state." },
        { "ipvsproxy_service_in_bytes_total", METRIC_COUNTER, ROW(traffic.in_bytes, WITH_TRAFFIC), "Bytes from clients to a service port." },
        { "ipvsproxy_service_in_packets_total", METRIC_COUNTER, ROW(traffic.in_packets, IN_FULL), "Packets from clients to a service port." },
        { "ipvsproxy_service_inactive_connections", METRIC_GAUGE, ROW(inactive, IN_FULL), "Connections of a service port that IPVS counts as inactive." },
        { "ipvsproxy_service_out_bytes_total", METRIC_COUNTER, ROW(traffic.out_bytes, WITH_TRAFFIC), "Bytes from a service port to clients." },
        { "ipvsproxy_service_out_packets_total", METRIC_COUNTER, ROW(traffic.out_packets, IN_FULL), "Packets from a service port to clients." },
        { "ipvsproxy_service_ports", METRIC_GAUGE, CUSTOM, put_port_states, "Service ports by state." },
        { "ipvsproxy_service_problem", METRIC_GAUGE, CUSTOM, put_problems, "A service port that is degraded, refused or in the way of a process, and why; always 1, absent when all is well." },
        { "ipvsproxy_state", METRIC_GAUGE, CUSTOM, put_states, "State of the daemon; 1 for the state it is in." },
        { "ipvsproxy_sync_errors_total", METRIC_COUNTER, PLAIN(UINT64, status.n_sync_errors), "Syncs in which something failed." },
        { "ipvsproxy_sync_generation", METRIC_GAUGE, PLAIN(UINT64, status.generation), "Generation of the last sync." },
        { "ipvsproxy_syncs_total", METRIC_COUNTER, PLAIN(UINT64, status.n_syncs), "Syncs that ended." },
        { "ipvsproxy_virtual_servers", METRIC_GAUGE, PLAIN(UINT32, status.n_virtual_servers), "Virtual servers of ours in the kernel." },
        { "kubeproxy_conntrack_reconciler_deleted_entries_total", METRIC_COUNTER, CUSTOM, put_conntrack_deleted, "Cumulative conntrack flows deleted by conntrack reconciler" },
        { "kubeproxy_conntrack_reconciler_sync_duration_seconds", METRIC_HISTOGRAM, HISTOGRAM(SYNC, conntrack), "ReconcileConntrackFlowsLatency latency in seconds" },
        { "kubeproxy_network_programming_duration_seconds", METRIC_HISTOGRAM, HISTOGRAM(PROGRAMMING, programming), "In Cluster Network Programming Latency in seconds" },
        { "kubeproxy_proxy_healthz_total", METRIC_COUNTER, PLAIN(CODES, n_healthz), "Cumulative proxy healthz HTTP status" },
        { "kubeproxy_proxy_livez_total", METRIC_COUNTER, PLAIN(CODES, n_livez), "Cumulative proxy livez HTTP status" },
        { "kubeproxy_sync_proxy_rules_duration_seconds", METRIC_HISTOGRAM, HISTOGRAM(SYNC, sync), "SyncProxyRules latency in seconds" },
        { "kubeproxy_sync_proxy_rules_endpoint_changes_pending", METRIC_GAUGE, CUSTOM, put_changes, "Pending proxy rules Endpoint changes" },
        { "kubeproxy_sync_proxy_rules_endpoint_changes_total", METRIC_COUNTER, CUSTOM, put_changes, "Cumulative proxy rules Endpoint changes" },
        { "kubeproxy_sync_proxy_rules_iptables_restore_failures_total", METRIC_COUNTER, PLAIN(FAMILY_UINT64, measure.n_filter_failures), "Cumulative proxy nftables transaction failures" },
        { "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", METRIC_GAUGE, PLAIN(FAMILY_USEC, measure.queued_usec), "The last time a sync of proxy rules was queued" },
        { "kubeproxy_sync_proxy_rules_last_timestamp_seconds", METRIC_GAUGE, PLAIN(FAMILY_USEC, measure.updated_usec), "The last time proxy rules were successfully synced" },
        { "kubeproxy_sync_proxy_rules_no_local_endpoints_total", METRIC_GAUGE, CUSTOM, put_no_local_endpoints, "Number of services with a Local traffic policy and no endpoints" },
        { "kubeproxy_sync_proxy_rules_service_changes_pending", METRIC_GAUGE, CUSTOM, put_changes, "Pending proxy rules Service changes" },
        { "kubeproxy_sync_proxy_rules_service_changes_total", METRIC_COUNTER, CUSTOM, put_changes, "Cumulative proxy rules Service changes" },
        { "process_cpu_seconds_total", METRIC_COUNTER, PLAIN(USEC, process.cpu_usec), "Total user and system CPU time spent in seconds." },
        { "process_max_fds", METRIC_GAUGE, PLAIN(UINT64, process.max_fds), "Maximum number of open file descriptors." },
        { "process_open_fds", METRIC_GAUGE, PLAIN(UINT64, process.open_fds), "Number of open file descriptors." },
        { "process_resident_memory_bytes", METRIC_GAUGE, PLAIN(UINT64, process.resident_bytes), "Resident memory size in bytes." },
        { "process_start_time_seconds", METRIC_GAUGE, PLAIN(USEC, process.start_usec), "Start time of the process since unix epoch in seconds." },
        { "process_virtual_memory_bytes", METRIC_GAUGE, PLAIN(UINT64, process.virtual_bytes), "Virtual memory size in bytes." },
};
/* clang-format on */
const size_t n_metric_families = ELEMENTSOF(metric_families);

/* ---- writing */

static uint64_t number_at(const void *base, size_t offset, bool is32) {
        const char *place = (const char *) base + offset;
        uint64_t number = 0;
        uint32_t number32 = 0;

        if (is32)
                memcpy(&number32, place, sizeof(number32));
        else
                memcpy(&number, place, sizeof(number));
        return number + number32;
}

static void put_of_family(PUT_ARGS, MeasuredFamily f) {
        const HistogramBounds *bounds = family->source == METRIC_SOURCE_HISTOGRAM_SYNC ? &histogram_bounds_sync :
                                                                                       &histogram_bounds_programming;
        const FamilyMeasure *measure = &snapshot->measure.families[f];
        char labels[32] = "ip_family=\"";

        (void) strcat(strcat(labels, measured_family_to_string(f)), "\"");
        if (family->source == METRIC_SOURCE_FAMILY_USEC)
                metric_put_seconds(text, family->name, labels, number_at(snapshot, family->offset, false));
        else if (family->source == METRIC_SOURCE_FAMILY_UINT64)
                metric_put(text, family->name, labels, number_at(snapshot, family->offset, false));
        else
                metric_put_histogram(text,
                                     family->name,
                                     labels,
                                     (const Histogram *) (const void *) ((const char *) measure + family->offset),
                                     bounds);
}

static void put_samples(PUT_ARGS) {
        const uint64_t *codes;

        switch (family->source) {
        case METRIC_SOURCE_CUSTOM:
                family->put(text, family, snapshot);
                break;
        case METRIC_SOURCE_UINT64:
        case METRIC_SOURCE_UINT32:
                metric_put(text,
                           family->name,
                           NULL,
                           number_at(snapshot, family->offset, family->source == METRIC_SOURCE_UINT32));
                break;
        case METRIC_SOURCE_USEC:
                metric_put_seconds(text, family->name, NULL, number_at(snapshot, family->offset, false));
                break;
        case METRIC_SOURCE_CODES:
                codes = (const uint64_t *) (const void *) ((const char *) snapshot + family->offset);
                metric_put_labelled(text, family->name, "code", "200", codes[0]);
                metric_put_labelled(text, family->name, "code", "503", codes[1]);
                break;
        case METRIC_SOURCE_FAMILY_USEC:
        case METRIC_SOURCE_FAMILY_UINT64:
        case METRIC_SOURCE_HISTOGRAM_SYNC:
        case METRIC_SOURCE_HISTOGRAM_PROGRAMMING:
                for (MeasuredFamily f = 0; f < _MEASURED_FAMILY_MAX; f++)
                        if (family_is_shown(snapshot, f))
                                put_of_family(text, family, snapshot, f);
                break;
        case METRIC_SOURCE_ROW_UINT64:
        case METRIC_SOURCE_ROW_ENDPOINTS:
        case _METRIC_SOURCE_MAX:
                break; /* row by row */
        }
}

static void put_endpoints(Text *text, const MetricFamily *family, const char *labels, const char *state, uint32_t n) {
        text_put(text, family->name);
        text_put(text, "{");
        text_put(text, labels);
        text_put(text, ",state=\"");
        text_put(text, state);
        text_put(text, "\"} ");
        text_put_uint(text, n);
        text_put(text, "\n");
}

static void put_row(PUT_ARGS, const MetricRow *row) {
        const char *labels = snapshot->strings.data + row->labels;

        if (family->source == METRIC_SOURCE_ROW_UINT64) {
                metric_put(text, family->name, labels, number_at(row, family->offset, false));
                return;
        }
        put_endpoints(text, family, labels, "ready", row->n_ready);
        if (snapshot->detail == METRICS_DETAIL_ESSENTIAL)
                return;
        put_endpoints(text, family, labels, "not-ready", row->n_not_ready);
        put_endpoints(text, family, labels, "draining", row->n_draining);
}

static bool family_is_written(const MetricFamily *family, const MetricsSnapshot *snapshot) {
        switch (family->condition) {
        case METRIC_WITH_COUNTERS:
                return snapshot->has_counters;
        case METRIC_IN_FULL:
                return snapshot->has_traffic && snapshot->detail != METRICS_DETAIL_ESSENTIAL;
        case METRIC_WITH_TRAFFIC:
                return snapshot->has_traffic;
        case METRIC_ALWAYS:
                break;
        }
        return true;
}

bool metric_family_step(Text *text, const MetricFamily *family, const MetricsSnapshot *snapshot, size_t *i) {
        bool rows = family->source == METRIC_SOURCE_ROW_UINT64 || family->source == METRIC_SOURCE_ROW_ENDPOINTS;

        if (!family_is_written(family, snapshot))
                return false;
        if (*i == 0) {
                metric_put_head(text, family->name, family->type, family->help);
                if (!rows)
                        put_samples(text, family, snapshot);
        } else {
                put_row(text, family, snapshot, &snapshot->rows[*i - 1]);
        }
        return rows && (*i)++ < snapshot->n_rows;
}
