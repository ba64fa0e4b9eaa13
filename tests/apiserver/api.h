/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The API: who asks, for what, and whether a fault was ordered for it. Answers have the shape of tests/data/recorded-api.
 */
#pragma once

#include <systemd/sd-event.h>

#include "tests/apiserver/fault.h"
#include "tests/apiserver/http.h"
#include "tests/apiserver/selector.h"
#include "tests/apiserver/store.h"

typedef enum ApiVerb {
        API_VERB_GET,
        API_VERB_LIST,
        API_VERB_WATCH,
        API_VERB_CREATE,
        API_VERB_PATCH,
        API_VERB_UPDATE,
        _API_VERB_MAX,
        _API_VERB_INVALID = -EINVAL,
} ApiVerb;

/* "get", "list", … as in a ClusterRole */
const char *api_verb_to_string(ApiVerb verb);

/* sendInitialEvents: understood, refused as by a server without the feature, or not known as before 1.27 */
typedef enum WatchListMode {
        WATCH_LIST_ON,
        WATCH_LIST_REFUSED,
        WATCH_LIST_UNKNOWN,
        _WATCH_LIST_MODE_MAX,
        _WATCH_LIST_MODE_INVALID = -EINVAL,
} WatchListMode;

WatchListMode watch_list_mode_from_string(const char *text);

typedef enum GzipMode {
        GZIP_AUTO, /* from 128 KiB, as the real server */
        GZIP_ALWAYS,
        GZIP_NEVER,
        _GZIP_MODE_MAX,
        _GZIP_MODE_INVALID = -EINVAL,
} GzipMode;

GzipMode gzip_mode_from_string(const char *text);

typedef struct ApiCounters {
        uint64_t requests, unauthorized, forbidden, faults, events_sent, bookmarks_sent;
        uint64_t by_verb[_RESOURCE_MAX][_API_VERB_MAX];
        uint64_t discovery;
} ApiCounters;

typedef struct Watch Watch;

typedef struct ApiServer {
        sd_event *event; /* borrowed */
        HttpServer *http; /* borrowed */
        Store store;
        FaultList faults;
        Watch *watches; /* owned */
        bool watches_frozen;
        ApiCounters counters;

        unsigned versions; /* bits of ApiVersion */
        bool authenticate; /* else everyone is "system:admin" */
        bool anonymous; /* without credentials: system:anonymous (403) instead of 401 */
        char *token, *basic; /* owned, NULL = none; basic is "user:password" */
        char **forbidden; /* owned, "nodes:list"; resources that are refused with 403 */
        size_t n_forbidden;
        WatchListMode watch_list;
        GzipMode gzip;
        uint64_t bookmark_usec; /* between two bookmarks */
} ApiServer;

typedef struct ApiRequest {
        ApiServer *server;
        HttpConnection *connection;
        const HttpRequest *http;
        const Fault *fault; /* NULL = none; one that changes the answer's bytes */
        char user[128];
        Resource resource;
        ApiVersion version;
        ApiVerb verb;
        char *namespace, *name; /* owned; NULL = not in the path */
} ApiRequest;

int api_server_init(ApiServer *server, sd_event *event, size_t ring_size, uint64_t first_version);
void api_server_done(ApiServer *server);

/* The HttpHandler; userdata is the ApiServer. */
void api_handle(void *userdata, HttpConnection *connection, const HttpRequest *request);

/* ---- the rest of the room */

/* api-list.c: lists and single objects */
void api_list(ApiRequest *request);
void api_get(ApiRequest *request);

/* api-watch.c */
void api_watch(ApiRequest *request);
/* Sends what is new to every watch; the store calls it. */
void api_watches_changed(void *userdata, Resource resource);
/* Compacts the store: versions before now are too old for whoever comes. */
void api_compact(ApiServer *server);
/* No event, bookmark or end reaches a watch, though its connection stays. */
void api_watches_set_frozen(ApiServer *server, bool frozen);
/* To running watches of a resource: bytes in a chunk, or outside of the framing; ends them, or cuts them. Returns how many. */
unsigned api_watches_send(ApiServer *server, Resource resource, const char *bytes, bool raw);
unsigned api_watches_end(ApiServer *server, Resource resource, bool reset);
unsigned api_watches_count(const ApiServer *server, Resource resource);

/* api-write.c: events */
void api_write(ApiRequest *request);

/* api-options.c: what lists and watches have in common */
typedef struct ApiListOptions {
        Selector selector;
        uint64_t version; /* of resourceVersion; 0 also if there is none */
        bool has_version; /* resourceVersion is there and not empty */
        const char *match; /* resourceVersionMatch, borrowed; NULL = none */
        uint64_t limit; /* 0 = none */
        const char *token; /* continue, borrowed; NULL = none */
} ApiListOptions;

/* False if an answer was given. The caller calls api_list_options_done() in any case. */
bool api_list_options_parse(ApiRequest *request, ApiListOptions *ret);
void api_list_options_done(ApiListOptions *options);

/* api-discovery.c: paths that are no resource */
bool api_is_discovery(const char *path);
void api_discovery(ApiServer *server, HttpConnection *connection, const char *path);

/* api-auth.c: false if an answer was given */
bool api_authenticate(ApiRequest *request);
bool api_authorize(ApiRequest *request);

/* api-status.c */
typedef struct ApiStatus {
        int code;
        const char *reason; /* "NotFound" */
        const char *details; /* JSON of "details", NULL = leave out */
        const char *metadata; /* JSON of "metadata", NULL = {} */
        unsigned retry_after; /* seconds, 0 = no header */
} ApiStatus;

void api_status_write(Buffer *buffer, const ApiStatus *status, const char *message);
void api_fail(HttpConnection *connection, const ApiStatus *status, const char *format, ...) _printf_(3, 4);
/* 404 of a path that is not served */
void api_fail_path(HttpConnection *connection);
/* The Warning header of an old version, or NULL. */
const char *api_version_warning(ApiVersion version);
