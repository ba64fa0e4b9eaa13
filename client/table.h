/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of text for a terminal or a pipe. It neither knows the bus nor what the cells mean. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/macros.h"

typedef enum TableAlign {
        TABLE_LEFT,  /* may be cut to fit */
        TABLE_RIGHT, /* numbers: never cut to fit */
} TableAlign;

typedef enum Style {
        STYLE_NONE,
        STYLE_GOOD,
        STYLE_WARN,
        STYLE_BAD,
        STYLE_HEADER,
        _STYLE_MAX,
} Style;

/* Escape sequences that begin and end a style; "" for STYLE_NONE or without `color`. */
const char *style_on(Style style, bool color);
const char *style_off(Style style, bool color);
/* What a state of the daemon, a service or an endpoint looks like. */
Style style_of_state(const char *state);

typedef struct Table Table;

int table_new(size_t n_columns, Table **ret);
Table *table_free(Table *table);
DEFINE_CLEANUP(Table *, table_free);

/* Spaces before each row; they count for the width. */
void table_set_indent(Table *table, size_t indent);
void table_set_align(Table *table, size_t column, TableAlign align);
/*
 * Where it is narrow: columns that are left out before any text is cut, and those that name what a row is about: the
 * others are cut before them, and left out rather than that nobody could tell the names.
 */
void table_set_optional(Table *table, size_t column);
void table_set_whole(Table *table, size_t column);

/* Adds the next cell, row by row; the text is copied and made harmless. The first row is the
 * header. */
int table_add(Table *table, Style style, const char *text);

/* `width` 0: no limit. Without `header` the first row is neither printed nor measured. -EIO */
int table_print(const Table *table, FILE *out, size_t width, bool color, bool header);
