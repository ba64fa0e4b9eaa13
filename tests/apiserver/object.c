/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "tests/apiserver/defaults.h"

ApiObject *object_ref(ApiObject *object) {
        object->n_ref++;
        return object;
}

ApiObject *object_unref(ApiObject *object) {
        if (!object || --object->n_ref > 0)
                return NULL;
        for (size_t i = 0; i < object->n_labels; i++) {
                free(object->labels[i].key);
                free(object->labels[i].value);
        }
        free(object->labels);
        free(object->key);
        free(object->uid);
        free(object->created);
        free(object->v1.bytes);
        free(object->v1beta1.bytes);
        free(object);
        return NULL;
}

static ApiObject *object_new(Resource resource, const char *key) {
        _cleanup_(object_unrefp) ApiObject *object = calloc(1, sizeof *object);

        if (!object)
                return NULL;
        object->n_ref = 1;
        object->resource = resource;
        object->key = strdup(key);
        return object->key ? TAKE_PTR(object) : NULL;
}

ApiObject *object_from_text(Resource resource, const char *key, ObjectText *v1, ObjectText *v1beta1) {
        ApiObject *object = object_new(resource, key);

        if (!object)
                return NULL;
        object->v1 = *v1;
        *v1 = (ObjectText) {};
        object->v1beta1 = *v1beta1;
        *v1beta1 = (ObjectText) {};
        return object;
}

int object_add_label(ApiObject *object, const char *key, const char *value) {
        ObjectLabel *labels = reallocarray(object->labels, object->n_labels + 1, sizeof *labels);

        if (!labels)
                return -ENOMEM;
        object->labels = labels;
        labels[object->n_labels] = (ObjectLabel) { .key = strdup(key), .value = strdup(value) };
        object->n_labels++;
        return labels[object->n_labels - 1].key && labels[object->n_labels - 1].value ? 0 : -ENOMEM;
}

const char *object_label(const ApiObject *object, const char *key) {
        for (size_t i = 0; i < object->n_labels; i++)
                if (strcmp(object->labels[i].key, key) == 0)
                        return object->labels[i].value;
        return NULL;
}

const char *object_name(const ApiObject *object) {
        const char *slash = strchr(object->key, '/');

        return slash ? slash + 1 : object->key;
}

bool object_in_namespace(const ApiObject *object, const char *namespace) {
        size_t size = namespace ? strlen(namespace) : 0;

        return size == 0 || (strncmp(object->key, namespace, size) == 0 && object->key[size] == '/');
}

bool object_equal(const ApiObject *a, const ApiObject *b) {
        return a->v1.size == b->v1.size && memcmp(a->v1.bytes, b->v1.bytes, a->v1.size) == 0;
}

/* ---- from JSON */

static const char *json_string(struct json_object *object, const char *key) {
        struct json_object *value;

        if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
                return NULL;
        return json_object_get_string(value);
}

static char *uid_new(void) {
        uint8_t b[16] = {};
        char *text;

        if (getrandom(b, sizeof b, 0) < 0)
                return NULL;
        if (asprintf(&text,
                     "%02x%02x%02x%02x-%02x%02x-4%01x%02x-8%01x%02x-%02x%02x%02x%02x%02x%02x",
                     b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 15U, b[7], b[8] & 15U, b[9], b[10],
                     b[11], b[12], b[13], b[14], b[15]) < 0)
                return NULL;
        return text;
}

