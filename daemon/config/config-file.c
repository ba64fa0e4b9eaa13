/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1, YAML or JSON). As kube-proxy decodes it: unknown and
 * repeated fields are said and passed over (its lenient decoding), a value of the wrong type is an error.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/parse.h"
#include "config/config-private.h"

#define CONFIG_API_VERSION "kubeproxy.config.k8s.io/v1alpha1"
#define CONFIG_KIND "KubeProxyConfiguration"

/* ---- values */

static int config_file_fault(ConfigLoader *loader, size_t field, int r, const char *fault) {
        if (r == -EINVAL) {
                config_field_message(loader, field, CONFIG_SEVERITY_ERROR, "%s", fault ? fault : "is malformed");
                return 0;
        }
        return r;
}

static int config_file_kind_fault(ConfigLoader *loader, size_t field, const YamlNode *node) {
        unsigned kinds = config_type_ops(config_field(field)->type)->kinds;
        const char *hint = "";
        YamlKind want = 0;

        while (!(kinds & (1U << want)))
                want++;
        if (kinds == 1U << YAML_KIND_STRING && node->kind < YAML_KIND_LIST)
                hint = ", put it in quotes";
        if ((want == YAML_KIND_INT || want == YAML_KIND_BOOL) && node->kind == YAML_KIND_STRING)
                hint = ", write it without quotes";
        config_field_message(loader,
                             field,
                             CONFIG_SEVERITY_ERROR,
                             "must be %s and is %s%s",
                             yaml_kind_to_string(want),
                             yaml_kind_to_string(node->kind),
                             hint);
        return 0;
}

static int config_file_list(ConfigLoader *loader, size_t field, const YamlNode *node, void *slot) {
        const ConfigTypeOps *ops = config_type_ops(config_field(field)->type);
        int r = 0;

        ops->done(slot);
        for (size_t i = 0; i < node->n_entries && r >= 0; i++) {
                const YamlEntry *entry = &node->entries[i];
                _cleanup_(freep) char *fault = NULL, *text = NULL;

                loader->sources[field].line = entry->line;
                if (entry->value->kind >= YAML_KIND_LIST || (!entry->key && entry->value->kind != YAML_KIND_STRING) ||
                    (entry->key && entry->value->kind != YAML_KIND_BOOL)) {
                        config_field_message(loader,
                                             field,
                                             CONFIG_SEVERITY_ERROR,
                                             "each entry must be %s",
                                             entry->key ? "true or false" : "a string");
                        continue;
                }
                if (entry->key && asprintf(&text, "%s=%s", entry->key, entry->value->text) < 0) {
                        text = NULL;
                        return -ENOMEM;
                }
                r = config_file_fault(
                        loader,
                        field,
                        config_type_ops(config_field(field)->type)
                                ->parse(config_field(field), text ? text : entry->value->text, slot, &fault),
                        fault);
        }
        return r;
}

/* [{filePattern: server, verbosity: 4}] → "server=4" */
static int config_file_vmodule(ConfigLoader *loader, size_t field, const YamlNode *node, void *slot) {
        _cleanup_(freep) char *text = strdup(""), *fault = NULL;

        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_entries; i++) {
                const YamlEntry *pattern = yaml_map_find(node->entries[i].value, "filePattern");
                const YamlEntry *verbosity = yaml_map_find(node->entries[i].value, "verbosity");
                char *longer;

                loader->sources[field].line = node->entries[i].line;
                if (!pattern || pattern->value->kind != YAML_KIND_STRING || strpbrk(pattern->value->text, ",=") ||
                    !verbosity || verbosity->value->kind != YAML_KIND_INT) {
                        config_field_message(loader,
                                             field,
                                             CONFIG_SEVERITY_ERROR,
                                             "each entry must be {filePattern: PATTERN, verbosity: N}");
                        return 0;
                }
                if (asprintf(&longer,
                             "%s%s%s=%s",
                             text,
                             i > 0 ? "," : "",
                             pattern->value->text,
                             verbosity->value->text) < 0)
                        return -ENOMEM;
                free(text);
                text = longer;
        }
        return config_file_fault(
                loader, field, config_field_parse(config_field(field), text, slot, &fault), fault);
}

/* logging.flushFrequency as a number: nanoseconds, as component-base's TimeOrMetaDuration has it. */
static int config_file_flush(ConfigLoader *loader, size_t field, const YamlNode *node, uint64_t *slot) {
        uint64_t nsec;

        if (parse_uint64(node->text, &nsec) < 0)
                return config_file_fault(loader, field, -EINVAL, "must be a duration such as 5s, or nanoseconds");
        *slot = nsec / NSEC_PER_USEC;
        return 0;
}

static bool config_slot_is_zero(const ConfigField *field, const void *slot) {
        static const ConfigScratch zero = {};
        ConfigType type = field->type;

        return (type == CONFIG_TYPE_INT32 || type == CONFIG_TYPE_FLOAT || type == CONFIG_TYPE_DURATION ||
                type == CONFIG_TYPE_FLUSH) &&
               memcmp(slot, &zero, config_type_ops(type)->size) == 0;
}

