/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passing over the bytes of JSON text that decide nothing: nearly all of them, so that what each of them takes counts. */
#pragma once

#include <stddef.h>

/* The first byte of [p, end) that is none of a string's plain characters: a quote, a backslash, a control character; or `end`. */
const char *json_scan_string(const char *p, const char *end);

/* The first byte of [p, end) that is a quote, a bracket, a brace or a colon; or `end`. For text outside of strings. */
const char *json_scan_structure(const char *p, const char *end);
