/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/store-private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const object_kind_table[_OBJECT_KIND_MAX] = {
        [OBJECT_KIND_SERVICE] = "Service",
        [OBJECT_KIND_ENDPOINT_SLICE] = "EndpointSlice",
        [OBJECT_KIND_NODE] = "Node",
        [OBJECT_KIND_CLUSTER_NODE] = "Node",
};

const char *object_kind_to_string(ObjectKind kind) {
        return kind < _OBJECT_KIND_MAX ? object_kind_table[kind] : NULL;
}

const Service *service_entry_object(const ServiceEntry *entry) {
        for (size_t i = 0; i < _OBJECT_SOURCE_MAX; i++)
                if (entry->objects[i])
                        return entry->objects[i];
        return NULL;
}

const EndpointSlice *slice_entry_object(const SliceEntry *entry) {
        for (size_t i = 0; i < _OBJECT_SOURCE_MAX; i++)
                if (entry->objects[i])
                        return entry->objects[i];
        return NULL;
}

static char *object_key(const char *namespace, const char *name) {
        char *key;

        return asprintf(&key, "%s/%s", namespace, name) < 0 ? NULL : key;
}

/* ---- entries */

void service_entry_free(ServiceEntry *entry) {
        for (size_t i = 0; i < _OBJECT_SOURCE_MAX; i++)
                (void) service_free(entry->objects[i]);
        free(entry->key);
        free(entry);
}

static void slice_entry_free(SliceEntry *slice) {
        for (size_t i = 0; i < _OBJECT_SOURCE_MAX; i++)
                (void) endpoint_slice_free(slice->objects[i]);
        free(slice->key);
        free(slice);
}

/* Finds or adds; NULL on OOM. */
static ServiceEntry *store_service_entry(Store *store, const char *namespace, const char *name) {
        _cleanup_(freep) char *key = object_key(namespace, name);
        ServiceEntry *entry;

        if (!key)
                return NULL;
        entry = hashmap_get(&store->services, key);
        if (entry)
                return entry;
        entry = calloc(1, sizeof(ServiceEntry));
        if (!entry)
                return NULL;
        entry->key = key;
        if (hashmap_put(&store->services, entry->key, entry) < 0) {
                free(entry);
                return NULL;
        }
        key = NULL; /* now the entry's */
        return entry;
}

static void service_entry_link(ServiceEntry *entry, SliceEntry *slice) {
        SliceEntry **p = &entry->slices;

        while (*p && strcmp((*p)->key, slice->key) < 0)
                p = &(*p)->next_of_service;
        slice->next_of_service = *p;
        slice->service = entry;
        *p = slice;
}

static void service_entry_unlink(SliceEntry *slice) {
        SliceEntry **p = &slice->service->slices;

        while (*p != slice)
                p = &(*p)->next_of_service;
        *p = slice->next_of_service;
        slice->service = NULL;
}

/* ---- objects */

int store_put_service(Store *store, ObjectSource source, Service *service) {
        _cleanup_(service_freep) Service *owned = service;
        ServiceEntry *entry = store_service_entry(store, service->namespace, service->name);
        const Service *before;
        bool same;

        if (!entry)
                return -ENOMEM;
        before = service_entry_object(entry);
        entry->seen[source] = store->list_number[source][OBJECT_KIND_SERVICE];
        same = before && service_equal(before, service);
        if (entry->objects[source] && service_equal(entry->objects[source], service))
                return 0;

        (void) service_free(entry->objects[source]);
        entry->objects[source] = TAKE_PTR(owned);
        if (same)
                return 0; /* another source had said the same */
        store->n_changes[OBJECT_KIND_SERVICE]++;
        store_mark_dirty(store, entry);
        return 1;
}

/* Joins the service that the object in force names, leaving another if need be. */
static int slice_entry_relink(Store *store, SliceEntry *slice) {
        const EndpointSlice *object = slice_entry_object(slice);
        ServiceEntry *entry = store_service_entry(store, object->namespace, object->service_name);

        if (!entry)
                return -ENOMEM;
        if (slice->service != entry) {
                if (slice->service) {
                        store_mark_dirty(store, slice->service);
                        service_entry_unlink(slice);
                }
                service_entry_link(entry, slice);
        }
        if (object->trigger_usec > 0 &&
            (entry->trigger_usec == 0 || object->trigger_usec < entry->trigger_usec))
                entry->trigger_usec = object->trigger_usec;
        store->n_changes[OBJECT_KIND_ENDPOINT_SLICE]++;
        store_mark_dirty(store, entry);
        return 1;
}

