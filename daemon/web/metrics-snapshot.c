/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/metrics-snapshot.h"

const char *const metric_server_names[3] = { "healthz", "metrics", "health-check-ports" };

MetricsSnapshot *metrics_snapshot_ref(MetricsSnapshot *snapshot) {
        snapshot->n_ref++;
        return snapshot;
}

MetricsSnapshot *metrics_snapshot_unref(MetricsSnapshot *snapshot) {
        if (!snapshot || --snapshot->n_ref > 0)
                return NULL;
        free(snapshot->rows);
        free(snapshot->problems);
        text_done(&snapshot->strings);
        free(snapshot);
        return NULL;
}
