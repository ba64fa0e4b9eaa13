/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/manifest-tree.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/json-read.h"
#include "config/yaml-scalar.h"

#define ANCHORS_MAX 1024
#define OBJECTS_MAX 1000000

int builder_fail(ManifestBuilder *builder, const yaml_mark_t *mark, const char *text) {
        builder->error->line = (unsigned) mark->line + 1;
        (void) snprintf(builder->error->text, sizeof(builder->error->text), "%s", text);
        return -EBADMSG;
}

/* Room for one more element behind the n that are there. */
static int array_grow(void *array, size_t *n_allocated, size_t n, size_t size) {
        size_t allocated = MAX2(2 * *n_allocated, (size_t) 16);
        void *old, *bigger;

        if (n < *n_allocated)
                return 0;
        memcpy(&old, array, sizeof(old));
        bigger = reallocarray(old, allocated, size);
        if (!bigger)
                return -ENOMEM;
        memcpy(array, &bigger, sizeof(bigger));
        *n_allocated = allocated;
        return 0;
}

static int objects_add(ManifestObjects *objects, json_object *object, unsigned line) {
        int r = objects->n_objects < OBJECTS_MAX
                        ? array_grow(&objects->objects, &objects->n_allocated, objects->n_objects, sizeof(ManifestObject))
                        : -ENOMEM;

        if (r < 0)
                return r;
        objects->objects[objects->n_objects++] = (ManifestObject) { json_object_get(object), line };
        return 0;
}

/* ---- scalars */

/* What yaml_scalar_kind() calls a number: sign, base, digits, underscores. Out of range ends at the range's end. */
static json_object *number_new(const char *text) {
        bool negative = *text == '-';
        unsigned base = 10;
        int64_t value = 0;

        if (*text == '-' || *text == '+')
                text++;
        if (text[0] == '0' && text[1] != '\0') {
                base = text[1] == 'x' ? 16 : text[1] == 'b' ? 2 : 8;
                text += text[1] == 'x' || text[1] == 'b' || text[1] == 'o' ? 2 : 1;
        }
        for (; *text; text++) {
                unsigned digit = *text >= 'a' ? (unsigned) (*text - 'a') + 10 : *text >= 'A' && *text <= 'F' ? (unsigned) (*text - 'A') + 10
                                                                                                              : (unsigned) (*text - '0');

                if (*text == '_')
                        continue;
                if (__builtin_mul_overflow(value, (int64_t) base, &value) ||
                    __builtin_add_overflow(value, (int64_t) digit, &value))
                        return json_object_new_int64(negative ? INT64_MIN : INT64_MAX);
        }
        return json_object_new_int64(negative ? -value : value);
}

/* *ret is NULL for null, as json-c has it. */
static int scalar_new(const yaml_event_t *event, json_object **ret) {
        const char *text = (const char *) event->data.scalar.value, *meaning;
        YamlKind kind = yaml_scalar_kind(text,
                                         event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
                                         (const char *) event->data.scalar.tag,
                                         &meaning);

        switch (kind) {
        case YAML_KIND_NULL:
                *ret = NULL;
                return 0;
        case YAML_KIND_BOOL:
                *ret = json_object_new_boolean(*meaning == 't');
                break;
        case YAML_KIND_INT:
                *ret = number_new(text);
                break;
        case YAML_KIND_FLOAT:
                *ret = json_object_new_double(0); /* no field that is read is one: it only must be no integer */
                break;
        case YAML_KIND_STRING:
        case YAML_KIND_LIST:
        case YAML_KIND_MAP:
        case _YAML_KIND_MAX:
        case _YAML_KIND_INVALID:
                *ret = json_object_new_string_len(text, (int) MIN2(event->data.scalar.length, (size_t) MANIFEST_FILE_MAX));
                break;
        }
        return *ret ? 0 : -ENOMEM;
}

/* ---- the tree */

static const ManifestAnchor *builder_find_anchor(const ManifestBuilder *builder, const char *name) {
        for (size_t i = builder->n_anchors; i > 0; i--)
                if (strcmp(builder->anchors[i - 1].name, name) == 0)
                        return &builder->anchors[i - 1];
        return NULL;
}

