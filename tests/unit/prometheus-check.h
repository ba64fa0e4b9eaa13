/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of `promtool check metrics`, and those of the text format it parses with. */
#pragma once

#include <stddef.h>

/* NULL if the text keeps them, else what it breaks; the line is in *ret_line (from 1). Static or in `buffer`. */
const char *prometheus_check(const char *text, size_t *ret_line, size_t *ret_n_series);
