/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters that never decrease out of counters that do: the kernel's begin at 0 with each virtual server, and a
 * service port's virtual servers come and go. What each virtual server has gained since it was looked at last is
 * added to its port. Pure.
 */
#pragma once

#include <stdint.h>

#include "common/macros.h"
#include "model/virtual-server.h"

typedef struct TrafficCounters {
        uint64_t connections, in_packets, out_packets, in_bytes, out_bytes;
} TrafficCounters;

void traffic_counters_add(TrafficCounters *sum, const TrafficCounters *other);

typedef struct Traffic Traffic;

/* -ENOMEM. */
int traffic_new(Traffic **ret);
Traffic *traffic_free(Traffic *traffic);
DEFINE_CLEANUP(Traffic *, traffic_free);

/* A round: begin; keep each port, and add each of its virtual servers that is in the kernel; end. The rest is forgotten. */
void traffic_begin(Traffic *traffic);
void traffic_keep_port(Traffic *traffic, const char *id);
/* `id` of the service port. -ENOMEM: its gain is added in another round. */
int traffic_add(Traffic *traffic, const char *id, const VirtualServerKey *key, const TrafficStats *stats);
void traffic_end(Traffic *traffic);

/* All zero for a port without traffic. */
TrafficCounters traffic_of_port(const Traffic *traffic, const char *id);
/* Over all ports, those that are gone too. */
TrafficCounters traffic_total(const Traffic *traffic);
