/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed reading of members of a JSON object, with errors that name the member: "spec.ports[2].port: 70000 is not in 1 to
 * 65535". A member that is absent or null reads as "not there". No text from an object gets into a message without being
 * cut and made printable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_types.h>

#include "common/macros.h"

/* Where something is; lives on the caller's stack and becomes text only for a message. */
typedef struct JsonPath {
        const struct JsonPath *parent; /* NULL at the top */
        const char *key; /* NULL: an element of an array */
        size_t index;
} JsonPath;

/* What a decoder has to say about one object. */
typedef struct DecodeReport {
        char error[256]; /* why it cannot be used; "" = it can */
        char note[256]; /* the first thing that was left out of it; "" = nothing */
} DecodeReport;

/* Keeps the first error and returns -EBADMSG. */
int decode_fail(DecodeReport *report, const JsonPath *path, const char *format, ...) _printf_(3, 4);
/* Keeps the first note. */
void decode_note(DecodeReport *report, const JsonPath *path, const char *format, ...) _printf_(3, 4);

/* Borrowed; NULL if absent, null, or `object` is none. */
json_object *json_member(json_object *object, const char *key);

/*
 * Each sets *ret: NULL or `fallback` if there is none. -EBADMSG with report->error for another type. Strings are borrowed
 * and have no NUL inside. `path` is that of `object`, and may be NULL at the top.
 */
int json_read_string(json_object *object, const char *key, const JsonPath *path, DecodeReport *report, const char **ret);
int json_read_object(json_object *object, const char *key, const JsonPath *path, DecodeReport *report, json_object **ret);
int json_read_array(json_object *object, const char *key, const JsonPath *path, DecodeReport *report, json_object **ret);
int json_read_bool(json_object *object,
                   const char *key,
                   const JsonPath *path,
                   DecodeReport *report,
                   bool fallback,
                   bool *ret);
/* `fallback` need not be within the limits. */
int json_read_int(json_object *object,
                  const char *key,
                  const JsonPath *path,
                  DecodeReport *report,
                  const int64_t limits[static 3], /* least, most, fallback */
                  int64_t *ret);
/* Element `i` as a string. */
int json_element_string(json_object *array, size_t i, const JsonPath *path, DecodeReport *report, const char **ret);

/* 0 for NULL */
size_t json_length(json_object *array);

/* For _cleanup_(json_putp). */
void json_putp(json_object **object);
