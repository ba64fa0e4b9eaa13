/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any JSON document for people: what has one value on a line, lists of objects as tables. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "client/clock.h"
#include "client/document.h"
#include "client/message-json.h"
#include "client/text.h"

#define INDENT 2
#define COLUMNS_MAX 24
#define WORDS_MAX 64
/* Microseconds above this are a moment of this century, below they are a duration. */
#define MOMENT_MIN_USEC (UINT64_C(1000000000) * USEC_PER_SEC)

static bool is_scalar(json_object *value) {
        return !json_object_is_type(value, json_type_object) &&
               !json_object_is_type(value, json_type_array);
}

static bool is_table(json_object *value) {
        if (!json_object_is_type(value, json_type_array) || json_object_array_length(value) == 0)
                return false;
        for (size_t i = 0; i < json_object_array_length(value); i++)
                if (!json_object_is_type(json_object_array_get_idx(value, i), json_type_object))
                        return false;
        return true;
}

static bool ends_with_usec(const char *key) {
        size_t n = strlen(key);

        return n >= 4 && strcmp(key + n - 4, "USec") == 0;
}

/* "virtualServers" → "Virtual servers"; the unit is left out, because values are shown with theirs.
 */
static void key_to_words(const char *key, bool capitals, char buf[static WORDS_MAX]) {
        size_t n = strlen(key) - (ends_with_usec(key) ? 4 : 0), out = 0;

        for (size_t i = 0; i < n && out + 3 < WORDS_MAX; i++) {
                bool upper = isupper((unsigned char) key[i]);

                if (upper && i > 0 && !isupper((unsigned char) key[i - 1]))
                        buf[out++] = ' ';
                buf[out++] = (char) (capitals || i == 0 ? toupper((unsigned char) key[i])
                                                        : tolower((unsigned char) key[i]));
        }
        buf[out] = '\0';
}

static int moment_to_text(uint64_t usec, char **ret) {
        char date[TEXT_DATE_MAX], number[TEXT_NUMBER_MAX];
        int r;

        if (usec < MOMENT_MIN_USEC)
                r = asprintf(ret, "%s", usec == 0 ? "-" : text_duration(usec, number));
        else
                r = asprintf(ret, "%s (%s)", clock_date(usec, date),
                             usec > clock_real_usec() ? "to come" : clock_ago(usec, number));
        return r < 0 ? -ENOMEM : 0;
}

static int value_to_text(const char *key, json_object *value, char **ret) {
        _cleanup_(freep) char *text = NULL;
        int r;

        if (ends_with_usec(key) && json_object_is_type(value, json_type_int))
                return moment_to_text(json_object_get_uint64(value), ret);
        r = json_to_text(value, ", ", &text);
        if (r < 0)
                return r;
        if (!*text) {
                free(text);
                text = strdup("-");
                if (!text)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(text);
        return 0;
}

static int print_text(size_t indent, const char *front, const char *text) {
        (void) printf("%*s%s", (int) indent, "", front);
        (void) text_write(stdout, text, TEXT_FOR_PEOPLE);
        return fputc('\n', stdout) == EOF ? -EIO : 0;
}

static bool is_empty(json_object *value) {
        return json_object_is_type(value, json_type_null) ||
               (json_object_is_type(value, json_type_string) &&
                json_object_get_string_len(value) == 0);
}

static void keys_add(json_object *row, const char *keys[static COLUMNS_MAX], size_t *n) {
        json_object_object_foreach(row, key, value) {
                bool known = is_empty(value);

                for (size_t k = 0; k < *n && !known; k++)
                        known = strcmp(keys[k], key) == 0;
                if (!known && *n < COLUMNS_MAX)
                        keys[(*n)++] = key;
        }
}

/* The titles of a table: every key of its rows that has a value somewhere, in order of appearance.
 */
static size_t table_keys(json_object *rows, const char *keys[static COLUMNS_MAX]) {
        size_t n = 0;

        for (size_t i = 0; i < json_object_array_length(rows); i++)
                keys_add(json_object_array_get_idx(rows, i), keys, &n);
        return n;
}

static bool column_is_number(json_object *rows, const char *key) {
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *value = json_get(json_object_array_get_idx(rows, i), key);

                if (value && !json_object_is_type(value, json_type_int))
                        return false;
        }
        return !ends_with_usec(key);
}

