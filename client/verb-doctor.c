/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor: looks at everything the daemon needs, also while it does not run. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "client/doctor.h"
#include "client/lines.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/text.h"
#include "client/verbs.h"

#define RESULT_WIDTH 4
#define CHECK_WIDTH 14
#define TEXT_COLUMN (RESULT_WIDTH + 2 + CHECK_WIDTH + 2)

static const char *const result_table[_CHECK_RESULT_MAX] = {
        [CHECK_OK] = "ok",
        [CHECK_WARN] = "warn",
        [CHECK_FAIL] = "fail",
};

const char *check_result_to_string(CheckResult result) {
        return result_table[result];
}

static int row_add(Doctor *doctor,
                   CheckResult result,
                   const char *check,
                   const char *text,
                   const char *remedy) {
        json_object *row = json_object_new_object();
        int r;

        if (!row)
                return -ENOMEM;
        r = json_append(doctor->rows, row);
        if (r >= 0)
                r = json_add(row, "check", json_object_new_string(check));
        if (r >= 0)
                r = json_add(row, "result", json_object_new_string(result_table[result]));
        if (r >= 0)
                r = json_add(row, "text", json_object_new_string(text));
        if (r >= 0 && remedy && result != CHECK_OK)
                r = json_add(row, "remedy", json_object_new_string(remedy));
        return r;
}

void doctor_add(Doctor *doctor,
                CheckResult result,
                const char *check,
                const char *remedy,
                const char *format,
                ...) {
        _cleanup_(freep) char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        doctor->n_results[result]++;
        r = text ? row_add(doctor, result, check, text, remedy) : -ENOMEM;
        if (r < 0 && doctor->error == 0)
                doctor->error = r;
}

static Style style_of_result(const char *result) {
        static const Style styles[_CHECK_RESULT_MAX] = { STYLE_GOOD, STYLE_WARN, STYLE_BAD };

        for (size_t i = 0; i < ELEMENTSOF(result_table); i++)
                if (strcmp(result_table[i], result) == 0)
                        return styles[i];
        return STYLE_NONE;
}

/* "fail  bus           Cannot be reached: … -- start it: …" */
static int print_row(const Client *client, json_object *row) {
        const char *result = json_get_text(row, "result"), *remedy = json_get_text(row, "remedy");
        _cleanup_(freep) char *text = NULL;
        Style style = style_of_result(result);
        int r;

        if (asprintf(&text, "%s%s%s", json_get_text(row, "text"), *remedy ? lines_dash() : "", remedy) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        (void) printf("%s%-*s%s  %-*s  ", style_on(style, client->color), RESULT_WIDTH, result,
                      style_off(style, client->color), CHECK_WIDTH, json_get_text(row, "check"));
        r = text_write_wrapped(stdout, text, TEXT_COLUMN, TEXT_COLUMN, client->width);
        return r < 0 ? r : fputc('\n', stdout) == EOF ? -EIO : 0;
}

static int print_rows(Client *client, const Doctor *doctor) {
        size_t n = json_object_array_length(doctor->rows);
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                json_object *row = json_object_array_get_idx(doctor->rows, i);

                if (!client->options.quiet || *json_get_text(row, "remedy"))
                        r = print_row(client, row);
        }
        if (r < 0 || client->options.no_legend || client->options.quiet)
                return r;
        return printf("%zu checks: %zu ok, %zu warning%s, %zu failure%s.\n", n, doctor->n_results[CHECK_OK],
                      doctor->n_results[CHECK_WARN], doctor->n_results[CHECK_WARN] == 1 ? "" : "s",
                      doctor->n_results[CHECK_FAIL], doctor->n_results[CHECK_FAIL] == 1 ? "" : "s") < 0
                       ? -EIO
                       : 0;
}

int verb_doctor(Client *client, int n_words, char *words[]) {
        Doctor doctor = { .client = client, .root = "", .rows = json_object_new_array() };
        int r;

        if (!doctor.rows)
                return -ENOMEM;
        /* First, because what the kernel should be like depends on whether the daemon runs. */
        doctor_check_daemon(&doctor);
        doctor_check_kernel(&doctor);
        doctor_check_others(&doctor);
        r = doctor.error;
        if (r >= 0)
                r = client_wants_json(client) ? client_print_json(client, doctor.rows)
                                              : print_rows(client, &doctor);
        (void) json_object_put(doctor.rows);
        (void) json_object_put(doctor.daemon);
        daemon_options_done(&doctor.options);
        if (r < 0)
                return r;
        return doctor.n_results[CHECK_FAIL] > 0 ? EXIT_CODE_UNHEALTHY : 0;
}
