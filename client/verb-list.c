/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list: services as a table; find shows them the same way. */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"

#define GLOB_CHARACTERS "*?[\\"
#define PROTOCOL_MAX 5

static int number_add(Table *table, Style style, uint64_t number) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) number);
        return table_add(table, style, text);
}

static int protocol_add(Table *table, const char *protocol) {
        char text[PROTOCOL_MAX + 1] = "";

        for (size_t i = 0; protocol[i] && i < PROTOCOL_MAX; i++)
                text[i] = (char) toupper((unsigned char) protocol[i]);
        return table_add(table, STYLE_NONE, text);
}

/* "10.96.4.9", "10.96.4.9 (SyncFailed)" */
static int addresses_add(Table *table, json_object *row) {
        _cleanup_(freep) char *text = NULL, *cell = NULL;
        const char *reason = json_get_text(row, "reason");
        int r = json_to_text(json_get(row, "addresses"), ", ", &text);

        if (r < 0)
                return r;
        if (asprintf(&cell, "%s%s%s%s", text, *reason ? " (" : "", reason, *reason ? ")" : "") <
            0) {
                cell = NULL;
                return -ENOMEM;
        }
        return table_add(table, STYLE_NONE, cell);
}

static int row_add(Table *table, json_object *row, bool addresses, bool wide) {
        const char *state = json_get_text(row, "state");
        uint64_t ready = json_get_number(row, "endpointsReady");
        int r;

        r = table_add(table, STYLE_NONE, json_get_text(row, "id"));
        if (r >= 0)
                r = protocol_add(table, json_get_text(row, "protocol"));
        if (r >= 0)
                r = number_add(table, STYLE_NONE, json_get_number(row, "port"));
        if (r >= 0)
                r = table_add(table, style_of_state(state), state);
        if (r >= 0)
                r = number_add(table, ready == 0 ? STYLE_WARN : STYLE_NONE, ready);
        if (r >= 0)
                r = number_add(table, STYLE_NONE, json_get_number(row, "endpointsTotal"));
        if (r >= 0)
                r = number_add(table, STYLE_NONE, json_get_number(row, "virtualServers"));
        if (r >= 0 && wide)
                r = number_add(table, STYLE_NONE, json_get_number(row, "programmedGeneration"));
        return r >= 0 && addresses ? addresses_add(table, row) : r;
}

static bool rows_have(json_object *rows, const char *key) {
        for (size_t i = 0; i < json_object_array_length(rows); i++)
                if (json_get(json_object_array_get_idx(rows, i), key))
                        return true;
        return false;
}

static int print_rows(Client *client, json_object *rows) {
        static const char *const titles[] = { "SERVICE", "PROTO", "PORT",   "STATE",
                                              "READY",   "TOTAL", "VIRTUAL" };
        static const bool numbers[] = { false, false, true, false, true, true, true };
        bool addresses = rows_have(rows, "addresses"), wide = client->options.wide;
        _cleanup_(table_freep) Table *table = NULL;
        size_t n = json_object_array_length(rows);
        int r;

        r = table_new(ELEMENTSOF(titles) + wide + addresses, &table);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(titles); i++) {
                table_set_align(table, i, numbers[i] ? TABLE_RIGHT : TABLE_LEFT);
                r = table_add(table, STYLE_HEADER, titles[i]);
        }
        if (r >= 0) {
                table_set_whole(table, 0); /* without its end, a name may be that of another port */
                table_set_optional(table, ELEMENTSOF(titles) - 1);
                table_set_optional(table, ELEMENTSOF(titles) - 2);
        }
        if (r >= 0 && wide) {
                table_set_align(table, ELEMENTSOF(titles), TABLE_RIGHT);
                r = table_add(table, STYLE_HEADER, "GENERATION");
        }
        if (r >= 0 && addresses)
                r = table_add(table, STYLE_HEADER, "ADDRESSES");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = row_add(table, json_object_array_get_idx(rows, i), addresses, wide);
        return r < 0 ? r : client_print_table(client, table, n, "service");
}

static int print_names(Client *client, json_object *rows) {
        int r = 0;

        client_page(client);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(rows); i++) {
                r = text_write(stdout, json_get_text(json_object_array_get_idx(rows, i), "id"),
                               TEXT_FOR_PEOPLE);
                if (r >= 0 && fputc('\n', stdout) == EOF)
                        r = -EIO;
        }
        return r;
}

int services_print(Client *client, json_object *rows) {
        if (client_wants_json(client))
                return client_print_json(client, rows);
        return client->options.names_only ? print_names(client, rows) : print_rows(client, rows);
}

/* A pattern with "/" or ":" is for the whole id or "namespace/name", another for the name alone. */
static bool row_matches(json_object *row, const char *pattern) {
        const char *id = json_get_text(row, "id"), *colon = strchr(id, ':');
        _cleanup_(freep) char *without_port = NULL;

        if (!strpbrk(pattern, "/:"))
                return fnmatch(pattern, json_get_text(row, "name"), 0) == 0;
        if (fnmatch(pattern, id, 0) == 0)
                return true;
        without_port = strndup(id, colon ? (size_t) (colon - id) : strlen(id));
        return without_port && fnmatch(pattern, without_port, 0) == 0;
}

static int rows_select(json_object *rows, int n_patterns, char *patterns[], json_object **ret) {
        _cleanup_(json_object_putp) json_object *chosen = json_object_new_array();
        int r = 0;

        if (!chosen)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);
                bool matches = n_patterns == 0;

                for (int k = 0; k < n_patterns && !matches; k++)
                        matches = row_matches(row, patterns[k]);
                if (matches)
                        r = json_append(chosen, json_object_get(row));
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(chosen);
        return 0;
}

/* Lets the daemon leave out other namespaces if a lone pattern names one; NULL if it does not. */
static int pattern_namespace(int n_patterns, char *patterns[], char **ret) {
        const char *slash = n_patterns == 1 ? strchr(patterns[0], '/') : NULL;

        if (!slash || strcspn(patterns[0], GLOB_CHARACTERS) < (size_t) (slash - patterns[0]))
                return 0;
        *ret = strndup(patterns[0], (size_t) (slash - patterns[0]));
        return *ret ? 0 : -ENOMEM;
}

/* None may be there because none is known yet, which is another answer. */
static int check_none(Client *client, json_object *rows) {
        int r = json_object_array_length(rows) > 0 ? 1 : services_are_known(client);

        return r != 0 ? MIN2(r, 0) :
                        report(EXIT_CODE_UNHEALTHY, "Failed to list services: They are not known yet; "
                                                    "\"ipvsproxyctl status\" tells why.");
}

int verb_list(Client *client, int n_words, char *words[]) {
        const Options *options = &client->options;
        _cleanup_(json_object_putp) json_object *rows = NULL, *chosen = NULL;
        _cleanup_(freep) char *namespace = NULL;
        int r;

        r = options->namespace ? 0 : pattern_namespace(n_words, words, &namespace);
        if (r < 0)
                return r;
        r = services_fetch(client,
                           &(ServiceFilter){
                                   .namespace = options->namespace ? options->namespace : namespace,
                                   .state = options->state,
                                   .protocol = options->protocol,
                                   .address = options->service_address,
                           },
                           &rows);
        if (r == 0)
                r = check_none(client, rows);
        if (r != 0)
                return r;
        r = rows_select(rows, n_words, words, &chosen);
        if (r < 0)
                return r;
        return options->ipvs ? services_print_ipvs(client, chosen) : services_print(client, chosen);
}
