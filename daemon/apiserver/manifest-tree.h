/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of libyaml become trees of json-c, one a document, and these the objects of a manifest. For manifest-parse.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "apiserver/manifest-parse.h"

/* A map or list that is being filled. */
typedef struct ManifestFrame {
        json_object *container; /* borrowed: its parent owns it, or the builder */
        char *key; /* owned: of a map, waiting for its value */
        char *anchor; /* owned; NULL = none */
        size_t n_before; /* nodes before it, to know its weight */
} ManifestFrame;

typedef struct ManifestAnchor {
        char *name; /* owned */
        json_object *object; /* owned reference */
        size_t weight; /* nodes it stands for */
} ManifestAnchor;

typedef struct ManifestBuilder {
        json_object *root; /* owned: the document */
        unsigned root_line;
        ManifestFrame frames[MANIFEST_DEPTH_MAX];
        size_t n_frames;
        ManifestAnchor *anchors; /* owned */
        size_t n_anchors;
        size_t n_nodes; /* of all documents, aliases counted as what they stand for */
        unsigned *item_lines; /* owned: of the elements of a list of objects */
        size_t n_item_lines, n_item_lines_allocated;
        ManifestObjects objects; /* owned */
        ManifestError *error; /* borrowed */
} ManifestBuilder;

/* -EBADMSG: it is no manifest, builder->error says where and why; -ENOMEM. */
int builder_event(ManifestBuilder *builder, const yaml_event_t *event);
/* builder->root is complete. */
int builder_end_document(ManifestBuilder *builder);
/* -EBADMSG, with that text. */
int builder_fail(ManifestBuilder *builder, const yaml_mark_t *mark, const char *text);
/* Empty afterwards. */
void builder_done(ManifestBuilder *builder);
