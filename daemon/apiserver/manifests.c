/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/manifests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#include "apiserver/decode.h"
#include "apiserver/manifest-file.h"
#include "apiserver/manifest-pass.h"
#include "common/clock.h"
#include "common/log.h"

/* One is not written to its end, or changed while others were read. */
#define AGAIN_USEC (500 * USEC_PER_MSEC)
/* What a turn may take, and what others have until the next one: large files cost a second. */
#define TURN_USEC (5 * USEC_PER_MSEC)
#define PAUSE_USEC USEC_PER_MSEC
/* A change may be the first of several, but not for ever. */
#define SETTLE_USEC (50 * USEC_PER_MSEC)
#define SETTLE_MAX_USEC (500 * USEC_PER_MSEC)
/* Whatever inotify does not see: the directory itself, a symbolic link on the way to it, a network file system. */
#define LOOK_USEC (2 * USEC_PER_SEC)

#define WATCH_MASK \
        (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | \
         IN_MOVE_SELF | IN_ONLYDIR)

struct Manifests {
        sd_event *event; /* owned reference */
        Store *store; /* borrowed */
        char *folder; /* owned */
        int64_t priority;
        ManifestsSynced synced;
        void *userdata;

        Feed *feed; /* owned, like all below */
        HashMap files; /* name → ManifestFile */
        ManifestPass *pass; /* NULL = none runs */
        sd_event_source *timer;
        sd_event_source *inotify; /* NULL: nothing is watched, the timer alone finds changes */
        dev_t device; /* of the directory that is watched */
        ino_t inode;
        bool complete; /* a list was */
        bool dirty; /* something changed since the last scan */
        uint64_t dirty_usec; /* CLOCK_MONOTONIC of the first change */
        uint64_t n_reads;
        char error[320]; /* of the directory */
};

/* ---- the directory */

/* Whether it is another one than before. */
static bool manifests_set_error(Manifests *manifests, int error) {
        char text[sizeof(manifests->error)] = "";

        if (error < 0)
                (void) snprintf(text, sizeof(text), "The manifest directory %s cannot be read: %s", manifests->folder, strerror(-error));
        if (strcmp(text, manifests->error) == 0)
                return false;
        if (error < 0)
                log_warning("%s; looking again every 2 s", text);
        else
                log_info("The manifest directory %s is there", manifests->folder);
        memcpy(manifests->error, text, sizeof(text));
        return true;
}

static bool is_manifest_name(const char *name) {
        static const char *const endings[] = { ".yaml", ".yml", ".json" };
        size_t size = strlen(name);

        if (*name == '.')
                return false;
        for (size_t i = 0; i < ELEMENTSOF(endings); i++)
                if (size > strlen(endings[i]) && strcmp(name + size - strlen(endings[i]), endings[i]) == 0)
                        return true;
        return false;
}

static int manifests_find(Manifests *manifests, const char *name, ManifestFile **ret) {
        _cleanup_(manifest_file_freep) ManifestFile *added = NULL;
        ManifestFile *file = hashmap_get(&manifests->files, name);
        int r;

        if (!file) {
                if (manifests->files.n_entries >= MANIFEST_FILES_MAX)
                        return -E2BIG;
                r = manifest_file_new(name, &added);
                if (r >= 0)
                        r = hashmap_put(&manifests->files, added->name, added);
                if (r < 0)
                        return r;
                file = TAKE_PTR(added);
                manifests->dirty = true;
        }
        *ret = file;
        return 0;
}

/* Marks the files that are there, adding new ones. */
static int manifests_list(Manifests *manifests, DIR *folder) {
        struct dirent *entry;
        ManifestFile *file;
        int r;

        for (size_t i = 0; (file = hashmap_next(&manifests->files, &i));)
                file->seen = false;
        errno = 0;
        while ((entry = readdir(folder))) {
                if (is_manifest_name(entry->d_name)) {
                        r = manifests_find(manifests, entry->d_name, &file);
                        if (r < 0)
                                return r;
                        file->seen = true;
                }
                errno = 0;
        }
        return -errno;
}

static int compare_files(const void *a, const void *b) {
        const ManifestFile *const *x = a, *const *y = b;

        return strcmp((*x)->name, (*y)->name);
}