static char *time_now(void) {
        time_t now = time(NULL);
        char text[sizeof "2026-11-23T08:10:01Z"];
        struct tm tm;

        if (!gmtime_r(&now, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                return NULL;
        return strdup(text);
}

static int object_fill_identity(ApiObject *object, struct json_object *metadata, const ApiObject *previous) {
        const char *uid = json_string(metadata, "uid"), *created = json_string(metadata, "creationTimestamp");

        if (!uid && previous)
                uid = previous->uid;
        if (!created && previous)
                created = previous->created;
        object->uid = uid ? strdup(uid) : uid_new();
        object->created = created ? strdup(created) : time_now();
        return object->uid && object->created ? 0 : -ENOMEM;
}

static int object_fill_labels(ApiObject *object, struct json_object *metadata) {
        struct json_object *labels;
        int r;

        if (!json_object_object_get_ex(metadata, "labels", &labels) ||
            !json_object_is_type(labels, json_type_object))
                return 0;
        json_object_object_foreach(labels, key, value) {
                r = object_add_label(object, key, value ? json_object_get_string(value) : "");
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool metadata_is_written_first(const char *key) {
        static const char *const keys[] = { "name", "namespace", "uid", "resourceVersion", "creationTimestamp" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (strcmp(keys[i], key) == 0)
                        return true;
        return false;
}

static void json_member(Buffer *buffer, const char *key, struct json_object *value) {
        buffer_text(buffer, ",");
        buffer_json_string(buffer, key);
        buffer_text(buffer, ":");
        buffer_text(buffer,
                    json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* The order is that of the real server's answers. */
static int object_make_text(const ApiObject *object, struct json_object *json, ObjectText *ret) {
        const char *slash = strchr(object->key, '/');
        Buffer b = {};
        struct json_object *metadata = NULL;
        size_t offset;

        (void) json_object_object_get_ex(json, "metadata", &metadata);
        buffer_text(&b, "\"metadata\":{\"name\":");
        buffer_json_string(&b, object_name(object));
        if (slash)
                buffer_printf(&b, ",\"namespace\":\"%.*s\"", (int) (slash - object->key), object->key);
        buffer_printf(&b, ",\"uid\":\"%s\",\"resourceVersion\":\"", object->uid);
        offset = b.size;
        buffer_printf(&b, "\",\"creationTimestamp\":\"%s\"", object->created);
        json_object_object_foreach(metadata, key, value)
                if (!metadata_is_written_first(key))
                        json_member(&b, key, value);
        buffer_text(&b, "}");
        json_object_object_foreach(json, member, content)
                if (strcmp(member, "metadata") != 0 && strcmp(member, "kind") != 0 &&
                    strcmp(member, "apiVersion") != 0)
                        json_member(&b, member, content);
        if (b.failed) {
                buffer_done(&b);
                return -ENOMEM;
        }
        *ret = (ObjectText) { .bytes = b.data, .size = b.size, .version_offset = offset };
        return 0;
}

static char *object_key(Resource resource, struct json_object *metadata, const char **ret_error) {
        const char *name = json_string(metadata, "name"), *namespace = json_string(metadata, "namespace");
        char *key;

        if (!name || !*name || strchr(name, '/') || (namespace && strpbrk(namespace, "/\"\\"))) {
                *ret_error = "metadata.name or metadata.namespace is missing or no name";
                return NULL;
        }
        if (!resource_type(resource)->namespaced)
                return strdup(name);
        return asprintf(&key, "%s/%s", namespace && *namespace ? namespace : "default", name) < 0 ? NULL : key;
}

int object_from_json(Resource resource,
                     struct json_object *json,
                     const ApiObject *previous,
                     ApiObject **ret,
                     const char **ret_error) {
        _cleanup_(object_unrefp) ApiObject *object = NULL;
        _cleanup_(freep) char *key = NULL;
        struct json_object *metadata, *beta = NULL;
        int r;

        *ret_error = NULL;
        if (!json_object_is_type(json, json_type_object) ||
            !json_object_object_get_ex(json, "metadata", &metadata) ||
            !json_object_is_type(metadata, json_type_object)) {
                *ret_error = "no object, or it has no metadata";
                return -EINVAL;
        }
        key = object_key(resource, metadata, ret_error);
        if (!key)
                return *ret_error ? -EINVAL : -ENOMEM;
        object = object_new(resource, key);
        if (!object)
                return -ENOMEM;
        r = defaults_fill(resource, json);
        if (r >= 0)
                r = object_fill_identity(object, metadata, previous);
        if (r >= 0)
                r = object_fill_labels(object, metadata);
        if (r >= 0)
                r = object_make_text(object, json, &object->v1);
        if (r >= 0 && resource == RESOURCE_SLICES) {
                r = defaults_to_v1beta1(json, &beta);
                if (r >= 0)
                        r = object_make_text(object, beta, &object->v1beta1);
                json_object_put(beta);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(object);
        return 0;
}

/* ---- to JSON */

void object_write(const ApiObject *object, ApiVersion form, uint64_t version, bool type, Buffer *buffer) {
        const ObjectText *text = form == API_VERSION_DISCOVERY_V1BETA1 ? &object->v1beta1 : &object->v1;

        buffer_text(buffer, "{");
        if (type)
                buffer_printf(buffer,
                              "\"kind\":\"%s\",\"apiVersion\":\"%s\",",
                              resource_type(object->resource)->kind,
                              api_version_to_string(form));
        buffer_append(buffer, text->bytes, text->version_offset);
        buffer_printf(buffer, "%" PRIu64, version);
        buffer_append(buffer, text->bytes + text->version_offset, text->size - text->version_offset);
        buffer_text(buffer, "}");
}
