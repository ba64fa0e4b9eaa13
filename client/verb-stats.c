/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "client/message-json.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"

typedef struct Column {
        const char *title, *key;
        const char *unit; /* behind the rounded number */
        bool optional;    /* left out where it is narrow */
} Column;

/* clang-format off */
static const Column totals[] = {
        { "CONNS", "connections", "" }, { "IN PKTS", "inPackets", "", true }, { "OUT PKTS", "outPackets", "", true },
        { "IN BYTES", "inBytes", "" }, { "OUT BYTES", "outBytes", "" }, { "ACTIVE", "active", "" },
        { "INACTIVE", "inactive", "", true },
};
static const Column rates[] = {
        { "CPS", "connectionsPerSec", "" }, { "IN PKT/s", "inPacketsPerSec", "", true },
        { "OUT PKT/s", "outPacketsPerSec", "", true }, { "IN", "inBytesPerSec", "/s" }, { "OUT", "outBytesPerSec", "/s" },
        { "ACTIVE", "active", "" }, { "INACTIVE", "inactive", "", true },
};
/* clang-format on */
_Static_assert(ELEMENTSOF(totals) == ELEMENTSOF(rates), "one table for both");

static int number_add(Table *table, const Column *column, uint64_t number, bool exact) {
        char text[TEXT_NUMBER_MAX], cell[TEXT_NUMBER_MAX + 4];

        if (exact)
                (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) number);
        else
                (void) text_scaled(number, text);
        (void) snprintf(cell, sizeof(cell), "%s%s", text, column->unit);
        return table_add(table, STYLE_NONE, cell);
}

static int print_statistics(Client *client, json_object *rows) {
        const Column *columns = client->options.rate ? rates : totals;
        _cleanup_(table_freep) Table *table = NULL;
        size_t n = json_object_array_length(rows);
        int r;

        r = table_new(1 + ELEMENTSOF(totals), &table);
        if (r >= 0)
                r = table_add(table, STYLE_HEADER, "SERVICE");
        if (r >= 0)
                table_set_whole(table, 0);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(totals); i++) {
                table_set_align(table, 1 + i, TABLE_RIGHT);
                if (columns[i].optional)
                        table_set_optional(table, 1 + i);
                r = table_add(table, STYLE_HEADER, columns[i].title);
        }
        for (size_t k = 0; r >= 0 && k < n; k++) {
                json_object *row = json_object_array_get_idx(rows, k);

                r = table_add(table, STYLE_NONE, json_get_text(row, "id"));
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(totals); i++)
                        r = number_add(table, &columns[i], json_get_number(row, columns[i].key),
                                       client->options.exact);
        }
        return r < 0 ? r : client_print_table(client, table, n, "service");
}

int verb_stats(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *rows = NULL;
        _cleanup_(freep) char *id = NULL, *path = NULL;
        int r = 0;

        if (n_words > 0)
                r = service_resolve(client, words[0], &id, &path);
        if (r == 0)
                r = statistics_fetch(client, id, &rows);
        if (r != 0)
                return r;
        return client_wants_json(client) ? client_print_json(client, rows)
                                         : print_statistics(client, rows);
}
