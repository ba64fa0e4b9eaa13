/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top: rates per service, as a live screen, or with -b as tables one below the other. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/text.h"
#include "client/top.h"
#include "client/verbs.h"

#define INTERVAL_DEFAULT_USEC (2 * USEC_PER_SEC)

static const char *const json_keys[_TOP_COLUMN_MAX] = {
        [TOP_COLUMN_NAME] = "id",
        [TOP_COLUMN_CPS] = "connectionsPerSec",
        [TOP_COLUMN_IN_PPS] = "inPacketsPerSec",
        [TOP_COLUMN_OUT_PPS] = "outPacketsPerSec",
        [TOP_COLUMN_IN_BPS] = "inBytesPerSec",
        [TOP_COLUMN_OUT_BPS] = "outBytesPerSec",
        [TOP_COLUMN_CONNS] = "connections",
        [TOP_COLUMN_ACTIVE] = "active",
        [TOP_COLUMN_INACTIVE] = "inactive",
};

static int row_to_json(const TopRow *row, json_object *rows) {
        json_object *object = json_object_new_object();
        int r = object ? json_append(rows, object) : -ENOMEM;

        for (size_t c = 0; r >= 0 && c < _TOP_COLUMN_MAX; c++)
                r = json_add(object, json_keys[c],
                             c == TOP_COLUMN_NAME ? json_object_new_string(row->id)
                                                  : json_object_new_uint64(row->values[c]));
        return r;
}

static int print_look_json(Top *top) {
        _cleanup_(json_object_putp) json_object *rows = json_object_new_array();
        int r = rows ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < top->n_view; i++)
                r = row_to_json(top->view[i], rows);
        return r < 0 ? r : client_print_json(top->client, rows);
}

static int row_to_table(const TopRow *row, bool exact, Table *table) {
        char text[TEXT_NUMBER_MAX];
        int r = table_add(table, STYLE_NONE, row->id);

        for (size_t c = TOP_COLUMN_CPS; r >= 0 && c < _TOP_COLUMN_MAX; c++) {
                if (exact)
                        (void) snprintf(text, sizeof(text), "%llu",
                                        (unsigned long long) row->values[c]);
                else
                        (void) text_scaled(row->values[c], text);
                r = table_add(table, STYLE_NONE, text);
        }
        return r;
}

static int print_look(Top *top) {
        static const TopColumn optional[] = {
                TOP_COLUMN_IN_PPS, TOP_COLUMN_OUT_PPS, TOP_COLUMN_CONNS, TOP_COLUMN_INACTIVE,
        };
        _cleanup_(table_freep) Table *table = NULL;
        int r = table_new(_TOP_COLUMN_MAX, &table);

        for (size_t c = 0; r >= 0 && c < _TOP_COLUMN_MAX; c++) {
                table_set_align(table, c, c == TOP_COLUMN_NAME ? TABLE_LEFT : TABLE_RIGHT);
                r = table_add(table, STYLE_HEADER, top_column_title((TopColumn) c));
        }
        if (r >= 0)
                table_set_whole(table, TOP_COLUMN_NAME);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(optional); i++)
                table_set_optional(table, optional[i]);
        for (size_t i = 0; r >= 0 && i < top->n_view; i++)
                r = row_to_table(top->view[i], top->client->options.exact, table);
        return r < 0 ? r : client_print_table(top->client, table, top->n_view, "service");
}

/* One look, waited for. */
static int look(Top *top) {
        uint64_t n = top->n_looks;
        int r = top_fetch(top);

        while (r >= 0 && top->n_looks == n && !top->problem) {
                r = sd_bus_process(top->client->bus, NULL);
                if (r == 0 && top->slot)
                        r = sd_bus_wait(top->client->bus, UINT64_MAX);
                if (r == -EINTR)
                        r = 0;
        }
        if (r < 0)
                return report_bus(NULL, r, "Failed to get statistics");
        if (top->problem && top->n_looks == n)
                return report(top->problem_code, "Failed to get statistics: %s", top->problem);
        return 0;
}

static int batch(Top *top) {
        uint64_t n = top->client->options.count;
        int r = 0;

        for (uint64_t i = 0; r == 0 && (n == 0 || i < n); i++) {
                if (i > 0)
                        (void) usleep((useconds_t) top->interval_usec);
                r = look(top);
                if (r == 0)
                        r = client_wants_json(top->client) ? print_look_json(top) : print_look(top);
                if (r == 0 && fflush(stdout) != 0)
                        r = -EIO;
        }
        return r;
}

int verb_top(Client *client, int n_words, char *words[]) {
        _cleanup_(top_done) Top top = { .client = client, .order = TOP_COLUMN_CPS, .all = true };
        const Options *options = &client->options;
        int r;

        if (options->order) {
                TopColumn order = top_column_from_string(options->order);

                if (order < 0)
                        return report(EXIT_CODE_USAGE, "Bad order \"%s\".", options->order);
                top.order = order;
        }
        top.interval_usec = options->interval_usec ? options->interval_usec : INTERVAL_DEFAULT_USEC;
        if (top.interval_usec > 3600 * USEC_PER_SEC)
                return report(EXIT_CODE_USAGE, "Bad delay: an hour at most.");
        client->options.no_pager = true;
        if (options->batch || client_wants_json(client) || !isatty(STDOUT_FILENO) ||
            !isatty(STDIN_FILENO))
                return batch(&top);
        r = look(&top);
        return r != 0 ? r : top_screen(&top);
}
