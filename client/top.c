/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/top.h"

#include <errno.h>
#include <string.h>

#include "client/clock.h"
#include "common/bus-names.h"

#define PAGE_ROWS 1000
#define ANSWER_USEC (5 * USEC_PER_SEC)
/* An ordinary user may read so much and no more: then looks become fewer, up to this. */
#define INTERVAL_MAX_USEC (60 * USEC_PER_SEC)

static const struct {
        const char *name, *title;
} column_table[_TOP_COLUMN_MAX] = {
        [TOP_COLUMN_NAME] = { "name", "SERVICE" },
        [TOP_COLUMN_CPS] = { "cps", "CONN/s" },
        [TOP_COLUMN_IN_PPS] = { "in-pps", "IN PKT/s" },
        [TOP_COLUMN_OUT_PPS] = { "out-pps", "OUT PKT/s" },
        [TOP_COLUMN_IN_BPS] = { "in-bps", "IN B/s" },
        [TOP_COLUMN_OUT_BPS] = { "out-bps", "OUT B/s" },
        [TOP_COLUMN_CONNS] = { "conns", "CONNS" },
        [TOP_COLUMN_ACTIVE] = { "active", "ACTIVE" },
        [TOP_COLUMN_INACTIVE] = { "inactive", "INACTIVE" },
};

const char *top_column_to_string(TopColumn column) {
        return column_table[column].name;
}

const char *top_column_title(TopColumn column) {
        return column_table[column].title;
}

TopColumn top_column_from_string(const char *text) {
        for (size_t i = 0; i < _TOP_COLUMN_MAX; i++)
                if (strcmp(column_table[i].name, text) == 0)
                        return (TopColumn) i;
        return _TOP_COLUMN_INVALID;
}

static void rows_clear(TopRows *rows) {
        for (size_t i = 0; i < rows->n_rows; i++)
                free(rows->rows[i].id);
        rows->n_rows = 0;
}

static void rows_done(TopRows *rows) {
        rows_clear(rows);
        free(rows->rows);
        *rows = (TopRows){ 0 };
}

void top_done(Top *top) {
        top->slot = sd_bus_slot_unref(top->slot);
        rows_done(&top->rows);
        rows_done(&top->coming);
        free(top->view);
        free(top->problem);
}

/* ---- arranging */

/* qsort_r: by one column, the largest first, then by name. */
static int row_compare(const void *a, const void *b, void *userdata) {
        const TopRow *x = *(const TopRow *const *) a, *y = *(const TopRow *const *) b;
        const Top *top = userdata;
        uint64_t v = x->values[top->order], w = y->values[top->order];
        int r = v > w ? -1 : v < w ? 1 : strcmp(x->id, y->id);

        return top->reverse ? -r : r;
}

static bool row_is_idle(const TopRow *row) {
        for (size_t i = 0; i < _TOP_COLUMN_MAX; i++)
                if (i != TOP_COLUMN_CONNS && row->values[i] > 0)
                        return false;
        return true;
}

static bool row_is_shown(const Top *top, const TopRow *row) {
        const char *namespace = top->client->options.namespace;
        size_t n = namespace ? strlen(namespace) : 0;

        if (namespace && (strncmp(row->id, namespace, n) != 0 || row->id[n] != '/'))
                return false;
        if (top->filter[0] && !strstr(row->id, top->filter))
                return false;
        return top->all || !row_is_idle(row);
}

int top_arrange(Top *top) {
        const TopRow **view =
                reallocarray(top->view, MAX2(top->rows.n_rows, (size_t) 1), sizeof(*view));

        if (!view)
                return -ENOMEM;
        top->view = view;
        top->n_view = 0;
        for (size_t i = 0; i < top->rows.n_rows; i++)
                if (row_is_shown(top, &top->rows.rows[i]))
                        view[top->n_view++] = &top->rows.rows[i];
        qsort_r(view, top->n_view, sizeof(*view), row_compare, top);
        return 0;
}

/* ---- fetching */

static void problem_set(Top *top, ExitCode code, const char *text) {
        top->problem_code = code;
        free(top->problem);
        top->problem = text ? strdup(text) : NULL; /* out of memory: then it is not told */
}