static SliceEntry *store_slice_entry(Store *store, const EndpointSlice *object) {
        _cleanup_(freep) char *key = object_key(object->namespace, object->name);
        SliceEntry *slice;

        if (!key)
                return NULL;
        slice = hashmap_get(&store->slices, key);
        if (slice)
                return slice;
        slice = calloc(1, sizeof(SliceEntry));
        if (!slice)
                return NULL;
        slice->key = key;
        if (hashmap_put(&store->slices, slice->key, slice) < 0) {
                free(slice);
                return NULL;
        }
        key = NULL;
        return slice;
}

static void store_drop_slice_entry(Store *store, SliceEntry *slice) {
        if (slice->service) {
                store_mark_dirty(store, slice->service);
                service_entry_unlink(slice);
        }
        (void) hashmap_remove(&store->slices, slice->key);
        slice_entry_free(slice);
}

int store_put_slice(Store *store, ObjectSource source, EndpointSlice *object) {
        _cleanup_(endpoint_slice_freep) EndpointSlice *owned = object;
        SliceEntry *slice = store_slice_entry(store, object);
        int r;

        if (!slice)
                return -ENOMEM;
        slice->seen[source] = store->list_number[source][OBJECT_KIND_ENDPOINT_SLICE];
        if (slice->objects[source] && endpoint_slice_equal(slice->objects[source], object))
                return 0;

        (void) endpoint_slice_free(slice->objects[source]);
        endpoint_slice_shrink(owned);
        slice->objects[source] = TAKE_PTR(owned);
        if (slice_entry_object(slice) != slice->objects[source])
                return 0; /* a stronger source has it too */
        r = slice_entry_relink(store, slice);
        if (r < 0)
                store_drop_slice_entry(store, slice);
        return r;
}

static void store_drop_service_object(Store *store, ObjectSource source, ServiceEntry *entry) {
        entry->objects[source] = service_free(entry->objects[source]);
        store->n_changes[OBJECT_KIND_SERVICE]++;
        store_mark_dirty(store, entry);
}

static void store_drop_slice_object(Store *store, ObjectSource source, SliceEntry *slice) {
        slice->objects[source] = endpoint_slice_free(slice->objects[source]);
        if (!slice_entry_object(slice)) {
                store->n_changes[OBJECT_KIND_ENDPOINT_SLICE]++;
                store_drop_slice_entry(store, slice);
        } else if (slice_entry_relink(store, slice) < 0 && slice->service) {
                store_mark_dirty(store, slice->service);
        }
}

int store_remove(Store *store,
                 ObjectSource source,
                 ObjectKind kind,
                 const char *namespace,
                 const char *name) {
        _cleanup_(freep) char *key = NULL;

        if (kind == OBJECT_KIND_NODE)
                return store_remove_node(store, source, name);
        if (kind == OBJECT_KIND_CLUSTER_NODE)
                return store_remove_cluster_node(store, name);

        key = object_key(namespace, name);
        if (!key)
                return -ENOMEM;
        if (kind == OBJECT_KIND_SERVICE) {
                ServiceEntry *entry = hashmap_get(&store->services, key);

                if (!entry || !entry->objects[source])
                        return 0;
                store_drop_service_object(store, source, entry);
        } else {
                SliceEntry *slice = hashmap_get(&store->slices, key);

                if (!slice || !slice->objects[source])
                        return 0;
                store_drop_slice_object(store, source, slice);
        }
        return 1;
}

int store_keep(Store *store, ObjectSource source, ObjectKind kind, const char *namespace, const char *name) {
        _cleanup_(freep) char *key = NULL;

        if (kind == OBJECT_KIND_NODE)
                return store_keep_node(store, source, name);
        if (kind == OBJECT_KIND_CLUSTER_NODE)
                return node_set_keep(&store->cluster_nodes, name, store->list_number[source][kind]);
        key = object_key(namespace, name);
        if (!key)
                return -ENOMEM;
        if (kind == OBJECT_KIND_SERVICE) {
                ServiceEntry *entry = hashmap_get(&store->services, key);

                if (!entry || !entry->objects[source])
                        return 0;
                entry->seen[source] = store->list_number[source][kind];
        } else {
                SliceEntry *slice = hashmap_get(&store->slices, key);

                if (!slice || !slice->objects[source])
                        return 0;
                slice->seen[source] = store->list_number[source][kind];
        }
        return 1;
}

