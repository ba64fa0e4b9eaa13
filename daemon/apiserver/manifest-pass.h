/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One complete list of what the files of a directory have, in both kinds, made in steps of a few milliseconds: files that
 * changed are read, of the others what the store has stays. If files have objects in common all are read, for which of
 * them counts may have changed. For manifests.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/manifest-file.h"
#include "common/macros.h"
#include "model/store.h"

typedef struct ManifestPass ManifestPass;

/*
 * Takes `files`, the array alone, and folder_fd (-1: there are no files) in every case; the files, in their order, and all
 * else is borrowed and stays as it is as long as the pass. -ENOMEM.
 */
int manifest_pass_new(Store *store,
                      Feed *feed,
                      const char *folder,
                      int folder_fd,
                      ManifestFile **files,
                      size_t n_files,
                      ManifestPass **ret);
/* The list in the store stays unfinished if the pass is. */
ManifestPass *manifest_pass_free(ManifestPass *pass);
DEFINE_CLEANUP(ManifestPass *, manifest_pass_free);

/* `now_usec`: CLOCK_MONOTONIC. 1 = there is more to do, 0 = the list is complete; -ENOMEM: the pass is of no use any more. */
int manifest_pass_step(ManifestPass *pass, uint64_t now_usec);

typedef struct ManifestPassResult {
        bool again; /* a file is not written to its end */
        uint64_t n_reads;
} ManifestPassResult;

void manifest_pass_result(const ManifestPass *pass, ManifestPassResult *ret);