/* `name` may be NULL: nothing to do. */
static int builder_add_anchor(ManifestBuilder *builder, const char *name, json_object *object, size_t weight, const yaml_mark_t *mark) {
        ManifestAnchor *bigger;
        char *copy;

        if (!name)
                return 0;
        if (builder->n_anchors >= ANCHORS_MAX)
                return builder_fail(builder, mark, "there are too many anchors");
        bigger = reallocarray(builder->anchors, builder->n_anchors + 1, sizeof(ManifestAnchor));
        if (!bigger)
                return -ENOMEM;
        builder->anchors = bigger;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        builder->anchors[builder->n_anchors++] = (ManifestAnchor) { copy, json_object_get(object), weight };
        return 0;
}

static void builder_forget_anchors(ManifestBuilder *builder) {
        for (size_t i = 0; i < builder->n_anchors; i++) {
                free(builder->anchors[i].name);
                (void) json_object_put(builder->anchors[i].object);
        }
        builder->n_anchors = 0;
}

/* The elements of the document's list, of which the lines are kept. */
static bool builder_is_item(const ManifestBuilder *builder) {
        if (builder->n_frames == 1)
                return json_object_is_type(builder->root, json_type_array);
        return builder->n_frames == 2 && json_object_is_type(builder->frames[1].container, json_type_array) &&
               builder->frames[0].key && strcmp(builder->frames[0].key, "items") == 0;
}

static int builder_note_item(ManifestBuilder *builder, const yaml_mark_t *mark) {
        int r = array_grow(&builder->item_lines, &builder->n_item_lines_allocated, builder->n_item_lines, sizeof(unsigned));

        if (r >= 0)
                builder->item_lines[builder->n_item_lines++] = (unsigned) mark->line + 1;
        return r;
}

