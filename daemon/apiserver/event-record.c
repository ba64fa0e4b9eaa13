/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/event-record.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apiserver/json-read.h"

/* kube-proxy's: what watches its events goes on to find them (reference §6.1). Who it is says the instance. */
#define REPORTING_CONTROLLER "kube-proxy"
/* Of events about objects without a namespace */
#define NAMESPACE_OF_NODES "default"
/* A name has at most 253 characters; ".", and 16 digits follow it */
#define NAME_MAX_CHARS 236
#define EVENTS_PATH "/apis/events.k8s.io/v1/namespaces/%s/events%s%s"

EventRecord *event_record_free(EventRecord *record) {
        if (!record)
                return NULL;
        free(record->reason);
        free(record->action);
        free(record->note);
        free(record->namespace);
        free(record->name);
        free(record->uid);
        free(record->object_name);
        free(record);
        return NULL;
}

/* At the beginning of a character, so that what is left is UTF-8 if it was. */
static char *copy_note(const char *note) {
        size_t size = strnlen(note, EVENT_NOTE_MAX + 1);

        if (size > EVENT_NOTE_MAX)
                for (size = EVENT_NOTE_MAX; size > 0 && ((unsigned char) note[size] & 0xc0) == 0x80;)
                        size--;
        return strndup(note, size);
}

int event_record_new(const EventReport *report, const char *node_name, uint64_t now_usec, EventRecord **ret) {
        _cleanup_(event_record_freep) EventRecord *record = calloc(1, sizeof(EventRecord));
        bool node = !report->namespace;

        if (!record)
                return -ENOMEM;
        record->warning = report->warning;
        record->reason = strdup(report->reason);
        record->action = strdup(report->action);
        record->note = copy_note(report->note);
        record->namespace = node ? NULL : strdup(report->namespace);
        record->name = strdup(node ? node_name : report->name);
        record->uid = strdup(node ? node_name : report->uid ? report->uid : "");
        record->first_usec = record->last_usec = now_usec;
        record->n_times = 1;
        if (!record->reason || !record->action || !record->note || (!node && !record->namespace) || !record->name ||
            !record->uid)
                return -ENOMEM;
        *ret = TAKE_PTR(record);
        return 0;
}

bool event_record_is(const EventRecord *record, const EventReport *report) {
        bool node = !report->namespace;

        if (record->warning != report->warning || strcmp(record->reason, report->reason) != 0 ||
            strcmp(record->action, report->action) != 0 ||
            strncmp(record->note, report->note, EVENT_NOTE_MAX - 4) != 0 || (record->namespace == NULL) != node)
                return false;
        return node || (strcmp(record->namespace, report->namespace) == 0 && strcmp(record->name, report->name) == 0);
}

int event_record_set_name(EventRecord *record, uint64_t now_usec) {
        size_t size = strnlen(record->name, NAME_MAX_CHARS);
        char *name;

        /* What is cut must end as a name may end. */
        while (size > 0 && (record->name[size - 1] == '.' || record->name[size - 1] == '-'))
                size--;
        if (asprintf(&name, "%.*s.%016" PRIx64, (int) size, record->name, now_usec * NSEC_PER_USEC) < 0)
                return -ENOMEM;
        free(record->object_name);
        record->object_name = name;
        return 0;
}

char *event_record_path(const EventRecord *record, bool patch) {
        const char *namespace = record->namespace ? record->namespace : NAMESPACE_OF_NODES;
        char *path;

        return asprintf(&path, EVENTS_PATH, namespace, patch ? "/" : "", patch ? record->object_name : "") < 0 ? NULL : path;
}

/* ---- JSON; a failed json_object_new_*() is NULL, and then what it would be in fails too */

static bool put(json_object *object, const char *key, json_object *value) {
        if (value && json_object_object_add(object, key, value) == 0)
                return true;
        (void) json_object_put(value);
        return false;
}

static bool put_string(json_object *object, const char *key, const char *text) {
        return put(object, key, json_object_new_string(text));
}

/* metav1.MicroTime */
static bool put_time(json_object *object, const char *key, uint64_t usec) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        char text[64], day[32];
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
                return false;
        (void) snprintf(text, sizeof(text), "%s.%06" PRIu64 "Z", day, usec % USEC_PER_SEC);
        return put_string(object, key, text);
}

static bool put_series(json_object *object, const EventRecord *record) {
        json_object *series = json_object_new_object();

        if (!series || !put(object, "series", series))
                return false;
        return put(series, "count", json_object_new_int64((int64_t) MIN2(record->n_times, (uint64_t) INT32_MAX))) &&
               put_time(series, "lastObservedTime", record->last_usec);
}

static bool put_metadata(json_object *object, const EventRecord *record) {
        json_object *metadata = json_object_new_object();

        if (!metadata || !put(object, "metadata", metadata))
                return false;
        return put_string(metadata, "name", record->object_name) &&
               put_string(metadata, "namespace", record->namespace ? record->namespace : NAMESPACE_OF_NODES);
}

static bool put_regarding(json_object *object, const EventRecord *record) {
        json_object *regarding = json_object_new_object();

        if (!regarding || !put(object, "regarding", regarding))
                return false;
        if (record->namespace &&
            (!put_string(regarding, "apiVersion", "v1") || !put_string(regarding, "namespace", record->namespace)))
                return false;
        return put_string(regarding, "kind", record->namespace ? "Service" : "Node") &&
               put_string(regarding, "name", record->name) && put_string(regarding, "uid", record->uid);
}

static char *json_to_text(json_object *object) {
        const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

        return text ? strdup(text) : NULL;
}

char *event_record_json(const EventRecord *record, const char *instance) {
        _cleanup_(json_putp) json_object *object = json_object_new_object();

        if (!object || !put_string(object, "apiVersion", "events.k8s.io/v1") || !put_string(object, "kind", "Event") ||
            !put_metadata(object, record) || !put_time(object, "eventTime", record->first_usec) ||
            (record->n_times > 1 && !put_series(object, record)) ||
            !put_string(object, "reportingController", REPORTING_CONTROLLER) ||
            !put_string(object, "reportingInstance", instance) || !put_string(object, "action", record->action) ||
            !put_string(object, "reason", record->reason) || !put_regarding(object, record) ||
            !put_string(object, "note", record->note) ||
            !put_string(object, "type", record->warning ? "Warning" : "Normal"))
                return NULL;
        return json_to_text(object);
}

char *event_record_patch(const EventRecord *record) {
        _cleanup_(json_putp) json_object *object = json_object_new_object();

        return object && put_series(object, record) ? json_to_text(object) : NULL;
}
