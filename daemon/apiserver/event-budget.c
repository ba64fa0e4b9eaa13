/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/event-budget.h"

#include "common/macros.h"

static EventBucket *event_budget_find(EventBudget *budget, uint64_t object) {
        EventBucket *least = &budget->buckets[0];

        for (size_t i = 0; i < EVENT_BUDGET_OBJECTS; i++) {
                EventBucket *bucket = &budget->buckets[i];

                if (bucket->object == object && bucket->full_usec > 0)
                        return bucket;
                if (bucket->full_usec < least->full_usec)
                        least = bucket;
        }
        *least = (EventBucket) { .object = object };
        return least;
}

bool event_budget_take(EventBudget *budget, uint64_t object, uint64_t now_usec) {
        EventBucket *bucket = event_budget_find(budget, object);
        uint64_t full_usec = MAX2(bucket->full_usec, now_usec) + EVENT_BUDGET_USEC;

        if (full_usec > now_usec + EVENT_BUDGET_BURST * EVENT_BUDGET_USEC)
                return false;
        bucket->full_usec = full_usec;
        return true;
}
