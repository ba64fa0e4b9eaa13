/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One sample of the counters of all virtual servers of ours, shared by everybody who asks within a second, and
 * taken only when somebody asks. Counters go on where a virtual server is made anew.
 */
#pragma once

#include <stdint.h>

#include "common/macros.h"
#include "kernel/backend.h"
#include "proxy/kernel-table.h"

typedef struct ServerSample {
        VirtualServerKey key;
        TrafficStats traffic;
        uint64_t active, inactive; /* connections over its real servers */
} ServerSample;

typedef struct Statistics Statistics;

/* Borrows both. -ENOMEM. */
int statistics_new(const KernelTable *table, KernelBackend *backend, Statistics **ret);
Statistics *statistics_free(Statistics *statistics);
DEFINE_CLEANUP(Statistics *, statistics_free);

/* Takes a sample unless the last is younger than a second by `now_usec` (CLOCK_BOOTTIME). -errno. */
int statistics_refresh(Statistics *statistics, uint64_t now_usec, uint64_t real_usec);
/* What is counted from now on is shown; take a sample first. The kernel's own counters stay as they are. */
void statistics_reset(Statistics *statistics);
/* CLOCK_REALTIME of the sample; 0 = none yet. */
uint64_t statistics_time(const Statistics *statistics);
/* NULL if it was not there when the sample was taken. */
const ServerSample *statistics_get(const Statistics *statistics, const VirtualServerKey *key);
/* Over all of them. */
const ServerSample *statistics_total(const Statistics *statistics);
/* Adds all counters. */
void server_sample_add(ServerSample *sum, const ServerSample *other);
