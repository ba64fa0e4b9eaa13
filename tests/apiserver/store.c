/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/store.h"

#include <string.h>

int store_init(Store *store, size_t ring_size, uint64_t version) {
        *store = (Store) { .ring_size = ring_size, .version = version };
        for (Resource i = 0; i < _RESOURCE_MAX; i++) {
                store->tables[i].compacted = version;
                store->tables[i].ring = calloc(ring_size, sizeof(StoreEvent));
                if (!store->tables[i].ring)
                        return -ENOMEM;
        }
        return 0;
}

static void event_done(StoreEvent *event) {
        (void) object_unref(event->object);
        (void) object_unref(event->previous);
        *event = (StoreEvent) {};
}

void store_done(Store *store) {
        for (Resource i = 0; i < _RESOURCE_MAX; i++) {
                StoreTable *table = &store->tables[i];

                for (size_t j = 0; j < table->n_objects; j++)
                        (void) object_unref(table->objects[j]);
                for (size_t j = 0; table->ring && j < store->ring_size; j++)
                        event_done(&table->ring[j]);
                free(table->objects);
                free(table->ring);
        }
        *store = (Store) {};
}

static size_t objects_find(ApiObject *const *objects, size_t n, const char *key) {
        size_t low = 0, high = n;

        /* Loading in order is the common case. */
        if (n > 0 && strcmp(objects[n - 1]->key, key) < 0)
                return n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(objects[middle]->key, key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

size_t store_find(const Store *store, Resource resource, const char *key) {
        const StoreTable *table = &store->tables[resource];

        return objects_find(table->objects, table->n_objects, key);
}

ApiObject *store_get(const Store *store, Resource resource, const char *key) {
        const StoreTable *table = &store->tables[resource];
        size_t i = store_find(store, resource, key);

        return i < table->n_objects && strcmp(table->objects[i]->key, key) == 0 ? table->objects[i] : NULL;
}

/* ---- history */

/* Takes both references over. */
static void store_record(Store *store, Resource resource, StoreEvent event) {
        StoreTable *table = &store->tables[resource];
        StoreEvent *slot;

        if (table->n_events == store->ring_size) {
                slot = &table->ring[table->ring_first];
                table->compacted = slot->version;
                event_done(slot);
                table->ring_first = (table->ring_first + 1) % store->ring_size;
                table->n_events--;
        }
        table->ring[(table->ring_first + table->n_events++) % store->ring_size] = event;
        if (store->changed)
                store->changed(store->userdata, resource);
}

void store_compact(Store *store) {
        for (Resource i = 0; i < _RESOURCE_MAX; i++) {
                StoreTable *table = &store->tables[i];

                for (size_t j = 0; j < store->ring_size; j++)
                        event_done(&table->ring[j]);
                table->n_events = 0;
                table->compacted = store->version;
        }
}

const StoreEvent *store_event(const Store *store, Resource resource, size_t i) {
        const StoreTable *table = &store->tables[resource];

        return &table->ring[(table->ring_first + i) % store->ring_size];
}

size_t store_event_after(const Store *store, Resource resource, uint64_t version) {
        size_t i = store->tables[resource].n_events;

        /* From the end: what is asked for is nearly always the last one. */
        while (i > 0 && store_event(store, resource, i - 1)->version > version)
                i--;
        return i;
}

/* ---- objects */

static int objects_insert(StoreTable *table, size_t i, ApiObject *object) {
        if (table->n_objects == table->n_allocated) {
                size_t n = table->n_allocated ? 2 * table->n_allocated : 64;
                ApiObject **objects = reallocarray(table->objects, n, sizeof *objects);

                if (!objects)
                        return -ENOMEM;
                table->objects = objects;
                table->n_allocated = n;
        }
        memmove(table->objects + i + 1, table->objects + i, (table->n_objects - i) * sizeof(ApiObject *));
        table->objects[i] = object;
        table->n_objects++;
        return 0;
}

static void objects_remove(StoreTable *table, size_t i) {
        table->n_objects--;
        memmove(table->objects + i, table->objects + i + 1, (table->n_objects - i) * sizeof(ApiObject *));
}

int store_put(Store *store, ApiObject *object) {
        StoreTable *table = &store->tables[object->resource];
        size_t i = store_find(store, object->resource, object->key);
        ApiObject *previous = NULL;
        int r;

        if (i < table->n_objects && strcmp(table->objects[i]->key, object->key) == 0) {
                previous = table->objects[i];
                if (object_equal(previous, object))
                        return 0;
                table->objects[i] = object_ref(object);
        } else {
                r = objects_insert(table, i, object);
                if (r < 0)
                        return r;
                (void) object_ref(object);
        }
        object->version = ++store->version;
        store_record(store,
                     object->resource,
                     (StoreEvent) { .type = previous ? STORE_EVENT_MODIFIED : STORE_EVENT_ADDED,
                                    .version = object->version,
                                    .object = object_ref(object),
                                    .previous = previous });
        return 1;
}

int store_delete(Store *store, Resource resource, const char *key) {
        StoreTable *table = &store->tables[resource];
        size_t i = store_find(store, resource, key);
        ApiObject *previous;

        if (i >= table->n_objects || strcmp(table->objects[i]->key, key) != 0)
                return 0;
        previous = table->objects[i];
        objects_remove(table, i);
        store_record(store,
                     resource,
                     (StoreEvent) { .type = STORE_EVENT_DELETED, .version = ++store->version, .previous = previous });
        return 1;
}

/* ---- the past */

/* Undoes one event in a copy of the table. */
static int snapshot_undo(StoreTable *copy, const StoreEvent *event) {
        const ApiObject *any = event->object ? event->object : event->previous;
        size_t i = objects_find(copy->objects, copy->n_objects, any->key);

        switch (event->type) {
        case STORE_EVENT_ADDED:
                objects_remove(copy, i);
                return 0;
        case STORE_EVENT_MODIFIED:
                copy->objects[i] = event->previous;
                return 0;
        case STORE_EVENT_DELETED:
                return objects_insert(copy, i, event->previous);
        case _STORE_EVENT_TYPE_MAX:
                break;
        }
        return -EINVAL;
}

int store_snapshot(const Store *store, Resource resource, uint64_t version, ApiObject ***ret, size_t *ret_n) {
        const StoreTable *table = &store->tables[resource];
        StoreTable copy = { .n_objects = table->n_objects, .n_allocated = table->n_objects + 1 };
        size_t oldest = store_event_after(store, resource, version);
        int r = 0;

        if (version < table->compacted)
                return -ESTALE;
        copy.objects = calloc(copy.n_allocated, sizeof(ApiObject *));
        if (!copy.objects)
                return -ENOMEM;
        if (table->n_objects > 0)
                memcpy(copy.objects, table->objects, table->n_objects * sizeof(ApiObject *));
        for (size_t i = table->n_events; r >= 0 && i > oldest; i--)
                r = snapshot_undo(&copy, store_event(store, resource, i - 1));
        if (r < 0) {
                free(copy.objects);
                return r;
        }
        for (size_t i = 0; i < copy.n_objects; i++)
                (void) object_ref(copy.objects[i]);
        *ret = copy.objects;
        *ret_n = copy.n_objects;
        return 0;
}

void store_snapshot_free(ApiObject **objects, size_t n_objects) {
        for (size_t i = 0; i < n_objects; i++)
                (void) object_unref(objects[i]);
        free(objects);
}
