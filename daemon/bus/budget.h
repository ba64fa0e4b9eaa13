/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a caller may still ask for: calls and bytes over time, with a burst of each (reference dbus-polkit-cli.md §2.7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define PEER_CALLS_PER_SEC 200
#define PEER_CALLS_BURST 500
#define PEER_BYTES_PER_SEC (4 * 1024 * 1024 / 10)
#define PEER_BYTES_BURST (16 * 1024 * 1024)

/*
 * A limit on a rate with a burst: `due` is when all that was taken would have been earned. One number a limit, and
 * nothing to do while nobody calls.
 */
typedef struct Bucket {
        uint64_t due_usec;
} Bucket;

typedef struct Budget {
        Bucket calls, bytes;
} Budget;

/* Whether so much more (in µs of earning) stays within the burst. */
bool bucket_has(const Bucket *bucket, uint64_t now_usec, uint64_t cost_usec, uint64_t burst_usec);
/* Takes it in every case; what is over the burst is a debt. */
void bucket_take(Bucket *bucket, uint64_t now_usec, uint64_t cost_usec);

/* Whether one more call would be taken, however short. */
bool budget_has_call(const Budget *budget, uint64_t now_usec, unsigned factor);
/* Takes both or nothing. `factor`: how many times a single connection's budget this one is. */
bool budget_take(Budget *budget, uint64_t now_usec, unsigned n_calls, size_t n_bytes, unsigned factor);
/* For what was done already: the debt counts, however large. */
void budget_charge(Budget *budget, uint64_t now_usec, unsigned n_calls, size_t n_bytes, unsigned factor);
