/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A YAML (or JSON) document as a tree that remembers lines, for configuration and kubeconfig. Scalars get the types
 * that go-yaml and then JSON would give them, for that is how Kubernetes reads such files. Bounded in size, depth
 * and number of nodes, what aliases repeat included; a node that contains itself is refused. Memory is wiped before
 * it is freed, because a kubeconfig holds secrets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

#define YAML_TREE_DEPTH_MAX 32
#define YAML_TREE_NODES_MAX 50000 /* aliases count as what they stand for */
#define YAML_TREE_KEYS_MAX 1000   /* of one map */
#define YAML_TREE_ANCHORS_MAX 256

typedef enum YamlKind {
        YAML_KIND_NULL,
        YAML_KIND_BOOL,
        YAML_KIND_INT,
        YAML_KIND_FLOAT,
        YAML_KIND_STRING,
        YAML_KIND_LIST,
        YAML_KIND_MAP,
        _YAML_KIND_MAX,
        _YAML_KIND_INVALID = -22,
} YamlKind;

/* "a string", "a list", … for messages */
const char *yaml_kind_to_string(YamlKind kind);

typedef struct YamlNode YamlNode;

/* What a list or a map consists of; the key is NULL in a list. */
typedef struct YamlEntry {
        char *key;       /* owned */
        unsigned line;   /* of the key, or of the item */
        YamlNode *value; /* borrowed from the tree: aliases share it */
} YamlEntry;

struct YamlNode {
        YamlKind kind;
        unsigned line;      /* from 1 */
        unsigned weight;    /* nodes below, repeated ones repeatedly, and itself */
        char *text;         /* owned; of a scalar. BOOL is "true" or "false", NULL is "" */
        YamlEntry *entries; /* owned */
        size_t n_entries, n_allocated;
};

typedef struct YamlTree {
        YamlNode **nodes; /* owned, each too */
        size_t n_nodes, n_allocated;
        YamlNode *root;                /* one of them */
        unsigned second_document_line; /* 0: there is only one document; what follows it was not read */
} YamlTree;

typedef struct YamlError {
        unsigned line; /* from 1; 0: none */
        char *text;    /* owned; without place and full stop */
} YamlError;

/* -EBADMSG: *ret_error says what is wrong (no content of the document in it); -ENOMEM. An empty text is NULL kind. */
int yaml_tree_parse(const char *text, size_t size, YamlTree **ret, YamlError *ret_error);

YamlTree *yaml_tree_free(YamlTree *tree);
DEFINE_CLEANUP(YamlTree *, yaml_tree_free);

/* The last entry of that key, as JSON decoders take it; NULL if there is none or `map` is no map (or is NULL). */
const YamlEntry *yaml_map_find(const YamlNode *map, const char *key);

/* The first entry before `i` with the key of entry `i`: a duplicate. NULL if there is none. */
const YamlEntry *yaml_map_duplicate(const YamlNode *map, size_t i);
