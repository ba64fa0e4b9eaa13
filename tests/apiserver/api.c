/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/api.h"

#include <string.h>

int api_server_init(ApiServer *server, sd_event *event, size_t ring_size, uint64_t first_version) {
        *server = (ApiServer) {
                .event = event,
                .versions = (1U << _API_VERSION_MAX) - 1,
                .anonymous = true,
                .bookmark_usec = 60 * USEC_PER_SEC,
        };
        return store_init(&server->store, ring_size, first_version);
}

void api_server_done(ApiServer *server) {
        for (Resource i = 0; i < _RESOURCE_MAX; i++)
                (void) api_watches_end(server, i, /* reset= */ false);
        store_done(&server->store);
        fault_list_done(&server->faults);
        for (size_t i = 0; i < server->n_forbidden; i++)
                free(server->forbidden[i]);
        free(server->forbidden);
        free(server->token);
        free(server->basic);
        *server = (ApiServer) {};
}

const char *api_verb_to_string(ApiVerb verb) {
        static const char *const names[_API_VERB_MAX] = {
                [API_VERB_GET] = "get",       [API_VERB_LIST] = "list",   [API_VERB_WATCH] = "watch",
                [API_VERB_CREATE] = "create", [API_VERB_PATCH] = "patch", [API_VERB_UPDATE] = "update",
        };

        return names[verb];
}

WatchListMode watch_list_mode_from_string(const char *text) {
        static const char *const names[_WATCH_LIST_MODE_MAX] = {
                [WATCH_LIST_ON] = "on", [WATCH_LIST_REFUSED] = "refused", [WATCH_LIST_UNKNOWN] = "unknown",
        };

        for (WatchListMode i = 0; i < _WATCH_LIST_MODE_MAX; i++)
                if (strcmp(names[i], text) == 0)
                        return i;
        return _WATCH_LIST_MODE_INVALID;
}

GzipMode gzip_mode_from_string(const char *text) {
        static const char *const names[_GZIP_MODE_MAX] = {
                [GZIP_AUTO] = "auto", [GZIP_ALWAYS] = "always", [GZIP_NEVER] = "never",
        };

        for (GzipMode i = 0; i < _GZIP_MODE_MAX; i++)
                if (strcmp(names[i], text) == 0)
                        return i;
        return _GZIP_MODE_INVALID;
}

/* ---- the path */

/* Cuts the version off the front: "v1" of /api/v1/…, "discovery.k8s.io/v1" of /apis/discovery.k8s.io/v1/… */
static ApiVersion path_take_version(char **path) {
        char *rest = *path, *end;
        ApiVersion version;

        if (strncmp(rest, "/api/", 5) == 0) {
                rest += 5;
                end = strchr(rest, '/');
        } else if (strncmp(rest, "/apis/", 6) == 0) {
                rest += 6;
                end = strchr(rest, '/');
                end = end ? strchr(end + 1, '/') : NULL;
        } else
                return _API_VERSION_INVALID;
        if (!end)
                return _API_VERSION_INVALID;
        *end = '\0';
        version = api_version_from_string(rest);
        *path = end + 1;
        return version;
}

static int request_parse_path(ApiRequest *request, char *path) {
        char *part;

        request->version = path_take_version(&path);
        if (request->version < 0 || !(request->server->versions & (1U << request->version)))
                return -ENOENT;
        part = strsep(&path, "/");
        if (strcmp(part, "namespaces") == 0 && path && strchr(path, '/')) {
                request->namespace = strdup(strsep(&path, "/"));
                if (!request->namespace)
                        return -ENOMEM;
                part = strsep(&path, "/");
        }
        request->resource = resource_from_plural(part);
        if (request->resource < 0 || !(resource_type(request->resource)->versions & (1U << request->version)) ||
            (request->namespace && !resource_type(request->resource)->namespaced))
                return -ENOENT;
        if (!path || !*path)
                return 0;
        if (strchr(path, '/'))
                return -ENOENT; /* no subresources */
        request->name = strdup(path);
        return request->name ? 0 : -ENOMEM;
}

static bool query_is_true(const HttpRequest *request, const char *name) {
        const char *value = http_request_query(request, name);

        return value && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
}

static ApiVerb request_verb(const ApiRequest *request) {
        const char *method = request->http->method;
        bool writable = resource_type(request->resource)->writable;

        if (strcmp(method, "GET") == 0) {
                if (query_is_true(request->http, "watch"))
                        return API_VERB_WATCH;
                return request->name ? API_VERB_GET : API_VERB_LIST;
        }
        if (writable && !request->name && strcmp(method, "POST") == 0)
                return API_VERB_CREATE;
        if (writable && request->name && strcmp(method, "PATCH") == 0)
                return API_VERB_PATCH;
        if (writable && request->name && strcmp(method, "PUT") == 0)
                return API_VERB_UPDATE;
        return _API_VERB_INVALID;
}

