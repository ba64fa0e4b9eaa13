/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One Kubernetes Event (events.k8s.io/v1) and how often it happened: the value, its JSON, and the merge patch that says
 * that it happened again. No I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"

/* What the API server accepts (pkg/apis/core/validation/events.go). Longer notes are cut. */
#define EVENT_NOTE_MAX 1024

/* What somebody has to tell about an object. Strings are valid during the call. */
typedef struct EventReport {
        bool warning; /* type Warning, else Normal */
        const char *reason; /* CamelCase: "FailedToStartServiceHealthcheck" */
        const char *action; /* "Listen" */
        const char *note; /* a sentence for people; "" = none */
        const char *namespace, *name, *uid; /* of the Service that it regards; namespace NULL: the Node of this daemon */
} EventReport;

typedef struct EventRecord {
        char *reason, *action, *note; /* owned, like all strings */
        char *namespace, *name, *uid; /* namespace NULL = the Node */
        bool warning;
        char *object_name; /* metadata.name at the API server; NULL while it has none */
        uint64_t first_usec, last_usec; /* CLOCK_REALTIME */
        uint64_t n_times, n_told; /* n_told < n_times: the API server is to be told */
        uint64_t told_usec; /* CLOCK_MONOTONIC, of the last answer; 0 = none */
        uint64_t order; /* of those to be told the least is first */
} EventRecord;

/* A copy, that happened once. A Node's name and uid are `node_name`. -ENOMEM. */
int event_record_new(const EventReport *report, const char *node_name, uint64_t now_usec, EventRecord **ret);
EventRecord *event_record_free(EventRecord *record);
DEFINE_CLEANUP(EventRecord *, event_record_free);

/* Whether the report is of the same event, happening again. */
bool event_record_is(const EventRecord *record, const EventReport *report);

/* A new name for the object at the API server: that of what it regards, and when (as client-go makes it). -ENOMEM. */
int event_record_set_name(EventRecord *record, uint64_t now_usec);
/* "/apis/events.k8s.io/v1/namespaces/…/events", with the object's name behind it for a patch; new memory or NULL */
char *event_record_path(const EventRecord *record, bool patch);
/* What is POSTed (with a series if it happened more than once), or the merge patch of that series; new memory or NULL. */
char *event_record_json(const EventRecord *record, const char *instance);
char *event_record_patch(const EventRecord *record);
