/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches. Each has a cursor, the last version it was sent; everything it gets comes from the store's ring after that,
 * so that one which was held back catches up, or learns with ERROR 410 that it cannot.
 */
#include <inttypes.h>
#include <string.h>

#include "common/parse.h"
#include "tests/apiserver/api.h"

#define WATCH_TIMEOUT_SEC 1800 /* what the real server chooses at least if the client does not */
#define WATCH_LAST_BOOKMARK_USEC (2 * USEC_PER_SEC) /* before its time is over */

struct Watch {
        ApiServer *server; /* borrowed */
        Watch *next, *previous;
        HttpConnection *connection; /* borrowed */
        Resource resource;
        ApiVersion version;
        Selector selector; /* owned */
        uint64_t cursor;
        bool bookmarks;
        uint64_t deadline_usec; /* CLOCK_MONOTONIC */
        sd_event_source *bookmark_timer, *deadline_timer; /* owned */
};

static void watch_free(Watch *watch) {
        if (watch->previous)
                watch->previous->next = watch->next;
        else if (watch->server->watches == watch)
                watch->server->watches = watch->next;
        if (watch->next)
                watch->next->previous = watch->previous;
        (void) sd_event_source_disable_unref(watch->bookmark_timer);
        (void) sd_event_source_disable_unref(watch->deadline_timer);
        selector_done(&watch->selector);
        free(watch);
}

static void watch_on_closed(void *userdata) {
        watch_free(userdata);
}

/* The stream ends as the real server ends it: with the last chunk. */
static void watch_end(Watch *watch) {
        HttpConnection *connection = watch->connection;

        watch_free(watch);
        http_stream_end(connection);
}

/* ---- what is sent */

static void put_event(Buffer *b, const Watch *watch, const char *type, const ApiObject *object, uint64_t version) {
        buffer_printf(b, "{\"type\":\"%s\",\"object\":", type);
        object_write(object, watch->version, version, true, b);
        buffer_text(b, "}\n");
}

/* Leaving a selector is a deletion, and coming into it an addition; a deleted object is shown as it was. */
static void put_store_event(Buffer *b, const Watch *watch, const StoreEvent *event) {
        bool is = event->object && selector_matches(&watch->selector, event->object);
        bool was = event->previous && selector_matches(&watch->selector, event->previous);

        if (is)
                put_event(b, watch, was ? "MODIFIED" : "ADDED", event->object, event->version);
        else if (was)
                put_event(b, watch, "DELETED", event->previous, event->version);
}

static void put_bookmark(Buffer *b, const Watch *watch, bool initial_end) {
        const ResourceType *type = resource_type(watch->resource);

        buffer_printf(b,
                      "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":"
                      "{\"resourceVersion\":\"%" PRIu64 "\",\"creationTimestamp\":null%s}%s}}\n",
                      type->kind,
                      api_version_to_string(watch->version),
                      watch->server->store.version,
                      initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "",
                      type->bookmark);
}

static void put_too_old(Buffer *b, uint64_t version, uint64_t compacted) {
        Buffer message = {};

        buffer_printf(&message, "too old resource version: %" PRIu64 " (%" PRIu64 ")", version, compacted);
        buffer_text(b, "{\"type\":\"ERROR\",\"object\":");
        api_status_write(b, &(ApiStatus) { .code = 410, .reason = "Expired" }, buffer_cstring(&message));
        buffer_text(b, "}\n");
        buffer_done(&message);
}

/* True if it went on; false if the watch had to end. */
static bool watch_pump(Watch *watch) {
        Store *store = &watch->server->store;
        const StoreTable *table = &store->tables[watch->resource];
        Buffer b = {};

        if (watch->server->watches_frozen)
                return true;
        if (watch->cursor < table->compacted) {
                put_too_old(&b, watch->cursor, table->compacted);
                http_stream_write(watch->connection, b.data, b.size);
                buffer_done(&b);
                watch_end(watch);
                return false;
        }
        for (size_t i = store_event_after(store, watch->resource, watch->cursor); i < table->n_events; i++) {
                b.size = 0;
                put_store_event(&b, watch, store_event(store, watch->resource, i));
                if (b.size > 0) {
                        http_stream_write(watch->connection, b.data, b.size);
                        watch->server->counters.events_sent++;
                }
                watch->cursor = store_event(store, watch->resource, i)->version;
        }
        buffer_done(&b);
        return true;
}

