/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a body says: a list, a watch stream, one object, or a Status. All but the objects themselves is small and read when
 * the body is complete.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/json-parse.h"
#include "apiserver/json-read.h"
#include "apiserver/reflector-private.h"

/* The string member of an object, or NULL. */
static const char *string_member(json_object *object, const char *key) {
        json_object *member = json_member(object, key);

        return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : NULL;
}

static int64_t int_member(json_object *object, const char *key) {
        json_object *member = json_member(object, key);

        return json_object_is_type(member, json_type_int) ? json_object_get_int64(member) : 0;
}

static void reflector_set_message(Reflector *reflector, const char *text) {
        (void) snprintf(reflector->message, sizeof(reflector->message), "%s", text);
        for (char *p = reflector->message; *p; p++)
                if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f)
                        *p = '?';
}

/* ---- Status */

static bool status_is_too_large(json_object *status) {
        json_object *causes = json_member(json_member(status, "details"), "causes");
        const char *message = string_member(status, "message");

        /* 1.17 and older have no cause (errors.IsTooManyRequests and reflector.go, isTooLargeResourceVersionError) */
        if (message && strstr(message, "Too large resource version"))
                return true;
        if (!json_object_is_type(causes, json_type_array))
                return false;
        for (size_t i = 0; i < json_object_array_length(causes); i++) {
                const char *reason = string_member(json_object_array_get_idx(causes, i), "reason");

                if (reason && strcmp(reason, "ResourceVersionTooLarge") == 0)
                        return true;
        }
        return false;
}

static void reflector_take_token(Reflector *reflector, json_object *metadata) {
        const char *token = string_member(metadata, "continue");

        free(reflector->next_token);
        reflector->next_token = token && *token && strlen(token) <= REFLECTOR_CONTINUE_MAX ? strdup(token) : NULL;
}

/* A Status object, from a failed request or an ERROR event. */
static void reflector_read_status(Reflector *reflector, json_object *status) {
        const char *message = string_member(status, "message");
        int64_t seconds = int_member(json_member(status, "details"), "retryAfterSeconds");

        if (message)
                reflector_set_message(reflector, message);
        if (seconds > 0 && seconds < INT32_MAX && reflector->retry_after_usec == 0)
                reflector->retry_after_usec = (uint64_t) seconds * USEC_PER_SEC;
        reflector->too_large = status_is_too_large(status);
        reflector_take_token(reflector, json_member(status, "metadata"));
}

/* ---- objects */

static int reflector_reject(Reflector *reflector, const char *text, size_t size, bool cut, int error) {
        char reason[64];

        if (cut)
                (void) snprintf(reason, sizeof(reason), "the object is larger than %u MiB", JSON_OBJECT_MAX >> 20);
        else if (error == -EMLINK)
                (void) snprintf(reason, sizeof(reason), "the object is nested deeper than %d", JSON_DEPTH_MAX);
        else
                return error; /* damaged: nothing behind it can be trusted */
        return reflector->ops.reject(text, size, reason, reflector->userdata);
}

/* An element of a list, or the one object that was asked for. */
static int reflector_on_item(const char *text, size_t size, bool cut, void *userdata) {
        _cleanup_(json_putp) json_object *object = NULL;
        Reflector *reflector = userdata;
        int r;

        if (reflector->status != 200)
                return 0;
        r = cut ? 0 : json_parse_object(text, size, &object);
        if (cut || r < 0)
                return reflector_reject(reflector, text, size, cut, r);
        reflector->n_items++;
        r = reflector->ops.put(object, reflector->userdata);
        return MIN2(r, 0);
}

bool reflector_version_is_usable(const char *version) {
        size_t size = 0;

        for (; version[size]; size++)
                if (version[size] <= ' ' || (unsigned char) version[size] >= 0x7f || size >= REFLECTOR_VERSION_SIZE - 1)
                        return false;
        return size > 0;
}

static void reflector_set_version(Reflector *reflector, json_object *metadata) {
        const char *version = string_member(metadata, "resourceVersion");

        if (!version || !reflector_version_is_usable(version))
                return;
        if (reflector->state != REFLECTOR_STATE_STREAMING) {
                (void) snprintf(reflector->version, sizeof(reflector->version), "%s", version);
                reflector->version_gone = false;
        }
}

static void reflector_on_bookmark(Reflector *reflector, json_object *metadata) {
        const char *end = string_member(json_member(metadata, "annotations"), "k8s.io/initial-events-end");
        const char *version = string_member(metadata, "resourceVersion");

        if (reflector->state == REFLECTOR_STATE_STREAMING && end && strcmp(end, "true") == 0 && version && *version)
                reflector_streamed(reflector, version);
        reflector_set_version(reflector, metadata);
}

/* -ESTALE ends the stream; its code and message are kept. */
static int reflector_on_error_event(Reflector *reflector, json_object *status) {
        int64_t code = int_member(status, "code");

        reflector_read_status(reflector, status);
        reflector->error_code = code >= 400 && code <= 599 ? (unsigned) code : 500;
        return -ESTALE;
}

static int reflector_on_event_object(Reflector *reflector, const char *type, json_object *object) {
        json_object *metadata = json_member(object, "metadata");
        int r = 0;

        if (strcmp(type, "ERROR") == 0)
                return reflector_on_error_event(reflector, object);
        reflector->request_events++;
        reflector->n_expired_in_a_row = 0;
        if (reflector->state == REFLECTOR_STATE_WATCHING)
                reflector_proven(reflector);
        if (strcmp(type, "BOOKMARK") == 0) {
                reflector_on_bookmark(reflector, metadata);
                return 0;
        }
        reflector->n_events++;
        if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0) {
                reflector->n_items++;
                r = reflector->ops.put(object, reflector->userdata);
        } else if (strcmp(type, "DELETED") == 0)
                r = reflector->ops.remove(object, reflector->userdata);
        if (r < 0)
                return r; /* the version stays where it was: the event comes again */
        reflector_set_version(reflector, metadata);
        return 0;
}

