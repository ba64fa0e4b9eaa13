/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a real API server answered, from tests/data/recorded-api/. */
#pragma once

#include <stddef.h>

typedef struct Recorded {
        char *text; /* owned: the whole file */
        char *path; /* of the request, in `text` */
        unsigned status;
        char *body; /* in `text` */
        size_t size;
} Recorded;

/* Fails the test if there is no such file. */
void recorded_load(const char *name, Recorded *ret);
void recorded_done(Recorded *recorded);

/* A whole file below the source folder, NUL-terminated; the caller frees. */
char *source_file_read(const char *path, size_t *ret_size);
