/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/yield.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"

#define BUSY_USEC (20 * USEC_PER_MSEC)
#define OTHERS_USEC USEC_PER_MSEC

struct Yield {
        sd_event *event; /* owned reference */
        sd_event_source *timer; /* owned */
        struct {
                YieldHandler handler;
                void *userdata;
        } members[YIELD_MEMBERS_MAX];
        size_t n_members;
        uint64_t busy_usec; /* since others went first, or could have */
        uint64_t ended_usec; /* CLOCK_MONOTONIC, of the last work */
        bool on;
};

static void yield_set(Yield *yield, bool on) {
        yield->on = on;
        for (size_t i = 0; i < yield->n_members; i++)
                yield->members[i].handler(on, yield->members[i].userdata);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        yield_set(userdata, false);
        return 0;
}

void yield_now(Yield *yield) {
        /* Not relative to the loop's time: that is when the work began. */
        uint64_t end = clock_now_usec(CLOCK_MONOTONIC) + OTHERS_USEC;

        yield->busy_usec = 0;
        if (yield->on || sd_event_source_set_time(yield->timer, end) < 0 ||
            sd_event_source_set_enabled(yield->timer, SD_EVENT_ONESHOT) < 0)
                return;
        yield_set(yield, true);
}

void yield_worked(Yield *yield, uint64_t begun_usec) {
        if (begun_usec >= yield->ended_usec + OTHERS_USEC)
                yield->busy_usec = 0;
        yield->ended_usec = clock_now_usec(CLOCK_MONOTONIC);
        yield->busy_usec += yield->ended_usec - begun_usec;
        if (yield->busy_usec >= BUSY_USEC)
                yield_now(yield);
}

bool yield_is_on(const Yield *yield) {
        return yield->on;
}

int yield_add(Yield *yield, YieldHandler handler, void *userdata) {
        if (yield->n_members == YIELD_MEMBERS_MAX)
                return -ENOBUFS;
        yield->members[yield->n_members].handler = handler;
        yield->members[yield->n_members++].userdata = userdata;
        return 0;
}

void yield_remove(Yield *yield, void *userdata) {
        for (size_t i = 0; i < yield->n_members; i++)
                if (yield->members[i].userdata == userdata) {
                        yield->members[i] = yield->members[--yield->n_members];
                        return;
                }
}

int yield_new(sd_event *event, int64_t priority, Yield **ret) {
        _cleanup_(yield_freep) Yield *yield = calloc(1, sizeof(Yield));
        int r;

        if (!yield)
                return -ENOMEM;
        yield->event = sd_event_ref(event);
        r = sd_event_add_time(event, &yield->timer, CLOCK_MONOTONIC, 0, 1, on_timer, yield);
        if (r >= 0)
                r = sd_event_source_set_enabled(yield->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(yield->timer, priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(yield->timer, "yield");
        *ret = TAKE_PTR(yield);
        return 0;
}

Yield *yield_free(Yield *yield) {
        if (!yield)
                return NULL;
        (void) sd_event_source_disable_unref(yield->timer);
        (void) sd_event_unref(yield->event);
        free(yield);
        return NULL;
}