/* Those that are there, by name; the others are forgotten. The caller frees the array. */
static int manifests_sort(Manifests *manifests, ManifestFile ***ret, size_t *ret_n) {
        ManifestFile **files = calloc(manifests->files.n_entries + 1, sizeof(ManifestFile *)), *file;
        size_t n = 0, n_all = 0;

        if (!files)
                return -ENOMEM;
        for (size_t i = 0; (file = hashmap_next(&manifests->files, &i));)
                files[n_all++] = file;
        for (size_t i = 0; i < n_all; i++) {
                if (files[i]->seen) {
                        files[n++] = files[i];
                        continue;
                }
                (void) hashmap_remove(&manifests->files, files[i]->name);
                (void) manifest_file_free(files[i]);
                manifests->dirty = true;
        }
        qsort(files, n, sizeof(ManifestFile *), compare_files);
        *ret = files;
        *ret_n = n;
        return 0;
}

/* ---- what inotify says */

static uint64_t manifests_now(const Manifests *manifests) {
        uint64_t now = 0;

        (void) sd_event_now(manifests->event, CLOCK_MONOTONIC, &now);
        return now;
}

static void manifests_arm(Manifests *manifests, uint64_t delay_usec) {
        (void) sd_event_source_set_time(manifests->timer, clock_now_usec(CLOCK_MONOTONIC) + delay_usec);
        (void) sd_event_source_set_enabled(manifests->timer, SD_EVENT_ONESHOT);
}

static void manifests_settle(Manifests *manifests) {
        uint64_t now = manifests_now(manifests);

        if (!manifests->dirty || manifests->dirty_usec == 0)
                manifests->dirty_usec = now;
        manifests->dirty = true;
        if (!manifests->pass) /* which is to come to its end */
                manifests_arm(manifests, now - manifests->dirty_usec < SETTLE_MAX_USEC ? SETTLE_USEC : 0);
}

static int on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        Manifests *manifests = userdata;
        ManifestFile *file;

        if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
                manifests->inode = 0; /* another one may have the name, or the same number */
        if (event->len > 0 && is_manifest_name(event->name) && manifests_find(manifests, event->name, &file) >= 0) {
                file->changed = true;
                file->writing_usec = event->mask & (IN_CREATE | IN_MODIFY) ? manifests_now(manifests) : 0;
        }
        manifests_settle(manifests);
        return 0;
}

/* Watches the directory that has the name now. */
static void manifests_rewatch(Manifests *manifests, const struct stat *st) {
        if (manifests->inotify && manifests->device == st->st_dev && manifests->inode == st->st_ino)
                return;
        manifests->inotify = sd_event_source_disable_unref(manifests->inotify);
        manifests->device = st->st_dev;
        manifests->inode = st->st_ino;
        manifests->dirty = true;
        if (sd_event_add_inotify(manifests->event, &manifests->inotify, manifests->folder, WATCH_MASK, on_inotify, manifests) < 0)
                return;
        (void) sd_event_source_set_priority(manifests->inotify, manifests->priority);
        (void) sd_event_source_set_description(manifests->inotify, "manifests");
}

/* ---- a scan */

/* Whether one of the files is another than was read: what inotify may not have seen. */
static bool manifests_any_other(ManifestFile *const *files, size_t n, int folder_fd) {
        for (size_t i = 0; i < n; i++)
                if (manifest_file_is_other(files[i], folder_fd))
                        return true;
        return false;
}

static int manifests_begin(Manifests *manifests, int folder_fd, ManifestFile **files, size_t n) {
        manifests->dirty = false;
        return manifest_pass_new(manifests->store, manifests->feed, manifests->folder, folder_fd, files, n, &manifests->pass);
}

/* Finds out what there is, and begins to read if something changed. */
static int manifests_scan_folder(Manifests *manifests, DIR *folder) {
        _cleanup_(freep) ManifestFile **files = NULL;
        struct stat st;
        size_t n = 0;
        int r, fd;

        if (fstat(dirfd(folder), &st) < 0)
                return -errno;
        manifests_rewatch(manifests, &st);
        r = manifests_list(manifests, folder);
        if (r >= 0)
                r = manifests_sort(manifests, &files, &n);
        if (r < 0)
                return r;
        if (!manifests->dirty && !manifests_any_other(files, n, dirfd(folder)))
                return 0;
        fd = fcntl(dirfd(folder), F_DUPFD_CLOEXEC, 0);
        return fd < 0 ? -errno : manifests_begin(manifests, fd, TAKE_PTR(files), n);
}

static void closedirp(DIR **folder) {
        if (*folder)
                (void) closedir(*folder);
}

