/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest file, YAML of several documents or JSON, becomes JSON objects: one a document, or an element of a list
 * (`items`, or the document being a sequence). Scalars get the types that Kubernetes gives them (config/yaml-scalar.h).
 * Bounded in size, nesting, nodes and what aliases repeat; an anchor inside of itself is refused.
 */
#pragma once

#include <stddef.h>

#include <json-c/json_types.h>

#include "common/macros.h"

#define MANIFEST_FILE_MAX (16U << 20)
#define MANIFEST_NODES_MAX 2000000U
#define MANIFEST_DEPTH_MAX 64

typedef struct ManifestObject {
        json_object *object; /* owned reference */
        unsigned line; /* where it begins, from 1 */
} ManifestObject;

typedef struct ManifestObjects {
        ManifestObject *objects; /* owned */
        size_t n_objects, n_allocated;
} ManifestObjects;

void manifest_objects_done(ManifestObjects *objects);

typedef struct ManifestError {
        unsigned line; /* 0 = none */
        char text[160];
} ManifestError;

/* `text` has a NUL behind it. -EBADMSG: ret_error says what is wrong with which line; -ENOMEM. */
int manifest_parse(const char *text, size_t size, ManifestObjects *ret, ManifestError *ret_error);
