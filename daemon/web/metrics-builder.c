/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/metrics-builder.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/hash.h"
#include "control/node-drain.h"
#include "control/statistics.h"
#include "web/metric-writer.h"

#define SERIES_DEFAULT 50000
#define SERIES_FULL 10 /* of each service port: metrics-families.c */
#define SERIES_ESSENTIAL 5
#define NAMESPACES_MAX 4000 /* the rest is one sum */
/* So many ports with a fault are named; how many there are is said anyway. */
#define PROBLEMS_MAX 1000

/* ---- what one port is */

struct MetricsBuilder {
        Manager *manager; /* borrowed, like traffic */
        Traffic *traffic;
        MetricsSnapshot *snapshot; /* owned */
        Text ids; /* of all service ports when it began; NUL-terminated, one behind the other */
        size_t position; /* in ids */
        size_t prefetched; /* in ids: of the virtual servers before it the counters were read */
        uint64_t begun_usec; /* CLOCK_BOOTTIME */
        HashMap namespaces; /* name → MetricRow index + 1; the keys are owned */
        Text labels; /* of the row being made */
};

/* The namespace ends at the slash of "namespace/name". */
static void put_service_labels(Text *labels, const DesiredPort *port) {
        const Service *object = service_entry_object(port->service->entry);

        text_clear(labels);
        metric_put_label(labels, "namespace", object ? object->namespace : "");
        metric_put_label(labels, "service", object ? object->name : "");
        metric_put_label(labels, "port", port->name);
        metric_put_label(labels, "protocol", protocol_to_kube(port->protocol));
}

static size_t snapshot_keep_labels(MetricsSnapshot *snapshot, const Text *labels) {
        size_t offset = snapshot->strings.size;

        text_put_bytes(&snapshot->strings, labels->size > 0 ? labels->data : "", labels->size);
        text_put_bytes(&snapshot->strings, "", 1);
        return offset;
}

static MetricRow *snapshot_add_row(MetricsSnapshot *snapshot, const Text *labels) {
        if (snapshot->n_rows == snapshot->n_rows_allocated) {
                size_t n = MAX2(snapshot->n_rows_allocated * 2, (size_t) 64);
                MetricRow *bigger = reallocarray(snapshot->rows, n, sizeof(MetricRow));

                if (!bigger)
                        return NULL;
                snapshot->rows = bigger;
                snapshot->n_rows_allocated = n;
        }
        snapshot->rows[snapshot->n_rows] = (MetricRow) { .labels = snapshot_keep_labels(snapshot, labels) };
        return &snapshot->rows[snapshot->n_rows++];
}

/* Real servers at weight 0, each endpoint once however many virtual servers it is in: the one that has most. */
static uint32_t port_n_draining(const DesiredPort *port) {
        uint32_t most = 0;

        for (size_t i = 0; i < port->n_servers; i++) {
                const ServerState *server = port->servers[i].claim.server;
                uint32_t n = 0;

                if (port_server_refusal(&port->servers[i]) != REFUSAL_NONE)
                        continue;
                for (size_t k = 0; k < server->n_dests; k++)
                        n += server->dests[k].drain_usec > 0;
                most = MAX2(most, n);
        }
        return most;
}

static bool server_is_counted(const PortServer *server) {
        return port_server_refusal(server) == REFUSAL_NONE && server->claim.server->present;
}

/* One by one the counters of virtual servers cost several times as much. */
static void builder_prefetch(MetricsBuilder *b) {
        VirtualServerKey keys[STATISTICS_MANY];
        size_t n = 0, position = b->position;

        while (position < b->ids.size && n < ELEMENTSOF(keys)) {
                const char *id = b->ids.data + position;
                const DesiredPort *port = desired_find(manager_desired(b->manager), id);

                for (size_t i = 0; port && i < port->n_servers && n < ELEMENTSOF(keys); i++)
                        if (server_is_counted(&port->servers[i]))
                                keys[n++] = port->servers[i].claim.wanted.key;
                position += strlen(id) + 1;
        }
        if (b->snapshot->has_traffic)
                manager_prefetch_servers(b->manager, keys, n);
        b->prefetched = position;
}