/* ---- faults */

static void fault_error_event(HttpConnection *connection, const Fault *fault) {
        ApiStatus status = { .code = fault->status, .reason = fault->status == 410 ? "Expired" : "InternalError" };
        Buffer b = {};

        buffer_text(&b, "{\"type\":\"ERROR\",\"object\":");
        api_status_write(&b, &status, "an ordered fault");
        buffer_text(&b, "}\n");
        http_stream_begin(connection, NULL, NULL, NULL);
        http_stream_write(connection, b.data, b.size);
        http_stream_end(connection);
        buffer_done(&b);
}

static void fault_status(HttpConnection *connection, const Fault *fault) {
        static const struct {
                int code;
                const char *reason;
        } reasons[] = {
                { 401, "Unauthorized" },    { 403, "Forbidden" },       { 404, "NotFound" },
                { 410, "Expired" },         { 429, "TooManyRequests" }, { 503, "ServiceUnavailable" },
                { 504, "Timeout" },
        };
        ApiStatus status = { .code = fault->status, .reason = "InternalError", .retry_after = fault->retry_after };

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (reasons[i].code == fault->status)
                        status.reason = reasons[i].reason;
        api_fail(connection, &status, "an ordered fault");
}

/* True if there is nothing more to answer. */
static bool fault_apply(ApiRequest *request, const Fault *fault) {
        static const char bad_framing[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                          "Transfer-Encoding: chunked\r\n\r\nzz\r\n{\"kind\":\r\n\x80\xff garbage";
        static const char bad_json[] = "{\"kind\":\"ServiceList\",]]\x80\xff{{";
        HttpConnection *connection = request->connection;

        request->server->counters.faults++;
        switch (fault->action) {
        case FAULT_ERROR_EVENT:
                if (request->verb == API_VERB_WATCH)
                        fault_error_event(connection, fault);
                else
                        fault_status(connection, fault);
                return true;
        case FAULT_STATUS:
                fault_status(connection, fault);
                return true;
        case FAULT_HANG:
                return true;
        case FAULT_CLOSE:
                http_close(connection);
                return true;
        case FAULT_RESET:
                http_reset(connection);
                return true;
        case FAULT_FRAMING:
                http_write_raw(connection, bad_framing, sizeof bad_framing - 1);
                http_close(connection);
                return true;
        case FAULT_GARBAGE:
                http_respond(connection, 200, "application/json", NULL, bad_json, sizeof bad_json - 1);
                return true;
        case FAULT_HALF:
                request->fault = fault;
                return false;
        case _FAULT_ACTION_MAX:
        case _FAULT_ACTION_INVALID:
                break;
        }
        return false;
}

/* ---- dispatch */

static void api_dispatch(ApiRequest *request) {
        ApiServer *server = request->server;
        const Fault *fault;

        request->verb = request_verb(request);
        if (request->verb < 0) {
                api_fail(request->connection,
                         &(ApiStatus) { .code = 405, .reason = "MethodNotAllowed", .details = "{}" },
                         "the server does not allow this method on the requested resource");
                return;
        }
        server->counters.by_verb[request->resource][request->verb]++;
        if (!api_authorize(request))
                return;
        fault = fault_list_take(
                &server->faults, resource_type(request->resource)->plural, api_verb_to_string(request->verb));
        if (fault && fault_apply(request, fault))
                return;
        switch (request->verb) {
        case API_VERB_GET:
                api_get(request);
                break;
        case API_VERB_LIST:
                api_list(request);
                break;
        case API_VERB_WATCH:
                api_watch(request);
                break;
        case API_VERB_CREATE:
        case API_VERB_PATCH:
        case API_VERB_UPDATE:
                api_write(request);
                break;
        case _API_VERB_MAX:
        case _API_VERB_INVALID:
                break;
        }
}

static void api_handle_resource(ApiRequest *request) {
        _cleanup_(freep) char *path = strdup(request->http->path);
        int r;

        r = path ? request_parse_path(request, path) : -ENOMEM;
        if (r >= 0)
                api_dispatch(request);
        else if (r == -ENOENT)
                api_fail_path(request->connection);
        else
                api_fail(request->connection, &(ApiStatus) { .code = 500, .reason = "InternalError" }, "out of memory");
        free(request->namespace);
        free(request->name);
}

void api_handle(void *userdata, HttpConnection *connection, const HttpRequest *http) {
        ApiServer *server = userdata;
        ApiRequest request = { .server = server, .connection = connection, .http = http, .verb = API_VERB_GET };
        const Fault *fault;

        server->counters.requests++;
        if (!api_authenticate(&request))
                return;
        if (!api_is_discovery(http->path)) {
                api_handle_resource(&request);
                return;
        }
        fault = fault_list_take(&server->faults, "discovery", "get");
        if (!fault || !fault_apply(&request, fault))
                api_discovery(server, connection, http->path);
}
