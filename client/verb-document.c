/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands whose answer is one JSON document of the daemon: plan and dump. */
#include <errno.h>
#include <stdio.h>

#include "client/document.h"
#include "client/message-json.h"
#include "client/text.h"
#include "client/verbs.h"

/* The array that lists the changes. */
static json_object *plan_changes(json_object *plan) {
        json_object *changes = json_get(plan, "operations");

        return changes ? changes : json_get(plan, "changes");
}

static int print_change(json_object *change) {
        int r = text_write(stdout, json_object_get_string(change), TEXT_FOR_PEOPLE);

        return r < 0 ? r : fputc('\n', stdout) == EOF ? -EIO : 0;
}

static int print_changes(Client *client, json_object *changes) {
        size_t n = json_object_array_length(changes);
        int r = 0;

        if (n == 0)
                return client_print_done(client,
                                         "The kernel is as it should be: nothing to change.");
        client_page(client);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = print_change(json_object_array_get_idx(changes, i));
        if (r < 0 || client->options.no_legend || client->options.quiet)
                return r;
        return printf("%zu change%s planned.\n", n, n == 1 ? "" : "s") < 0 ? -EIO : 0;
}

static bool is_list_of_text(json_object *value) {
        if (!json_object_is_type(value, json_type_array))
                return false;
        for (size_t i = 0; i < json_object_array_length(value); i++)
                if (!json_object_is_type(json_object_array_get_idx(value, i), json_type_string))
                        return false;
        return true;
}

static int print_plan(Client *client, json_object *plan) {
        json_object *changes = plan_changes(plan);

        return is_list_of_text(changes) ? print_changes(client, changes)
                                        : document_print(client, plan);
}

int verb_plan(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *plan = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        r = document_fetch(client, "PlanByFileDescriptor", "plan a sync", NULL, &text, &size);
        if (r == 0)
                r = document_parse(text, size, &plan);
        if (r != 0)
                return r;
        return client_wants_json(client) ? client_print_json(client, plan)
                                         : print_plan(client, plan);
}

/* As it comes: it may be large, and it is for programs. */
int verb_dump(Client *client, int n_words, char *words[]) {
        static const char *const sections[] = { "services", "endpoints", "statistics", "kernel",
                                                NULL };
        _cleanup_(json_object_putp) json_object *document = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        r = document_fetch(client, "DumpByFileDescriptor", "dump", sections, &text, &size);
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
