/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that grow. The first allocation that fails sets `failed`, and everything after it does nothing: whoever
 * composes an answer checks once, at its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

typedef struct Buffer {
        char *data; /* owned */
        size_t size, n_allocated;
        bool failed;
} Buffer;

void buffer_done(Buffer *buffer);

void buffer_append(Buffer *buffer, const void *bytes, size_t size);
void buffer_text(Buffer *buffer, const char *text);
void buffer_printf(Buffer *buffer, const char *format, ...) _printf_(2, 3);

/* Quoted and escaped. */
void buffer_json_string(Buffer *buffer, const char *text);

/* Drops the first bytes. */
void buffer_consume(Buffer *buffer, size_t size);

/* Appends a NUL that does not count; NULL if memory ran out. */
const char *buffer_cstring(Buffer *buffer);