void api_watches_changed(void *userdata, Resource resource) {
        ApiServer *server = userdata;

        for (Watch *watch = server->watches, *next; watch; watch = next) {
                next = watch->next;
                if (watch->resource == resource)
                        (void) watch_pump(watch);
        }
}

void api_compact(ApiServer *server) {
        /* Those that have everything go on, as after a compaction of etcd. */
        for (Watch *watch = server->watches; watch && !server->watches_frozen; watch = watch->next)
                watch->cursor = MAX2(watch->cursor, server->store.version);
        store_compact(&server->store);
}

void api_watches_set_frozen(ApiServer *server, bool frozen) {
        server->watches_frozen = frozen;
        for (Resource i = 0; i < _RESOURCE_MAX; i++)
                api_watches_changed(server, i);
}

/* ---- timers */

static void watch_send_bookmark(Watch *watch, bool initial_end) {
        Buffer b = {};

        put_bookmark(&b, watch, initial_end);
        http_stream_write(watch->connection, b.data, b.size);
        buffer_done(&b);
        /* Everything up to here was sent, or did not concern it. */
        watch->cursor = MAX2(watch->cursor, watch->server->store.version);
        watch->server->counters.bookmarks_sent++;
}

static int watch_on_bookmark(sd_event_source *source, uint64_t usec, void *userdata) {
        Watch *watch = userdata;
        uint64_t next = usec + watch->server->bookmark_usec;

        if (!watch->server->watches_frozen)
                watch_send_bookmark(watch, /* initial_end= */ false);
        /* One more shortly before the end, like the watch cache (bookmarkFrequency, cacher.go). */
        if (usec + WATCH_LAST_BOOKMARK_USEC < watch->deadline_usec)
                next = MIN2(next, watch->deadline_usec - WATCH_LAST_BOOKMARK_USEC);
        (void) sd_event_source_set_time(source, next);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int watch_on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Watch *watch = userdata;

        if (!watch->server->watches_frozen)
                watch_end(watch);
        return 0;
}

