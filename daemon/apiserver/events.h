/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the API server of Events (reference §6.1). Nobody waits for one: what is reported is kept in a bounded table and
 * sent one at a time while the API server is followed well, so that Events are never in the way of lists and watches.
 *
 * Bounded as client-go bounds its own (tools/record and tools/events): of one object 25 Events, and one more every 5 min;
 * what happens again within 6 min is no new Event but counts up the old one, which is told at most every 5 min. What the
 * API server does not take is tried again with growing delays, 12 times. Where the right to write Events is missing (403)
 * or there is no such API (404) that is logged once, and no Event is sent until the configuration is read again.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "apiserver/event-record.h"
#include "apiserver/http-client.h"
#include "common/macros.h"

typedef struct Events Events;

typedef struct EventsOptions {
        const char *node_name; /* copied */
        int64_t priority; /* of its timer */
        uint64_t again_usec; /* between two patches of one Event; 0 = 5 min */
        uint64_t retry_usec; /* the first delay; 0 = 10 s */
} EventsOptions;

/* `http` is borrowed. No I/O. -ENOMEM. */
int events_new(sd_event *event, HttpClient *http, const EventsOptions *options, Events **ret);
Events *events_free(Events *events);
DEFINE_CLEANUP(Events *, events_free);

/* Never fails and never waits: what cannot be kept is counted as dropped. From the loop. */
void events_report(Events *events, const EventReport *report);

/* Whether this is a time to send: nothing is while it is not. */
void events_set_online(Events *events, bool online);
/* Another configuration: what was refused is tried again. */
void events_renew(Events *events);

typedef struct EventsStatus {
        uint64_t n_sent, n_dropped, n_errors; /* since the start: told, never told, answers other than yes */
        size_t n_waiting; /* to be told */
        bool refused; /* the API server does not take Events from us */
} EventsStatus;

void events_status(const Events *events, EventsStatus *ret);
