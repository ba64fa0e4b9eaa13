/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/events.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/event-budget.h"
#include "apiserver/fetch.h"
#include "apiserver/json-read.h"
#include "common/hash.h"
#include "common/log.h"

#define RECORDS_MAX 128
#define SERIES_USEC (UINT64_C(360) * USEC_PER_SEC) /* client-go's finishTime */
#define AGAIN_USEC (UINT64_C(300) * USEC_PER_SEC)
#define RETRY_USEC (UINT64_C(10) * USEC_PER_SEC) /* client-go's defaultSleepDuration */
#define RETRY_DOUBLINGS 5U
#define TRIES_MAX 12 /* client-go's maxTriesPerEvent */
#define INSTANCE_MAX 128

struct Events {
        sd_event *event; /* owned reference */
        HttpClient *http; /* borrowed */
        char *node_name; /* owned */
        char instance[INSTANCE_MAX + 1];
        uint64_t again_usec, retry_usec;
        sd_event_source *timer; /* owned */
        EventRecord *records[RECORDS_MAX]; /* owned; the first n_records */
        size_t n_records;
        uint64_t n_orders;
        EventBudget budget;

        Fetch *fetch; /* owned; NULL = none runs */
        EventRecord *sending; /* in `records` */
        uint64_t sending_times; /* what it says */
        bool patching;
        unsigned n_tries; /* of the one that is first */
        uint64_t not_before_usec; /* CLOCK_MONOTONIC */
        bool online;
        EventsStatus status;
};

static uint64_t events_now(const Events *events, clockid_t clock) {
        uint64_t now = 0;

        (void) sd_event_now(events->event, clock, &now);
        return now;
}

/* ---- the table */

static void events_remove(Events *events, size_t i) {
        (void) event_record_free(events->records[i]);
        events->records[i] = events->records[--events->n_records];
}

static void events_drop(Events *events, EventRecord *record) {
        events->status.n_dropped++;
        events->n_tries = 0;
        for (size_t i = 0; i < events->n_records; i++)
                if (events->records[i] == record) {
                        events_remove(events, i);
                        return;
                }
}

static bool record_is_over(const EventRecord *record, uint64_t real_usec) {
        return record->n_told == record->n_times && record->last_usec + SERIES_USEC < real_usec;
}

static EventRecord *events_find(Events *events, const EventReport *report, uint64_t real_usec) {
        for (size_t i = 0; i < events->n_records;) {
                if (record_is_over(events->records[i], real_usec))
                        events_remove(events, i);
                else if (event_record_is(events->records[i], report))
                        return events->records[i];
                else
                        i++;
        }
        return NULL;
}

static uint64_t report_hash(const EventReport *report) {
        char object[600];
        int n = snprintf(object,
                         sizeof(object),
                         "%s/%s",
                         report->namespace ? report->namespace : "",
                         report->namespace ? report->name : "");

        return hash_bytes(object, MIN2((size_t) n, sizeof(object) - 1));
}

static bool events_add(Events *events, const EventReport *report, uint64_t real_usec) {
        EventRecord *record;

        if (events->n_records == RECORDS_MAX ||
            !event_budget_take(&events->budget, report_hash(report), events_now(events, CLOCK_MONOTONIC)) ||
            event_record_new(report, events->node_name, real_usec, &record) < 0)
                return false;
        record->order = ++events->n_orders;
        events->records[events->n_records++] = record;
        return true;
}

/* When the record is to be told; USEC_INFINITY = not at all. */
static uint64_t events_due_usec(const Events *events, const EventRecord *record) {
        if (record->n_told == record->n_times)
                return USEC_INFINITY;
        return record->n_told > 0 ? record->told_usec + events->again_usec : 0;
}

static EventRecord *events_next(const Events *events, uint64_t *ret_due_usec) {
        EventRecord *next = NULL;
        uint64_t due = USEC_INFINITY;

        for (size_t i = 0; i < events->n_records; i++) {
                EventRecord *record = events->records[i];
                uint64_t usec = events_due_usec(events, record);

                if (usec < due || (next && usec == due && usec < USEC_INFINITY && record->order < next->order)) {
                        due = usec;
                        next = record;
                }
        }
        *ret_due_usec = due;
        return next;
}

static void events_arm(Events *events) {
        uint64_t due;

        if (!events->online || events->fetch || events->status.refused || !events_next(events, &due))
                return;
        (void) sd_event_source_set_time(events->timer, MAX2(due, events->not_before_usec));
        (void) sd_event_source_set_enabled(events->timer, SD_EVENT_ONESHOT);
}

/* ---- answers */

static const char *member_text(json_object *object, const char *key) {
        json_object *member = json_member(object, key);

        return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : "";
}

/* The namespace of the object is being deleted, or gone: that is about this Event alone. */
static bool result_is_of_namespace(const FetchResult *result) {
        json_object *details = json_member(result->body, "details"), *causes = json_member(details, "causes");

        if (result->status == 404)
                return strcmp(member_text(details, "kind"), "namespaces") == 0;
        for (size_t i = 0; json_object_is_type(causes, json_type_array) && i < json_object_array_length(causes); i++)
                if (strcmp(member_text(json_object_array_get_idx(causes, i), "reason"), "NamespaceTerminating") == 0)
                        return true;
        return false;
}

static void events_sent(Events *events, EventRecord *record) {
        events->status.n_sent++;
        events->n_tries = 0;
        record->n_told = events->sending_times;
        record->told_usec = events_now(events, CLOCK_MONOTONIC);
}

