/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/metric-writer.h"

#include <string.h>

static const char *const metric_type_table[_METRIC_TYPE_MAX] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
};

/* `quotes`: they are escaped too, as in label values; help texts leave them. */
static void put_escaped(Text *text, const char *value, bool quotes) {
        for (const char *s = value; *s;) {
                size_t n = strcspn(s, quotes ? "\\\n\"" : "\\\n");

                text_put_bytes(text, s, n);
                s += n;
                if (!*s)
                        break;
                text_put(text, *s == '\n' ? "\\n" : *s == '"' ? "\\\"" : "\\\\");
                s++;
        }
}

void metric_put_head(Text *text, const char *name, MetricType type, const char *help) {
        text_put(text, "# HELP ");
        text_put(text, name);
        text_put(text, " ");
        put_escaped(text, help, /* quotes= */ false);
        text_put(text, "\n# TYPE ");
        text_put(text, name);
        text_put(text, " ");
        text_put(text, metric_type_table[type]);
        text_put(text, "\n");
}

void metric_put_label(Text *labels, const char *name, const char *value) {
        if (labels->size > 0)
                text_put(labels, ",");
        text_put(labels, name);
        text_put(labels, "=\"");
        put_escaped(labels, value, /* quotes= */ true);
        text_put(labels, "\"");
}

static void put_name(Text *text, const char *name, const char *labels) {
        text_put(text, name);
        if (labels && labels[0]) {
                text_put(text, "{");
                text_put(text, labels);
                text_put(text, "}");
        }
        text_put(text, " ");
}

void metric_put(Text *text, const char *name, const char *labels, uint64_t value) {
        put_name(text, name, labels);
        text_put_uint(text, value);
        text_put(text, "\n");
}

void metric_put_seconds(Text *text, const char *name, const char *labels, uint64_t usec) {
        put_name(text, name, labels);
        text_put_seconds(text, usec);
        text_put(text, "\n");
}

void metric_put_labelled(Text *text, const char *name, const char *label, const char *value, uint64_t number) {
        text_putf(text, "%s{%s=\"%s\"} ", name, label, value);
        text_put_uint(text, number);
        text_put(text, "\n");
}

static void put_bucket(Text *text, const char *name, const char *labels, const uint64_t *bound_usec, uint64_t count) {
        text_put(text, name);
        text_put(text, "_bucket{");
        if (labels && labels[0]) {
                text_put(text, labels);
                text_put(text, ",");
        }
        text_put(text, "le=\"");
        if (bound_usec)
                text_put_seconds(text, *bound_usec);
        else
                text_put(text, "+Inf");
        text_put(text, "\"} ");
        text_put_uint(text, count);
        text_put(text, "\n");
}

static void put_suffixed(Text *text, const char *name, const char *suffix, const char *labels) {
        text_put(text, name);
        put_name(text, suffix, labels);
}

void metric_put_histogram(Text *text,
                          const char *name,
                          const char *labels,
                          const Histogram *histogram,
                          const HistogramBounds *bounds) {
        uint64_t count = 0;

        for (size_t i = 0; i < bounds->n_bounds; i++) {
                count += histogram->counts[i];
                put_bucket(text, name, labels, &bounds->usec[i], count);
        }
        put_bucket(text, name, labels, NULL, histogram->n_observations);
        put_suffixed(text, name, "_sum", labels);
        text_put_seconds(text, histogram->sum_usec);
        text_put(text, "\n");
        put_suffixed(text, name, "_count", labels);
        text_put_uint(text, histogram->n_observations);
        text_put(text, "\n");
}
