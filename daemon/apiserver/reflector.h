/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list+watch machine of one resource, with the guarantees of client-go's Reflector (k8s.io/client-go/tools/cache).
 * It does no I/O and has no clock: requests, timer, clock and random numbers are its owner's, what it reads is handed
 * to it in chunks of any size. It has one request at a time.
 *
 *   IDLE ─start─► STREAMING ─refused, silent, broken─► LISTING ─complete─► WATCHING
 *                     └──────── initial-events-end bookmark ──────────────────┘
 *   STREAMING, LISTING, WATCHING ─failed─► WAITING ─timer─► where it was
 *   WATCHING ─ended─► WATCHING from the last version;  ─410─► STREAMING or LISTING
 *   LISTING, WATCHING ─403, for one named object─► GETTING ─► WAITING ─► GETTING, …
 *
 * STREAMING is a watch with sendInitialEvents (KEP-3157). A server that does not know it refuses the parameters (422), or
 * ignores them; the latter shows as silence without the bookmark that ends the initial events.
 * The first list is asked for with resourceVersion=0 (any, from the server's cache); after a 410 one not older than the
 * last version seen; if that is refused as well (410, or "too large" after etcd was restored) the latest, in pages.
 * A continue token that expired is answered with one that goes on inconsistently: it is used, and the watch begins
 * at the first page's version, so that nothing is missed; if that is gone, a whole list without pages follows.
 * Delays grow from 0.8 s to 30 s, each lengthened at random up to double, and start again after 2 minutes without
 * failure (reflector.go), or when a watch has shown that it works: by an event, a bookmark, or 10 s. What may pass by
 * itself, a broken connection or answer, 429, 5xx, 401, is tried again after 0.3 s first, three times within 4 s, and
 * within 4 s for the first 2 minutes. Retry-After replaces the delay.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_types.h>

#include "common/macros.h"

typedef enum ReflectorState {
        REFLECTOR_STATE_IDLE,
        REFLECTOR_STATE_STREAMING,
        REFLECTOR_STATE_LISTING,
        REFLECTOR_STATE_WATCHING,
        REFLECTOR_STATE_GETTING,
        REFLECTOR_STATE_WAITING,
        _REFLECTOR_STATE_MAX,
        _REFLECTOR_STATE_INVALID = -22,
} ReflectorState;

/* "idle", "streaming", … */
const char *reflector_state_to_string(ReflectorState state);

/* What lets a retry succeed, before its delay is over. */
typedef enum ReflectorWaitsFor {
        REFLECTOR_WAITS_FOR_TIME,
        REFLECTOR_WAITS_FOR_SERVER, /* it gave no answer, or the connection broke */
        REFLECTOR_WAITS_FOR_HEALTH, /* it answered 429 or 5xx, and did not say how long to wait */
        REFLECTOR_WAITS_FOR_CREDENTIALS, /* 401 */
} ReflectorWaitsFor;

typedef enum ReflectorRequest {
        REFLECTOR_REQUEST_SHORT, /* a body with an end */
        REFLECTOR_REQUEST_WATCH, /* stays open, and may be silent for long */
} ReflectorRequest;

/* What the machine tells its owner to do. Not to be answered from within the call; none may free the reflector. */
typedef struct ReflectorOps {
        /* GET `path`; answered with reflector_response(), _data() and _done(). -errno: as if it had failed at once. */
        int (*request)(ReflectorRequest kind, const char *path, void *userdata);
        /* The request is of no interest any more; nothing may come from it. */
        void (*cancel)(void *userdata);
        /* One timer, replaced with each call; answered with reflector_timer(). USEC_INFINITY stops it. */
        void (*arm)(uint64_t delay_usec, void *userdata);
        uint64_t (*now)(void *userdata); /* a clock that never jumps */
        uint32_t (*random)(void *userdata);

        void (*begin)(void *userdata); /* a complete list begins */
        int (*put)(json_object *object, void *userdata); /* -errno ends the request */
        int (*remove)(json_object *object, void *userdata);
        int (*reject)(const char *text, size_t size, const char *reason, void *userdata); /* could not be parsed */
        void (*end)(void *userdata); /* the list was complete */
        void (*changed)(void *userdata); /* something in ReflectorStatus */
} ReflectorOps;

/* All copied by reflector_new(). */
typedef struct ReflectorConfig {
        const char *kind; /* "Service" */
        const char *path; /* "/api/v1/services" */
        const char *selector; /* "labelSelector=…", encoded; "" for none */
        const char *get_path; /* the path of the one object if it may be read but not listed; or NULL */
        bool stream; /* try sendInitialEvents first */
} ReflectorConfig;

typedef struct ReflectorStatus {
        ReflectorState state;
        bool synced; /* a list has been complete */
        bool connected; /* the last request was answered well, and has not failed since */
        bool missing; /* the server has no such resource (404): another API version may be there */
        bool forbidden; /* 403 */
        ReflectorWaitsFor waits_for; /* in WAITING */
        int failure; /* why it waits: -errno (-EACCES 401, -EPERM 403, -ENOENT 404, -ESTALE 410, -EAGAIN 429 and 5xx); 0 */
        const char *error; /* the same in words, "" = none; valid until the next call */
        const char *version; /* resourceVersion; as `error` */
        uint64_t n_lists, n_watches, n_events, n_errors, n_expired;
        size_t n_listed; /* objects in the last complete list */
} ReflectorStatus;

typedef struct Reflector Reflector;

int reflector_new(const ReflectorConfig *config, const ReflectorOps *ops, void *userdata, Reflector **ret);
Reflector *reflector_free(Reflector *reflector);
DEFINE_CLEANUP(Reflector *, reflector_free);

void reflector_start(Reflector *reflector);
/* The request has left: an answer can be expected. May be left out, or said twice. */
void reflector_sent(Reflector *reflector);
/* The HTTP status, and Retry-After (0 = none). */
void reflector_response(Reflector *reflector, unsigned status, uint64_t retry_after_usec);
/* Negative: the rest is not wanted, the owner ends the request and calls reflector_done(). */
int reflector_data(Reflector *reflector, const char *bytes, size_t size);
/* 0: the body is complete. Else -errno, and `message` says in words what happened to the connection. */
void reflector_done(Reflector *reflector, int error, const char *message);
void reflector_timer(Reflector *reflector);
/* What was waited for is there: the retry is made now. */
void reflector_kick(Reflector *reflector, ReflectorWaitsFor what);

void reflector_status(const Reflector *reflector, ReflectorStatus *ret);
