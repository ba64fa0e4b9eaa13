/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/budget.h"

bool bucket_has(const Bucket *bucket, uint64_t now_usec, uint64_t cost_usec, uint64_t burst_usec) {
        return MAX2(bucket->due_usec, now_usec) + cost_usec <= now_usec + burst_usec;
}

void bucket_take(Bucket *bucket, uint64_t now_usec, uint64_t cost_usec) {
        bucket->due_usec = MAX2(bucket->due_usec, now_usec) + cost_usec;
}

static uint64_t calls_usec(unsigned n_calls, unsigned factor) {
        return n_calls * USEC_PER_SEC / (PEER_CALLS_PER_SEC * factor);
}

static uint64_t bytes_usec(size_t n_bytes, unsigned factor) {
        return n_bytes * USEC_PER_SEC / ((uint64_t) PEER_BYTES_PER_SEC * factor);
}

static uint64_t calls_burst_usec(void) {
        return PEER_CALLS_BURST * USEC_PER_SEC / PEER_CALLS_PER_SEC;
}

bool budget_has_call(const Budget *budget, uint64_t now_usec, unsigned factor) {
        return bucket_has(&budget->calls, now_usec, calls_usec(1, factor), calls_burst_usec());
}

bool budget_take(Budget *budget, uint64_t now_usec, unsigned n_calls, size_t n_bytes, unsigned factor) {
        uint64_t calls = calls_usec(n_calls, factor), bytes = bytes_usec(n_bytes, factor);
        uint64_t bytes_burst = (uint64_t) PEER_BYTES_BURST * USEC_PER_SEC / PEER_BYTES_PER_SEC;
        bool has = bucket_has(&budget->calls, now_usec, calls, calls_burst_usec()) &&
                   bucket_has(&budget->bytes, now_usec, bytes, bytes_burst);

        if (has) {
                bucket_take(&budget->calls, now_usec, calls);
                bucket_take(&budget->bytes, now_usec, bytes);
        }
        return has;
}

void budget_charge(Budget *budget, uint64_t now_usec, unsigned n_calls, size_t n_bytes, unsigned factor) {
        bucket_take(&budget->calls, now_usec, calls_usec(n_calls, factor));
        bucket_take(&budget->bytes, now_usec, bytes_usec(n_bytes, factor));
}