/* Puts a value where it belongs; takes the reference in every case. */
static int builder_put(ManifestBuilder *builder, json_object *value, const yaml_mark_t *mark) {
        ManifestFrame *frame = builder->n_frames > 0 ? &builder->frames[builder->n_frames - 1] : NULL;
        int r = 0;

        if (!frame) {
                builder->root = value;
                builder->root_line = (unsigned) mark->line + 1;
                return 0;
        }
        if (builder_is_item(builder))
                r = builder_note_item(builder, mark);
        if (r < 0) {
                (void) json_object_put(value);
                return r;
        }
        if (json_object_is_type(frame->container, json_type_array))
                r = json_object_array_add(frame->container, value);
        else
                r = json_object_object_add(frame->container, frame->key, value);
        if (r < 0) {
                (void) json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

/* A key was used; not while its value is still being filled. */
static void frame_take_key(ManifestBuilder *builder) {
        ManifestFrame *frame = builder->n_frames > 0 ? &builder->frames[builder->n_frames - 1] : NULL;

        if (!frame)
                return;
        free(frame->key);
        frame->key = NULL;
}

static bool builder_wants_key(const ManifestBuilder *builder) {
        const ManifestFrame *frame = builder->n_frames > 0 ? &builder->frames[builder->n_frames - 1] : NULL;

        return frame && !frame->key && json_object_is_type(frame->container, json_type_object);
}

static int builder_count(ManifestBuilder *builder, size_t n, const yaml_mark_t *mark) {
        if (n > MANIFEST_NODES_MAX - builder->n_nodes)
                return builder_fail(builder, mark, "there are too many values");
        builder->n_nodes += n;
        return 0;
}

static int builder_scalar(ManifestBuilder *builder, const yaml_event_t *event) {
        ManifestFrame *frame = builder->n_frames > 0 ? &builder->frames[builder->n_frames - 1] : NULL;
        json_object *value = NULL;
        int r;

        if (builder_wants_key(builder)) {
                frame->key = strdup((const char *) event->data.scalar.value);
                return frame->key ? 0 : -ENOMEM;
        }
        r = scalar_new(event, &value);
        if (r >= 0)
                r = builder_add_anchor(builder, (const char *) event->data.scalar.anchor, value, 1, &event->start_mark);
        if (r < 0)
                return r;
        r = builder_put(builder, value, &event->start_mark);
        frame_take_key(builder);
        return r;
}

static int builder_open(ManifestBuilder *builder, const yaml_event_t *event, json_object *container, const char *anchor) {
        char *copy = anchor ? strdup(anchor) : NULL;
        int r;

        if (!container || (anchor && !copy)) {
                (void) json_object_put(container);
                free(copy);
                return -ENOMEM;
        }
        if (builder->n_frames >= MANIFEST_DEPTH_MAX || builder_wants_key(builder)) {
                (void) json_object_put(container);
                free(copy);
                return builder_fail(builder,
                                    &event->start_mark,
                                    builder_wants_key(builder) ? "a key must be a scalar" : "the nesting is too deep");
        }
        r = builder_put(builder, container, &event->start_mark);
        if (r < 0) {
                free(copy);
                return r;
        }
        builder->frames[builder->n_frames++] =
                (ManifestFrame) { .container = container, .anchor = copy, .n_before = builder->n_nodes };
        return 0;
}

static int builder_close(ManifestBuilder *builder, const yaml_event_t *event) {
        ManifestFrame frame = builder->frames[--builder->n_frames];
        int r = builder_add_anchor(builder,
                                   frame.anchor,
                                   frame.container,
                                   builder->n_nodes - frame.n_before + 1,
                                   &event->start_mark);

        free(frame.anchor);
        free(frame.key);
        frame_take_key(builder);
        return r;
}

static int builder_alias(ManifestBuilder *builder, const yaml_event_t *event) {
        const ManifestAnchor *anchor = builder_find_anchor(builder, (const char *) event->data.alias.anchor);
        int r;

        if (!anchor)
                return builder_fail(builder, &event->start_mark, "an alias stands for nothing that was before it");
        if (builder_wants_key(builder))
                return builder_fail(builder, &event->start_mark, "a key must be a scalar");
        r = builder_count(builder, anchor->weight, &event->start_mark);
        if (r < 0)
                return r;
        r = builder_put(builder, json_object_get(anchor->object), &event->start_mark);
        frame_take_key(builder);
        return r;
}

/* ---- documents */

static int builder_add_list(ManifestBuilder *builder, json_object *array) {
        int r = 0;

        for (size_t i = 0; i < json_object_array_length(array) && r >= 0; i++)
                r = objects_add(&builder->objects,
                                json_object_array_get_idx(array, i),
                                i < builder->n_item_lines ? builder->item_lines[i] : builder->root_line);
        return r;
}

/* Objects out of what one document is. An empty document is none. */
int builder_end_document(ManifestBuilder *builder) {
        json_object *items = json_member(builder->root, "items"), *kind = json_member(builder->root, "kind");
        int r = 0;

        if (json_object_is_type(builder->root, json_type_array))
                r = builder_add_list(builder, builder->root);
        else if (json_object_is_type(items, json_type_array) &&
                 (!json_object_is_type(kind, json_type_string) || strstr(json_object_get_string(kind), "List")))
                r = builder_add_list(builder, items);
        else if (builder->root)
                r = objects_add(&builder->objects, builder->root, builder->root_line);
        (void) json_object_put(builder->root);
        builder->root = NULL;
        builder->n_item_lines = 0;
        builder_forget_anchors(builder);
        return r;
}

int builder_event(ManifestBuilder *builder, const yaml_event_t *event) {
        int r = builder_count(builder, 1, &event->start_mark);

        if (r < 0)
                return r;
        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return builder_scalar(builder, event);
        case YAML_SEQUENCE_START_EVENT:
                return builder_open(builder, event, json_object_new_array(), (const char *) event->data.sequence_start.anchor);
        case YAML_MAPPING_START_EVENT:
                return builder_open(builder, event, json_object_new_object(), (const char *) event->data.mapping_start.anchor);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                return builder_close(builder, event);
        case YAML_ALIAS_EVENT:
                return builder_alias(builder, event);
        case YAML_DOCUMENT_END_EVENT:
                return builder_end_document(builder);
        case YAML_NO_EVENT:
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_START_EVENT:
                break;
        }
        return 0;
}

void builder_done(ManifestBuilder *builder) {
        while (builder->n_frames > 0) {
                ManifestFrame *frame = &builder->frames[--builder->n_frames];

                free(frame->key);
                free(frame->anchor);
        }
        builder_forget_anchors(builder);
        free(builder->anchors);
        free(builder->item_lines);
        (void) json_object_put(builder->root);
        manifest_objects_done(&builder->objects);
        *builder = (ManifestBuilder) { .error = builder->error };
}
