/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/manifest-load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/decode.h"
#include "apiserver/manifest-parse.h"
#include "common/log.h"

/* What one step does: about a millisecond of each. */
#define STEP_VALUES 250
#define STEP_OBJECTS 25

struct ManifestLoad {
        ManifestFile *file; /* borrowed */
        const char *folder; /* borrowed */
        ManifestParser *parser; /* owned; NULL = parsed */
        ManifestObjects objects; /* owned; those that were put are NULL */
        size_t n_done;
        ManifestName *names; /* owned: those of the new content */
        size_t n_names;
        char version[64];
};

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
static int manifest_load_name(ManifestLoad *load, HashMap *taken, FeedKind kind, json_object *object, const char *place) {
        ManifestName *name = &load->names[load->n_names];
        int r = manifest_name_init(name, kind, object);

        if (r < 0)
                return r;
        load->n_names++;
        name->shadowed = hashmap_get(taken, name->key) != NULL;
        if (name->shadowed) {
                log_warning("%s%s is there already, this one is left out", place, name->key);
                return 0;
        }
        r = hashmap_put(taken, name->key, name);
        return r < 0 ? r : 1;
}

static int manifest_load_object(ManifestLoad *load, Feed *feed, HashMap *taken, const ManifestObject *object) {
        char place[512];
        FeedKind kind;
        int r;

        (void) snprintf(place, sizeof(place), "%s/%s:%u: ", load->folder, load->file->name, object->line);
        if (!manifest_kind(object->object, &kind)) {
                log_debug("%sthis is no Service, EndpointSlice or Endpoints, ignored", place);
                return 0;
        }
        r = manifest_load_name(load, taken, kind, object->object, place);
        if (r == -ENOMEM || r == 0)
                return r;
        /* An object without a usable name is reported by the feed. */
        feed_set_place(feed, place, load->version);
        r = feed_put(feed, kind, object->object);
        feed_set_place(feed, NULL, NULL);
        return r;
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

static int manifest_load_parse(ManifestLoad *load) {
        char message[256];
        ManifestError error;
        int r = manifest_parser_run(load->parser, STEP_VALUES, &error);

        if (r == -EBADMSG) {
                (void) snprintf(message, sizeof(message), ":%u: %s", error.line, error.text);
                return manifest_file_break(load->file, r, load->folder, message);
        }
        if (r != 0)
                return r;
        manifest_parser_take(load->parser, &load->objects);
        load->parser = manifest_parser_free(load->parser);
        /* Of this size from the beginning: `taken` points into it. */
        load->names = calloc(MAX2(load->objects.n_objects, (size_t) 1), sizeof(ManifestName));
        return load->names ? 1 : -ENOMEM;
}

/* Also after a failure: `taken` points to the names. */
static int manifest_load_end(ManifestLoad *load, int r) {
        ManifestFile *file = load->file;

        if (r >= 0 && file->broken)
                log_info("%s/%s is well again", load->folder, file->name);
        manifest_names_free(file->names, file->n_names);
        file->names = load->names;
        file->n_names = load->n_names;
        load->names = NULL;
        load->n_names = 0;
        file->broken = false;
        file->error[0] = '\0';
        return r;
}

int manifest_load_step(ManifestLoad *load, Feed *feed, HashMap *taken) {
        size_t end;
        int r = 0;

        if (load->parser)
                return manifest_load_parse(load);
        end = MIN2(load->n_done + STEP_OBJECTS, load->objects.n_objects);
        for (; load->n_done < end && r >= 0; load->n_done++) {
                ManifestObject *object = &load->objects.objects[load->n_done];

                r = manifest_load_object(load, feed, taken, object);
                (void) json_object_put(object->object);
                object->object = NULL;
        }
        if (r >= 0 && load->n_done < load->objects.n_objects)
                return 1;
        return manifest_load_end(load, MIN2(r, 0));
}

/* ---- life */

int manifest_load_new(ManifestFile *file, int folder_fd, const char *folder, ManifestLoad **ret) {
        _cleanup_(manifest_load_freep) ManifestLoad *load = calloc(1, sizeof(ManifestLoad));
        char message[256], *text = NULL;
        size_t size = 0;
        int r;

        if (!load)
                return -ENOMEM;
        load->file = file;
        load->folder = folder;
        file->st = manifest_file_stat(file, folder_fd); /* before: what changes meanwhile shows by its time */
        file->read = true;
        file->changed = false;
        (void) snprintf(load->version, sizeof(load->version), "%" PRIu64 ".%" PRIu64 ".%" PRIu64, (uint64_t) file->st.st_ino,
                        (uint64_t) file->st.st_mtim.tv_sec, (uint64_t) file->st.st_mtim.tv_nsec);
        r = manifest_file_read(file->name, folder_fd, &text, &size);
        if (r >= 0)
                r = manifest_parser_new(text, size, &load->parser);
        if (r < 0 && r != -ENOMEM) {
                (void) snprintf(message, sizeof(message), " cannot be read: %s", r == -EINVAL ? "it is no file" : strerror(-r));
                return manifest_file_break(file, r, folder, message);
        }
        if (r >= 0)
                *ret = TAKE_PTR(load);
        return r;
}

ManifestLoad *manifest_load_free(ManifestLoad *load) {
        if (!load)
                return NULL;
        (void) manifest_parser_free(load->parser);
        manifest_objects_done(&load->objects);
        manifest_names_free(load->names, load->n_names);
        free(load);
        return NULL;
}