static void builder_add_traffic(MetricsBuilder *b, const DesiredPort *port, MetricRow *row) {
        traffic_keep_port(b->traffic, port->id);
        for (size_t i = 0; b->snapshot->has_traffic && i < port->n_servers; i++) {
                const VirtualServerKey *key = &port->servers[i].claim.wanted.key;
                const ServerSample *sample;
                int r;

                if (!server_is_counted(&port->servers[i]))
                        continue;
                r = manager_read_server(b->manager, key, &sample);
                if (r < 0) {
                        b->snapshot->has_traffic = r == -ESRCH; /* else the kernel cannot be read, or not yet */
                        continue;
                }
                (void) traffic_add(b->traffic, port->id, key, &sample->traffic); /* -ENOMEM: next time */
                row->active += sample->active;
                row->inactive += sample->inactive;
        }
        row->traffic = traffic_of_port(b->traffic, port->id);
        b->snapshot->active += row->active;
        b->snapshot->inactive += row->inactive;
}

static void builder_measure_port(MetricsBuilder *b, const DesiredPort *port, MetricRow *ret) {
        *ret = (MetricRow) {
                .n_ready = (uint32_t) port->n_ready,
                .n_not_ready = (uint32_t) (port->n_endpoints - MIN2(port->n_ready, port->n_endpoints)),
                .n_draining = port_n_draining(port),
        };
        builder_add_traffic(b, port, ret);
}

/* ---- rows */

static void row_add(MetricRow *sum, const MetricRow *other) {
        traffic_counters_add(&sum->traffic, &other->traffic);
        sum->active += other->active;
        sum->inactive += other->inactive;
        sum->n_ready += other->n_ready;
        sum->n_not_ready += other->n_not_ready;
        sum->n_draining += other->n_draining;
}

static int builder_put_port(MetricsBuilder *b, const DesiredPort *port, const MetricRow *measured) {
        MetricRow *row;

        put_service_labels(&b->labels, port);
        row = snapshot_add_row(b->snapshot, &b->labels);
        if (!row)
                return -ENOMEM;
        row_add(row, measured);
        return 0;
}

static int builder_note_namespace(MetricsBuilder *b, const char *namespace, uintptr_t index) {
        char *key = strdup(namespace);

        if (key && hashmap_put(&b->namespaces, key, (void *) index) >= 0) /* NOLINT: an index, not an address */
                return 0;
        free(key);
        return -ENOMEM;
}

static int builder_put_namespace(MetricsBuilder *b, const DesiredPort *port, const MetricRow *measured) {
        const Service *object = service_entry_object(port->service->entry);
        const char *namespace = object ? object->namespace : "";
        uintptr_t index = (uintptr_t) hashmap_get(&b->namespaces, namespace);

        if (index == 0 && b->snapshot->n_rows >= NAMESPACES_MAX) {
                namespace = "(others)";
                index = (uintptr_t) hashmap_get(&b->namespaces, namespace);
        }
        if (index == 0) {
                text_clear(&b->labels);
                metric_put_label(&b->labels, "namespace", namespace);
                if (!snapshot_add_row(b->snapshot, &b->labels))
                        return -ENOMEM;
                index = b->snapshot->n_rows;
                if (builder_note_namespace(b, namespace, index) < 0)
                        return -ENOMEM;
        }
        row_add(&b->snapshot->rows[index - 1], measured);
        return 0;
}

static int builder_put_problem(MetricsBuilder *b, const DesiredPort *port, PortState state, const char *reason) {
        MetricsSnapshot *snapshot = b->snapshot;

        if (snapshot->n_problems == PROBLEMS_MAX)
                return 0;
        if (snapshot->n_problems == snapshot->n_problems_allocated) {
                size_t n = MAX2(snapshot->n_problems_allocated * 2, (size_t) 16);
                size_t *bigger = reallocarray(snapshot->problems, n, sizeof(size_t));

                if (!bigger)
                        return -ENOMEM;
                snapshot->problems = bigger;
                snapshot->n_problems_allocated = n;
        }
        put_service_labels(&b->labels, port);
        metric_put_label(&b->labels, "state", port_state_to_string(state));
        metric_put_label(&b->labels, "reason", reason);
        snapshot->problems[snapshot->n_problems++] = snapshot_keep_labels(snapshot, &b->labels);
        return 0;
}

