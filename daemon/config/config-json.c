/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as JSON, for /configz: what config_format() writes, read back as a tree. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "config/config.h"
#include "config/yaml-tree.h"

static void json_object_freep(json_object **object) {
        if (*object)
                (void) json_object_put(*object);
}

static json_object *json_from_node(const YamlNode *node);

static json_object *json_from_list(const YamlNode *node) {
        _cleanup_(json_object_freep) json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < node->n_entries; i++)
                if (json_object_array_add(list, json_from_node(node->entries[i].value)) < 0)
                        return NULL;
        return TAKE_PTR(list);
}

static json_object *json_from_map(const YamlNode *node) {
        _cleanup_(json_object_freep) json_object *map = json_object_new_object();

        for (size_t i = 0; map && i < node->n_entries; i++)
                if (json_object_object_add(map, node->entries[i].key, json_from_node(node->entries[i].value)) < 0)
                        return NULL;
        return TAKE_PTR(map);
}

/* NULL is JSON's null too. */
static json_object *json_from_node(const YamlNode *node) {
        switch (node->kind) {
        case YAML_KIND_BOOL:
                return json_object_new_boolean(strcmp(node->text, "true") == 0);
        case YAML_KIND_INT:
                return json_object_new_int64(strtoll(node->text, NULL, 10));
        case YAML_KIND_FLOAT:
                return json_object_new_double_s(strtod(node->text, NULL), node->text);
        case YAML_KIND_STRING:
                return json_object_new_string(node->text);
        case YAML_KIND_LIST:
                return json_from_list(node);
        case YAML_KIND_MAP:
                return json_from_map(node);
        case YAML_KIND_NULL:
        case _YAML_KIND_MAX:
        case _YAML_KIND_INVALID:
                break;
        }
        return NULL;
}

int config_format_json(const Config *config, char **ret) {
        _cleanup_(json_object_freep) json_object *object = NULL;
        _cleanup_(yaml_tree_freep) YamlTree *tree = NULL;
        _cleanup_(freep) char *text = NULL;
        YamlError error = {};
        char *copy;
        int r = config_format(config, &text);

        if (r >= 0)
                r = yaml_tree_parse(text, strlen(text), &tree, &error);
        free(error.text);
        if (r < 0)
                return r;
        object = json_from_node(tree->root);
        copy = object ? strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)) : NULL;
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}
