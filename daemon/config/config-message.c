/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "config/config-private.h"

/* A file of nothing but faults is not worth more lines of log. */
#define MESSAGES_MAX 100

void config_messages_done(ConfigMessages *messages) {
        for (size_t i = 0; i < messages->n_items; i++)
                free(messages->items[i].text);
        free(messages->items);
        *messages = (ConfigMessages){};
}

static void config_message_add(ConfigMessages *messages, ConfigSeverity severity, char *text) {
        ConfigMessage *bigger = NULL;

        if (severity == CONFIG_SEVERITY_ERROR)
                messages->n_errors++;
        if (text && messages->n_items < MESSAGES_MAX)
                bigger = reallocarray(messages->items, messages->n_items + 1, sizeof(ConfigMessage));
        if (!bigger) {
                free(text);
                return;
        }
        messages->items = bigger;
        messages->items[messages->n_items++] = (ConfigMessage){ severity, text };
}

void config_message(ConfigMessages *messages, ConfigSeverity severity, const char *format, ...) {
        char *text;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        config_message_add(messages, severity, r < 0 ? NULL : text);
}

void config_field_message(ConfigLoader *loader, size_t field, ConfigSeverity severity, const char *format, ...) {
        const ConfigField *f = config_field(field);
        const ConfigSource *source = &loader->sources[field];
        _cleanup_(freep) char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                text = NULL;
        if (source->origin == CONFIG_ORIGIN_FILE)
                config_message(loader->messages, severity, "%s:%u: %s: %s", loader->file, source->line, f->path,
                               text ? text : "out of memory");
        else if (source->origin == CONFIG_ORIGIN_DEFAULT && loader->file && f->path)
                config_message(loader->messages, severity, "%s: %s: %s", loader->file, f->path,
                               text ? text : "out of memory");
        else
                config_message(loader->messages, severity, "%s%s: %s", f->flag ? "--" : "", f->flag ? f->flag : f->path,
                               text ? text : "out of memory");
}

int config_fault(char **ret_fault, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(ret_fault, format, ap);
        va_end(ap);
        if (r < 0) {
                *ret_fault = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}