/* ---- policy Local without a local endpoint (kube-proxy's syncEndpoint: where there are endpoints elsewhere) */

static int builder_count_no_local(MetricsBuilder *b, const DesiredPort *port) {
        const DesiredService *service = port->service;
        int families[_MEASURED_FAMILY_MAX] = { AF_INET, AF_INET6 };
        Topology topology = { .node_name = b->snapshot->status.node_name, .zone = "" };
        bool external = service->external_policy == TRAFFIC_POLICY_LOCAL &&
                        (service->type == SERVICE_TYPE_NODE_PORT || service->type == SERVICE_TYPE_LOAD_BALANCER);
        bool internal = service->internal_policy == TRAFFIC_POLICY_LOCAL;
        int r;

        for (size_t f = 0; (external || internal) && f < ELEMENTSOF(families); f++) {
                _cleanup_(endpoint_refs_done) EndpointRefs refs = {};
                _cleanup_(dest_list_unrefp) DestList *local = NULL;

                r = endpoints_collect(service->entry, port->name, port->protocol, families[f], &topology, &refs);
                if (r >= 0)
                        r = endpoints_choose(&refs, &topology, TRAFFIC_POLICY_LOCAL, NULL, &local);
                if (r < 0)
                        return r;
                if (refs.n_refs == 0 || local->n_servers > 0)
                        continue;
                b->snapshot->n_no_local[f][0] += internal;
                b->snapshot->n_no_local[f][1] += external;
        }
        return 0;
}

/* ---- the whole */

static MetricsDetail snapshot_detail(const WebOptions *options, size_t n_ports) {
        size_t max = options->max_series > 0 ? options->max_series : SERIES_DEFAULT;

        if (options->metrics_detail != METRICS_DETAIL_AUTO)
                return options->metrics_detail;
        return n_ports <= max / SERIES_FULL        ? METRICS_DETAIL_FULL
               : n_ports <= max / SERIES_ESSENTIAL ? METRICS_DETAIL_ESSENTIAL
                                                   : METRICS_DETAIL_NAMESPACE;
}

static int builder_add_port(MetricsBuilder *b, const DesiredPort *port) {
        const char *reason;
        PortState state = port_view_state(b->manager, port, &reason);
        MetricRow row;
        int r;

        b->snapshot->n_ports_in_state[state]++;
        builder_measure_port(b, port, &row);
        r = builder_count_no_local(b, port);
        if (r >= 0 && reason[0])
                r = builder_put_problem(b, port, state, reason);
        if (r < 0)
                return r;
        switch (b->snapshot->detail) {
        case METRICS_DETAIL_FULL:
        case METRICS_DETAIL_ESSENTIAL:
                return builder_put_port(b, port, &row);
        case METRICS_DETAIL_NAMESPACE:
                return builder_put_namespace(b, port, &row);
        case METRICS_DETAIL_NONE:
        case METRICS_DETAIL_AUTO:
        case _METRICS_DETAIL_MAX:
        case _METRICS_DETAIL_INVALID:
                break;
        }
        return 0;
}

static int row_compare(const void *a, const void *b, void *strings) {
        return strcmp((const char *) strings + ((const MetricRow *) a)->labels,
                      (const char *) strings + ((const MetricRow *) b)->labels);
}

