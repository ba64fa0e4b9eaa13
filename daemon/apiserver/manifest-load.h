/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one manifest file into the store, in steps of a few milliseconds. For manifest-pass.c. */
#pragma once

#include "apiserver/manifest-file.h"
#include "common/macros.h"

typedef struct ManifestLoad ManifestLoad;

/*
 * Reads the bytes. `file` and `folder` are borrowed. -ENOMEM, or another error: the file is broken, file->error says why,
 * and its names are what they were.
 */
int manifest_load_new(ManifestFile *file, int folder_fd, const char *folder, ManifestLoad **ret);
ManifestLoad *manifest_load_free(ManifestLoad *load);
DEFINE_CLEANUP(ManifestLoad *, manifest_load_free);

/*
 * Goes on: 1 = there is more to do, 0 = the file's objects are in the store. What is in `taken` (key → ManifestName) is
 * another file's, the rest is added to it. -EBADMSG: the file is broken, nothing of it was put; -ENOMEM.
 */
int manifest_load_step(ManifestLoad *load, Feed *feed, HashMap *taken);