static int reflector_on_event(const char *text, size_t size, bool cut, void *userdata) {
        _cleanup_(json_putp) json_object *event = NULL;
        Reflector *reflector = userdata;
        const char *type;
        int r;

        r = cut ? 0 : json_parse_object(text, size, &event);
        if (cut || r < 0)
                return reflector_reject(reflector, text, size, cut, r);
        type = string_member(event, "type");
        if (!type || !json_object_is_type(json_member(event, "object"), json_type_object)) {
                reflector_set_message(reflector, "the watch sent something that is no event");
                return -EBADMSG;
        }
        return reflector_on_event_object(reflector, type, json_member(event, "object"));
}

/* ---- the body */

void reflector_body_done(Reflector *reflector) {
        if (reflector->split_used)
                json_split_done(&reflector->split);
        reflector->split_used = false;
        free(reflector->next_token);
        reflector->next_token = NULL;
}

/* The status is known: it decides how the body is cut. */
void reflector_body_begin(Reflector *reflector) {
        bool list = reflector->status != 200 || reflector->state == REFLECTOR_STATE_LISTING;
        bool events = reflector->state == REFLECTOR_STATE_STREAMING || reflector->state == REFLECTOR_STATE_WATCHING;

        reflector_body_done(reflector);
        json_split_init(&reflector->split,
                        list ? JSON_SPLIT_LIST : JSON_SPLIT_STREAM,
                        list || !events ? reflector_on_item : reflector_on_event,
                        reflector);
        reflector->split_used = true;
}

int reflector_body_data(Reflector *reflector, const char *bytes, size_t size) {
        int r;

        if (!reflector->split_used)
                return -EBADMSG;
        r = json_split_feed(&reflector->split, bytes, size);
        if (reflector->status != 200)
                return 0; /* a proxy's error page need not be JSON, and is not read to the end */
        if (r == -EBADMSG && !reflector->message[0])
                reflector_set_message(reflector, "the answer is not valid JSON");
        return r;
}

static ReflectorOutcome outcome_of_status(const Reflector *reflector, unsigned status) {
        if (reflector->too_large && (status == 504 || status == 500))
                return OUTCOME_TOO_LARGE;
        switch (status) {
        case 401:
                return OUTCOME_UNAUTHORIZED;
        case 403:
                return OUTCOME_FORBIDDEN;
        case 404:
                return OUTCOME_MISSING;
        case 410:
                return OUTCOME_EXPIRED;
        case 408:
        case 429:
                return OUTCOME_BUSY;
        case 501:
                return OUTCOME_REFUSED;
        default:
                if (status >= 500)
                        return OUTCOME_BUSY;
                return status >= 400 ? OUTCOME_REFUSED : OUTCOME_BROKEN;
        }
}

/* The members of a list beside `items`. */
static ReflectorOutcome reflector_read_list(Reflector *reflector) {
        _cleanup_(json_putp) json_object *list = NULL;
        const char *kind, *version;
        json_object *metadata;
        size_t size = strlen(reflector->kind);

        if (json_split_end(&reflector->split) < 0 || json_split_envelope(&reflector->split, &list) < 0) {
                reflector_set_message(reflector, "the list is not complete");
                return OUTCOME_BROKEN;
        }
        kind = string_member(list, "kind");
        metadata = json_member(list, "metadata");
        version = string_member(metadata, "resourceVersion");
        if (kind && strcmp(kind, "List") != 0 &&
            (strncmp(kind, reflector->kind, size) != 0 || strcmp(kind + size, "List") != 0)) {
                reflector_set_message(reflector, "the answer is of another kind than was asked for");
                return OUTCOME_BROKEN;
        }
        if (!version || !reflector_version_is_usable(version)) {
                reflector_set_message(reflector, "the list has no resourceVersion");
                return OUTCOME_BROKEN;
        }
        if (!reflector->continue_token)
                (void) snprintf(reflector->first_version, sizeof(reflector->first_version), "%s", version);
        reflector_take_token(reflector, metadata);
        return OUTCOME_OK;
}

static ReflectorOutcome reflector_read_failure(Reflector *reflector) {
        _cleanup_(json_putp) json_object *status = NULL;

        if (json_split_end(&reflector->split) >= 0 && json_split_envelope(&reflector->split, &status) >= 0)
                reflector_read_status(reflector, status);
        if (!reflector->message[0])
                (void) snprintf(reflector->message, sizeof(reflector->message), "HTTP status %u", reflector->status);
        return outcome_of_status(reflector, reflector->status);
}

ReflectorOutcome reflector_body_end(Reflector *reflector, int error, const char *message) {
        if (reflector->error_code != 0)
                return outcome_of_status(reflector, reflector->error_code);
        if (reflector->status != 0 && reflector->status != 200)
                return reflector_read_failure(reflector);
        if (error < 0) {
                reflector->connection_failed = !reflector->message[0];
                if (reflector->connection_failed)
                        reflector_set_message(reflector, message ? message : "the connection broke");
                return OUTCOME_BROKEN;
        }
        if (reflector->status == 0) {
                reflector_set_message(reflector, "there was no answer");
                return OUTCOME_BROKEN;
        }
        if (reflector->state == REFLECTOR_STATE_LISTING)
                return reflector_read_list(reflector);
        if (json_split_end(&reflector->split) < 0) {
                reflector_set_message(reflector, "the answer ended inside of an object");
                return OUTCOME_BROKEN;
        }
        return OUTCOME_OK;
}
