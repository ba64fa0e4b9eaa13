/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/reflector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/reflector-private.h"
#include "common/log.h"

/*
 * A server that knows sendInitialEvents answers within 3 s, the time it waits for its cache, and then sends what it has
 * in memory without a pause.
 */
#define STREAM_ANSWER_USEC (5 * USEC_PER_SEC)
#define STREAM_SILENCE_USEC (2 * USEC_PER_SEC)
/* A watch that stays open for so long works. */
#define WATCH_PROVEN_USEC (10 * USEC_PER_SEC)
/* Listing may have been allowed in the meantime. */
#define GETS_BEFORE_LIST 10

static const char *const reflector_state_table[_REFLECTOR_STATE_MAX] = {
        [REFLECTOR_STATE_IDLE] = "idle",
        [REFLECTOR_STATE_STREAMING] = "streaming",
        [REFLECTOR_STATE_LISTING] = "listing",
        [REFLECTOR_STATE_WATCHING] = "watching",
        [REFLECTOR_STATE_GETTING] = "getting",
        [REFLECTOR_STATE_WAITING] = "waiting",
};

const char *reflector_state_to_string(ReflectorState state) {
        return state >= 0 && state < _REFLECTOR_STATE_MAX ? reflector_state_table[state] : NULL;
}

uint64_t reflector_now(const Reflector *reflector) {
        return reflector->ops.now(reflector->userdata);
}

uint64_t reflector_jitter(const Reflector *reflector, uint64_t usec) {
        return usec * reflector->ops.random(reflector->userdata) / UINT32_MAX;
}

void reflector_set_state(Reflector *reflector, ReflectorState state) {
        if (reflector->state == state)
                return;
        log_debug("%s: %s -> %s",
                  reflector->path,
                  reflector_state_to_string(reflector->state),
                  reflector_state_to_string(state));
        reflector->state = state;
}

/* ---- requests */

static void reflector_send(Reflector *reflector, ReflectorState state, char *path /* taken */) {
        ReflectorRequest kind = state == REFLECTOR_STATE_LISTING || state == REFLECTOR_STATE_GETTING ? REFLECTOR_REQUEST_SHORT
                                                                                                     : REFLECTOR_REQUEST_WATCH;
        _cleanup_(freep) char *owned = path;
        int r = -ENOMEM;

        reflector_body_done(reflector);
        reflector->status = 0;
        reflector->error_code = 0;
        reflector->retry_after_usec = 0;
        reflector->too_large = reflector->connection_failed = false;
        reflector->message[0] = '\0';
        reflector->request_events = 0;
        reflector->begun_usec = reflector_now(reflector);
        reflector_set_state(reflector, state);
        reflector->ops.arm(USEC_INFINITY, reflector->userdata);
        if (path)
                r = reflector->ops.request(kind, path, reflector->userdata);
        if (r >= 0)
                return;
        (void) snprintf(reflector->message, sizeof(reflector->message), "%s", strerror(-r));
        reflector_fail(reflector,
                       OUTCOME_BROKEN,
                       "ask for",
                       state == REFLECTOR_STATE_WATCHING         ? RESUME_WATCH
                               : state == REFLECTOR_STATE_GETTING ? RESUME_GET
                                                                  : RESUME_SYNC);
}

void reflector_watch(Reflector *reflector) {
        reflector->n_watches++;
        reflector_send(reflector, REFLECTOR_STATE_WATCHING, reflector_watch_path(reflector, /* initial_events= */ false));
}

void reflector_get(Reflector *reflector) {
        char *path = strdup(reflector->get_path);

        reflector->n_gets++;
        reflector->n_items = 0;
        reflector->ops.begin(reflector->userdata);
        reflector_send(reflector, REFLECTOR_STATE_GETTING, path);
}

void reflector_list_page(Reflector *reflector) {
        reflector_send(reflector, REFLECTOR_STATE_LISTING, reflector_list_path(reflector));
}

void reflector_list(Reflector *reflector, ListVersion version, bool whole) {
        free(reflector->continue_token);
        reflector->continue_token = NULL;
        reflector->list_version = version;
        reflector->whole = whole;
        reflector->n_items = 0;
        reflector->n_lists++;
        reflector->ops.begin(reflector->userdata);
        reflector_list_page(reflector);
}

void reflector_sync(Reflector *reflector) {
        if (reflector->stream && !reflector->skip_stream) {
                reflector->n_items = 0;
                reflector->n_lists++;
                reflector->ops.begin(reflector->userdata);
                reflector_send(reflector, REFLECTOR_STATE_STREAMING, reflector_watch_path(reflector, /* initial_events= */ true));
        } else if (reflector->version_gone)
                reflector_list(reflector, LIST_VERSION_LATEST, /* whole= */ false);
        else
                reflector_list(reflector,
                               reflector->version[0] ? LIST_VERSION_NOT_OLDER : LIST_VERSION_ANY,
                               /* whole= */ false);
}

static void reflector_resume(Reflector *reflector) {
        reflector->waits_for = REFLECTOR_WAITS_FOR_TIME;
        switch (reflector->resume) {
        case RESUME_SYNC:
                reflector_sync(reflector);
                break;
        case RESUME_WATCH:
                reflector_watch(reflector);
                break;
        case RESUME_GET:
                if (reflector->n_gets < GETS_BEFORE_LIST) {
                        reflector_get(reflector);
                        break;
                }
                reflector->n_gets = 0;
                reflector_sync(reflector);
                break;
        }
}

/* ---- what the owner calls */

