/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many Events one object may have: a bucket of 25, one more every 5 min, as client-go's EventSourceObjectSpamFilter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EVENT_BUDGET_BURST 25U
#define EVENT_BUDGET_USEC (UINT64_C(300) * USEC_PER_SEC)
#define EVENT_BUDGET_OBJECTS 128

typedef struct EventBucket {
        uint64_t object; /* hash of what is regarded */
        uint64_t full_usec; /* CLOCK_MONOTONIC: when nothing of it will be used up any more */
} EventBucket;

/* `{}` is empty. Of more objects than it has room for, those that used least are forgotten. */
typedef struct EventBudget {
        EventBucket buckets[EVENT_BUDGET_OBJECTS];
} EventBudget;

/* Whether the object may have one more now; then that is taken. */
bool event_budget_take(EventBudget *budget, uint64_t object, uint64_t now_usec);
