/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metric families of /metrics as a table, and how each is written from a snapshot. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "web/metric-writer.h"
#include "web/metrics-snapshot.h"

/* Where a family's samples come from, and what `offset` leads to. */
typedef enum MetricSource {
        METRIC_SOURCE_CUSTOM, /* `put` */
        METRIC_SOURCE_UINT64, /* in the snapshot, like the next four */
        METRIC_SOURCE_UINT32,
        METRIC_SOURCE_USEC,
        METRIC_SOURCE_CODES, /* two uint64_t: answers with 200 and with 503 */
        METRIC_SOURCE_FAMILY_USEC, /* one value that holds for each address family */
        METRIC_SOURCE_FAMILY_UINT64,
        METRIC_SOURCE_HISTOGRAM_SYNC, /* in FamilyMeasure, with these bounds */
        METRIC_SOURCE_HISTOGRAM_PROGRAMMING,
        METRIC_SOURCE_ROW_UINT64, /* in MetricRow */
        METRIC_SOURCE_ROW_ENDPOINTS,
        _METRIC_SOURCE_MAX,
} MetricSource;

/* When a family is written. */
typedef enum MetricCondition {
        METRIC_ALWAYS,
        METRIC_WITH_COUNTERS, /* other rooms' counters could be had */
        METRIC_WITH_TRAFFIC, /* the kernel's counters could be read */
        METRIC_IN_FULL, /* the same, and the detail is not essential */
} MetricCondition;

typedef struct MetricFamily {
        const char *name;
        MetricType type;
        MetricSource source;
        size_t offset;
        MetricCondition condition;
        void (*put)(Text *text, const struct MetricFamily *family, const MetricsSnapshot *snapshot);
        const char *help;
} MetricFamily;

/* Sorted by name. */
extern const MetricFamily metric_families[];
extern const size_t n_metric_families;

/* Writes part of a family: its head first, then its samples or those of row *i; *i counts on. True while there is more. */
bool metric_family_step(Text *text, const MetricFamily *family, const MetricsSnapshot *snapshot, size_t *i);
