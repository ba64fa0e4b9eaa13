/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <errno.h>
#include <string.h>

#include "common/parse.h"
#include "config/config-private.h"
#include "config/kubeconfig.h"

static const char *const audit_mode_table[_AUDIT_MODE_MAX] = {
        [AUDIT_MODE_ENFORCE] = "enforce",
        [AUDIT_MODE_OFF] = "off",
};

static const char *const log_format_table[_LOG_FORMAT_MAX] = {
        [LOG_FORMAT_TEXT] = "text",
        [LOG_FORMAT_JSON] = "json",
};

const char *audit_mode_to_string(AuditMode mode) {
        return mode >= 0 && mode < _AUDIT_MODE_MAX ? audit_mode_table[mode] : NULL;
}

AuditMode audit_mode_from_string(const char *text) {
        for (AuditMode m = 0; m < _AUDIT_MODE_MAX; m++)
                if (strcmp(text, audit_mode_table[m]) == 0)
                        return m;
        return _AUDIT_MODE_INVALID;
}

const char *log_format_to_string(LogFormat format) {
        return format >= 0 && format < _LOG_FORMAT_MAX ? log_format_table[format] : NULL;
}

LogFormat log_format_from_string(const char *text) {
        for (LogFormat f = 0; f < _LOG_FORMAT_MAX; f++)
                if (strcmp(text, log_format_table[f]) == 0)
                        return f;
        return _LOG_FORMAT_INVALID;
}

Config *config_free(Config *config) {
        if (!config)
                return NULL;
        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *field = config_field(i);
                const ConfigTypeOps *ops = config_type_ops(field->type);

                if (field->offset != FIELD_NOWHERE && ops->done)
                        ops->done(config_slot(config, field));
        }
        free(config->node_name);
        free(config);
        return NULL;
}

int config_new(Config **ret) {
        _cleanup_(config_freep) Config *config = calloc(1, sizeof(Config));
        int r;

        if (!config)
                return -ENOMEM;
        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *field = config_field(i);

                if (field->offset == FIELD_NOWHERE)
                        continue;
                r = config_field_reset(field, config_slot(config, field), /* with_file= */ false);
                if (r < 0)
                        return r;
        }
        config->node_name = strdup("");
        if (!config->node_name)
                return -ENOMEM;
        *ret = TAKE_PTR(config);
        return 0;
}

bool config_feature_enabled(const Config *config, const char *gate, bool fallback) {
        for (size_t i = 0; i < config->feature_gates.n_items; i++)
                if (strcmp(config->feature_gates.items[i].name, gate) == 0)
                        return config->feature_gates.items[i].enabled;
        return fallback;
}

size_t config_compare(const Config *old_config, const Config *new_config, ConfigChangeVisitor visitor, void *userdata) {
        size_t n = 0;

        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *field = config_field(i);
                ConfigChange change;

                if (field->offset == FIELD_NOWHERE || (field->flags & (FIELD_RUN | FIELD_NO_EFFECT)) ||
                    config_type_ops(field->type)
                            ->equal(config_slot_const(old_config, field), config_slot_const(new_config, field)))
                        continue;
                change = (ConfigChange){
                        .name = field->path ? field->path : field->flag,
                        .live = field->flags & FIELD_LIVE,
                };
                visitor(&change, userdata);
                n++;
        }
        return n;
}

/* ---- loading */

/* Help and version, which need nothing else to be right. RUN: neither was asked for. */
static ConfigAction config_print_action(const ConfigFlagUses *uses) {
        bool help = false, version = false, raw = false;

        for (size_t i = 0; i < uses->n_items; i++) {
                const char *flag = config_field(uses->items[i].field)->flag, *value = uses->items[i].value;

                if (strcmp(flag, "help") == 0)
                        (void) parse_bool(value, &help);
                if (strcmp(flag, "version") == 0) {
                        raw = strcmp(value, "raw") == 0;
                        version = false;
                        (void) parse_bool(value, &version);
                }
        }
        return help      ? CONFIG_ACTION_HELP
               : raw     ? CONFIG_ACTION_VERSION_RAW
               : version ? CONFIG_ACTION_VERSION
                         : CONFIG_ACTION_RUN;
}

static ConfigAction config_run_action(const Config *config) {
        if (config->write_config_to[0] != '\0')
                return CONFIG_ACTION_WRITE_CONFIG;
        if (config->check)
                return CONFIG_ACTION_CHECK;
        if (config->cleanup)
                return CONFIG_ACTION_CLEANUP;
        return config->init_only ? CONFIG_ACTION_INIT_ONLY : CONFIG_ACTION_RUN;
}

/* The last --config; NULL if there is none. */
static const char *config_file_of(const ConfigFlagUses *uses) {
        const char *file = NULL;

        for (size_t i = 0; i < uses->n_items; i++)
                if (config_field(uses->items[i].field)->offset == offsetof(Config, config_file))
                        file = uses->items[i].value;
        return file && file[0] != '\0' ? file : NULL;
}

static int config_loader_run(ConfigLoader *loader, const ConfigFlagUses *uses) {
        int r = 0;

        loader->file = config_file_of(uses);
        if (loader->file)
                r = config_file_load(loader);
        if (r >= 0)
                r = config_flags_apply(loader, uses);
        if (r >= 0)
                r = config_complete(loader);
        if (r < 0)
                return r;
        loader->config->action = config_run_action(loader->config);
        config_validate(loader);
        if (loader->config->action == CONFIG_ACTION_CHECK && loader->config->kubeconfig[0] != '\0') {
                r = kubeconfig_check(loader->config->kubeconfig, NULL, loader->config->master, loader->messages);
                if (r == -ENOMEM)
                        return r;
        }
        return loader->messages->n_errors > loader->n_errors_before ? -EINVAL : 0;
}

static void config_loader_done(ConfigLoader *loader) {
        loader->config = config_free(loader->config);
        free(loader->sources);
}

static void config_flag_uses_done(ConfigFlagUses *uses) {
        free(uses->items);
}

int config_load(int argc, char **argv, Config **ret, ConfigMessages *messages) {
        _cleanup_(config_loader_done)
                ConfigLoader loader = { .messages = messages, .n_errors_before = messages->n_errors };
        _cleanup_(config_flag_uses_done) ConfigFlagUses uses = {};
        ConfigAction action;
        int r;

        r = config_new(&loader.config);
        if (r < 0)
                return r;
        loader.sources = calloc(config_field_count(), sizeof(ConfigSource));
        if (!loader.sources)
                return -ENOMEM;
        r = config_flags_split(argc, argv, &uses, messages);
        if (r < 0)
                return r;
        action = config_print_action(&uses);
        if (action == CONFIG_ACTION_RUN)
                r = config_loader_run(&loader, &uses);
        if (r < 0)
                return r;
        if (action != CONFIG_ACTION_RUN) {
                config_messages_done(messages);
                loader.config->action = action;
        }
        *ret = TAKE_PTR(loader.config);
        return 0;
}