static int cell_add(Table *table, const char *key, json_object *row) {
        _cleanup_(freep) char *text = NULL;
        int r = value_to_text(key, json_get(row, key), &text);

        return r < 0 ? r : table_add(table, style_of_state(text), text);
}

static int print_rows(Client *client, size_t indent, json_object *rows) {
        _cleanup_(table_freep) Table *table = NULL;
        const char *keys[COLUMNS_MAX];
        size_t n = table_keys(rows, keys), width = client->width;
        char title[WORDS_MAX];
        int r = table_new(MAX2(n, (size_t) 1), &table);

        for (size_t k = 0; r >= 0 && k < n; k++) {
                key_to_words(keys[k], true, title);
                table_set_align(table, k,
                                column_is_number(rows, keys[k]) ? TABLE_RIGHT : TABLE_LEFT);
                r = table_add(table, STYLE_HEADER, title);
        }
        for (size_t i = 0; r >= 0 && i < json_object_array_length(rows); i++)
                for (size_t k = 0; r >= 0 && k < n; k++)
                        r = cell_add(table, keys[k], json_object_array_get_idx(rows, i));
        if (r < 0)
                return r;
        table_set_indent(table, indent);
        return table_print(table, stdout, width, client->color, !client->options.no_legend);
}

static int print_members(Client *client, size_t indent, json_object *object);

static int print_list(Client *client, size_t indent, json_object *list) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                json_object *item = json_object_array_get_idx(list, i);

                if (is_scalar(item) && !json_object_is_type(item, json_type_null))
                        r = print_text(indent, "- ", json_object_get_string(item));
                else if (json_object_is_type(item, json_type_object))
                        r = print_members(client, indent, item);
        }
        return r;
}

static int print_member(Client *client, size_t indent, const char *key, json_object *value) {
        _cleanup_(freep) char *text = NULL;
        char front[WORDS_MAX + 2], words[WORDS_MAX];
        int r;

        key_to_words(key, false, words);
        (void) snprintf(front, sizeof(front), "%s: ", words);
        if (is_scalar(value) ||
            (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0)) {
                r = value_to_text(key, value, &text);
                return r < 0 ? r : print_text(indent, front, text);
        }
        (void) printf("%*s%s%s%s:\n", (int) indent, "", style_on(STYLE_HEADER, client->color),
                      words, style_off(STYLE_HEADER, client->color));
        if (is_table(value))
                return print_rows(client, indent + INDENT, value);
        return json_object_is_type(value, json_type_array)
                       ? print_list(client, indent + INDENT, value)
                       : print_members(client, indent + INDENT, value);
}

static int print_members_that(Client *client, size_t indent, json_object *object, bool scalar) {
        int r = 0;

        json_object_object_foreach(object, key, value) {
                if (is_scalar(value) == scalar)
                        r = print_member(client, indent, key, value);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Short ones first: what is known of the object itself stands above the lists it has. */
static int print_members(Client *client, size_t indent, json_object *object) {
        int r = print_members_that(client, indent, object, /* scalar= */ true);

        return r < 0 ? r : print_members_that(client, indent, object, /* scalar= */ false);
}

int document_print(Client *client, json_object *document) {
        client_page(client);
        if (is_table(document))
                return print_rows(client, 0, document);
        if (json_object_is_type(document, json_type_object))
                return print_members(client, 0, document);
        if (json_object_is_type(document, json_type_array))
                return print_list(client, 0, document);
        return print_text(0, "", document ? json_object_get_string(document) : "-");
}
