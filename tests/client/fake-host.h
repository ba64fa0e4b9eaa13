/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder that stands for a host, with the files of it that matter. */
#pragma once

typedef struct Host {
        char root[32];
} Host;

/* An empty one. */
void host_new(Host *host);
void host_close(const Host *host);

/* A file and the folders it is in. */
void host_write(const Host *host, const char *path, const char *text);
/* The same; "a|b|" is the words "a" and "b", each with the NUL that ends it. */
void host_write_words(const Host *host, const char *path, const char *words);
