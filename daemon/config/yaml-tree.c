/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/yaml-tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "config/yaml-scalar.h"

/* A collection that is open, and the key that waits for its value. */
typedef struct YamlFrame {
        YamlNode *node; /* borrowed from the tree */
        char *key;      /* owned */
        unsigned key_line;
} YamlFrame;

typedef struct YamlAnchor {
        char *name;     /* owned */
        YamlNode *node; /* borrowed from the tree */
} YamlAnchor;

typedef struct YamlLoader {
        yaml_parser_t parser;
        YamlTree *tree; /* owned until it is handed over */
        YamlFrame frames[YAML_TREE_DEPTH_MAX];
        size_t n_frames;
        YamlAnchor anchors[YAML_TREE_ANCHORS_MAX];
        size_t n_anchors;
        const char *text; /* borrowed */
        size_t size;
        YamlError *error; /* borrowed */
} YamlLoader;

const char *yaml_kind_to_string(YamlKind kind) {
        static const char *const names[_YAML_KIND_MAX] = {
                [YAML_KIND_NULL] = "null",      [YAML_KIND_BOOL] = "a boolean",  [YAML_KIND_INT] = "a number",
                [YAML_KIND_FLOAT] = "a number", [YAML_KIND_STRING] = "a string", [YAML_KIND_LIST] = "a list",
                [YAML_KIND_MAP] = "a map",
        };

        return kind >= 0 && kind < _YAML_KIND_MAX ? names[kind] : NULL;
}

static char *wipe_free(char *text) {
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        return NULL;
}

static void yaml_node_free(YamlNode *node) {
        if (!node)
                return;
        for (size_t i = 0; i < node->n_entries; i++)
                node->entries[i].key = wipe_free(node->entries[i].key);
        free(node->entries);
        node->text = wipe_free(node->text);
        free(node);
}

YamlTree *yaml_tree_free(YamlTree *tree) {
        if (!tree)
                return NULL;
        for (size_t i = 0; i < tree->n_nodes; i++)
                yaml_node_free(tree->nodes[i]);
        free(tree->nodes);
        free(tree);
        return NULL;
}

const YamlEntry *yaml_map_find(const YamlNode *map, const char *key) {
        for (size_t i = map && map->kind == YAML_KIND_MAP ? map->n_entries : 0; i > 0; i--)
                if (strcmp(map->entries[i - 1].key, key) == 0)
                        return &map->entries[i - 1];
        return NULL;
}

const YamlEntry *yaml_map_duplicate(const YamlNode *map, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (strcmp(map->entries[k].key, map->entries[i].key) == 0)
                        return &map->entries[k];
        return NULL;
}

/* ---- building */

static int yaml_loader_fail(YamlLoader *loader, const yaml_mark_t *mark, const char *text) {
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        loader->error->line = (unsigned) mark->line + 1;
        loader->error->text = copy;
        return -EBADMSG;
}

/* Where the text is no UTF-8, libyaml tells how many bytes it had read and not the line. */
static yaml_mark_t yaml_loader_mark(const YamlLoader *loader) {
        yaml_mark_t mark = loader->parser.problem_mark;

        if (loader->parser.error != YAML_READER_ERROR)
                return mark;
        mark.line = 0;
        for (size_t i = 0; i < MIN2(loader->parser.problem_offset, loader->size); i++)
                mark.line += loader->text[i] == '\n';
        return mark;
}

static int grow(void *array, size_t n, size_t *n_allocated, size_t size) {
        size_t bigger_n = MAX2(*n_allocated * 2, (size_t) 8);
        void **pointer = array, *bigger;

        if (n < *n_allocated)
                return 0;
        bigger = reallocarray(*pointer, bigger_n, size);
        if (!bigger)
                return -ENOMEM;
        *pointer = bigger;
        *n_allocated = bigger_n;
        return 0;
}

static int yaml_loader_node(YamlLoader *loader, YamlKind kind, const yaml_event_t *event, YamlNode **ret) {
        YamlTree *tree = loader->tree;
        YamlNode *node;
        int r;

        if (tree->n_nodes >= YAML_TREE_NODES_MAX)
                return yaml_loader_fail(loader, &event->start_mark, "there are too many values");
        r = grow(&tree->nodes, tree->n_nodes, &tree->n_allocated, sizeof(YamlNode *));
        if (r < 0)
                return r;
        node = calloc(1, sizeof(YamlNode));
        if (!node)
                return -ENOMEM;
        node->kind = kind;
        node->line = (unsigned) event->start_mark.line + 1;
        node->weight = 1;
        tree->nodes[tree->n_nodes++] = node;
        *ret = node;
        return 0;
}

