/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1, YAML or JSON). As kube-proxy decodes it: unknown
 * and repeated fields are said and passed over (its lenient decoding), a value of the wrong type is an error.
 */
#include <errno.h>
#include <string.h>

#include "config/config-private.h"
#include "config/config-read.h"

#define CONFIG_API_VERSION "kubeproxy.config.k8s.io/v1alpha1"
#define CONFIG_KIND "KubeProxyConfiguration"

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
        const char *nearest = config_nearest(path, config_field_count(), field_path, 0);
        _cleanup_(freep) char *quoted = config_quote(path);

        if (!quoted)
                return -ENOMEM;
        config_message(loader->messages, CONFIG_SEVERITY_WARNING, "%s:%u: %s: unknown field, ignored%s%s%s",
                       loader->file, line, quoted, nearest ? "; did you mean " : "", nearest ? nearest : "",
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
                config_message(loader->messages, CONFIG_SEVERITY_ERROR, "%s:%u: %s: must be a map and is %s",
                               loader->file, entry->line, path, yaml_kind_to_string(entry->value->kind));
        return 0;
}

static int config_file_map(ConfigLoader *loader, const YamlNode *map, const char *prefix) {
        int r = 0;

        for (size_t i = 0; i < map->n_entries && r >= 0; i++) {
                const YamlEntry *entry = &map->entries[i], *before = yaml_map_duplicate(map, i);

                if (before)
                        config_message(loader->messages, CONFIG_SEVERITY_WARNING,
                                       "%s:%u: %s%s%.100s: given before on line %u, the last one counts", loader->file,
                                       entry->line, prefix, prefix[0] != '\0' ? "." : "", entry->key, before->line);
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
                config_message(loader->messages, CONFIG_SEVERITY_ERROR, "%s: %s: is missing, add \"%s: %s\"",
                               loader->file, key, key, want);
                return;
        }
        if (entry->value->kind == YAML_KIND_STRING && strcmp(entry->value->text, want) == 0)
                return;
        quoted = config_quote(entry->value->kind < YAML_KIND_LIST ? entry->value->text : "");
        config_message(loader->messages, CONFIG_SEVERITY_ERROR, "%s:%u: %s: %s must be %s", loader->file, entry->line,
                       key, quoted ? quoted : "", want);
}

static int config_file_root(ConfigLoader *loader, const YamlTree *tree) {
        if (tree->root->kind != YAML_KIND_MAP) {
                config_message(loader->messages, CONFIG_SEVERITY_ERROR,
                               "%s: must hold a %s (apiVersion " CONFIG_API_VERSION ") and holds %s", loader->file,
                               CONFIG_KIND,
                               tree->root->kind == YAML_KIND_NULL ? "nothing" : yaml_kind_to_string(tree->root->kind));
                return 0;
        }
        config_file_type_meta(loader, tree->root, "apiVersion", CONFIG_API_VERSION);
        config_file_type_meta(loader, tree->root, "kind", CONFIG_KIND);
        if (tree->second_document_line > 0)
                config_message(loader->messages, CONFIG_SEVERITY_WARNING,
                               "%s:%u: only the first document is read, all from here on is ignored", loader->file,
                               tree->second_document_line);
        return config_file_map(loader, tree->root, "");
}

static int config_file_parse(ConfigLoader *loader, const char *text, size_t size) {
        _cleanup_(yaml_tree_freep) YamlTree *tree = NULL;
        YamlError error = {};
        int r = yaml_tree_parse(text, size, &tree, &error);

        if (r == -EBADMSG) {
                config_message(loader->messages, CONFIG_SEVERITY_ERROR, "%s:%u: cannot be read as YAML or JSON: %s",
                               loader->file, error.line, error.text);
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
                        r = config_field_reset(config_field(i), config_slot(loader->config, config_field(i)),
                                               /* with_file= */ true);
        if (r >= 0)
                r = config_read_file(loader->file, CONFIG_FILE_SIZE_MAX, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                config_message(loader->messages, CONFIG_SEVERITY_ERROR, "%s: cannot be read (--config): %s",
                               loader->file, r == -EFBIG ? "it is larger than 1 MiB" : strerror(-r));
                return 0;
        }
        return config_file_parse(loader, text, size);
}
