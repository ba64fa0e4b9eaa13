/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/metrics.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "web/metric-writer.h"
#include "web/metrics-builder.h"
#include "web/metrics-families.h"

/*
 * Scrapes of the same second are given the same numbers; where making them takes long, for longer: who asks without
 * end costs a tenth of a CPU, not all of it.
 */
#define SNAPSHOT_AGE_USEC USEC_PER_SEC
#define SNAPSHOT_COST_FACTOR 10
/* Who reads slowly keeps a snapshot in memory: with so many in use, others are given the last one whatever its age. */
#define SNAPSHOTS_MAX 4
/* One piece of making one: so long everything else waits. */
#define PIECE_USEC (2 * USEC_PER_MSEC)
/* Who asked for one that is not done by then has gone; the next one begins anew. */
#define BUILDER_AGE_USEC (10 * USEC_PER_SEC)

struct Metrics {
        Manager *manager; /* borrowed */
        const WebOptions *options; /* borrowed */
        MetricsFill fill;
        void *userdata;
        Traffic *traffic; /* owned */
        MetricsSnapshot *snapshots[SNAPSHOTS_MAX]; /* owned references, some NULL */
        MetricsSnapshot *last; /* one of them */
        uint64_t last_usec, cost_usec; /* when it was made, CLOCK_MONOTONIC, and how long that took */
        MetricsBuilder *builder; /* owned: of the next one; NULL = none is being made */
        uint64_t begun_usec, worked_usec, spent_usec; /* of it: when, when last, how long so far */
};

typedef struct MetricsStream {
        Metrics *metrics; /* borrowed, until there is a snapshot */
        MetricsSnapshot *snapshot; /* owned reference; NULL while it is made */
        Text text; /* written; taken up to `position` */
        size_t position;
        size_t family, step; /* what to write next */
} MetricsStream;

int metrics_new(Manager *manager, const WebOptions *options, MetricsFill fill, void *userdata, Metrics **ret) {
        _cleanup_(metrics_freep) Metrics *metrics = calloc(1, sizeof(Metrics));
        int r;

        if (!metrics)
                return -ENOMEM;
        metrics->manager = manager;
        metrics->options = options;
        metrics->fill = fill;
        metrics->userdata = userdata;
        r = traffic_new(&metrics->traffic);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(metrics);
        return 0;
}

Metrics *metrics_free(Metrics *metrics) {
        if (!metrics)
                return NULL;
        for (size_t i = 0; i < SNAPSHOTS_MAX; i++)
                (void) metrics_snapshot_unref(metrics->snapshots[i]);
        (void) metrics_builder_free(metrics->builder);
        (void) traffic_free(metrics->traffic);
        free(metrics);
        return NULL;
}

/* ---- snapshots */

/* A place for another one: those that nobody reads any more are given up. NULL if all are being read. */
static MetricsSnapshot **metrics_find_place(Metrics *metrics) {
        MetricsSnapshot **place = NULL;

        for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
                if (metrics->snapshots[i] && metrics->snapshots[i]->n_ref > 1)
                        continue;
                if (metrics->snapshots[i] == metrics->last)
                        metrics->last = NULL;
                metrics->snapshots[i] = metrics_snapshot_unref(metrics->snapshots[i]);
                place = &metrics->snapshots[i];
        }
        return place;
}

static bool metrics_is_fresh(const Metrics *metrics, uint64_t now_usec) {
        return metrics->last &&
               now_usec - metrics->last_usec < MAX2(SNAPSHOT_AGE_USEC, SNAPSHOT_COST_FACTOR * metrics->cost_usec);
}

/* 0 = there is one to be given, 1 = one is being made. */
static int metrics_refresh(Metrics *metrics) {
        uint64_t now_usec = clock_now_usec(CLOCK_MONOTONIC);
        int r;

        if (metrics_is_fresh(metrics, now_usec))
                return 0;
        if (metrics->builder && now_usec - metrics->begun_usec > BUILDER_AGE_USEC)
                metrics->builder = metrics_builder_free(metrics->builder);
        if (metrics->builder)
                return 1;
        r = metrics_builder_new(metrics->manager, metrics->options, metrics->traffic, &metrics->builder);
        if (r < 0)
                return r;
        metrics->begun_usec = now_usec;
        metrics->spent_usec = metrics->worked_usec = 0;
        return 1;
}

static void metrics_finish(Metrics *metrics) {
        MetricsSnapshot **place = metrics_find_place(metrics);

        if (place) {
                *place = metrics_builder_take(metrics->builder);
                metrics->fill(*place, metrics->userdata);
                metrics->last = *place;
                metrics->last_usec = clock_now_usec(CLOCK_MONOTONIC);
                metrics->cost_usec = metrics->spent_usec;
        }
        metrics->builder = metrics_builder_free(metrics->builder);
}

/* One piece a turn, however many wait for it: they come one behind the other. */
static int metrics_work(Metrics *metrics) {
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC);
        int r;

        if (begun - metrics->worked_usec < PIECE_USEC / 2)
                return 0;
        r = metrics_builder_step(metrics->builder, PIECE_USEC);
        metrics->worked_usec = clock_now_usec(CLOCK_MONOTONIC);
        metrics->spent_usec += metrics->worked_usec - begun;
        if (r < 0)
                metrics->builder = metrics_builder_free(metrics->builder);
        else if (r == 0)
                metrics_finish(metrics);
        return r;
}

/* ---- writing */

/* -EAGAIN until there is a snapshot. */
static int metrics_stream_wait(MetricsStream *stream) {
        Metrics *metrics = stream->metrics;
        int r = metrics->builder ? metrics_work(metrics) : 0;

        if (r < 0)
                return r;
        if (metrics->builder)
                return -EAGAIN;
        if (!metrics->last)
                return -ENOMEM; /* it failed for another who waited */
        stream->snapshot = metrics_snapshot_ref(metrics->last);
        return 0;
}

static ssize_t metrics_stream_read(void *userdata, char *buffer, size_t size) {
        MetricsStream *stream = userdata;
        size_t n;
        int r;

        if (!stream->snapshot) {
                r = metrics_stream_wait(stream);
                if (r < 0)
                        return r;
        }
        if (stream->position == stream->text.size) {
                stream->position = 0;
                text_clear(&stream->text);
        }
        while (stream->text.size < size && stream->family < n_metric_families)
                if (!metric_family_step(&stream->text, &metric_families[stream->family], stream->snapshot, &stream->step)) {
                        stream->family++;
                        stream->step = 0;
                }
        if (stream->text.failed)
                return -ENOMEM;
        n = MIN2(stream->text.size - stream->position, size);
        if (n > 0)
                memcpy(buffer, stream->text.data + stream->position, n);
        stream->position += n;
        return (ssize_t) n;
}

static void metrics_stream_free(void *userdata) {
        MetricsStream *stream = userdata;

        (void) metrics_snapshot_unref(stream->snapshot);
        text_done(&stream->text);
        free(stream);
}

int metrics_answer(Metrics *metrics, HttpReply *reply) {
        MetricsStream *stream;
        int r = metrics_refresh(metrics);

        if (r < 0)
                return r;
        stream = calloc(1, sizeof(MetricsStream));
        if (!stream)
                return -ENOMEM;
        stream->metrics = metrics;
        if (r == 0)
                stream->snapshot = metrics_snapshot_ref(metrics->last);
        reply->content_type = METRIC_CONTENT_TYPE;
        reply->stream = (HttpStream) { metrics_stream_read, metrics_stream_free, stream };
        return 0;
}
