/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/manifest.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "tests/apiserver/yaml-json.h"

typedef struct ManifestFile {
        struct ManifestFile *next;
        char *name; /* owned */
        ManifestKeys keys; /* owned; what it put into the store */
} ManifestFile;

struct ManifestFolder {
        Store *store; /* borrowed */
        char *path; /* owned */
        ManifestFile *files; /* owned */
        sd_event_source *source; /* owned */
};

void manifest_keys_done(ManifestKeys *keys) {
        for (size_t i = 0; i < keys->n_keys; i++)
                free(keys->keys[i].key);
        free(keys->keys);
        *keys = (ManifestKeys) {};
}

static int keys_add(ManifestKeys *keys, Resource resource, const char *key) {
        ManifestKey *grown = reallocarray(keys->keys, keys->n_keys + 1, sizeof *grown);
        char *copy = strdup(key);

        if (grown)
                keys->keys = grown;
        if (!grown || !copy) {
                free(copy);
                return -ENOMEM;
        }
        grown[keys->n_keys++] = (ManifestKey) { .resource = resource, .key = copy };
        return 0;
}

static bool keys_have(const ManifestKeys *keys, Resource resource, const char *key) {
        for (size_t i = 0; i < keys->n_keys; i++)
                if (keys->keys[i].resource == resource && strcmp(keys->keys[i].key, key) == 0)
                        return true;
        return false;
}

/* ---- a text */

typedef struct ObjectList {
        ApiObject **objects; /* owned references */
        size_t n_objects;
} ObjectList;

static void object_list_done(ObjectList *list) {
        for (size_t i = 0; i < list->n_objects; i++)
                (void) object_unref(list->objects[i]);
        free(list->objects);
}

/* "Service" under "v1" and so on; _RESOURCE_INVALID for what is not served. */
static Resource document_resource(struct json_object *document) {
        struct json_object *kind, *version;
        Resource resource;
        ApiVersion api;

        if (!json_object_object_get_ex(document, "kind", &kind) ||
            !json_object_object_get_ex(document, "apiVersion", &version) ||
            !json_object_is_type(kind, json_type_string) || !json_object_is_type(version, json_type_string))
                return _RESOURCE_INVALID;
        resource = resource_from_kind(json_object_get_string(kind));
        api = api_version_from_string(json_object_get_string(version));
        if (resource < 0 || api < 0 || !(resource_type(resource)->versions & (1U << api)))
                return _RESOURCE_INVALID;
        return resource;
}

/* The object in the store that a document is about; `document` may lack anything. */
static const ApiObject *document_previous(const Store *store, Resource resource, struct json_object *document) {
        struct json_object *metadata, *name, *namespace;
        _cleanup_(freep) char *key = NULL;

        if (!json_object_object_get_ex(document, "metadata", &metadata) ||
            !json_object_object_get_ex(metadata, "name", &name))
                return NULL;
        if (!resource_type(resource)->namespaced)
                return store_get(store, resource, json_object_get_string(name));
        if (asprintf(&key,
                     "%s/%s",
                     json_object_object_get_ex(metadata, "namespace", &namespace) ? json_object_get_string(namespace)
                                                                                  : "default",
                     json_object_get_string(name)) < 0) {
                key = NULL;
                return NULL;
        }
        return store_get(store, resource, key);
}

static int list_add_document(ObjectList *list, const Store *store, struct json_object *document, char **ret_error) {
        Resource resource = document_resource(document);
        const char *error = NULL;
        ApiObject **grown, *object;
        int r;

        if (resource < 0)
                return 0;
        r = object_from_json(resource, document, document_previous(store, resource, document), &object, &error);
        if (r < 0) {
                if (error && asprintf(ret_error, "%s: %s", resource_type(resource)->kind, error) < 0)
                        *ret_error = NULL;
                return r;
        }
        grown = reallocarray(list->objects, list->n_objects + 1, sizeof *grown);
        if (!grown) {
                (void) object_unref(object);
                return -ENOMEM;
        }
        list->objects = grown;
        grown[list->n_objects++] = object;
        return 0;
}

static int list_add(ObjectList *list, const Store *store, struct json_object *document, char **ret_error) {
        struct json_object *items;
        int r = 0;

        if (!json_object_is_type(document, json_type_object))
                return 0;
        if (!json_object_object_get_ex(document, "items", &items) || !json_object_is_type(items, json_type_array))
                return list_add_document(list, store, document, ret_error);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(items); i++)
                r = list_add_document(list, store, json_object_array_get_idx(items, i), ret_error);
        return r;
}

