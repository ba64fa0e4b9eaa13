/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text as people see it. Strings of a cluster come from strangers: what would steer a terminal or
 * turn the reading direction is written out as an escape, bytes that are no UTF-8 are replaced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum TextUse {
        TEXT_FOR_PEOPLE, /* "\x1b", "\n", "\u202e"; beyond ASCII "?" unless the locale is UTF-8 */
        TEXT_FOR_JSON,   /* a JSON document: "\u009b"; its own line feeds stay */
} TextUse;

#define TEXT_NUMBER_MAX 32
#define TEXT_DATE_MAX 64

bool text_locale_is_utf8(void);

/* Write harmless text; -EIO if the stream fails. text_harmless() allocates it instead. */
int text_write(FILE *out, const char *text, TextUse use);
int text_harmless(const char *text, char **ret);

/*
 * The same, broken between words so that no line is wider than `width` (0 = any): `column` is where the text begins,
 * and further lines are indented. What stands between quotes, a command to be copied, is not broken. Where there is no
 * room worth it, the terminal breaks it.
 */
int text_write_wrapped(FILE *out, const char *text, size_t column, size_t indent, size_t width);

/* Columns of harmless text on a terminal, and how many of its bytes fit into `width` columns. */
size_t text_width(const char *text);
size_t text_fit(const char *text, size_t width);

/* "412", "9.1k", "14.7M": truncated, powers of 1000 */
const char *text_scaled(uint64_t number, char buf[static TEXT_NUMBER_MAX]);
/* One unit: "350us", "14ms", "23s", "5min", "4h", "3d" */
const char *text_duration(uint64_t usec, char buf[static TEXT_NUMBER_MAX]);
