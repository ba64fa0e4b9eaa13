/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/clock.h"
#include "client/message-json.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

/* What is unusual about an endpoint, behind the last column and without a title. */
#define NOTE "note"

typedef struct Column {
        const char *title, *key;
        bool number;
        bool optional; /* left out if no row has it */
} Column;

static const Column columns[] = {
        { "ADDRESS", "address" },
        { "PORT", "port", .number = true },
        { "STATE", "state" },
        { "WEIGHT", "weight", .number = true },
        { "ACTIVE", "active", .number = true },
        { "INACTIVE", "inactive", .number = true },
        { "NODE", "node" },
        { "POD", "pod", .optional = true },
        { "ZONE", "zone", .optional = true },
        { "", NOTE },
};

static bool column_wanted(const Column *column, json_object *rows) {
        for (size_t i = 0; column->optional && i < json_object_array_length(rows); i++)
                if (json_get(json_object_array_get_idx(rows, i), column->key))
                        return true;
        return !column->optional;
}

/* "(deadline in 23s)", "(override for 1h: reason)" */
static int note_add(Table *table, json_object *row) {
        uint64_t deadline = json_get_number(row, "drainDeadlineUSec"),
                 expires = json_get_number(row, "overrideExpiresUSec");
        const char *override = json_get_text(row, "override");
        char drains[TEXT_NUMBER_MAX + 32] = "", left[TEXT_NUMBER_MAX];
        _cleanup_(freep) char *text = NULL;

        if (deadline > 0)
                (void) snprintf(drains, sizeof(drains), "(deadline in %s)",
                                clock_left(deadline, left));
        if (asprintf(&text, "%s%s%s%s%s%s%s", drains, *drains && *override ? " " : "",
                     *override ? "(override for " : "", *override ? clock_left(expires, left) : "",
                     *override ? ": " : "", override, *override ? ")" : "") < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return table_add(table, STYLE_WARN, text);
}

static int cell_add(Table *table, const Column *column, json_object *row) {
        json_object *value = json_get(row, column->key);
        _cleanup_(freep) char *text = NULL;
        int r;

        if (strcmp(column->key, NOTE) == 0)
                return note_add(table, row);
        r = json_to_text(value, ", ", &text);
        if (r < 0)
                return r;
        return table_add(table, column->key[0] == 's' ? style_of_state(text) : STYLE_NONE,
                         *text ? text : "-");
}

static int print_endpoints(Client *client, json_object *rows) {
        _cleanup_(table_freep) Table *table = NULL;
        size_t wanted[ELEMENTSOF(columns)], n_wanted = 0, n = json_object_array_length(rows);
        int r;

        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                if (column_wanted(&columns[i], rows))
                        wanted[n_wanted++] = i;
        r = table_new(n_wanted, &table);
        if (r >= 0)
                table_set_whole(table, 0);
        for (size_t i = 0; r >= 0 && i < n_wanted; i++) {
                table_set_align(table, i, columns[wanted[i]].number ? TABLE_RIGHT : TABLE_LEFT);
                r = table_add(table, STYLE_HEADER, columns[wanted[i]].title);
        }
        for (size_t row = 0; r >= 0 && row < n; row++)
                for (size_t i = 0; r >= 0 && i < n_wanted; i++)
                        r = cell_add(table, &columns[wanted[i]],
                                     json_object_array_get_idx(rows, row));
        return r < 0 ? r : client_print_table(client, table, n, "endpoint");
}

int verb_endpoints(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *rows = NULL;
        _cleanup_(freep) char *id = NULL, *path = NULL;
        int r;

        r = service_resolve(client, words[0], &id, &path);
        if (r != 0)
                return r;
        r = endpoints_fetch(client, path, id, &rows);
        if (r != 0)
                return r;
        return client_wants_json(client) ? client_print_json(client, rows)
                                         : print_endpoints(client, rows);
}
