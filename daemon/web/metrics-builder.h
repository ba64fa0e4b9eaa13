/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a MetricsSnapshot in pieces, so that with many service ports nothing else waits for it: it is as of the moment
 * at which the last piece is done, each port as of its own piece.
 */
#pragma once

#include "web/metrics-snapshot.h"

typedef struct MetricsBuilder MetricsBuilder;

/* All is borrowed. -ENOMEM. */
int metrics_builder_new(Manager *manager, const WebOptions *options, Traffic *traffic, MetricsBuilder **ret);
/* A piece that takes about `usec`. 1 = there is more to do, 0 = that was all; -ENOMEM: throw it away. */
int metrics_builder_step(MetricsBuilder *builder, uint64_t usec);
/* What was made, when all is done. What belongs to Web is left for the caller. */
MetricsSnapshot *metrics_builder_take(MetricsBuilder *builder);
/* It may be in the middle: the next one begins anew. */
MetricsBuilder *metrics_builder_free(MetricsBuilder *builder);
DEFINE_CLEANUP(MetricsBuilder *, metrics_builder_free);
