/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An object of the API: immutable, reference counted, its JSON text made once. The resource version is not part of
 * the text but put in when it is written, because a DELETED event shows the last state under a new version.
 * EndpointSlices have a second text for v1beta1, as the real server converts them.
 */
#pragma once

#include <json-c/json.h>
#include <stdint.h>

#include "tests/apiserver/buffer.h"
#include "tests/apiserver/resource.h"

typedef struct ObjectText {
        char *bytes; /* owned; begins with "metadata":{ and ends before the object's closing brace; NULL = none */
        size_t size;
        size_t version_offset; /* where the resource version goes */
} ObjectText;

typedef struct ObjectLabel {
        char *key, *value; /* owned */
} ObjectLabel;

typedef struct ApiObject {
        unsigned n_ref;
        Resource resource;
        char *key; /* owned; "namespace/name", or "name" */
        char *uid, *created; /* owned */
        ObjectLabel *labels; /* owned */
        size_t n_labels;
        ObjectText v1, v1beta1;
        uint64_t version; /* set by the store */
} ApiObject;

ApiObject *object_ref(ApiObject *object);
ApiObject *object_unref(ApiObject *object);
DEFINE_CLEANUP(ApiObject *, object_unref);

/*
 * From an object as a manifest or a client wrote it; `json` is changed: defaults are filled in as the API server does,
 * v1beta1 slices become v1. `previous` (or NULL) gives uid and creation time where `json` has none. -EINVAL: no
 * metadata or name; *ret_error then says what (static).
 */
int object_from_json(Resource resource,
                     struct json_object *json,
                     const ApiObject *previous,
                     ApiObject **ret,
                     const char **ret_error);

/* For the generator: takes texts over, in the layout of ObjectText. NULL on OOM. */
ApiObject *object_from_text(Resource resource, const char *key, ObjectText *v1, ObjectText *v1beta1);
/* Only while the object is new. */
int object_add_label(ApiObject *object, const char *key, const char *value);

/* NULL if there is none */
const char *object_label(const ApiObject *object, const char *key);
const char *object_name(const ApiObject *object);
/* Whether it lies in the namespace; NULL or "" = any */
bool object_in_namespace(const ApiObject *object, const char *namespace);

/* The same but for the version. */
bool object_equal(const ApiObject *a, const ApiObject *b);

/* `type` puts kind and apiVersion in front, as in watch events and single objects but not in lists. */
void object_write(const ApiObject *object, ApiVersion form, uint64_t version, bool type, Buffer *buffer);