/* Takes the frame's key. */
static int yaml_frame_add(YamlFrame *frame, YamlNode *value) {
        YamlNode *node = frame->node;
        int r = grow(&node->entries, node->n_entries, &node->n_allocated, sizeof(YamlEntry));

        if (r < 0)
                return r;
        node->entries[node->n_entries++] = (YamlEntry){
                .key = TAKE_PTR(frame->key),
                .line = node->kind == YAML_KIND_MAP ? frame->key_line : value->line,
                .value = value,
        };
        node->weight += value->weight;
        return 0;
}

/* Puts a finished value where it belongs: into the innermost open collection, or at the root. */
static int yaml_loader_place(YamlLoader *loader, const yaml_event_t *event, YamlNode *value) {
        YamlFrame *frame = loader->n_frames > 0 ? &loader->frames[loader->n_frames - 1] : NULL;

        if (!frame) {
                loader->tree->root = value;
                return 0;
        }
        if (frame->node->kind == YAML_KIND_MAP && !frame->key) {
                if (value->kind >= YAML_KIND_LIST)
                        return yaml_loader_fail(loader, &event->start_mark, "a key must be a word, no list or map");
                if (frame->node->n_entries >= YAML_TREE_KEYS_MAX)
                        return yaml_loader_fail(loader, &event->start_mark, "a map has too many keys");
                frame->key = strdup(value->text);
                frame->key_line = (unsigned) event->start_mark.line + 1;
                return frame->key ? 0 : -ENOMEM;
        }
        if (frame->node->weight + value->weight > YAML_TREE_NODES_MAX)
                return yaml_loader_fail(loader, &event->start_mark, "aliases make the document too large");
        return yaml_frame_add(frame, value);
}

static int yaml_loader_anchor(YamlLoader *loader, const yaml_event_t *event, const yaml_char_t *name, YamlNode *node) {
        char *copy;

        if (!name)
                return 0;
        if (loader->n_anchors >= ELEMENTSOF(loader->anchors))
                return yaml_loader_fail(loader, &event->start_mark, "there are too many anchors");
        copy = strdup((const char *) name);
        if (!copy)
                return -ENOMEM;
        loader->anchors[loader->n_anchors++] = (YamlAnchor){ copy, node };
        return 0;
}

/* ---- events */

static int yaml_loader_alias(YamlLoader *loader, const yaml_event_t *event) {
        const char *name = (const char *) event->data.alias.anchor;

        for (size_t i = loader->n_anchors; i > 0; i--) {
                const YamlAnchor *anchor = &loader->anchors[i - 1];

                if (strcmp(anchor->name, name) != 0)
                        continue;
                for (size_t k = 0; k < loader->n_frames; k++)
                        if (loader->frames[k].node == anchor->node)
                                return yaml_loader_fail(loader, &event->start_mark, "an alias contains itself");
                return yaml_loader_place(loader, event, anchor->node);
        }
        return yaml_loader_fail(loader, &event->start_mark, "an alias has no anchor before it");
}

static int yaml_loader_scalar(YamlLoader *loader, const yaml_event_t *event) {
        const char *text = (const char *) event->data.scalar.value;
        YamlNode *node;
        int r;

        if (strlen(text) != event->data.scalar.length)
                return yaml_loader_fail(loader, &event->start_mark, "a value contains a NUL character");
        r = yaml_loader_node(loader, YAML_KIND_STRING, event, &node);
        if (r < 0)
                return r;
        node->kind = yaml_scalar_kind(text, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
                                      (const char *) event->data.scalar.tag, &text);
        node->text = strdup(text);
        if (!node->text)
                return -ENOMEM;
        r = yaml_loader_anchor(loader, event, event->data.scalar.anchor, node);
        return r < 0 ? r : yaml_loader_place(loader, event, node);
}

static int yaml_loader_open(YamlLoader *loader, const yaml_event_t *event, YamlKind kind, const yaml_char_t *anchor) {
        YamlNode *node;
        int r;

        if (loader->n_frames >= ELEMENTSOF(loader->frames))
                return yaml_loader_fail(loader, &event->start_mark, "lists and maps are nested too deeply");
        r = yaml_loader_node(loader, kind, event, &node);
        if (r >= 0)
                r = yaml_loader_anchor(loader, event, anchor, node);
        if (r < 0)
                return r;
        loader->frames[loader->n_frames++] = (YamlFrame){ .node = node };
        return 0;
}

