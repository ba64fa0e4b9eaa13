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

/*
 * A large file costs a second: it is parsed in steps. Takes `text`, of size + 1 bytes with a NUL at the end, in every case.
 * -ENOMEM.
 */
typedef struct ManifestParser ManifestParser;
int manifest_parser_new(char *text, size_t size, ManifestParser **ret);
ManifestParser *manifest_parser_free(ManifestParser *parser);
DEFINE_CLEANUP(ManifestParser *, manifest_parser_free);

/*
 * Goes on by about `n` values. 1: there is more; 0: the file is read to its end. -EBADMSG: ret_error says what is wrong with
 * which line; -ENOMEM. After a failure it can only be freed.
 */
int manifest_parser_run(ManifestParser *parser, size_t n, ManifestError *ret_error);
/* After a 0: the objects are the caller's. */
void manifest_parser_take(ManifestParser *parser, ManifestObjects *ret);

/* All in one. `text` is copied. -EBADMSG, -ENOMEM as above. */
int manifest_parse(const char *text, size_t size, ManifestObjects *ret, ManifestError *ret_error);
