/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of manifests as a source of objects (OBJECT_SOURCE_MANIFEST): Services, EndpointSlices and Endpoints in
 * *.yaml, *.yml and *.json that do not begin with a dot. It is followed by inotify; a change is read when its writer closed
 * the file or renamed it into place, else when nothing was written for a second. A file that cannot be read or parsed
 * keeps what it last gave and is reported once with its line; a deleted one takes its objects along. Of an object in two
 * files, that of the file first by name counts. A directory that is not there is looked for every 2 s; what it gave stays.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macros.h"
#include "model/store.h"

#define MANIFEST_FILES_MAX 10000

typedef struct Manifests Manifests;

/* From the event loop: all files have been read again, for the first time or because of a change, or the directory went. May not free. */
typedef void (*ManifestsSynced)(void *userdata);

/* No I/O. `folder` is copied, `store` is borrowed, `synced` may be NULL. -ENOMEM. */
int manifests_new(sd_event *event,
                  Store *store,
                  const char *folder,
                  int64_t priority,
                  ManifestsSynced synced,
                  void *userdata,
                  Manifests **ret);
Manifests *manifests_free(Manifests *manifests);
DEFINE_CLEANUP(Manifests *, manifests_free);

/* Begins to follow; the first reading is the event loop's. A missing directory is no failure: its list is empty, and complete. */
int manifests_start(Manifests *manifests);

typedef struct ManifestsStatus {
        const char *folder; /* valid as long as the Manifests */
        size_t n_files, n_broken; /* broken: the last good content stands */
        size_t n_objects;
        uint64_t n_reads; /* files read since the start */
        uint64_t n_reported; /* objects that could not be understood, or not in full */
        size_t n_unreadable; /* such objects now */
        const char *unreadable; /* what is wrong with one of them; as `error` */
        const char *error; /* of the directory, or the first broken file; "" = none; valid until the loop goes on */
} ManifestsStatus;

void manifests_status(const Manifests *manifests, ManifestsStatus *ret);