int manifest_put(Store *store, const char *text, size_t size, ManifestKeys *ret_keys, char **ret_error) {
        struct json_object *documents = NULL;
        ObjectList list = {};
        ManifestKeys keys = {};
        size_t line = 0;
        int r;

        *ret_error = NULL;
        r = yaml_to_json(text, size, &documents, &line);
        if (r < 0) {
                if (asprintf(ret_error, "line %zu: no YAML", line) < 0)
                        *ret_error = NULL;
                return r;
        }
        for (size_t i = 0; r >= 0 && i < json_object_array_length(documents); i++)
                r = list_add(&list, store, json_object_array_get_idx(documents, i), ret_error);
        for (size_t i = 0; r >= 0 && i < list.n_objects; i++)
                r = keys_add(&keys, list.objects[i]->resource, list.objects[i]->key);
        for (size_t i = 0; r >= 0 && i < list.n_objects; i++)
                r = store_put(store, list.objects[i]);
        json_object_put(documents);
        object_list_done(&list);
        if (r < 0 || !ret_keys)
                manifest_keys_done(&keys);
        else
                *ret_keys = keys;
        return r < 0 ? r : 0;
}

/* ---- a folder */

static bool is_manifest_name(const char *name) {
        const char *dot = strrchr(name, '.');

        return *name != '.' && dot &&
               (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

static int read_whole(const char *folder, const char *name, Buffer *ret) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -1;
        char bytes[65536];
        ssize_t n;

        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        while ((n = read(fd, bytes, sizeof bytes)) > 0)
                buffer_append(ret, bytes, (size_t) n);
        return n < 0 ? -errno : ret->failed ? -ENOMEM : 0;
}

static ManifestFile *folder_file(ManifestFolder *folder, const char *name) {
        ManifestFile *file;

        for (file = folder->files; file; file = file->next)
                if (strcmp(file->name, name) == 0)
                        return file;
        file = calloc(1, sizeof *file);
        if (!file)
                return NULL;
        file->name = strdup(name);
        if (!file->name) {
                free(file);
                return NULL;
        }
        file->next = folder->files;
        folder->files = file;
        return file;
}

static bool folder_has(const ManifestFolder *folder, const ManifestKey *key) {
        for (const ManifestFile *file = folder->files; file; file = file->next)
                if (keys_have(&file->keys, key->resource, key->key))
                        return true;
        return false;
}

static void folder_read(ManifestFolder *folder, const char *name) {
        ManifestFile *file = folder_file(folder, name);
        _cleanup_(freep) char *error = NULL;
        ManifestKeys keys = {}, old;
        Buffer text = {};
        int r;

        if (!file)
                return;
        r = read_whole(folder->path, name, &text);
        if (r >= 0)
                r = manifest_put(folder->store, text.data ? text.data : "", text.size, &keys, &error);
        buffer_done(&text);
        if (r < 0 && r != -ENOENT) {
                fprintf(stderr,
                        "test-apiserver: %s/%s: %s, keeping what it had\n",
                        folder->path,
                        name,
                        error ? error : strerror(-r));
                return;
        }
        old = file->keys;
        file->keys = keys;
        for (size_t i = 0; i < old.n_keys; i++)
                if (!folder_has(folder, &old.keys[i]))
                        (void) store_delete(folder->store, old.keys[i].resource, old.keys[i].key);
        manifest_keys_done(&old);
}

static int folder_on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        if (event->len > 0 && is_manifest_name(event->name))
                folder_read(userdata, event->name);
        return 0;
}

static int folder_read_all(ManifestFolder *folder) {
        struct dirent **entries;
        int n = scandir(folder->path, &entries, NULL, alphasort);

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                if (is_manifest_name(entries[i]->d_name))
                        folder_read(folder, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return 0;
}

int manifest_folder_new(sd_event *event, Store *store, const char *path, ManifestFolder **ret) {
        ManifestFolder *folder = calloc(1, sizeof *folder);
        int r;

        if (!folder)
                return -ENOMEM;
        folder->store = store;
        folder->path = strdup(path);
        r = folder->path ? 0 : -ENOMEM;
        if (r >= 0)
                r = sd_event_add_inotify(event,
                                         &folder->source,
                                         path,
                                         IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR,
                                         folder_on_inotify,
                                         folder);
        if (r >= 0)
                r = folder_read_all(folder);
        if (r < 0) {
                (void) manifest_folder_free(folder);
                return r;
        }
        *ret = folder;
        return 0;
}

ManifestFolder *manifest_folder_free(ManifestFolder *folder) {
        if (!folder)
                return NULL;
        while (folder->files) {
                ManifestFile *file = folder->files;

                folder->files = file->next;
                manifest_keys_done(&file->keys);
                free(file->name);
                free(file);
        }
        (void) sd_event_source_disable_unref(folder->source);
        free(folder->path);
        free(folder);
        return NULL;
}
