/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/json-read.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void json_putp(json_object **object) {
        if (*object)
                (void) json_object_put(*object);
}

/* ---- messages */

/* Appends "spec.ports[2]"; returns the length that `buf` now has. */
static size_t json_path_format(const JsonPath *path, char *buf, size_t size, size_t used) {
        int n;

        if (!path)
                return used;
        used = json_path_format(path->parent, buf, size, used);
        if (used >= size)
                return used;
        if (path->key)
                n = snprintf(buf + used, size - used, "%s%s", used > 0 ? "." : "", path->key);
        else
                n = snprintf(buf + used, size - used, "[%zu]", path->index);
        return n < 0 ? used : used + (size_t) n;
}

static void decode_format(char *buf, size_t size, const JsonPath *path, const char *format, va_list ap) {
        size_t used = json_path_format(path, buf, size, 0);

        if (used > 0 && used < size) {
                int n = snprintf(buf + used, size - used, ": ");

                used += n > 0 ? (size_t) n : 0;
        }
        if (used < size)
                (void) vsnprintf(buf + used, size - used, format, ap);
        for (char *p = buf; *p; p++)
                if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f)
                        *p = '?';
}

int decode_fail(DecodeReport *report, const JsonPath *path, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (!report->error[0])
                decode_format(report->error, sizeof(report->error), path, format, ap);
        va_end(ap);
        return -EBADMSG;
}

void decode_note(DecodeReport *report, const JsonPath *path, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (!report->note[0])
                decode_format(report->note, sizeof(report->note), path, format, ap);
        va_end(ap);
}

/* ---- members */

json_object *json_member(json_object *object, const char *key) {
        json_object *member;

        if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, key, &member))
                return NULL;
        return member;
}

size_t json_length(json_object *array) {
        return array ? json_object_array_length(array) : 0;
}

static int json_check_type(json_object *value,
                           enum json_type type,
                           const JsonPath *path,
                           DecodeReport *report) {
        if (!value || json_object_is_type(value, type))
                return 0;
        return decode_fail(report,
                           path,
                           "this is of type %s and must be %s",
                           json_type_to_name(json_object_get_type(value)),
                           json_type_to_name(type));
}

static int json_check_string(json_object *value, const JsonPath *path, DecodeReport *report, const char **ret) {
        int r = json_check_type(value, json_type_string, path, report);

        if (r < 0)
                return r;
        if (value && strlen(json_object_get_string(value)) != (size_t) json_object_get_string_len(value))
                return decode_fail(report, path, "the text contains a NUL character");
        *ret = value ? json_object_get_string(value) : NULL;
        return 0;
}

int json_read_string(json_object *object, const char *key, const JsonPath *path, DecodeReport *report, const char **ret) {
        JsonPath here = { .parent = path, .key = key };

        return json_check_string(json_member(object, key), &here, report, ret);
}

int json_element_string(json_object *array, size_t i, const JsonPath *path, DecodeReport *report, const char **ret) {
        JsonPath here = { .parent = path, .index = i };
        json_object *value = json_object_array_get_idx(array, i);

        return value ? json_check_string(value, &here, report, ret) : decode_fail(report, &here, "this is null");
}

static int json_read_container(json_object *object,
                               const char *key,
                               const JsonPath *path,
                               DecodeReport *report,
                               enum json_type type,
                               json_object **ret) {
        JsonPath here = { .parent = path, .key = key };
        json_object *value = json_member(object, key);
        int r = json_check_type(value, type, &here, report);

        if (r < 0)
                return r;
        *ret = value;
        return 0;
}

int json_read_object(json_object *object, const char *key, const JsonPath *path, DecodeReport *report, json_object **ret) {
        return json_read_container(object, key, path, report, json_type_object, ret);
}

int json_read_array(json_object *object, const char *key, const JsonPath *path, DecodeReport *report, json_object **ret) {
        return json_read_container(object, key, path, report, json_type_array, ret);
}

int json_read_bool(json_object *object,
                   const char *key,
                   const JsonPath *path,
                   DecodeReport *report,
                   bool fallback,
                   bool *ret) {
        JsonPath here = { .parent = path, .key = key };
        json_object *value = json_member(object, key);
        int r = json_check_type(value, json_type_boolean, &here, report);

        if (r < 0)
                return r;
        *ret = value ? json_object_get_boolean(value) : fallback;
        return 0;
}

int json_read_int(json_object *object,
                  const char *key,
                  const JsonPath *path,
                  DecodeReport *report,
                  const int64_t limits[static 3],
                  int64_t *ret) {
        JsonPath here = { .parent = path, .key = key };
        json_object *value = json_member(object, key);
        int r = json_check_type(value, json_type_int, &here, report);
        int64_t number;

        if (r < 0)
                return r;
        number = value ? json_object_get_int64(value) : limits[2];
        if (value && (number < limits[0] || number > limits[1]))
                return decode_fail(report,
                                   &here,
                                   "%" PRId64 " is not in %" PRId64 " to %" PRId64,
                                   number,
                                   limits[0],
                                   limits[1]);
        *ret = number;
        return 0;
}
