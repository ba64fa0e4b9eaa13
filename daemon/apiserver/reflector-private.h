/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of Reflector, for its files: what the owner calls and the requests that are sent, their paths, the reading of
 * bodies, what answers lead to, and waiting.
 */
#pragma once

#include "apiserver/json-split.h"
#include "apiserver/reflector.h"

#define REFLECTOR_VERSION_SIZE 129
#define REFLECTOR_CONTINUE_MAX 4096

/* How a request ended. */
typedef enum ReflectorOutcome {
        OUTCOME_OK,
        OUTCOME_BROKEN, /* no answer, or one that makes no sense */
        OUTCOME_BUSY, /* 429, 5xx */
        OUTCOME_UNAUTHORIZED, /* 401 */
        OUTCOME_FORBIDDEN, /* 403 */
        OUTCOME_MISSING, /* 404 */
        OUTCOME_EXPIRED, /* 410 */
        OUTCOME_TOO_LARGE, /* the server is behind the version */
        OUTCOME_REFUSED, /* other 4xx, 501: the same request will not do better */
} ReflectorOutcome;

/* Which version a list is asked for. */
typedef enum ListVersion {
        LIST_VERSION_ANY, /* resourceVersion=0 */
        LIST_VERSION_NOT_OLDER, /* than the last one seen */
        LIST_VERSION_LATEST,
} ListVersion;

typedef enum ReflectorResume {
        RESUME_SYNC,
        RESUME_WATCH,
        RESUME_GET,
} ReflectorResume;

struct Reflector {
        char *kind, *path, *selector, *get_path; /* owned */
        ReflectorOps ops;
        void *userdata;

        ReflectorState state;
        ReflectorResume resume; /* after WAITING */
        bool stream; /* the server may know sendInitialEvents */
        bool skip_stream; /* not before the next list is complete */
        bool synced, connected, missing, forbidden;
        ReflectorWaitsFor waits_for;
        bool get_only;
        unsigned n_gets; /* since listing was tried */
        unsigned n_expired_in_a_row;

        /* what is known of the server's state */
        char version[REFLECTOR_VERSION_SIZE];
        bool version_gone; /* the server cannot start from it */

        /* the list that runs */
        ListVersion list_version;
        bool whole; /* without pages */
        char first_version[REFLECTOR_VERSION_SIZE]; /* of its first page */
        char *continue_token; /* owned; NULL on the first page */
        size_t n_items;

        /* the request that runs */
        JsonSplit split;
        bool split_used;
        unsigned status; /* 0 = no answer yet */
        uint64_t retry_after_usec;
        uint64_t begun_usec;
        uint64_t request_events;
        unsigned error_code; /* of an ERROR event, 0 = none */
        bool too_large;
        bool connection_failed; /* as opposed to what came over it */
        char *next_token; /* owned: what the body said of `continue` */
        char message[256]; /* of a Status, or why the body makes no sense */

        /* back-off */
        uint64_t delay_usec; /* 0 = no failure since a watch proved to work */
        uint64_t trouble_usec, last_failure_usec; /* when the failures began, and the last one */

        int failure;
        char error[384];
        uint64_t n_lists, n_watches, n_events, n_errors, n_expired;
        size_t n_listed;
};

/* Whether it is a resourceVersion that can be kept: short, printable. */
bool reflector_version_is_usable(const char *version);

/* reflector-request.c: the path with its query; NULL on OOM, the caller frees. */
char *reflector_list_path(const Reflector *reflector);
char *reflector_watch_path(const Reflector *reflector, bool initial_events);

/* reflector-body.c */
void reflector_body_begin(Reflector *reflector);
void reflector_body_done(Reflector *reflector);
int reflector_body_data(Reflector *reflector, const char *bytes, size_t size);
/* The body ended (`error` 0) or broke off. Reads the list's or Status' members. */
ReflectorOutcome reflector_body_end(Reflector *reflector, int error, const char *message);
/* Also used by reflector-body.c: the bookmark that ends the initial events came with this version. */
void reflector_streamed(Reflector *reflector, const char *version);

/* reflector.c */
uint64_t reflector_now(const Reflector *reflector);
uint64_t reflector_jitter(const Reflector *reflector, uint64_t usec); /* up to that, at random */
void reflector_set_state(Reflector *reflector, ReflectorState state);
void reflector_watch(Reflector *reflector);
void reflector_get(Reflector *reflector);
void reflector_list(Reflector *reflector, ListVersion version, bool whole);
void reflector_list_page(Reflector *reflector);
/* Everything anew, from a state of the server not older than what is known. */
void reflector_sync(Reflector *reflector);

/* reflector-answer.c: a request of that state ended. */
void reflector_after_stream(Reflector *reflector, ReflectorOutcome outcome);
void reflector_after_list(Reflector *reflector, ReflectorOutcome outcome);
void reflector_after_watch(Reflector *reflector, ReflectorOutcome outcome);
void reflector_after_get(Reflector *reflector, ReflectorOutcome outcome);

/* reflector-wait.c */
void reflector_wait(Reflector *reflector, uint64_t delay_usec, ReflectorResume resume);
/* Notes the failure, and logs it if it is another than the last one. */
void reflector_note_failure(Reflector *reflector, ReflectorOutcome outcome, const char *doing);
/* The request failed: a later one is to do better. */
void reflector_fail(Reflector *reflector, ReflectorOutcome outcome, const char *doing, ReflectorResume resume);
/* The server answered well. */
void reflector_note_success(Reflector *reflector);
/* A watch works: the next failure is the first one. */
void reflector_proven(Reflector *reflector);
