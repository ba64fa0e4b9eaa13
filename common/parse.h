/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to numbers, as Go's strconv and time packages read them, for flags, configuration and JSON.
 * Whole strings only: no white space, no sign where none is meant, nothing behind. All return 0, -EINVAL
 * (not such a text) or -ERANGE (too large), and leave *ret alone on failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

int parse_uint16(const char *text, uint16_t *ret);
int parse_uint32(const char *text, uint32_t *ret);
int parse_uint64(const char *text, uint64_t *ret);
int parse_int32(const char *text, int32_t *ret);

/* 1, t, T, TRUE, true, True and their opposites (strconv.ParseBool) */
int parse_bool(const char *text, bool *ret);

/* "1h15m30.5s", "250ms", "1us", "0" (time.ParseDuration); negative ones are -ERANGE. Rounded down to µs. */
int parse_duration(const char *text, uint64_t *ret_usec);

/* RFC 3339 with optional fraction: "2026-11-23T08:10:01.123Z", "…+02:00"; µs since the epoch */
int parse_timestamp(const char *text, uint64_t *ret_usec);