static void snapshot_read_manager(MetricsSnapshot *snapshot, Manager *manager) {
        const Store *store = manager_store(manager);

        manager_status(manager, &snapshot->status);
        snapshot->node_draining = manager_is_draining(manager);
        snapshot->measure = *manager_measure(manager);
        snapshot->measure.triggers = NULL;
        for (ObjectKind kind = 0; kind < _OBJECT_KIND_MAX; kind++) {
                snapshot->n_changes[kind] = store_n_changes(store, kind);
                snapshot->n_pending_changes[kind] = snapshot->n_changes[kind] - snapshot->measure.n_changes_done[kind];
        }
        if (snapshot->measure.pending_usec > 0)
                snapshot->pending_age_usec = clock_now_usec(CLOCK_BOOTTIME) - snapshot->measure.pending_usec;
}

static int builder_finish(MetricsBuilder *b) {
        MetricsSnapshot *snapshot = b->snapshot;

        traffic_end(b->traffic);
        manager_end_reading(b->manager, b->begun_usec);
        if (snapshot->strings.failed || b->labels.failed)
                return -ENOMEM;
        if (snapshot->n_rows > 0)
                qsort_r(snapshot->rows, snapshot->n_rows, sizeof(MetricRow), row_compare, snapshot->strings.data);
        snapshot->traffic = traffic_total(b->traffic);
        snapshot_read_manager(snapshot, b->manager);
        process_numbers_read(&snapshot->process);
        return 0;
}

/* A port that has gone meanwhile is left out, one that came is in the next. */
int metrics_builder_step(MetricsBuilder *b, uint64_t usec) {
        const Desired *desired = manager_desired(b->manager);
        uint64_t end = clock_now_usec(CLOCK_MONOTONIC) + usec;

        while (b->position < b->ids.size) {
                const char *id = b->ids.data + b->position;
                const DesiredPort *port = desired_find(desired, id);
                int r;

                if (b->position >= b->prefetched)
                        builder_prefetch(b);
                r = port ? builder_add_port(b, port) : 0;
                if (r < 0)
                        return r;
                b->position += strlen(id) + 1;
                if (clock_now_usec(CLOCK_MONOTONIC) >= end)
                        return 1;
        }
        return builder_finish(b);
}

MetricsSnapshot *metrics_builder_take(MetricsBuilder *b) {
        return TAKE_PTR(b->snapshot);
}

static int builder_note_ports(MetricsBuilder *b) {
        const Desired *desired = manager_desired(b->manager);
        const DesiredPort *port;

        for (size_t i = 0; (port = desired_next(desired, &i));)
                text_put_bytes(&b->ids, port->id, strlen(port->id) + 1);
        return b->ids.failed ? -ENOMEM : 0;
}

int metrics_builder_new(Manager *manager, const WebOptions *options, Traffic *traffic, MetricsBuilder **ret) {
        _cleanup_(metrics_builder_freep) MetricsBuilder *b = calloc(1, sizeof(MetricsBuilder));
        MetricsSnapshot *snapshot = calloc(1, sizeof(MetricsSnapshot));
        int r;

        if (!b || !snapshot) {
                free(snapshot);
                return -ENOMEM;
        }
        b->snapshot = snapshot;
        b->manager = manager;
        b->traffic = traffic;
        b->namespaces.ops = &hash_ops_string;
        b->begun_usec = clock_now_usec(CLOCK_BOOTTIME);
        snapshot->n_ref = 1;
        snapshot->version = options->version;
        snapshot->detail = snapshot_detail(options, desired_n_ports(manager_desired(manager)));
        manager_status_brief(manager, &snapshot->status);
        snapshot->has_traffic = snapshot->status.generation > 0;
        r = builder_note_ports(b);
        if (r < 0)
                return r;
        traffic_begin(traffic);
        *ret = TAKE_PTR(b);
        return 0;
}

MetricsBuilder *metrics_builder_free(MetricsBuilder *b) {
        if (!b)
                return NULL;
        for (size_t i = 0; i < b->namespaces.n_slots; i++)
                free((void *) (uintptr_t) b->namespaces.slots[i].key);
        hashmap_done(&b->namespaces);
        text_done(&b->labels);
        text_done(&b->ids);
        (void) metrics_snapshot_unref(b->snapshot);
        free(b);
        return NULL;
}
