/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the end of a request leads to, by the state it was sent in. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/reflector-private.h"
#include "common/log.h"

/* A watch that ends sooner, with nothing in it, counts as failed (reflector.go, VeryShortWatchError). */
#define WATCH_SHORT_USEC USEC_PER_SEC
#define WATCH_LONG_USEC (60 * USEC_PER_SEC)
#define POLL_USEC (30 * USEC_PER_SEC)
#define POLL_FORBIDDEN_USEC (300 * USEC_PER_SEC)

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

void reflector_after_stream(Reflector *reflector, ReflectorOutcome outcome) {
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

void reflector_after_list(Reflector *reflector, ReflectorOutcome outcome) {
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

void reflector_after_watch(Reflector *reflector, ReflectorOutcome outcome) {
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

void reflector_after_get(Reflector *reflector, ReflectorOutcome outcome) {
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
