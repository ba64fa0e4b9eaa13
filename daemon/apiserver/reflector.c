/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/reflector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/reflector-private.h"
#include "common/log.h"

/* reflector.go: NewExponentialBackoffManager(800ms, 30s, 2min, factor 2.0, jitter 1.0) */
#define BACKOFF_FIRST_USEC (800 * USEC_PER_MSEC)
#define BACKOFF_LAST_USEC (30 * USEC_PER_SEC)
#define BACKOFF_RESET_USEC (120 * USEC_PER_SEC)
/*
 * Where it differs: a short trouble must not cost a minute. For 2 minutes a server that fails is asked again within 4 s;
 * and the trouble is over when a watch proves to work, by what comes on it or by staying open.
 */
#define TROUBLE_SHORT_USEC (120 * USEC_PER_SEC)
#define TROUBLE_DELAY_USEC (3 * USEC_PER_SEC)
#define TROUBLE_JITTER_USEC USEC_PER_SEC
#define WATCH_PROVEN_USEC (10 * USEC_PER_SEC)
/* No server may send a node away for longer. */
#define RETRY_AFTER_MAX_USEC (300 * USEC_PER_SEC)
/* A watch that ends sooner, with nothing in it, counts as failed (reflector.go, VeryShortWatchError). */
#define WATCH_SHORT_USEC USEC_PER_SEC
#define WATCH_LONG_USEC (60 * USEC_PER_SEC)
/*
 * A server that knows sendInitialEvents answers within 3 s, the time it waits for its cache, and then sends what it has
 * in memory without a pause.
 */
#define STREAM_ANSWER_USEC (5 * USEC_PER_SEC)
#define STREAM_SILENCE_USEC (2 * USEC_PER_SEC)
#define POLL_USEC (30 * USEC_PER_SEC)
#define POLL_FORBIDDEN_USEC (300 * USEC_PER_SEC)
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

static uint64_t reflector_now(const Reflector *reflector) {
        return reflector->ops.now(reflector->userdata);
}

/* Up to `usec`, at random. */
static uint64_t reflector_jitter(const Reflector *reflector, uint64_t usec) {
        return usec * reflector->ops.random(reflector->userdata) / UINT32_MAX;
}

static void reflector_set_state(Reflector *reflector, ReflectorState state) {
        if (reflector->state == state)
                return;
        log_debug("%s: %s -> %s",
                  reflector->path,
                  reflector_state_to_string(reflector->state),
                  reflector_state_to_string(state));
        reflector->state = state;
}

/* ---- waiting */

static void reflector_wait(Reflector *reflector, uint64_t delay_usec, ReflectorResume resume) {
        reflector->resume = resume;
        reflector_set_state(reflector, REFLECTOR_STATE_WAITING);
        reflector->ops.arm(delay_usec, reflector->userdata);
}

/* What is refused for a reason that no server loses by itself. */
static bool outcome_lasts(ReflectorOutcome outcome) {
        return outcome == OUTCOME_FORBIDDEN || outcome == OUTCOME_MISSING || outcome == OUTCOME_REFUSED;
}

static uint64_t reflector_backoff(Reflector *reflector, ReflectorOutcome outcome) {
        uint64_t now = reflector_now(reflector), delay, jitter;

        if (reflector->delay_usec == 0 || now - reflector->last_failure_usec > BACKOFF_RESET_USEC) {
                reflector->delay_usec = BACKOFF_FIRST_USEC;
                reflector->trouble_usec = now;
        }
        delay = jitter = reflector->delay_usec;
        if (!outcome_lasts(outcome) && now - reflector->trouble_usec < TROUBLE_SHORT_USEC) {
                delay = MIN2(delay, TROUBLE_DELAY_USEC);
                jitter = MIN2(delay, TROUBLE_JITTER_USEC);
        }
        reflector->last_failure_usec = now;
        reflector->delay_usec = MIN2(2 * delay, BACKOFF_LAST_USEC);
        return delay + reflector_jitter(reflector, jitter);
}

void reflector_proven(Reflector *reflector) {
        reflector->delay_usec = 0;
}

