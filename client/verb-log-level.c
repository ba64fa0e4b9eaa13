/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log-level: by the interface systemd defines for every service, so `systemctl service-log-level`
 * does the same. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/message-json.h"
#include "client/report.h"
#include "client/text.h"
#include "client/verbs.h"

#define LOG_CONTROL_PATH "/org/freedesktop/LogControl1"
#define LOG_CONTROL_INTERFACE "org.freedesktop.LogControl1"

static int level_show(Client *client) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(json_object_putp) json_object *value = NULL, *document = NULL;
        int r;

        r = client_get(client, LOG_CONTROL_PATH, LOG_CONTROL_INTERFACE, "LogLevel", &error, &value);
        if (r < 0)
                return report_bus(&error, r, "Failed to get the log level");
        if (!json_object_is_type(value, json_type_string))
                return -EBADMSG;
        if (!client_wants_json(client)) {
                r = text_write(stdout, json_object_get_string(value), TEXT_FOR_PEOPLE);
                return r < 0 ? r : fputc('\n', stdout) == EOF ? -EIO : 0;
        }
        document = json_object_new_object();
        r = document ? json_add(document, "logLevel", TAKE_PTR(value)) : -ENOMEM;
        return r < 0 ? r : client_print_json(client, document);
}

static int level_set(Client *client, const char *level) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        const char *levels = verb_find("log-level")->first;

        if (!options_word_in(levels, level, ' '))
                return report(EXIT_CODE_USAGE, "Bad log level \"%s\": it is one of %s.", level,
                              levels);
        r = client_new_call(client, LOG_CONTROL_PATH, "org.freedesktop.DBus.Properties", "Set",
                            &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "ssv", LOG_CONTROL_INTERFACE, "LogLevel", "s",
                                          level);
        if (r < 0)
                return r;
        r = client_call(client, call, &error, NULL);
        if (r < 0)
                return report_bus(&error, r, "Failed to set the log level");
        return client_wants_json(client) ? level_show(client) : 0;
}

int verb_log_level(Client *client, int n_words, char *words[]) {
        return n_words > 0 ? level_set(client, words[0]) : level_show(client);
}
