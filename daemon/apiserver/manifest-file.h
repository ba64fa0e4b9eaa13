/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One manifest file: what it last gave, and how it is told from what it was. For manifests.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "apiserver/feed.h"

/* An object that the file has; the store has the object itself. */
typedef struct ManifestName {
        FeedKind kind;
        char *key; /* owned: "Service default/web" */
        char *namespace, *name; /* owned */
        bool shadowed; /* another file has it and comes first */
} ManifestName;

typedef struct ManifestFile {
        char *name; /* owned: within the directory */
        struct stat st; /* when it was last read; all zero = there was none */
        bool read; /* it was, or was tried to be */
        bool changed; /* somebody was seen to change it since */
        bool seen; /* by the scan that runs */
        bool broken;
        uint64_t writing_usec; /* CLOCK_MONOTONIC of the last change by a writer who has not closed it; 0 = none */
        ManifestName *names; /* owned */
        size_t n_names;
        char error[320]; /* of a broken one */
} ManifestFile;

void manifest_name_done(ManifestName *name);
void manifest_names_free(ManifestName *names, size_t n);

int manifest_file_new(const char *name, ManifestFile **ret);
ManifestFile *manifest_file_free(ManifestFile *file);
DEFINE_CLEANUP(ManifestFile *, manifest_file_free);

/* Where the name leads, through symbolic links; all zero if that is nowhere. */
struct stat manifest_file_stat(const ManifestFile *file, int folder_fd);
/* Whether it is another content than was last read, as far as is known and inode, size and times say. */
bool manifest_file_is_other(const ManifestFile *file, int folder_fd);

/*
 * The file did not change: its objects in the store stay in the list that runs, but for those in `taken` (key →
 * ManifestName), which are another file's; the rest is added to it. -ENOMEM.
 */
int manifest_file_keep(ManifestFile *file, Store *store, Feed *feed, HashMap *taken);
