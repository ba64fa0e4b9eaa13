/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drift: what others changed of ours in the kernel, and what was done about it. */
#include <errno.h>
#include <string.h>

#include "client/clock.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

#define DRIFT_ROWS 100

static const char *const drift_fields[] = { "timeUSec", "kind", "id", "action", NULL };

int drift_fetch(Client *client, uint32_t limit, sd_bus_error *error, json_object **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, "ListDrift", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "u", limit);
        if (r >= 0)
                r = client_call(client, call, error, &reply);
        return r < 0 ? r : json_from_message(reply, drift_fields, ret);
}

/* What a row says beyond its fixed fields. */
static int detail_add(Table *table, json_object *row) {
        _cleanup_(json_object_putp) json_object *rest = json_object_new_object();
        _cleanup_(freep) char *text = NULL;
        int r = rest ? 0 : -ENOMEM;

        json_object_object_foreach(row, key, value) {
                bool fixed = false;

                for (size_t i = 0; drift_fields[i]; i++)
                        fixed = fixed || strcmp(drift_fields[i], key) == 0;
                if (r >= 0 && !fixed)
                        r = json_add(rest, key, json_object_get(value));
        }
        if (r >= 0)
                r = json_to_text(rest, ",", &text);
        return r < 0 ? r : table_add(table, STYLE_NONE, text);
}

static int print_drift(Client *client, json_object *rows) {
        static const char *const titles[] = { "WHEN", "KIND", "ACTION", "WHAT", "" };
        size_t n = json_object_array_length(rows);
        _cleanup_(table_freep) Table *table = NULL;
        char date[TEXT_DATE_MAX];
        int r = table_new(ELEMENTSOF(titles), &table);

        for (size_t i = 0; r >= 0 && i < 4; i += 3)
                table_set_whole(table, i); /* when, and what */
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(titles); i++)
                r = table_add(table, STYLE_HEADER, titles[i]);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                json_object *row = json_object_array_get_idx(rows, i);

                r = table_add(table, STYLE_NONE,
                              clock_date(json_get_number(row, "timeUSec"), date));
                if (r >= 0)
                        r = table_add(table, STYLE_NONE, json_get_text(row, "kind"));
                if (r >= 0)
                        r = table_add(table, STYLE_NONE, json_get_text(row, "action"));
                if (r >= 0)
                        r = table_add(table, STYLE_NONE, json_get_text(row, "id"));
                if (r >= 0)
                        r = detail_add(table, row);
        }
        return r < 0 ? r : client_print_table(client, table, n, "change");
}

int verb_drift(Client *client, int n_words, char *words[]) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(json_object_putp) json_object *rows = NULL;
        int r;

        r = drift_fetch(client, DRIFT_ROWS, &error, &rows);
        if (r < 0)
                return report_bus(&error, r, "Failed to list drift");
        if (!json_object_is_type(rows, json_type_array))
                return -EBADMSG;
        return client_wants_json(client) ? client_print_json(client, rows)
                                         : print_drift(client, rows);
}
