/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of virtual servers of ours, read when somebody asks and shared by everybody who asks within a second. They
 * go on where a virtual server is made anew.
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

/*
 * Adds up all of them, unless that was done within the last second by `now_usec` (CLOCK_BOOTTIME), or lately for what it
 * costs: a hundredth of all time is the most. -errno.
 */
int statistics_refresh(Statistics *statistics, uint64_t now_usec, uint64_t real_usec);
/* One of them, at most a second old; valid until the next call. -ESRCH if it is not there or not ours; -errno. */
int statistics_read(Statistics *statistics, const VirtualServerKey *key, uint64_t now_usec, const ServerSample **ret);
/* Reads those of up to STATISTICS_MANY that statistics_read() would read, in one go; what fails is tried again there. */
#define STATISTICS_MANY 32
void statistics_prefetch(Statistics *statistics, const VirtualServerKey *keys, size_t n_keys, uint64_t now_usec);
/* A round of statistics_read() that began at `since_usec` is over: most of what it did not come by is forgotten. */
void statistics_end_round(Statistics *statistics, uint64_t since_usec);
/* What is counted from now on is shown; take a sample first. The kernel's own counters stay as they are. */
void statistics_reset(Statistics *statistics);
/* CLOCK_REALTIME of the sum; 0 = none yet. */
uint64_t statistics_time(const Statistics *statistics);
/* As last read; NULL if it was not there when the last sum was taken. */
const ServerSample *statistics_get(const Statistics *statistics, const VirtualServerKey *key);
/* Over all of them. */
const ServerSample *statistics_total(const Statistics *statistics);
/* Adds all counters. */
void server_sample_add(ServerSample *sum, const ServerSample *other);