static int watch_start_timers(Watch *watch, uint64_t timeout_sec) {
        sd_event *event = watch->server->event;
        uint64_t now, first;
        int r;

        r = sd_event_now(event, CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        watch->deadline_usec = now + timeout_sec * USEC_PER_SEC;
        r = sd_event_add_time(event,
                              &watch->deadline_timer,
                              CLOCK_MONOTONIC,
                              watch->deadline_usec,
                              USEC_PER_MSEC,
                              watch_on_deadline,
                              watch);
        if (r < 0 || !watch->bookmarks)
                return r;
        first = now + watch->server->bookmark_usec;
        if (now + WATCH_LAST_BOOKMARK_USEC < watch->deadline_usec)
                first = MIN2(first, watch->deadline_usec - WATCH_LAST_BOOKMARK_USEC);
        return sd_event_add_time(
                event, &watch->bookmark_timer, CLOCK_MONOTONIC, first, USEC_PER_MSEC, watch_on_bookmark, watch);
}

/* ---- start */

/* Synthetic ADDED events for what is there. */
static void watch_send_initial(Watch *watch) {
        const StoreTable *table = &watch->server->store.tables[watch->resource];
        Buffer b = {};

        for (size_t i = 0; i < table->n_objects; i++) {
                if (!selector_matches(&watch->selector, table->objects[i]))
                        continue;
                b.size = 0;
                put_event(&b, watch, "ADDED", table->objects[i], table->objects[i]->version);
                http_stream_write(watch->connection, b.data, b.size);
                watch->server->counters.events_sent++;
        }
        buffer_done(&b);
        watch->cursor = watch->server->store.version;
}

static bool query_is(const ApiRequest *request, const char *name) {
        const char *value = http_request_query(request->http, name);

        return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* Takes the selector over. */
static Watch *watch_new(ApiRequest *request, ApiListOptions *options) {
        ApiServer *server = request->server;
        Watch *watch = calloc(1, sizeof *watch);
        const char *timeout = http_request_query(request->http, "timeoutSeconds");
        uint64_t timeout_sec;

        if (!watch)
                return NULL;
        watch->server = server;
        watch->connection = request->connection;
        watch->resource = request->resource;
        watch->version = request->version;
        watch->selector = options->selector;
        options->selector = (Selector) {};
        watch->cursor = options->version;
        watch->bookmarks = query_is(request, "allowWatchBookmarks");
        if (!timeout || parse_uint64(timeout, &timeout_sec) < 0 || timeout_sec == 0 || timeout_sec > 86400)
                timeout_sec = WATCH_TIMEOUT_SEC;
        if (watch_start_timers(watch, timeout_sec) < 0) {
                watch_free(watch);
                return NULL;
        }
        watch->next = server->watches;
        if (watch->next)
                watch->next->previous = watch;
        server->watches = watch;
        return watch;
}

static void watch_start(ApiRequest *request, ApiListOptions *options) {
        bool initial_end = query_is(request, "sendInitialEvents") && request->server->watch_list == WATCH_LIST_ON;
        Watch *watch = watch_new(request, options);

        if (!watch) {
                api_fail(request->connection, &(ApiStatus) { .code = 500, .reason = "InternalError" }, "out of memory");
                return;
        }
        http_stream_begin(request->connection, api_version_warning(request->version), watch_on_closed, watch);
        if (initial_end || options->version == 0) {
                watch_send_initial(watch);
                if (initial_end && watch->bookmarks)
                        watch_send_bookmark(watch, /* initial_end= */ true);
        } else if (!watch_pump(watch))
                return;
        if (request->fault && request->fault->action == FAULT_HALF) {
                static const char half[] = "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Serv";

                http_stream_write(watch->connection, half, sizeof half - 1);
                http_close(watch->connection);
        }
}

void api_watch(ApiRequest *request) {
        ApiListOptions options;

        if (!api_list_options_parse(request, &options)) {
                api_list_options_done(&options);
                return;
        }
        if (options.version > request->server->store.version)
                api_fail(request->connection,
                         &(ApiStatus) { .code = 504,
                                        .reason = "Timeout",
                                        .details = "{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\",\"message\":"
                                                   "\"Too large resource version\"}],\"retryAfterSeconds\":1}" },
                         "Timeout: Too large resource version: %" PRIu64 ", current: %" PRIu64,
                         options.version,
                         request->server->store.version);
        else
                watch_start(request, &options);
        api_list_options_done(&options);
}

/* ---- orders for all watches of a resource */

unsigned api_watches_send(ApiServer *server, Resource resource, const char *bytes, bool raw) {
        unsigned n = 0;

        for (Watch *watch = server->watches; watch; watch = watch->next) {
                if (watch->resource != resource)
                        continue;
                if (raw)
                        http_write_raw(watch->connection, bytes, strlen(bytes));
                else
                        http_stream_write(watch->connection, bytes, strlen(bytes));
                n++;
        }
        return n;
}

unsigned api_watches_end(ApiServer *server, Resource resource, bool reset) {
        unsigned n = 0;

        for (Watch *watch = server->watches, *next; watch; watch = next) {
                next = watch->next;
                if (watch->resource != resource)
                        continue;
                n++;
                if (reset)
                        http_reset(watch->connection); /* its reaper frees the watch */
                else
                        watch_end(watch);
        }
        return n;
}

unsigned api_watches_count(const ApiServer *server, Resource resource) {
        unsigned n = 0;

        for (const Watch *watch = server->watches; watch; watch = watch->next)
                n += watch->resource == resource;
        return n;
}