/* ---- lists */

void store_list_begin(Store *store, ObjectSource source, ObjectKind kind) {
        store->list_number[source][kind]++;
}

static void store_sweep_services(Store *store, ObjectSource source, uint32_t number) {
        ServiceEntry *entry;

        for (size_t i = 0; (entry = hashmap_next(&store->services, &i));)
                if (entry->objects[source] && entry->seen[source] != number)
                        store_drop_service_object(store, source, entry);
}

/* Dropping the last object of a slice shifts the table, so the walk starts again behind each such drop. */
static void store_sweep_slices(Store *store, ObjectSource source, uint32_t number) {
        SliceEntry *slice;
        size_t i = 0;

        while ((slice = hashmap_next(&store->slices, &i))) {
                if (!slice->objects[source] || slice->seen[source] == number)
                        continue;
                store_drop_slice_object(store, source, slice);
                /* What moved into the hole came from behind it or wrapped around to the end: look at the
                 * slot again; wrapped ones stand at indexes not yet visited or were visited before. */
                i--;
        }
}

void store_list_end(Store *store, ObjectSource source, ObjectKind kind) {
        uint32_t number = store->list_number[source][kind];

        switch (kind) {
        case OBJECT_KIND_SERVICE:
                store_sweep_services(store, source, number);
                break;
        case OBJECT_KIND_ENDPOINT_SLICE:
                store_sweep_slices(store, source, number);
                break;
        case OBJECT_KIND_NODE:
                if (store->nodes[source] && store->node_seen[source] != number)
                        (void) store_remove_node(store, source, store->nodes[source]->name);
                break;
        case OBJECT_KIND_CLUSTER_NODE:
                if (source == OBJECT_SOURCE_API && node_set_sweep(&store->cluster_nodes, number))
                        store_cluster_nodes_changed(store);
                break;
        case _OBJECT_KIND_MAX:
                return;
        }
        if (!store->synced[source][kind]) {
                store->synced[source][kind] = true;
                if (store->wake)
                        store->wake(store->userdata);
        }
}

bool store_is_synced(const Store *store, ObjectSource source, ObjectKind kind) {
        return store->synced[source][kind];
}

/* ---- reading */

ServiceEntry *store_find(const Store *store, const char *namespace, const char *name) {
        _cleanup_(freep) char *key = object_key(namespace, name);

        return key ? hashmap_get(&store->services, key) : NULL;
}

ServiceEntry *store_next(const Store *store, size_t *i) {
        return hashmap_next(&store->services, i);
}

uint64_t store_n_changes(const Store *store, ObjectKind kind) {
        return store->n_changes[kind];
}

size_t store_n_services(const Store *store) {
        return store->services.n_entries;
}

int store_new(void (*wake)(void *userdata), void *userdata, Store **ret) {
        Store *store = calloc(1, sizeof(Store));

        if (!store)
                return -ENOMEM;
        store->services.ops = &hash_ops_string;
        store->slices.ops = &hash_ops_string;
        store->cluster_nodes.nodes.ops = &hash_ops_string;
        store->wake = wake;
        store->userdata = userdata;
        *ret = store;
        return 0;
}

Store *store_free(Store *store) {
        ServiceEntry *entry;
        SliceEntry *slice;

        if (!store)
                return NULL;
        for (size_t i = 0; (slice = hashmap_next(&store->slices, &i));)
                slice_entry_free(slice);
        for (size_t i = 0; (entry = hashmap_next(&store->services, &i));)
                service_entry_free(entry);
        for (size_t i = 0; i < _OBJECT_SOURCE_MAX; i++)
                (void) node_free(store->nodes[i]);
        node_set_done(&store->cluster_nodes);
        hashmap_done(&store->slices);
        hashmap_done(&store->services);
        free(store);
        return NULL;
}
