/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/manifest-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/decode.h"
#include "apiserver/manifest-parse.h"
#include "common/log.h"

static void manifest_name_done(ManifestName *name) {
        free(name->key);
        free(name->namespace);
        free(name->name);
}

static void manifest_names_free(ManifestName *names, size_t n) {
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

/* Where the name leads, through symbolic links; all zero if that is nowhere. */
static struct stat manifest_file_stat(const ManifestFile *file, int folder_fd) {
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

/* ---- reading */

/* NUL-terminated. Devices and pipes are refused; O_NONBLOCK keeps open() from waiting for one. */
static int manifest_file_read(const char *name, int folder_fd, char **ret, size_t *ret_size) {
        _cleanup_(closep) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_(freep) char *text = NULL;
        size_t size, used = 0;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if ((uint64_t) st.st_size > MANIFEST_FILE_MAX)
                return -EFBIG;
        size = (size_t) st.st_size;
        text = malloc(size + 1);
        if (!text)
                return -ENOMEM;
        while (used < size) {
                ssize_t n = read(fd, text + used, size - used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                used += (size_t) n;
        }
        text[used] = '\0';
        *ret = TAKE_PTR(text);
        *ret_size = used;
        return 0;
}

/* ---- objects */

typedef struct ManifestLoad {
        ManifestFile *file;
        const char *folder;
        Feed *feed;
        HashMap *taken;
        ManifestName *names; /* owned: those of the new content */
        size_t n_names;
        char version[64];
} ManifestLoad;

static bool manifest_kind(json_object *object, FeedKind *ret) {
        json_object *kind = json_member(object, "kind");

        *ret = json_object_is_type(kind, json_type_string) ? feed_kind_from_string(json_object_get_string(kind)) : _FEED_KIND_MAX;
        return *ret < _FEED_KIND_MAX && *ret != FEED_KIND_NODE;
}

static int manifest_name_init(ManifestName *name, FeedKind kind, json_object *object) {
        DecodeReport report = {};
        ObjectMeta meta;
        int r = decode_meta(object, /* namespaced= */ true, DECODE_DEFAULTS, &meta, &report);

        if (r < 0)
                return r;
        *name = (ManifestName) { .kind = kind, .namespace = strdup(meta.namespace), .name = strdup(meta.name) };
        if (!name->namespace || !name->name ||
            asprintf(&name->key, "%s %s/%s", feed_kind_to_string(kind), meta.namespace, meta.name) < 0) {
                manifest_name_done(name);
                return -ENOMEM;
        }
        return 0;
}

/* 0 also if another file, or an earlier part of this one, has the object. */
static int manifest_load_name(ManifestLoad *load, FeedKind kind, json_object *object, const char *place) {
        ManifestName *name = &load->names[load->n_names];
        int r = manifest_name_init(name, kind, object);

        if (r < 0)
                return r;
        load->n_names++;
        name->shadowed = hashmap_get(load->taken, name->key) != NULL;
        if (name->shadowed) {
                log_warning("%s%s is there already, this one is left out", place, name->key);
                return 0;
        }
        r = hashmap_put(load->taken, name->key, name);
        return r < 0 ? r : 1;
}

static int manifest_load_object(ManifestLoad *load, const ManifestObject *object) {
        char place[512];
        FeedKind kind;
        int r;

        (void) snprintf(place, sizeof(place), "%s/%s:%u: ", load->folder, load->file->name, object->line);
        if (!manifest_kind(object->object, &kind)) {
                log_debug("%sthis is no Service, EndpointSlice or Endpoints, ignored", place);
                return 0;
        }
        r = manifest_load_name(load, kind, object->object, place);
        if (r == -ENOMEM || r == 0)
                return r;
        /* An object without a usable name is reported by the feed. */
        feed_set_place(load->feed, place, load->version);
        r = feed_put(load->feed, kind, object->object);
        feed_set_place(load->feed, NULL, NULL);
        return r;
}

static int manifest_load_objects(ManifestLoad *load, const ManifestObjects *objects) {
        int r = 0;

        if (objects->n_objects == 0)
                return 0;
        /* Of this size from the beginning: `taken` points into it. */
        load->names = calloc(objects->n_objects, sizeof(ManifestName));
        if (!load->names)
                return -ENOMEM;
        for (size_t i = 0; i < objects->n_objects && r >= 0; i++)
                r = manifest_load_object(load, &objects->objects[i]);
        return r < 0 ? r : 0;
}

static int manifest_file_break(ManifestFile *file, int error, const char *folder, const char *text) {
        char message[sizeof(file->error)];

        (void) snprintf(message, sizeof(message), "%s/%s%s", folder, file->name, text);
        if (!file->broken || strcmp(message, file->error) != 0)
                log_warning("%s; %s", message, file->n_names > 0 ? "what the file last had stays" : "the file is left out");
        file->broken = true;
        memcpy(file->error, message, sizeof(message));
        return error;
}

int manifest_file_load(ManifestFile *file, int folder_fd, const char *folder, Feed *feed, HashMap *taken) {
        _cleanup_(manifest_objects_done) ManifestObjects objects = {};
        ManifestLoad load = { .file = file, .folder = folder, .feed = feed, .taken = taken };
        _cleanup_(freep) char *text = NULL;
        char message[256];
        ManifestError error;
        size_t size = 0;
        int r;

        file->st = manifest_file_stat(file, folder_fd); /* before: what changes meanwhile shows by its time */
        file->read = true;
        file->changed = false;
        r = manifest_file_read(file->name, folder_fd, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                (void) snprintf(message, sizeof(message), " cannot be read: %s", r == -EINVAL ? "it is no file" : strerror(-r));
                return manifest_file_break(file, r, folder, message);
        }
        r = manifest_parse(text, size, &objects, &error);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                (void) snprintf(message, sizeof(message), ":%u: %s", error.line, error.text);
                return manifest_file_break(file, r, folder, message);
        }
        (void) snprintf(load.version, sizeof(load.version), "%" PRIu64 ".%" PRIu64 ".%" PRIu64, (uint64_t) file->st.st_ino,
                        (uint64_t) file->st.st_mtim.tv_sec, (uint64_t) file->st.st_mtim.tv_nsec);
        r = manifest_load_objects(&load, &objects);
        if (r >= 0 && file->broken)
                log_info("%s/%s is well again", folder, file->name);
        manifest_names_free(file->names, file->n_names);
        file->names = load.names;
        file->n_names = load.n_names;
        file->broken = false;
        file->error[0] = '\0';
        return r;
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

int manifest_file_keep(ManifestFile *file, Store *store, HashMap *taken) {
        for (size_t i = 0; i < file->n_names; i++) {
                ManifestName *name = &file->names[i];
                int r;

                if (name->shadowed || hashmap_get(taken, name->key))
                        continue;
                r = hashmap_put(taken, name->key, name);
                if (r >= 0)
                        r = manifest_name_keep(name, store);
                if (r < 0)
                        return r;
        }
        return 0;
}
