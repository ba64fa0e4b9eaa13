/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of an operator, read into memory as a whole. What is not handed over is wiped: there may be secrets in it. */
#pragma once

#include <stddef.h>

/* Reads a file of at most `max` bytes; NUL-terminated new memory, to be wiped by who needs that. -errno; -EFBIG. */
int config_read_file(const char *path, size_t max, char **ret, size_t *ret_size);
