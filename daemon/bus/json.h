/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON onto a stream as it goes, so that a document of many megabytes is never a tree in memory. Errors are
 * those of the stream; look at it at the end. Numbers are exact; who reads them as doubles is exact to 2^53.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Json {
        FILE *out; /* borrowed */
        bool separate; /* a comma is needed before what comes next */
} Json;

/* `key` is NULL in arrays and at the top; `bracket` is '{' or '['. */
void json_open(Json *json, const char *key, char bracket);
void json_close(Json *json, char bracket);
/* Bytes that are no UTF-8 are written as U+FFFD. */
void json_text(Json *json, const char *key, const char *text);
void json_number(Json *json, const char *key, uint64_t number);
void json_boolean(Json *json, const char *key, bool value);

/* The bytes of the character at `text`, 0 if it is none. */
size_t utf8_character(const char *text);
bool utf8_is_valid(const char *text);