static int yaml_loader_close(YamlLoader *loader, const yaml_event_t *event) {
        YamlNode *node = loader->frames[--loader->n_frames].node;

        return yaml_loader_place(loader, event, node);
}

/* 1: the document has ended. */
static int yaml_loader_event(YamlLoader *loader, const yaml_event_t *event) {
        switch (event->type) {
        case YAML_ALIAS_EVENT:
                return yaml_loader_alias(loader, event);
        case YAML_SCALAR_EVENT:
                return yaml_loader_scalar(loader, event);
        case YAML_SEQUENCE_START_EVENT:
                return yaml_loader_open(loader, event, YAML_KIND_LIST, event->data.sequence_start.anchor);
        case YAML_MAPPING_START_EVENT:
                return yaml_loader_open(loader, event, YAML_KIND_MAP, event->data.mapping_start.anchor);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                return yaml_loader_close(loader, event);
        case YAML_DOCUMENT_END_EVENT:
        case YAML_STREAM_END_EVENT:
                return 1;
        case YAML_NO_EVENT:
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_START_EVENT:
                return 0;
        }
        return 0;
}

static void yaml_event_wipe(yaml_event_t *event) {
        if (event->type == YAML_SCALAR_EVENT)
                explicit_bzero(event->data.scalar.value, event->data.scalar.length);
        yaml_event_delete(event);
}

static int yaml_loader_parse(YamlLoader *loader, yaml_event_t *event) {
        yaml_mark_t mark;

        if (yaml_parser_parse(&loader->parser, event))
                return 0;
        if (loader->parser.error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        mark = yaml_loader_mark(loader);
        return yaml_loader_fail(loader, &mark, loader->parser.problem ? loader->parser.problem : "it is malformed");
}

static int yaml_loader_run(YamlLoader *loader) {
        yaml_event_t event;
        int r;

        do {
                r = yaml_loader_parse(loader, &event);
                if (r < 0)
                        return r;
                r = yaml_loader_event(loader, &event);
                yaml_event_wipe(&event);
        } while (r == 0);
        if (r < 0)
                return r;
        /* What comes behind the document is told, not read; if it is not even YAML, that is the same. */
        if (loader->tree->root && yaml_parser_parse(&loader->parser, &event)) {
                if (event.type == YAML_DOCUMENT_START_EVENT)
                        loader->tree->second_document_line = (unsigned) event.start_mark.line + 1;
                yaml_event_wipe(&event);
        }
        return 0;
}

/* libyaml keeps the text in buffers that it frees as they are. */
static void yaml_loader_done(YamlLoader *loader) {
        yaml_parser_t *parser = &loader->parser;

        if (parser->raw_buffer.start)
                explicit_bzero(parser->raw_buffer.start, (size_t) (parser->raw_buffer.end - parser->raw_buffer.start));
        if (parser->buffer.start)
                explicit_bzero(parser->buffer.start, (size_t) (parser->buffer.end - parser->buffer.start));
        yaml_parser_delete(parser);
        for (size_t i = 0; i < loader->n_frames; i++)
                loader->frames[i].key = wipe_free(loader->frames[i].key);
        for (size_t i = 0; i < loader->n_anchors; i++)
                free(loader->anchors[i].name);
        loader->tree = yaml_tree_free(loader->tree);
}

static int yaml_loader_empty_root(YamlLoader *loader) {
        static const yaml_event_t nowhere = {};
        YamlNode *node;
        int r;

        if (loader->tree->root)
                return 0;
        r = yaml_loader_node(loader, YAML_KIND_NULL, &nowhere, &node);
        if (r < 0)
                return r;
        node->text = strdup("");
        loader->tree->root = node;
        return node->text ? 0 : -ENOMEM;
}

int yaml_tree_parse(const char *text, size_t size, YamlTree **ret, YamlError *ret_error) {
        YamlLoader loader = { .text = text, .size = size, .error = ret_error };
        int r;

        if (!yaml_parser_initialize(&loader.parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&loader.parser, (const unsigned char *) text, size);
        loader.tree = calloc(1, sizeof(YamlTree));
        r = loader.tree ? yaml_loader_run(&loader) : -ENOMEM;
        if (r >= 0)
                r = yaml_loader_empty_root(&loader);
        if (r >= 0)
                *ret = TAKE_PTR(loader.tree);
        yaml_loader_done(&loader);
        return r;
}
