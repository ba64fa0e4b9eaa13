/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel parameters below /proc/sys, by their path there: "net/ipv4/vs/conntrack". Logs nothing. */
#pragma once

#include <stdbool.h>

/* Relative, of plain components, none of them "." or "..". */
bool sysctl_name_is_valid(const char *name);

/*
 * *ret is the value without its newline, owned by the caller. -EINVAL for a name as above, -E2BIG for more than
 * a page, else the error of the file: -ENOENT where the kernel has no such parameter, -EACCES.
 */
int sysctl_read(const char *name, char **ret);

/* One write, whole or not at all; the kernel's -EINVAL for a value it refuses. */
int sysctl_write(const char *name, const char *value);

/* The same words; numbers by value ("01" is "1"), any white space between them (the kernel writes tabs). */
bool sysctl_value_equal(const char *a, const char *b);