static int outcome_to_errno(ReflectorOutcome outcome) {
        switch (outcome) {
        case OUTCOME_OK:
                return 0;
        case OUTCOME_BROKEN:
                return -EIO;
        case OUTCOME_BUSY:
        case OUTCOME_TOO_LARGE:
                return -EAGAIN;
        case OUTCOME_UNAUTHORIZED:
                return -EACCES;
        case OUTCOME_FORBIDDEN:
                return -EPERM;
        case OUTCOME_MISSING:
                return -ENOENT;
        case OUTCOME_EXPIRED:
                return -ESTALE;
        case OUTCOME_REFUSED:
                return -EINVAL;
        }
        return -EIO;
}

/* Notes the failure, and logs it if it is another than the last one. */
static void reflector_note_failure(Reflector *reflector, ReflectorOutcome outcome, const char *doing) {
        char error[sizeof(reflector->error)];

        (void) snprintf(error, sizeof(error), "Failed to %s %s: %s", doing, reflector->path, reflector->message);
        reflector->n_errors++;
        reflector->connected = false;
        reflector->failure = outcome_to_errno(outcome);
        reflector->forbidden = outcome == OUTCOME_FORBIDDEN;
        reflector->missing = outcome == OUTCOME_MISSING;
        if (strcmp(error, reflector->error) == 0)
                return;
        memcpy(reflector->error, error, sizeof(error));
        log_warning("%s; retrying", error);
}