void reflector_start(Reflector *reflector) {
        if (reflector->state != REFLECTOR_STATE_IDLE)
                return;
        reflector_sync(reflector);
        reflector->ops.changed(reflector->userdata);
}

static bool reflector_is_requesting(const Reflector *reflector) {
        return reflector->state != REFLECTOR_STATE_IDLE && reflector->state != REFLECTOR_STATE_WAITING;
}

void reflector_sent(Reflector *reflector) {
        if (reflector->state == REFLECTOR_STATE_STREAMING && reflector->status == 0)
                reflector->ops.arm(STREAM_ANSWER_USEC, reflector->userdata);
}

void reflector_response(Reflector *reflector, unsigned status, uint64_t retry_after_usec) {
        if (!reflector_is_requesting(reflector))
                return;
        reflector->status = status;
        reflector->retry_after_usec = retry_after_usec;
        reflector_body_begin(reflector);
        if (status != 200)
                return;
        if (reflector->state == REFLECTOR_STATE_STREAMING)
                reflector->ops.arm(STREAM_SILENCE_USEC, reflector->userdata);
        reflector_note_success(reflector);
        reflector->ops.changed(reflector->userdata);
}

int reflector_data(Reflector *reflector, const char *bytes, size_t size) {
        uint64_t n_events = reflector->n_events;
        int r;

        if (!reflector_is_requesting(reflector))
                return -ECANCELED;
        r = reflector_body_data(reflector, bytes, size);
        /* Bookmarks do not count: they are no sign that initial events come. */
        if (reflector->state == REFLECTOR_STATE_STREAMING && reflector->n_events != n_events)
                reflector->ops.arm(STREAM_SILENCE_USEC, reflector->userdata);
        return r;
}

void reflector_done(Reflector *reflector, int error, const char *message) {
        ReflectorOutcome outcome;

        if (!reflector_is_requesting(reflector))
                return;
        outcome = reflector_body_end(reflector, error, message);
        if (reflector->state == REFLECTOR_STATE_WATCHING && reflector->status == 200 &&
            reflector_now(reflector) - reflector->begun_usec >= WATCH_PROVEN_USEC)
                reflector_proven(reflector);
        switch (reflector->state) {
        case REFLECTOR_STATE_STREAMING:
                reflector_after_stream(reflector, outcome);
                break;
        case REFLECTOR_STATE_LISTING:
                reflector_after_list(reflector, outcome);
                break;
        case REFLECTOR_STATE_WATCHING:
                reflector_after_watch(reflector, outcome);
                break;
        case REFLECTOR_STATE_GETTING:
                reflector_after_get(reflector, outcome);
                break;
        case REFLECTOR_STATE_IDLE:
        case REFLECTOR_STATE_WAITING:
        case _REFLECTOR_STATE_MAX:
        case _REFLECTOR_STATE_INVALID:
                break;
        }
        reflector->ops.changed(reflector->userdata);
}

void reflector_timer(Reflector *reflector) {
        if (reflector->state == REFLECTOR_STATE_WAITING)
                reflector_resume(reflector);
        else if (reflector->state == REFLECTOR_STATE_STREAMING) {
                log_debug("%s: no initial events came, listing", reflector->path);
                reflector->ops.cancel(reflector->userdata);
                /* A server that answered and sends nothing does not know the parameters. */
                if (reflector->status == 200)
                        reflector->stream = false;
                reflector->skip_stream = true;
                reflector_sync(reflector);
        } else
                return;
        reflector->ops.changed(reflector->userdata);
}

void reflector_kick(Reflector *reflector, ReflectorWaitsFor what) {
        if (reflector->state == REFLECTOR_STATE_WAITING && reflector->waits_for == what)
                reflector_timer(reflector);
}

void reflector_status(const Reflector *reflector, ReflectorStatus *ret) {
        *ret = (ReflectorStatus) {
                .state = reflector->state,
                .synced = reflector->synced,
                .connected = reflector->connected,
                .missing = reflector->missing,
                .forbidden = reflector->forbidden,
                .waits_for = reflector->waits_for,
                .failure = reflector->failure,
                .error = reflector->error,
                .version = reflector->version,
                .n_lists = reflector->n_lists,
                .n_watches = reflector->n_watches,
                .n_events = reflector->n_events,
                .n_errors = reflector->n_errors,
                .n_expired = reflector->n_expired,
                .n_listed = reflector->n_listed,
        };
}

int reflector_new(const ReflectorConfig *config, const ReflectorOps *ops, void *userdata, Reflector **ret) {
        _cleanup_(reflector_freep) Reflector *reflector = calloc(1, sizeof(Reflector));

        if (!reflector)
                return -ENOMEM;
        reflector->kind = strdup(config->kind);
        reflector->path = strdup(config->path);
        reflector->selector = strdup(config->selector);
        reflector->get_path = config->get_path ? strdup(config->get_path) : NULL;
        if (!reflector->kind || !reflector->path || !reflector->selector || (config->get_path && !reflector->get_path))
                return -ENOMEM;
        reflector->stream = config->stream;
        reflector->ops = *ops;
        reflector->userdata = userdata;
        *ret = TAKE_PTR(reflector);
        return 0;
}

Reflector *reflector_free(Reflector *reflector) {
        if (!reflector)
                return NULL;
        reflector_body_done(reflector);
        free(reflector->continue_token);
        free(reflector->kind);
        free(reflector->path);
        free(reflector->selector);
        free(reflector->get_path);
        free(reflector);
        return NULL;
}
