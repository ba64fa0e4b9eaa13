/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much /metrics says of each service port: a setting, and what the web room does about it. */
#pragma once

typedef enum MetricsDetail {
        METRICS_DETAIL_AUTO, /* the first of the others that stays below the greatest number of series */
        METRICS_DETAIL_FULL,
        METRICS_DETAIL_ESSENTIAL, /* connections, bytes, active connections and ready endpoints */
        METRICS_DETAIL_NAMESPACE, /* sums over the service ports of a namespace */
        METRICS_DETAIL_NONE, /* totals of the node only */
        _METRICS_DETAIL_MAX,
        _METRICS_DETAIL_INVALID = -22,
} MetricsDetail;

/* "auto", … */
const char *metrics_detail_to_string(MetricsDetail detail);
MetricsDetail metrics_detail_from_string(const char *text);
