/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /metrics: a snapshot for each scrape (or the last one, if it is young), written piece by piece. */
#pragma once

#include "common/macros.h"
#include "web/http-server.h"
#include "web/metrics-snapshot.h"

typedef struct Metrics Metrics;

/* Fills in what a snapshot says of Web itself. */
typedef void (*MetricsFill)(MetricsSnapshot *snapshot, void *userdata);

/* `manager` and `options` are borrowed. -ENOMEM. */
int metrics_new(Manager *manager, const WebOptions *options, MetricsFill fill, void *userdata, Metrics **ret);
/* Answers that are under way have their own share of what they write. */
Metrics *metrics_free(Metrics *metrics);
DEFINE_CLEANUP(Metrics *, metrics_free);

/* The answer to a scrape. -ENOMEM. */
int metrics_answer(Metrics *metrics, HttpReply *reply);
