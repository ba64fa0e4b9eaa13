/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line as Go's pflag reads it, with the word separators of Kubernetes: - and _ are the same. */
#include <errno.h>
#include <string.h>

#include "config/config-private.h"

static const char *flag_name(size_t i) {
        return config_field(i)->flag;
}

static int config_flag_uses_add(ConfigFlagUses *uses, size_t field, const char *value) {
        ConfigFlagUse *bigger = reallocarray(uses->items, uses->n_items + 1, sizeof(ConfigFlagUse));

        if (!bigger)
                return -ENOMEM;
        uses->items = bigger;
        uses->items[uses->n_items++] = (ConfigFlagUse){ field, value };
        return 0;
}

/* What a flag without "=" means; NULL: it needs the next argument. */
static const char *flag_value_alone(const ConfigField *field) {
        return field->type == CONFIG_TYPE_BOOL || field->type == CONFIG_TYPE_VERSION ? "true" : NULL;
}

static int config_flag_unknown(const char *argument, const char *name, size_t size, ConfigMessages *messages) {
        _cleanup_(freep) char *word = strndup(name, size), *quoted = config_quote(argument);
        const char *nearest;

        if (!word || !quoted)
                return -ENOMEM;
        for (char *p = word; *p != '\0'; p++)
                if (*p == '_')
                        *p = '-';
        nearest = config_nearest(word, config_field_count(), flag_name, 0);
        if (nearest)
                config_message(messages, CONFIG_SEVERITY_ERROR, "%s: unknown flag, did you mean --%s? See --help",
                               quoted, nearest);
        else
                config_message(messages, CONFIG_SEVERITY_ERROR, "%s: unknown flag, see --help", quoted);
        return 0;
}

/* --name, --name=value, --name value; *i is moved over what is used. */
static int config_flag_long(int argc, char **argv, int *i, ConfigFlagUses *uses, ConfigMessages *messages) {
        const char *name = argv[*i] + 2, *equals = strchr(name, '='), *value;
        size_t size = equals ? (size_t) (equals - name) : strlen(name), field;

        if (config_field_by_flag(name, size, &field) < 0)
                return config_flag_unknown(argv[*i], name, size, messages);
        value = equals ? equals + 1 : flag_value_alone(config_field(field));
        if (!value && *i + 1 < argc)
                value = argv[++*i];
        if (!value) {
                config_message(messages, CONFIG_SEVERITY_ERROR, "--%s: flag needs an argument, such as --%s=%s",
                               flag_name(field), flag_name(field), config_type_ops(config_field(field)->type)->name);
                return 0;
        }
        return config_flag_uses_add(uses, field, value);
}

/* -h, -v 2, -v2, -v=2, and several in one argument. */
static int config_flag_short(int argc, char **argv, int *i, ConfigFlagUses *uses, ConfigMessages *messages) {
        const char *letters = argv[*i] + 1;
        size_t field;
        int r;

        while (*letters == 'h') {
                r = config_field_by_flag("help", strlen("help"), &field);
                if (r >= 0)
                        r = config_flag_uses_add(uses, field, letters[1] == '=' ? letters + 2 : "true");
                if (r < 0 || letters[1] == '=' || letters[1] == '\0')
                        return r;
                letters++;
        }
        if (*letters != 'v')
                return config_flag_unknown(argv[*i], letters, strcspn(letters, "="), messages);
        if (letters[1] == '=')
                letters += 2;
        else if (letters[1] != '\0')
                letters++;
        else if (*i + 1 < argc)
                letters = argv[++*i];
        else {
                config_message(messages, CONFIG_SEVERITY_ERROR, "-v: flag needs an argument, such as -v=2");
                return 0;
        }
        r = config_field_by_flag("v", 1, &field);
        return r < 0 ? r : config_flag_uses_add(uses, field, letters);
}