/* The request failed: a later one is to do better. */
static void reflector_fail(Reflector *reflector, ReflectorOutcome outcome, const char *doing, ReflectorResume resume) {
        uint64_t delay = reflector_backoff(reflector, outcome);

        reflector_note_failure(reflector, outcome, doing);
        reflector->waits_for = REFLECTOR_WAITS_FOR_TIME;
        if (outcome == OUTCOME_UNAUTHORIZED)
                reflector->waits_for = REFLECTOR_WAITS_FOR_CREDENTIALS;
        else if (outcome == OUTCOME_BROKEN && reflector->connection_failed)
                reflector->waits_for = REFLECTOR_WAITS_FOR_SERVER;
        else if (outcome == OUTCOME_BUSY && reflector->retry_after_usec == 0)
                reflector->waits_for = REFLECTOR_WAITS_FOR_HEALTH;
        if (outcome == OUTCOME_BUSY && reflector->retry_after_usec > 0) {
                delay = MIN2(reflector->retry_after_usec, RETRY_AFTER_MAX_USEC);
                delay += reflector_jitter(reflector, MIN2(delay / 4, USEC_PER_SEC));
        }
        reflector_wait(reflector, delay, resume);
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

static void reflector_watch(Reflector *reflector) {
        reflector->n_watches++;
        reflector_send(reflector, REFLECTOR_STATE_WATCHING, reflector_watch_path(reflector, /* initial_events= */ false));
}

static void reflector_get(Reflector *reflector) {
        char *path = strdup(reflector->get_path);

        reflector->n_gets++;
        reflector->n_items = 0;
        reflector->ops.begin(reflector->userdata);
        reflector_send(reflector, REFLECTOR_STATE_GETTING, path);
}

static void reflector_list_page(Reflector *reflector) {
        reflector_send(reflector, REFLECTOR_STATE_LISTING, reflector_list_path(reflector));
}

static void reflector_list(Reflector *reflector, ListVersion version, bool whole) {
        free(reflector->continue_token);
        reflector->continue_token = NULL;
        reflector->list_version = version;
        reflector->whole = whole;
        reflector->n_items = 0;
        reflector->n_lists++;
        reflector->ops.begin(reflector->userdata);
        reflector_list_page(reflector);
}

/* Everything anew, from a state of the server not older than what is known. */
static void reflector_sync(Reflector *reflector) {
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

/* ---- what the answers lead to */

/* All objects of the server's state `version` have been given out. */
static void reflector_complete(Reflector *reflector, const char *version) {
        (void) snprintf(reflector->version, sizeof(reflector->version), "%s", version);
        reflector->version_gone = false;
        reflector->skip_stream = false;
        reflector->synced = true;
        reflector->n_listed = reflector->n_items;
        reflector->ops.end(reflector->userdata);
}

void reflector_streamed(Reflector *reflector, const char *version) {
        if (!reflector_version_is_usable(version))
                return; /* the silence that follows leads to a list */
        reflector_complete(reflector, version);
        reflector->n_watches++;
        reflector->begun_usec = reflector_now(reflector);
        reflector->ops.arm(USEC_INFINITY, reflector->userdata);
        reflector_set_state(reflector, REFLECTOR_STATE_WATCHING);
}

/* 403: reported once. One object may still be read by its name (system:node-proxier before 1.21: get nodes). */
static void reflector_forbidden(Reflector *reflector, const char *doing, ReflectorResume resume) {
        if (!reflector->get_path) {
                reflector_fail(reflector, OUTCOME_FORBIDDEN, doing, resume);
                return;
        }
        if (!reflector->get_only)
                log_info("%s may not be listed and watched, reading it every %" PRIu64 " to %" PRIu64 " s instead",
                         reflector->get_path,
                         (uint64_t) (POLL_USEC / USEC_PER_SEC),
                         (uint64_t) (2 * POLL_USEC / USEC_PER_SEC));
        reflector->get_only = true;
        reflector_get(reflector);
}

static void reflector_after_stream(Reflector *reflector, ReflectorOutcome outcome) {
        bool answered = reflector->status == 200;

        switch (outcome) {
        case OUTCOME_REFUSED:
                log_debug("%s: sendInitialEvents is refused: %s", reflector->path, reflector->message);
                reflector->stream = false;
                reflector_sync(reflector);
                break;
        case OUTCOME_EXPIRED:
        case OUTCOME_TOO_LARGE:
                reflector->version_gone = true;
                reflector->skip_stream = true;
                reflector_sync(reflector);
                break;
        case OUTCOME_FORBIDDEN:
                reflector_forbidden(reflector, "list", RESUME_SYNC);
                break;
        case OUTCOME_UNAUTHORIZED:
        case OUTCOME_MISSING:
                reflector_fail(reflector, outcome, "list", RESUME_SYNC);
                break;
        case OUTCOME_BUSY:
        case OUTCOME_BROKEN:
        case OUTCOME_OK:
                /* A server that cannot stream this may still list it. */
                reflector->skip_stream = answered || reflector->status >= 500;
                if (reflector->skip_stream && reflector->retry_after_usec == 0)
                        reflector_sync(reflector);
                else
                        reflector_fail(reflector, outcome, "list", RESUME_SYNC);
                break;
        }
}

static void reflector_list_succeeded(Reflector *reflector) {
        if (reflector->next_token) {
                free(reflector->continue_token);
                reflector->continue_token = TAKE_PTR(reflector->next_token);
                reflector_list_page(reflector);
                return;
        }
        free(reflector->continue_token);
        reflector->continue_token = NULL;
        reflector->get_only = false;
        reflector_complete(reflector, reflector->first_version);
        reflector_watch(reflector);
}

static void reflector_list_expired(Reflector *reflector) {
        if (reflector->continue_token && reflector->next_token) {
                log_debug("%s: the list changed too much between its pages, going on with the rest", reflector->path);
                reflector_list_succeeded(reflector);
        } else if (reflector->continue_token)
                reflector_list(reflector, LIST_VERSION_LATEST, /* whole= */ true);
        else if (!reflector->version_gone && reflector->list_version != LIST_VERSION_LATEST) {
                reflector->version_gone = true;
                reflector_list(reflector, LIST_VERSION_LATEST, /* whole= */ false);
        } else
                reflector_fail(reflector, OUTCOME_EXPIRED, "list", RESUME_SYNC);
}

static void reflector_after_list(Reflector *reflector, ReflectorOutcome outcome) {
        switch (outcome) {
        case OUTCOME_OK:
                reflector_list_succeeded(reflector);
                break;
        case OUTCOME_EXPIRED:
        case OUTCOME_TOO_LARGE:
                reflector_list_expired(reflector);
                break;
        case OUTCOME_FORBIDDEN:
                reflector_forbidden(reflector, "list", RESUME_SYNC);
                break;
        case OUTCOME_REFUSED:
                /* A version of another server, perhaps. */
                reflector->version_gone = true;
                reflector_fail(reflector, outcome, "list", RESUME_SYNC);
                break;
        case OUTCOME_BROKEN:
        case OUTCOME_BUSY:
        case OUTCOME_UNAUTHORIZED:
        case OUTCOME_MISSING:
                reflector_fail(reflector, outcome, "list", RESUME_SYNC);
                break;
        }
}

static void reflector_watch_expired(Reflector *reflector, ReflectorOutcome outcome) {
        reflector->n_expired++;
        log_v(2, "%s: %s, listing anew", reflector->path, reflector->message);
        if (outcome == OUTCOME_TOO_LARGE)
                reflector->version_gone = true;
        if (reflector_now(reflector) - reflector->begun_usec >= WATCH_LONG_USEC)
                reflector->n_expired_in_a_row = 0;
        /* Once at once; a server that gives out versions it does not know is not to be asked in a circle. */
        if (reflector->n_expired_in_a_row++ == 0)
                reflector_sync(reflector);
        else {
                reflector->version_gone = true;
                reflector_fail(reflector, outcome, "watch", RESUME_SYNC);
        }
}

static void reflector_watch_ended(Reflector *reflector) {
        if (reflector->request_events > 0 || reflector_now(reflector) - reflector->begun_usec >= WATCH_SHORT_USEC) {
                reflector_watch(reflector);
                return;
        }
        (void) snprintf(reflector->message, sizeof(reflector->message), "the watch ended at once");
        reflector_fail(reflector, OUTCOME_BUSY, "watch", RESUME_WATCH);
}

static void reflector_after_watch(Reflector *reflector, ReflectorOutcome outcome) {
        switch (outcome) {
        case OUTCOME_OK:
                reflector_watch_ended(reflector);
                break;
        case OUTCOME_EXPIRED:
        case OUTCOME_TOO_LARGE:
                reflector_watch_expired(reflector, outcome);
                break;
        case OUTCOME_FORBIDDEN:
                reflector_forbidden(reflector, "watch", RESUME_WATCH);
                break;
        case OUTCOME_REFUSED:
                reflector->version_gone = true;
                reflector_fail(reflector, outcome, "watch", RESUME_SYNC);
                break;
        case OUTCOME_MISSING:
                reflector_fail(reflector, outcome, "watch", RESUME_SYNC);
                break;
        case OUTCOME_BROKEN:
        case OUTCOME_BUSY:
        case OUTCOME_UNAUTHORIZED:
                reflector_fail(reflector, outcome, "watch", RESUME_WATCH);
                break;
        }
}

/* The server answered well. */
static void reflector_note_success(Reflector *reflector) {
        if (reflector->error[0])
                log_info("%s: the server answers again", reflector->path);
        reflector->connected = true;
        reflector->missing = reflector->forbidden = false;
        reflector->failure = 0;
        reflector->error[0] = '\0';
}

static void reflector_after_get(Reflector *reflector, ReflectorOutcome outcome) {
        switch (outcome) {
        case OUTCOME_OK:
        case OUTCOME_MISSING: /* there is no such object, which is a complete list of none */
                reflector_note_success(reflector);
                reflector_proven(reflector);
                reflector->synced = true;
                reflector->n_listed = reflector->n_items;
                reflector->ops.end(reflector->userdata);
                reflector_wait(reflector, POLL_USEC + reflector_jitter(reflector, POLL_USEC), RESUME_GET);
                break;
        case OUTCOME_FORBIDDEN:
                reflector_note_failure(reflector, outcome, "read");
                reflector_wait(reflector, POLL_FORBIDDEN_USEC, RESUME_GET);
                break;
        case OUTCOME_BROKEN:
        case OUTCOME_BUSY:
        case OUTCOME_UNAUTHORIZED:
        case OUTCOME_EXPIRED:
        case OUTCOME_TOO_LARGE:
        case OUTCOME_REFUSED:
                reflector_fail(reflector, outcome, "read", RESUME_GET);
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
