/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients write: events, created (POST), merged (PATCH, RFC 7386) or replaced (PUT). */
#include <stdio.h>
#include <string.h>

#include "tests/apiserver/api.h"

static void fail_bad(ApiRequest *request, const char *message) {
        api_fail(request->connection, &(ApiStatus) { .code = 400, .reason = "BadRequest" }, "%s", message);
}

/* Strategic merge of lists is not needed for events: a merge patch replaces them. */
static int merge_patch(struct json_object *target, struct json_object *patch) {
        json_object_object_foreach(patch, key, value) {
                struct json_object *old;
                int r;

                if (!value) {
                        json_object_object_del(target, key);
                        continue;
                }
                if (json_object_is_type(value, json_type_object) && json_object_object_get_ex(target, key, &old) &&
                    json_object_is_type(old, json_type_object)) {
                        r = merge_patch(old, value);
                        if (r < 0)
                                return r;
                } else if (json_object_object_add(target, key, json_object_get(value)) < 0) {
                        json_object_put(value);
                        return -ENOMEM;
                }
        }
        return 0;
}

static struct json_object *object_to_json(const ApiObject *object, ApiVersion version) {
        struct json_object *json;
        Buffer b = {};

        object_write(object, version, object->version, true, &b);
        json = buffer_cstring(&b) ? json_tokener_parse(b.data) : NULL;
        buffer_done(&b);
        return json;
}

/* The path's namespace and name go into the body, and generateName becomes a name. */
static int body_complete(const ApiRequest *request, struct json_object *json) {
        struct json_object *metadata, *value;
        _cleanup_(freep) char *name = NULL;

        if (!json_object_object_get_ex(json, "metadata", &metadata) || !json_object_is_type(metadata, json_type_object))
                return -EINVAL;
        if (request->namespace) {
                if (json_object_object_get_ex(metadata, "namespace", &value) &&
                    strcmp(json_object_get_string(value), request->namespace) != 0)
                        return -EINVAL;
                json_object_object_add(metadata, "namespace", json_object_new_string(request->namespace));
        }
        if (request->name)
                json_object_object_add(metadata, "name", json_object_new_string(request->name));
        else if (!json_object_object_get_ex(metadata, "name", NULL) &&
                 json_object_object_get_ex(metadata, "generateName", &value)) {
                if (asprintf(&name,
                             "%s%05llx",
                             json_object_get_string(value),
                             (unsigned long long) request->server->store.version) < 0) {
                        name = NULL;
                        return -ENOMEM;
                }
                json_object_object_add(metadata, "name", json_object_new_string(name));
        }
        return 0;
}

/* What events.k8s.io/v1 asks of a new Event (pkg/apis/core/validation/events.go); NULL = nothing is wrong with it. */
static const char *event_problem(const ApiRequest *request, struct json_object *json) {
        static const struct {
                const char *key;
                size_t max;
        } texts[] = {
                { "reportingController", 253 }, { "reportingInstance", 128 }, { "action", 128 },
                { "reason", 128 },              { "type", 7 },                { "eventTime", 64 },
        };
        struct json_object *value, *regarding, *namespace = NULL;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (!json_object_object_get_ex(json, texts[i].key, &value) || !json_object_is_type(value, json_type_string) ||
                    json_object_get_string_len(value) == 0 || (size_t) json_object_get_string_len(value) > texts[i].max)
                        return texts[i].key;
        if (!json_object_object_get_ex(json, "note", &value) || json_object_get_string_len(value) > 1024)
                return "note";
        if (!json_object_object_get_ex(json, "regarding", &regarding))
                return "regarding";
        (void) json_object_object_get_ex(regarding, "namespace", &namespace);
        if (strcmp(namespace ? json_object_get_string(namespace) : "default", request->namespace) != 0)
                return "regarding.namespace";
        if (json_object_object_get_ex(json, "series", &value) &&
            json_object_get_int(json_object_object_get(value, "count")) < 2)
                return "series.count";
        return NULL;
}

static void write_put(ApiRequest *request, struct json_object *json, const ApiObject *previous) {
        _cleanup_(object_unrefp) ApiObject *object = NULL;
        const char *error = NULL;
        Buffer b = {};
        int r;

        r = object_from_json(request->resource, json, previous, &object, &error);
        if (r >= 0)
                r = store_put(&request->server->store, object);
        if (r < 0) {
                fail_bad(request, error ? error : "out of memory");
                return;
        }
        object_write(object, request->version, request->server->store.version, true, &b);
        buffer_text(&b, "\n");
        http_respond(request->connection, previous ? 200 : 201, "application/json", NULL, b.data, b.size);
        buffer_done(&b);
}

static ApiObject *find_previous(ApiRequest *request, struct json_object *json) {
        struct json_object *metadata, *value = NULL;
        _cleanup_(freep) char *key = NULL;
        const char *name = request->name;

        if (!name && json_object_object_get_ex(json, "metadata", &metadata) &&
            json_object_object_get_ex(metadata, "name", &value))
                name = json_object_get_string(value);
        if (!name || asprintf(&key, "%s/%s", request->namespace ? request->namespace : "default", name) < 0) {
                key = NULL;
                return NULL;
        }
        return store_get(&request->server->store, request->resource, key);
}

static void write_body(ApiRequest *request, struct json_object *json) {
        ApiObject *previous;
        struct json_object *merged;

        previous = find_previous(request, json);
        if (request->verb == API_VERB_CREATE && previous) {
                api_fail(request->connection,
                         &(ApiStatus) { .code = 409, .reason = "AlreadyExists" },
                         "events \"%s\" already exists",
                         object_name(previous));
                return;
        }
        if (request->verb != API_VERB_CREATE && !previous) {
                api_get(request); /* 404 */
                return;
        }
        if (request->verb == API_VERB_CREATE && request->version == API_VERSION_EVENTS_V1 && event_problem(request, json)) {
                api_fail(request->connection,
                         &(ApiStatus) { .code = 422, .reason = "Invalid" },
                         "Event is invalid: %s",
                         event_problem(request, json));
                return;
        }
        if (request->verb != API_VERB_PATCH) {
                if (body_complete(request, json) < 0)
                        fail_bad(request, "metadata is missing, or its namespace is not that of the path");
                else
                        write_put(request, json, previous);
                return;
        }
        merged = object_to_json(previous, request->version);
        if (!merged || merge_patch(merged, json) < 0)
                fail_bad(request, "out of memory");
        else
                write_put(request, merged, previous);
        json_object_put(merged);
}

void api_write(ApiRequest *request) {
        struct json_object *json = json_tokener_parse(request->http->body);

        if (json_object_is_type(json, json_type_object))
                write_body(request, json);
        else
                fail_bad(request, "the body is no JSON object");
        json_object_put(json);
}
