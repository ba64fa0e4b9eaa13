/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain files. */
#pragma once

#include <stddef.h>

/* All of it, however many calls that takes. -errno: part of it may be written. */
int write_all(int fd, const char *text, size_t size);
