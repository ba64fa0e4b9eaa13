/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of one field of the file: its YAML type first, then what it says. */
#include <errno.h>
#include <string.h>

#include "common/parse.h"
#include "config/config-private.h"

static int config_file_fault(ConfigLoader *loader, size_t field, int r, const char *fault) {
        if (r == -EINVAL) {
                config_field_message(loader, field, CONFIG_SEVERITY_ERROR, "%s", fault);
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
        config_field_message(loader, field, CONFIG_SEVERITY_ERROR, "must be %s and is %s%s", yaml_kind_to_string(want),
                             yaml_kind_to_string(node->kind), hint);
        return 0;
}

/* One item of a list, or one "Name: true" of a map. */
static int config_file_item(ConfigLoader *loader, size_t i, const YamlEntry *entry, void *slot) {
        const ConfigField *field = config_field(i);
        _cleanup_(freep) char *fault = NULL, *text = NULL;
        int r;

        loader->sources[i].line = entry->line;
        if (entry->value->kind != (entry->key ? YAML_KIND_BOOL : YAML_KIND_STRING)) {
                config_field_message(loader, i, CONFIG_SEVERITY_ERROR, "each entry must be %s",
                                     entry->key ? "true or false" : "a string");
                return 0;
        }
        if (entry->key && asprintf(&text, "%s=%s", entry->key, entry->value->text) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        r = config_type_ops(field->type)->parse(field, text ? text : entry->value->text, slot, &fault);
        return config_file_fault(loader, i, r, fault);
}

static int config_file_list(ConfigLoader *loader, size_t field, const YamlNode *node, void *slot) {
        int r = 0;

        config_type_ops(config_field(field)->type)->done(slot);
        for (size_t i = 0; i < node->n_entries && r >= 0; i++)
                r = config_file_item(loader, field, &node->entries[i], slot);
        return r;
}

/* [{filePattern: server, verbosity: 4}] → "server=4" */
static int config_file_vmodule(ConfigLoader *loader, size_t field, const YamlNode *node, void *slot) {
        _cleanup_(freep) char *text = strdup(""), *fault = NULL;
        int r;

        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_entries; i++) {
                const YamlEntry *pattern = yaml_map_find(node->entries[i].value, "filePattern");
                const YamlEntry *verbosity = yaml_map_find(node->entries[i].value, "verbosity");
                char *longer;

                loader->sources[field].line = node->entries[i].line;
                if (!pattern || pattern->value->kind != YAML_KIND_STRING || strpbrk(pattern->value->text, ",=") ||
                    !verbosity || verbosity->value->kind != YAML_KIND_INT) {
                        config_field_message(loader, field, CONFIG_SEVERITY_ERROR,
                                             "each entry must be {filePattern: PATTERN, verbosity: N}");
                        return 0;
                }
                if (asprintf(&longer, "%s%s%s=%s", text, i > 0 ? "," : "", pattern->value->text,
                             verbosity->value->text) < 0)
                        return -ENOMEM;
                free(text);
                text = longer;
        }
        r = config_field_parse(config_field(field), text, slot, &fault);
        return config_file_fault(loader, field, r, fault);
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
        else {
                r = config_field_parse(field, node->text, slot, &fault);
                r = config_file_fault(loader, i, r, fault);
        }
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

int config_file_field(ConfigLoader *loader, size_t i, const YamlEntry *entry) {
        const ConfigField *field = config_field(i);
        const ConfigTypeOps *ops = config_type_ops(field->type);
        bool keep = field->offset != FIELD_NOWHERE;
        ConfigScratch scratch = {};
        void *slot = keep ? config_slot(loader->config, field) : &scratch;
        size_t n_errors = loader->messages->n_errors;
        int r = 0;

        if (entry->value->kind == YAML_KIND_NULL)
                return 0;
        loader->sources[i] = (ConfigSource){ CONFIG_ORIGIN_FILE, entry->line };
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
