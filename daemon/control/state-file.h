/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small files in the state directory that are written as a whole with each change: beside the old one and then in its
 * place, so that a stop at any moment leaves one or the other. `directory` NULL: nothing is kept, and nothing was.
 */
#pragma once

#include <stdio.h>

/* Writes the text of the file; -errno, or leave it to the stream's error indicator. */
typedef int (*StateFileWriter)(FILE *file, const void *userdata);

/* -errno: the old file is there as it was. */
int state_file_write(const char *directory, const char *name, StateFileWriter writer, const void *userdata);

/* *ret is NULL if there is no such file; the caller closes it. -errno. */
int state_file_open(const char *directory, const char *name, FILE **ret);

/* 0 also if there was none. -errno. */
int state_file_remove(const char *directory, const char *name);
