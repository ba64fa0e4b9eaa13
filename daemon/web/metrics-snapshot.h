/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything one scrape says, by value: a slow reader of /metrics is given one state however long it takes, and what
 * the manager does meanwhile is free. Shared by scrapes of the same second.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "control/manager.h"
#include "control/measure.h"
#include "control/port-view.h"
#include "web/health-ports.h"
#include "web/http-server.h"
#include "web/metrics-process.h"
#include "web/text.h"
#include "web/traffic.h"
#include "web/web.h"

/* A service port, or a namespace's sum. */
typedef struct MetricRow {
        size_t labels; /* offset of rendered labels in the snapshot's `strings` */
        TrafficCounters traffic;
        uint64_t active, inactive;
        uint32_t n_ready, n_not_ready, n_draining; /* endpoints */
} MetricRow;

typedef struct MetricsSnapshot {
        unsigned n_ref;
        const char *version; /* borrowed from WebOptions, which outlive every answer */
        ManagerStatus status; /* its strings are not valid */
        Measure measure; /* without triggers */
        uint64_t n_pending_changes[_OBJECT_KIND_MAX], n_changes[_OBJECT_KIND_MAX];
        uint64_t pending_age_usec;
        bool node_draining;
        WebCounters counters;
        bool has_counters;
        HealthPortsStatus health_ports;
        HttpServerStatus servers[3]; /* as metric_server_names has them */
        uint64_t n_healthz[2], n_livez[2]; /* answers with 200 and with 503 */
        ProcessNumbers process;
        uint32_t n_ports_in_state[_PORT_STATE_MAX];
        uint32_t n_no_local[_MEASURED_FAMILY_MAX][2]; /* service ports; internal, external policy */
        TrafficCounters traffic; /* of the node */
        uint64_t active, inactive;
        bool has_traffic; /* the kernel could be read */

        MetricsDetail detail; /* never AUTO */
        MetricRow *rows; /* owned; sorted by labels */
        size_t n_rows, n_rows_allocated;
        size_t *problems; /* owned: offsets of labels of degraded and refused service ports */
        size_t n_problems, n_problems_allocated;
        Text strings; /* NUL-terminated, one behind the other */
} MetricsSnapshot;

/* Names of `servers`, for the label "server". */
extern const char *const metric_server_names[3];

MetricsSnapshot *metrics_snapshot_ref(MetricsSnapshot *snapshot);
MetricsSnapshot *metrics_snapshot_unref(MetricsSnapshot *snapshot);
DEFINE_CLEANUP(MetricsSnapshot *, metrics_snapshot_unref);