static int manifests_scan(Manifests *manifests) {
        _cleanup_(closedirp) DIR *folder = opendir(manifests->folder);
        int r = folder ? manifests_scan_folder(manifests, folder) : -errno;
        bool news;

        if (r == -ENOMEM)
                return r;
        news = manifests_set_error(manifests, r);
        /* A directory that never was there is an empty one; one that went keeps what it gave. */
        if (r < 0 && !manifests->complete)
                return manifests_begin(manifests, -1, NULL, 0);
        if (news && !manifests->pass && manifests->synced)
                manifests->synced(manifests->userdata);
        return 0;
}

static void manifests_end(Manifests *manifests) {
        ManifestPassResult result;

        manifest_pass_result(manifests->pass, &result);
        manifests->pass = manifest_pass_free(manifests->pass);
        manifests->dirty = manifests->dirty || result.again;
        manifests->n_reads += result.n_reads;
        manifests->complete = true;
        if (manifests->synced)
                manifests->synced(manifests->userdata);
}

/* 1 = there is more to do. */
static int manifests_step(Manifests *manifests) {
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC), now;
        int r;

        do {
                now = clock_now_usec(CLOCK_MONOTONIC);
                r = manifest_pass_step(manifests->pass, now);
        } while (r > 0 && now - begun < TURN_USEC);
        if (r == 0)
                manifests_end(manifests);
        return r;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Manifests *manifests = userdata;
        int r = 0;

        if (!manifests->pass) {
                manifests->dirty_usec = 0;
                r = manifests_scan(manifests);
        }
        if (r >= 0 && manifests->pass)
                r = manifests_step(manifests);
        if (r == -ENOMEM) {
                manifests->pass = manifest_pass_free(manifests->pass);
                manifests->dirty = true;
                (void) log_oom();
        }
        manifests_arm(manifests, r > 0 ? PAUSE_USEC : manifests->dirty ? AGAIN_USEC : LOOK_USEC);
        return 0;
}

/* ---- life */

void manifests_status(const Manifests *manifests, ManifestsStatus *ret) {
        ManifestsStatus status = {
                .folder = manifests->folder,
                .n_files = manifests->files.n_entries,
                .n_reads = manifests->n_reads,
                .n_reported = feed_n_reported(manifests->feed),
                .error = manifests->error,
        };
        const ManifestFile *file;

        for (size_t i = 0; (file = hashmap_next(&manifests->files, &i));) {
                status.n_objects += file->n_names;
                status.n_broken += file->broken;
                if (file->broken && !*status.error)
                        status.error = file->error;
        }
        status.n_unreadable = feed_n_unreadable(manifests->feed, &status.unreadable);
        *ret = status;
}

int manifests_start(Manifests *manifests) {
        manifests->dirty = true;
        manifests_arm(manifests, 0);
        return 0;
}

int manifests_new(sd_event *event,
                  Store *store,
                  const char *folder,
                  int64_t priority,
                  ManifestsSynced synced,
                  void *userdata,
                  Manifests **ret) {
        _cleanup_(manifests_freep) Manifests *manifests = calloc(1, sizeof(Manifests));
        int r;

        if (!manifests)
                return -ENOMEM;
        manifests->event = sd_event_ref(event);
        manifests->store = store;
        manifests->priority = priority;
        manifests->synced = synced;
        manifests->userdata = userdata;
        manifests->files.ops = &hash_ops_string;
        manifests->folder = strdup(folder);
        if (!manifests->folder)
                return -ENOMEM;
        r = feed_new(store, OBJECT_SOURCE_MANIFEST, DECODE_DEFAULTS, &manifests->feed);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &manifests->timer, CLOCK_MONOTONIC, 0, 1, on_timer, manifests);
        if (r >= 0)
                r = sd_event_source_set_enabled(manifests->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(manifests->timer, priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(manifests->timer, "manifests");
        *ret = TAKE_PTR(manifests);
        return 0;
}

Manifests *manifests_free(Manifests *manifests) {
        ManifestFile *file;

        if (!manifests)
                return NULL;
        (void) sd_event_source_disable_unref(manifests->timer);
        (void) sd_event_source_disable_unref(manifests->inotify);
        (void) manifest_pass_free(manifests->pass);
        for (size_t i = 0; (file = hashmap_next(&manifests->files, &i));)
                (void) manifest_file_free(file);
        hashmap_done(&manifests->files);
        (void) feed_free(manifests->feed);
        (void) sd_event_unref(manifests->event);
        free(manifests->folder);
        free(manifests);
        return NULL;
}