static int config_file_scalar(ConfigLoader *loader, size_t i, const YamlNode *node, void *slot) {
        const ConfigField *field = config_field(i);
        bool zero_unset = field->flags & FIELD_ZERO_UNSET;
        _cleanup_(freep) char *fault = NULL;
        int r;

        if (zero_unset && node->text[0] == '\0') {
                loader->sources[i].origin = CONFIG_ORIGIN_DEFAULT;
                return 0;
        }
        if (field->type == CONFIG_TYPE_FLUSH && node->kind == YAML_KIND_INT)
                r = config_file_flush(loader, i, node, slot);
        else
                r = config_file_fault(loader, i, config_field_parse(field, node->text, slot, &fault), fault);
        if (r < 0 || !zero_unset || !config_slot_is_zero(field, slot))
                return r;
        loader->sources[i].origin = CONFIG_ORIGIN_DEFAULT;
        return config_field_reset(field, slot, /* with_file= */ true);
}

static int config_file_value(ConfigLoader *loader, size_t i, const YamlNode *node, void *slot) {
        const ConfigField *field = config_field(i);

        if (!(config_type_ops(field->type)->kinds & (1U << node->kind)))
                return config_file_kind_fault(loader, i, node);
        if (field->type == CONFIG_TYPE_VMODULE)
                return config_file_vmodule(loader, i, node, slot);
        if (node->kind >= YAML_KIND_LIST)
                return config_file_list(loader, i, node, slot);
        return config_file_scalar(loader, i, node, slot);
}

/* Whether it was written by somebody who writes every field down and means nothing by it, as kubeadm does. */
static bool yaml_node_is_nothing(const YamlNode *node) {
        for (size_t i = 0; i < node->n_entries; i++)
                if (!yaml_node_is_nothing(node->entries[i].value))
                        return false;
        return node->kind >= YAML_KIND_LIST || node->text[0] == '\0' || strcmp(node->text, "0") == 0 ||
               strcmp(node->text, "0s") == 0 || strcmp(node->text, "false") == 0;
}

static void config_file_no_effect(ConfigLoader *loader, size_t i) {
        config_field_message(loader, i, CONFIG_SEVERITY_WARNING, "has no effect here: %s", config_field(i)->help);
}

/* What has no effect is worth a word only if it is not the default. */
static int config_file_remark(ConfigLoader *loader, size_t i, const void *slot) {
        const ConfigField *field = config_field(i);
        const ConfigTypeOps *ops = config_type_ops(field->type);
        ConfigScratch fallback = {};
        int r;

        if (!(field->flags & (FIELD_NO_EFFECT | FIELD_OLD)) || loader->sources[i].origin != CONFIG_ORIGIN_FILE)
                return 0;
        r = config_field_reset(field, &fallback, /* with_file= */ true);
        if (r >= 0 && !ops->equal(slot, &fallback))
                config_file_no_effect(loader, i);
        if (ops->done)
                ops->done(&fallback);
        return r;
}

static int config_file_field(ConfigLoader *loader, size_t i, const YamlEntry *entry) {
        const ConfigField *field = config_field(i);
        const ConfigTypeOps *ops = config_type_ops(field->type);
        bool keep = field->offset != FIELD_NOWHERE;
        ConfigScratch scratch = {};
        void *slot = keep ? config_slot(loader->config, field) : &scratch;
        size_t n_errors = loader->messages->n_errors;
        int r = 0;

        if (entry->value->kind == YAML_KIND_NULL)
                return 0;
        loader->sources[i] = (ConfigSource) { CONFIG_ORIGIN_FILE, entry->line };
        if (field->type == CONFIG_TYPE_ANY) {
                if (!yaml_node_is_nothing(entry->value))
                        config_file_no_effect(loader, i);
                return 0;
        }
        if (!keep)
                r = config_field_reset(field, slot, /* with_file= */ true);
        if (r >= 0)
                r = config_file_value(loader, i, entry->value, slot);
        if (r >= 0 && loader->messages->n_errors == n_errors)
                r = config_file_remark(loader, i, slot);
        if (!keep && ops->done)
                ops->done(slot);
        return r;
}

/* ---- the document */

static const char *field_path(size_t i) {
        return config_field(i)->path;
}

/* 1: `path` is a field; 2: a block of fields; 0: neither. */
static int config_file_find(const char *path, size_t *ret) {
        size_t size = strlen(path);
        int found = 0;

        for (size_t i = 0; i < config_field_count(); i++) {
                const char *p = field_path(i);

                if (!p || strncmp(p, path, size) != 0)
                        continue;
                if (p[size] == '\0') {
                        *ret = i;
                        return 1;
                }
                if (p[size] == '.')
                        found = 2;
        }
        return found;
}

static int config_file_unknown(ConfigLoader *loader, const char *path, unsigned line) {
        const char *nearest = config_nearest(path, config_field_count(), field_path);
        _cleanup_(freep) char *quoted = config_quote(path);

        if (!quoted)
                return -ENOMEM;
        config_message(loader->messages,
                       CONFIG_SEVERITY_WARNING,
                       "%s:%u: %s: unknown field, ignored%s%s%s",
                       loader->file,
                       line,
                       quoted,
                       nearest ? "; did you mean " : "",
                       nearest ? nearest : "",
                       nearest ? "?" : "");
        return 0;
}

