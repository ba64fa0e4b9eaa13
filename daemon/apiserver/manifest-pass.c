/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/manifest-pass.h"

#include <errno.h>
#include <unistd.h>

#include "apiserver/manifest-load.h"

/* A file whose writer has not closed it is read when nothing was written for so long. */
#define WRITING_USEC USEC_PER_SEC

struct ManifestPass {
        Store *store; /* borrowed */
        Feed *feed; /* borrowed */
        const char *folder; /* borrowed */
        int folder_fd; /* owned */
        ManifestFile **files; /* owned array of borrowed files */
        size_t n_files, n_done;
        ManifestLoad *load; /* owned; of files[n_done]; NULL = it was not begun */
        HashMap taken; /* key → ManifestName of a file */
        bool all;
        bool begun;
        ManifestPassResult result;
};

static bool pass_has_shadows(const ManifestPass *pass) {
        for (size_t i = 0; i < pass->n_files; i++)
                for (size_t k = 0; k < pass->files[i]->n_names; k++)
                        if (pass->files[i]->names[k].shadowed)
                                return true;
        return false;
}

/* Half written: what it will be is not known yet. */
static bool file_is_written(const ManifestFile *file, uint64_t now_usec) {
        return file->writing_usec > 0 && now_usec - file->writing_usec < WRITING_USEC;
}

/* Whether a file is to be read (1) or kept (0). */
static int pass_begin_file(ManifestPass *pass, ManifestFile *file, uint64_t now_usec) {
        int r;

        if (file_is_written(file, now_usec)) {
                pass->result.again = true;
                return 0;
        }
        if (!pass->all && !manifest_file_is_other(file, pass->folder_fd))
                return 0;
        file->writing_usec = 0;
        pass->result.n_reads++;
        r = manifest_load_new(file, pass->folder_fd, pass->folder, &pass->load);
        return r == -ENOMEM ? r : r >= 0;
}

static int pass_step_file(ManifestPass *pass, ManifestFile *file, uint64_t now_usec) {
        int r = pass->load ? 1 : pass_begin_file(pass, file, now_usec);

        if (r > 0) {
                r = manifest_load_step(pass->load, pass->feed, &pass->taken);
                if (r > 0 || r == -ENOMEM)
                        return r;
                pass->load = manifest_load_free(pass->load);
                if (r == 0)
                        return 0;
                r = 0; /* broken: what it last gave stays */
        }
        return r < 0 ? r : manifest_file_keep(file, pass->store, pass->feed, &pass->taken);
}

int manifest_pass_step(ManifestPass *pass, uint64_t now_usec) {
        static const FeedKind kinds[] = { FEED_KIND_SERVICE, FEED_KIND_ENDPOINT_SLICE, FEED_KIND_ENDPOINTS };
        int r;

        if (!pass->begun) {
                pass->begun = true;
                pass->all = pass_has_shadows(pass);
                store_list_begin(pass->store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_SERVICE);
                store_list_begin(pass->store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_ENDPOINT_SLICE);
                for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                        feed_list_begin(pass->feed, kinds[i]);
        }
        if (pass->n_done < pass->n_files) {
                r = pass_step_file(pass, pass->files[pass->n_done], now_usec);
                if (r == 0)
                        pass->n_done++;
                if (r < 0 || pass->n_done < pass->n_files)
                        return r < 0 ? r : 1;
        }
        store_list_end(pass->store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_SERVICE);
        store_list_end(pass->store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_ENDPOINT_SLICE);
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                feed_list_end(pass->feed, kinds[i]);
        return 0;
}

void manifest_pass_result(const ManifestPass *pass, ManifestPassResult *ret) {
        *ret = pass->result;
}

int manifest_pass_new(Store *store,
                      Feed *feed,
                      const char *folder,
                      int folder_fd,
                      ManifestFile **files,
                      size_t n_files,
                      ManifestPass **ret) {
        ManifestPass *pass = calloc(1, sizeof(ManifestPass));

        if (!pass) {
                free(files);
                if (folder_fd >= 0)
                        (void) close(folder_fd);
                return -ENOMEM;
        }
        pass->store = store;
        pass->feed = feed;
        pass->folder = folder;
        pass->folder_fd = folder_fd;
        pass->files = files;
        pass->n_files = n_files;
        pass->taken.ops = &hash_ops_string;
        *ret = pass;
        return 0;
}

ManifestPass *manifest_pass_free(ManifestPass *pass) {
        if (!pass)
                return NULL;
        hashmap_done(&pass->taken);
        (void) manifest_load_free(pass->load);
        if (pass->folder_fd >= 0)
                (void) close(pass->folder_fd);
        free(pass->files);
        free(pass);
        return NULL;
}