static void events_refused(Events *events, unsigned status) {
        events->status.refused = true;
        log_notice("The API server does not take Events (HTTP status %u%s); everything else works without them",
                   status,
                   status == 403 ? "; its user needs the right to create and patch events, see packaging/kubernetes/rbac.yaml" :
                                   "; it has no events.k8s.io/v1");
        while (events->n_records > 0) {
                events->status.n_dropped += events->records[0]->n_told < events->records[0]->n_times;
                events_remove(events, 0);
        }
}

static void events_retry(Events *events, EventRecord *record, const FetchResult *result) {
        uint64_t delay = events->retry_usec << MIN2(events->n_tries, RETRY_DOUBLINGS);

        events->status.n_errors++;
        if (++events->n_tries >= TRIES_MAX) {
                log_debug("Gave up telling the API server of Event %s", record->reason);
                events_drop(events, record);
        }
        events->not_before_usec = events_now(events, CLOCK_MONOTONIC) + delay;
        log_debug("The API server did not take an Event (HTTP status %u), trying again", result->status);
}

static void on_answer(const FetchResult *result, void *userdata) {
        Events *events = userdata;
        EventRecord *record = TAKE_PTR(events->sending);
        unsigned status = result->status;

        events->fetch = NULL;
        if ((status >= 200 && status < 300) || (status == 409 && !events->patching))
                events_sent(events, record); /* 409: the answer to an earlier try was lost */
        else if (status == 404 && events->patching)
                record->n_told = 0; /* it is older than the API server keeps them: made anew */
        else if ((status == 403 || status == 404) && !result_is_of_namespace(result))
                events_refused(events, status);
        else if (status >= 400 && status < 500 && status != 401 && status != 408 && status != 409 &&
                 status != 429) {
                events->status.n_errors++;
                log_debug("The API server refuses Event %s with HTTP status %u", record->reason, status);
                events_drop(events, record);
        } else
                events_retry(events, record, result);
        events_arm(events);
}

/* ---- sending */

static int events_send(Events *events, EventRecord *record) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        HttpContent content = { .method = "POST", .type = "application/json" };
        int r = 0;

        events->patching = record->n_told > 0;
        if (!record->object_name)
                r = event_record_set_name(record, events_now(events, CLOCK_REALTIME));
        if (r < 0)
                return r;
        path = event_record_path(record, events->patching);
        text = events->patching ? event_record_patch(record) : event_record_json(record, events->instance);
        if (!path || !text)
                return -ENOMEM;
        if (events->patching) {
                content.method = "PATCH";
                content.type = "application/merge-patch+json";
        }
        content.text = text;
        r = fetch_send(events->http, HTTP_MODE_SHORT, path, &content, on_answer, events, &events->fetch);
        if (r < 0)
                return r;
        events->sending = record;
        events->sending_times = record->n_times;
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Events *events = userdata;
        uint64_t due, now = events_now(events, CLOCK_MONOTONIC);
        EventRecord *record = events_next(events, &due);
        int r;

        if (!record || !events->online || events->fetch || events->status.refused)
                return 0;
        if (due <= now) {
                r = events_send(events, record);
                if (r >= 0)
                        return 0;
                (void) log_debug_errno(r, "Failed to send an Event: %m");
                events->not_before_usec = now + events->retry_usec;
        }
        events_arm(events);
        return 0;
}

void events_report(Events *events, const EventReport *report) {
        uint64_t now = events_now(events, CLOCK_REALTIME);
        EventRecord *record;

        if (events->status.refused) {
                events->status.n_dropped++;
                return;
        }
        record = events_find(events, report, now);
        if (record) {
                record->n_times++;
                record->last_usec = now;
        } else if (!events_add(events, report, now))
                events->status.n_dropped++;
        events_arm(events);
}

void events_set_online(Events *events, bool online) {
        events->online = online;
        events_arm(events);
}

void events_renew(Events *events) {
        events->status.refused = false;
        events->n_tries = 0;
        events->not_before_usec = 0;
        events_arm(events);
}

void events_status(const Events *events, EventsStatus *ret) {
        *ret = events->status;
        ret->n_waiting = 0;
        for (size_t i = 0; i < events->n_records; i++)
                ret->n_waiting += events->records[i]->n_told < events->records[i]->n_times;
}

/* ---- life */

int events_new(sd_event *event, HttpClient *http, const EventsOptions *options, Events **ret) {
        _cleanup_(events_freep) Events *events = calloc(1, sizeof(Events));
        int r;

        if (!events)
                return -ENOMEM;
        events->event = sd_event_ref(event);
        events->http = http;
        events->node_name = strdup(options->node_name);
        events->again_usec = options->again_usec > 0 ? options->again_usec : AGAIN_USEC;
        events->retry_usec = options->retry_usec > 0 ? options->retry_usec : RETRY_USEC;
        if (!events->node_name)
                return -ENOMEM;
        (void) snprintf(events->instance, sizeof(events->instance), "ipvsproxyd-%s", options->node_name);
        r = sd_event_add_time(event, &events->timer, CLOCK_MONOTONIC, 0, USEC_PER_SEC / 4, on_timer, events);
        if (r >= 0)
                r = sd_event_source_set_enabled(events->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(events->timer, options->priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(events->timer, "api-events");
        *ret = TAKE_PTR(events);
        return 0;
}

Events *events_free(Events *events) {
        if (!events)
                return NULL;
        (void) fetch_cancel(events->fetch);
        while (events->n_records > 0)
                events_remove(events, 0);
        (void) sd_event_source_disable_unref(events->timer);
        (void) sd_event_unref(events->event);
        free(events->node_name);
        free(events);
        return NULL;
}