static int config_file_map(ConfigLoader *loader, const YamlNode *map, const char *prefix);

static int config_file_entry(ConfigLoader *loader, const YamlEntry *entry, const char *prefix) {
        _cleanup_(freep) char *path = NULL;
        size_t field;
        int found;

        if (asprintf(&path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", entry->key) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        found = config_file_find(path, &field);
        if (found == 1)
                return config_file_field(loader, field, entry);
        if (found == 0)
                return config_file_unknown(loader, path, entry->line);
        if (entry->value->kind == YAML_KIND_MAP)
                return config_file_map(loader, entry->value, path);
        if (entry->value->kind != YAML_KIND_NULL)
                config_message(loader->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s:%u: %s: must be a map and is %s",
                               loader->file,
                               entry->line,
                               path,
                               yaml_kind_to_string(entry->value->kind));
        return 0;
}

static int config_file_map(ConfigLoader *loader, const YamlNode *map, const char *prefix) {
        int r = 0;

        for (size_t i = 0; i < map->n_entries && r >= 0; i++) {
                const YamlEntry *entry = &map->entries[i], *before = yaml_map_duplicate(map, i);

                if (before)
                        config_message(loader->messages,
                                       CONFIG_SEVERITY_WARNING,
                                       "%s:%u: %s%s%.100s: given before on line %u, the last one counts",
                                       loader->file,
                                       entry->line,
                                       prefix,
                                       prefix[0] != '\0' ? "." : "",
                                       entry->key,
                                       before->line);
                if (yaml_map_find(map, entry->key) != entry ||
                    (prefix[0] == '\0' && (strcmp(entry->key, "apiVersion") == 0 || strcmp(entry->key, "kind") == 0)))
                        continue;
                r = config_file_entry(loader, entry, prefix);
        }
        return r;
}

static void config_file_type_meta(ConfigLoader *loader, const YamlNode *root, const char *key, const char *want) {
        const YamlEntry *entry = yaml_map_find(root, key);
        _cleanup_(freep) char *quoted = NULL;

        if (!entry || entry->value->kind == YAML_KIND_NULL) {
                config_message(loader->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s: %s: is missing, add \"%s: %s\"",
                               loader->file,
                               key,
                               key,
                               want);
                return;
        }
        if (entry->value->kind == YAML_KIND_STRING && strcmp(entry->value->text, want) == 0)
                return;
        quoted = config_quote(entry->value->kind < YAML_KIND_LIST ? entry->value->text : "");
        config_message(loader->messages,
                       CONFIG_SEVERITY_ERROR,
                       "%s:%u: %s: %s must be %s",
                       loader->file,
                       entry->line,
                       key,
                       quoted ? quoted : "",
                       want);
}

static int config_file_root(ConfigLoader *loader, const YamlTree *tree) {
        if (tree->root->kind != YAML_KIND_MAP) {
                config_message(loader->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s: must hold a %s (apiVersion " CONFIG_API_VERSION ") and holds %s",
                               loader->file,
                               CONFIG_KIND,
                               tree->root->kind == YAML_KIND_NULL ? "nothing" : yaml_kind_to_string(tree->root->kind));
                return 0;
        }
        config_file_type_meta(loader, tree->root, "apiVersion", CONFIG_API_VERSION);
        config_file_type_meta(loader, tree->root, "kind", CONFIG_KIND);
        if (tree->second_document_line > 0)
                config_message(loader->messages,
                               CONFIG_SEVERITY_WARNING,
                               "%s:%u: only the first document is read, all from here on is ignored",
                               loader->file,
                               tree->second_document_line);
        return config_file_map(loader, tree->root, "");
}

static int config_file_parse(ConfigLoader *loader, const char *text, size_t size) {
        _cleanup_(yaml_tree_freep) YamlTree *tree = NULL;
        YamlError error = {};
        int r = yaml_tree_parse(text, size, &tree, &error);

        if (r == -EBADMSG) {
                config_message(loader->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s:%u: this is neither YAML nor JSON: %s",
                               loader->file,
                               error.line,
                               error.text);
                free(error.text);
                return 0;
        }
        return r < 0 ? r : config_file_root(loader, tree);
}

int config_file_load(ConfigLoader *loader) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r = 0;

        for (size_t i = 0; i < config_field_count() && r >= 0; i++)
                if (config_field(i)->file_fallback)
                        r = config_field_reset(
                                config_field(i), config_slot(loader->config, config_field(i)), /* with_file= */ true);
        if (r >= 0)
                r = config_read_file(loader->file, CONFIG_FILE_SIZE_MAX, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                config_message(loader->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s: cannot be read (--config): %s",
                               loader->file,
                               r == -EFBIG ? "it is larger than 1 MiB" : strerror(-r));
                return 0;
        }
        return config_file_parse(loader, text, size);
}
