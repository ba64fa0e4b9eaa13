/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host says of itself in /proc and /sys. `root` is where those are: "" on a real host, a
 * folder in tests. What cannot be read counts as absent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define HOST_TEXT_MAX 256
#define PATH_TEXT_MAX 1024

/* The first line of a file, "" if there is none; false if it cannot be read. */
bool host_read(const char *root, const char *path, char buf[static HOST_TEXT_MAX]);
bool host_read_number(const char *root, const char *path, uint64_t *ret);
bool host_exists(const char *root, const char *path);

/* A file's beginning as text, owned by the caller. How many bytes; -ENOMEM, -EIO. */
int file_read_text(FILE *f, char **ret);
/* Of the file at a path; also the -errno of opening it. */
int host_read_text(const char *root, const char *path, char **ret);

/* The id of a process of that name that has not ended, 0 = none. */
pid_t host_find_process(const char *root, const char *name);

/* Is a TCP port listened at? *ret_inode: of the socket. */
bool host_find_listener(const char *root, uint16_t port, uint64_t *ret_inode);
/* The name of a process that has the socket open: "" if none can be seen. */
void host_socket_owner(const char *root, uint64_t inode, char buf[static HOST_TEXT_MAX]);