static int row_add(TopRows *rows, const char *id, const uint64_t values[static _TOP_COLUMN_MAX]) {
        TopRow *row;

        if (rows->n_rows == rows->n_allocated) {
                size_t n = MAX2(rows->n_allocated * 2, (size_t) PAGE_ROWS);
                TopRow *grown = reallocarray(rows->rows, n, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                rows->rows = grown;
                rows->n_allocated = n;
        }
        row = &rows->rows[rows->n_rows];
        row->id = strdup(id);
        if (!row->id)
                return -ENOMEM;
        (void) memcpy(row->values, values, sizeof(row->values));
        rows->n_rows++;
        return 0;
}

/* 1 = a row was read, 0 = the page is at its end */
static int row_read(sd_bus_message *m, TopRows *rows) {
        uint64_t v[_TOP_COLUMN_MAX] = { 0 }, in_packets, out_packets, in_bytes, out_bytes;
        uint32_t active, inactive;
        const char *id;
        int r;

        r = sd_bus_message_enter_container(m, 'r', "sttttttttttuua{sv}");
        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "sttttttttttuu", &id, &v[TOP_COLUMN_CONNS], &in_packets,
                                &out_packets, &in_bytes, &out_bytes, &v[TOP_COLUMN_CPS],
                                &v[TOP_COLUMN_IN_PPS], &v[TOP_COLUMN_OUT_PPS],
                                &v[TOP_COLUMN_IN_BPS], &v[TOP_COLUMN_OUT_BPS], &active, &inactive);
        if (r >= 0)
                r = sd_bus_message_skip(m, "a{sv}");
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        v[TOP_COLUMN_ACTIVE] = active;
        v[TOP_COLUMN_INACTIVE] = inactive;
        r = row_add(rows, id, v);
        return r < 0 ? r : 1;
}

static int page_read(sd_bus_message *m, TopRows *rows, const char **ret_next) {
        size_t before = rows->n_rows;
        int r;

        r = sd_bus_message_skip(m, "t");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sttttttttttuua{sv})");
        while (r > 0)
                r = row_read(m, rows);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", ret_next);
        if (r < 0)
                return r;
        /* A daemon that goes in circles must not make us go with it. */
        return **ret_next && rows->n_rows == before ? -EBADMSG : 0;
}

static int look_end(Top *top) {
        TopRows last = top->rows;

        top->rows = top->coming;
        top->coming = last;
        rows_clear(&top->coming);
        top->n_looks++;
        problem_set(top, 0, NULL);
        (void) memset(top->totals, 0, sizeof(top->totals));
        for (size_t i = 0; i < top->rows.n_rows; i++)
                for (size_t c = 0; c < _TOP_COLUMN_MAX; c++)
                        top->totals[c] += top->rows.rows[i].values[c];
        return top_arrange(top);
}

static int page_ask(Top *top, const char *after);

/* Of ListStatistics. A negative return would end sd_bus_process() for a daemon's fault. */
static int on_page(sd_bus_message *m, void *userdata, sd_bus_error *ignored) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        Top *top = userdata;
        const char *next = "";
        int r;

        top->slot = sd_bus_slot_unref(top->slot);
        if (error) {
                if (sd_bus_error_has_name(error, SD_BUS_ERROR_LIMITS_EXCEEDED))
                        top->interval_usec = MIN2(top->interval_usec * 2, INTERVAL_MAX_USEC);
                problem_set(top, exit_code_from_bus(error, 0), report_bus_text(error, 0));
                return 0;
        }
        r = page_read(m, &top->coming, &next);
        if (r >= 0)
                r = *next ? page_ask(top, next) : look_end(top);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                problem_set(top, EXIT_CODE_FAILURE, "The daemon's answer cannot be understood.");
        return 0;
}

static int page_ask(Top *top, const char *after) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = client_new_call(top->client, BUS_PATH, BUS_INTERFACE_MANAGER, "ListStatistics", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "su", after, PAGE_ROWS);
        if (r >= 0)
                r = sd_bus_call_async(top->client->bus, &top->slot, call, on_page, top,
                                      ANSWER_USEC);
        return r < 0 ? r : 0;
}

int top_fetch(Top *top) {
        int r;

        if (top->slot)
                return 0;
        rows_clear(&top->coming);
        top->begun_usec = clock_monotonic_usec();
        r = sd_bus_is_open(top->client->bus) > 0 ? 0 : client_reconnect(top->client);
        if (r >= 0)
                r = page_ask(top, "");
        if (r < 0 && r != -ENOMEM) {
                problem_set(top, EXIT_CODE_FAILURE, "The bus cannot be reached.");
                return 0;
        }
        return r;
}
