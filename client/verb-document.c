/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands whose answer is one JSON document of the daemon: plan and dump. */
#include <errno.h>
#include <stdio.h>

#include "client/document.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

/* Calls a method a{sv} → h and reads all of the file it answers with. */
static int
fetch_file(Client *client, const char *method, const char *what, char **ret, size_t *ret_size) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int fd, r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, method, &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "a{sv}", 0);
        if (r < 0)
                return r;
        r = client_call_authorised(client, call, &error, &reply);
        if (r < 0)
                return report_bus(&error, r, "Failed to %s", what);
        r = sd_bus_message_read(reply, "h", &fd);
        return r < 0 ? r : document_read_fd(fd, ret, ret_size);
}

/* The array that lists the changes: the document itself or one of its members. */
static json_object *plan_changes(json_object *plan) {
        json_object *changes = json_get(plan, "changes");

        return json_object_is_type(plan, json_type_array) ? plan
               : changes                                  ? changes
                                                          : json_get(plan, "operations");
}

static int print_plan(Client *client, json_object *plan) {
        json_object *changes = plan_changes(plan);
        size_t n = changes ? json_object_array_length(changes) : 0;
        int r;

        if (changes && n == 0)
                return client_print_done(client,
                                         "The kernel is as it should be: nothing to change.");
        r = document_print(client, changes ? changes : plan);
        if (r < 0 || !changes || client->options.no_legend || client->options.quiet)
                return r;
        return printf("%zu change%s planned.\n", n, n == 1 ? "" : "s") < 0 ? -EIO : 0;
}

int verb_plan(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *plan = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        r = fetch_file(client, "PlanByFileDescriptor", "plan a sync", &text, &size);
        if (r == 0)
                r = document_parse(text, size, &plan);
        if (r != 0)
                return r;
        return client_wants_json(client) ? client_print_json(client, plan)
                                         : print_plan(client, plan);
}

/* As it comes: it may be large, and it is for programs. */
int verb_dump(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *document = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        r = fetch_file(client, "DumpByFileDescriptor", "dump", &text, &size);
        if (r != 0)
                return r;
        if (client->options.json == JSON_MODE_PRETTY) {
                r = document_parse(text, size, &document);
                return r < 0 ? r : client_print_json(client, document);
        }
        r = text_write(stdout, text, TEXT_FOR_JSON);
        if (r >= 0 && size > 0 && text[size - 1] != '\n' && fputc('\n', stdout) == EOF)
                r = -EIO;
        return r;
}
