/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects from manifests: a text at a time, and folders that are followed as long as the server runs. */
#pragma once

#include <systemd/sd-event.h>

#include "tests/apiserver/store.h"

typedef struct ManifestFolder ManifestFolder;

typedef struct ManifestKey {
        Resource resource;
        char *key; /* owned */
} ManifestKey;

typedef struct ManifestKeys {
        ManifestKey *keys; /* owned */
        size_t n_keys;
} ManifestKeys;

void manifest_keys_done(ManifestKeys *keys);

/*
 * Puts every object of the text (documents, and the items of Lists) into the store; kinds that are not served are left
 * out. Nothing is put if any object is wrong: *ret_error (owned by the caller) then says what. `ret_keys` (or NULL)
 * gets what the text has.
 */
int manifest_put(Store *store, const char *text, size_t size, ManifestKeys *ret_keys, char **ret_error);

/*
 * Reads *.yaml, *.yml and *.json of a folder, and again whenever one changes; objects that are in no file any more are
 * deleted. A file that is wrong keeps the objects it had, with a line on stderr.
 */
int manifest_folder_new(sd_event *event, Store *store, const char *path, ManifestFolder **ret);
ManifestFolder *manifest_folder_free(ManifestFolder *folder);