static int config_flag_stray(const char *argument, const ConfigFlagUses *uses, ConfigMessages *messages) {
        _cleanup_(freep) char *quoted = config_quote(argument);
        const ConfigField *last = uses->n_items > 0 ? config_field(uses->items[uses->n_items - 1].field) : NULL;

        if (!quoted)
                return -ENOMEM;
        if (argument[0] == '\0')
                return 0; /* kube-proxy lets empty ones pass */
        if (last && last->type == CONFIG_TYPE_BOOL)
                config_message(messages, CONFIG_SEVERITY_ERROR,
                               "%s: there are no arguments but flags; a boolean is written --%s=false", quoted,
                               last->flag);
        else
                config_message(messages, CONFIG_SEVERITY_ERROR, "%s: there are no arguments but flags", quoted);
        return 0;
}

int config_flags_split(int argc, char **argv, ConfigFlagUses *ret, ConfigMessages *messages) {
        bool flags = true;
        int r = 0;

        for (int i = 1; i < argc && r >= 0; i++) {
                const char *argument = argv[i];

                if (flags && strcmp(argument, "--") == 0)
                        flags = false;
                else if (flags && strncmp(argument, "--", 2) == 0)
                        r = config_flag_long(argc, argv, &i, ret, messages);
                else if (flags && argument[0] == '-' && argument[1] != '\0')
                        r = config_flag_short(argc, argv, &i, ret, messages);
                else
                        r = config_flag_stray(argument, ret, messages);
        }
        return r;
}

/* ---- values */

static int config_flag_parse(ConfigLoader *loader, const ConfigFlagUse *use, bool keep) {
        const ConfigField *field = config_field(use->field);
        const ConfigTypeOps *ops = config_type_ops(field->type);
        ConfigSource *source = &loader->sources[use->field];
        _cleanup_(freep) char *fault = NULL;
        ConfigScratch scratch = {};
        int r;

        /* The first use replaces, the further ones add; without a list the last one counts anyway. */
        if (keep && ops->list && source->origin != CONFIG_ORIGIN_FLAG)
                ops->done(config_slot(loader->config, field));
        if (keep)
                source->origin = CONFIG_ORIGIN_FLAG;
        if (!config_utf8_valid(use->value)) {
                config_message(loader->messages, CONFIG_SEVERITY_ERROR, "--%s: must be UTF-8 text", field->flag);
                return 0;
        }
        r = config_field_parse(field, use->value, keep ? config_slot(loader->config, field) : &scratch, &fault);
        if (!keep && ops->done)
                ops->done(&scratch);
        if (r == -EINVAL) {
                config_message(loader->messages, CONFIG_SEVERITY_ERROR, "--%s: %s", field->flag, fault);
                return 0;
        }
        return r;
}

static bool config_flag_used_before(const ConfigFlagUses *uses, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (uses->items[k].field == uses->items[i].field)
                        return true;
        return false;
}

/* Says once of each flag what does not come of it. */
static void config_flag_remark(ConfigLoader *loader, const ConfigField *field) {
        if (field->flags & FIELD_DEPRECATED)
                config_message(loader->messages, CONFIG_SEVERITY_WARNING, "--%s: %s", field->flag, field->help);
        if (field->flags & (FIELD_NO_EFFECT | FIELD_OLD))
                config_message(loader->messages, CONFIG_SEVERITY_WARNING, "--%s: has no effect here: %s", field->flag,
                               field->help);
        else if (loader->file && !(field->flags & FIELD_WITH_CONFIG) && field->path)
                config_message(loader->messages, CONFIG_SEVERITY_WARNING,
                               "--%s: ignored because --config is given, set %s in %s instead", field->flag,
                               field->path, loader->file);
        else if (loader->file && !(field->flags & FIELD_WITH_CONFIG))
                config_message(loader->messages, CONFIG_SEVERITY_WARNING, "--%s: ignored because --config is given",
                               field->flag);
}

int config_flags_apply(ConfigLoader *loader, const ConfigFlagUses *uses) {
        int r = 0;

        for (size_t i = 0; i < uses->n_items && r >= 0; i++) {
                const ConfigField *field = config_field(uses->items[i].field);
                bool keep = field->offset != FIELD_NOWHERE && (!loader->file || (field->flags & FIELD_WITH_CONFIG));

                if (!config_flag_used_before(uses, i))
                        config_flag_remark(loader, field);
                r = config_flag_parse(loader, &uses->items[i], keep);
        }
        return r;
}
