/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that grows while it is written, for bodies of answers. Out of memory is remembered and asked for at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

/* Embedded by value, `{}` is empty. */
typedef struct Text {
        char *data; /* owned; NUL-terminated if there is any */
        size_t size, n_allocated;
        bool failed; /* out of memory: what was put since is not in it */
} Text;

void text_done(Text *text);
void text_clear(Text *text); /* keeps its memory */

void text_put(Text *text, const char *string);
void text_put_bytes(Text *text, const char *bytes, size_t size);
void text_putf(Text *text, const char *format, ...) _printf_(2, 3);
void text_put_uint(Text *text, uint64_t number);
/* Microseconds as decimal seconds without needless zeros: "0.25", "16.384", "0" */
void text_put_seconds(Text *text, uint64_t usec);
/* A JSON string with its quotes. */
void text_put_json(Text *text, const char *string);
/* CLOCK_REALTIME as Go's time.Time in JSON: "2026-11-24T11:07:08.123456Z" with quotes; 0 is Go's zero time */
void text_put_json_time(Text *text, uint64_t usec);

/* The text, new owner; NULL if it failed. Leaves it empty. */
char *text_take(Text *text);
