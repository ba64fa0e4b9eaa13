/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what message-json.c made: lookups that forgive, and one line for people. */
#include <errno.h>
#include <stdio.h>

#include "client/message-json.h"

json_object *json_get(json_object *object, const char *key) {
        json_object *value = NULL;

        if (json_object_is_type(object, json_type_object))
                (void) json_object_object_get_ex(object, key, &value);
        return value;
}

const char *json_get_text(json_object *object, const char *key) {
        json_object *value = json_get(object, key);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

uint64_t json_get_number(json_object *object, const char *key) {
        json_object *value = json_get(object, key);

        return json_object_is_type(value, json_type_int) ? json_object_get_uint64(value) : 0;
}

size_t json_get_length(json_object *object, const char *key) {
        json_object *value = json_get(object, key);

        return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

static void value_write(FILE *f, json_object *value, const char *separator);

static void array_write(FILE *f, json_object *array, const char *separator) {
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                if (i > 0)
                        (void) fputs(separator, f);
                value_write(f, json_object_array_get_idx(array, i), separator);
        }
}

static void value_write(FILE *f, json_object *value, const char *separator) {
        const char *gap = "";

        switch (json_object_get_type(value)) {
        case json_type_null:
                (void) fputc('-', f);
                break;
        case json_type_boolean:
                (void) fputs(json_object_get_boolean(value) ? "yes" : "no", f);
                break;
        case json_type_array:
                array_write(f, value, separator);
                break;
        case json_type_object:
                json_object_object_foreach(value, key, member) {
                        (void) fprintf(f, "%s%s=", gap, key);
                        value_write(f, member, separator);
                        gap = " ";
                }
                break;
        case json_type_double:
        case json_type_int:
        case json_type_string:
                (void) fputs(json_object_get_string(value), f);
                break;
        }
}

int json_to_text(json_object *value, const char *separator, char **ret) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return -ENOMEM;
        value_write(f, value, separator);
        if (fclose(f) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}
