/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/manifest-file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/decode.h"

void manifest_name_done(ManifestName *name) {
        free(name->key);
        free(name->namespace);
        free(name->name);
}

void manifest_names_free(ManifestName *names, size_t n) {
        for (size_t i = 0; i < n; i++)
                manifest_name_done(&names[i]);
        free(names);
}

int manifest_file_new(const char *name, ManifestFile **ret) {
        ManifestFile *file = calloc(1, sizeof(ManifestFile));

        if (!file)
                return -ENOMEM;
        file->name = strdup(name);
        if (!file->name) {
                free(file);
                return -ENOMEM;
        }
        *ret = file;
        return 0;
}

ManifestFile *manifest_file_free(ManifestFile *file) {
        if (!file)
                return NULL;
        manifest_names_free(file->names, file->n_names);
        free(file->name);
        free(file);
        return NULL;
}

struct stat manifest_file_stat(const ManifestFile *file, int folder_fd) {
        struct stat st;

        return fstatat(folder_fd, file->name, &st, 0) < 0 ? (struct stat) {} : st;
}

bool manifest_file_is_other(const ManifestFile *file, int folder_fd) {
        struct stat st = manifest_file_stat(file, folder_fd);

        return !file->read || file->changed || file->st.st_dev != st.st_dev || file->st.st_ino != st.st_ino ||
               file->st.st_size != st.st_size || file->st.st_mtim.tv_sec != st.st_mtim.tv_sec ||
               file->st.st_mtim.tv_nsec != st.st_mtim.tv_nsec || file->st.st_ctim.tv_sec != st.st_ctim.tv_sec ||
               file->st.st_ctim.tv_nsec != st.st_ctim.tv_nsec;
}

/* ---- keeping */

static int manifest_name_keep(const ManifestName *name, Store *store) {
        static const int families[] = { AF_INET, AF_INET6 };
        int r = 0;

        if (name->kind != FEED_KIND_ENDPOINTS)
                return store_keep(store, OBJECT_SOURCE_MANIFEST, feed_kind_to_object(name->kind), name->namespace, name->name);
        for (size_t f = 0; f < ELEMENTSOF(families); f++) {
                r = 1;
                for (size_t i = 0; r > 0; i++) {
                        _cleanup_(freep) char *slice = decoded_slice_name(name->name, families[f], i);

                        r = slice ? store_keep(store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_ENDPOINT_SLICE, name->namespace, slice)
                                  : -ENOMEM;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int manifest_file_keep(ManifestFile *file, Store *store, Feed *feed, HashMap *taken) {
        for (size_t i = 0; i < file->n_names; i++) {
                ManifestName *name = &file->names[i];
                int r;

                if (name->shadowed || hashmap_get(taken, name->key))
                        continue;
                feed_list_keep(feed, name->kind, name->namespace, name->name);
                r = hashmap_put(taken, name->key, name);
                if (r >= 0)
                        r = manifest_name_keep(name, store);
                if (r < 0)
                        return r;
        }
        return 0;
}
