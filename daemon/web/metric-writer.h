/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text format of Prometheus, version 0.0.4. Values are integers or microseconds written as seconds; labels are
 * rendered once and then used for many samples.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "control/measure.h"
#include "web/text.h"

#define METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef enum MetricType {
        METRIC_COUNTER,
        METRIC_GAUGE,
        METRIC_HISTOGRAM,
        _METRIC_TYPE_MAX,
} MetricType;

/* The two lines before the samples of a family. */
void metric_put_head(Text *text, const char *name, MetricType type, const char *help);

/* Adds `name="value"` to rendered labels. */
void metric_put_label(Text *labels, const char *name, const char *value);

/* One line. `labels` as rendered, NULL or "" for none. */
void metric_put(Text *text, const char *name, const char *labels, uint64_t value);
void metric_put_seconds(Text *text, const char *name, const char *labels, uint64_t usec);
/* With one label that needs no escaping. */
void metric_put_labelled(Text *text, const char *name, const char *label, const char *value, uint64_t number);
/* All its buckets, sum and count. */
void metric_put_histogram(Text *text,
                          const char *name,
                          const char *labels,
                          const Histogram *histogram,
                          const HistogramBounds *bounds);
