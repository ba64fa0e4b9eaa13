/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All objects and their recent history, as etcd and the watch cache keep them: one counter of versions for everything,
 * objects ordered by key, a bounded ring of events for each resource. What is older than the ring is compacted.
 */
#pragma once

#include "tests/apiserver/object.h"

typedef enum StoreEventType {
        STORE_EVENT_ADDED,
        STORE_EVENT_MODIFIED,
        STORE_EVENT_DELETED,
        _STORE_EVENT_TYPE_MAX,
} StoreEventType;

typedef struct StoreEvent {
        StoreEventType type;
        uint64_t version;
        ApiObject *object; /* owned; NULL if deleted */
        ApiObject *previous; /* owned; NULL if added */
} StoreEvent;

typedef struct StoreTable {
        ApiObject **objects; /* owned references, by key */
        size_t n_objects, n_allocated;
        StoreEvent *ring; /* owned */
        size_t ring_first, n_events;
        uint64_t compacted; /* events up to this version are gone */
} StoreTable;

typedef void (*StoreChanged)(void *userdata, Resource resource);

typedef struct Store {
        StoreTable tables[_RESOURCE_MAX];
        size_t ring_size;
        uint64_t version;
        StoreChanged changed; /* called after each event */
        void *userdata;
} Store;

/* `version` is the first one. 0 or -ENOMEM. */
int store_init(Store *store, size_t ring_size, uint64_t version);
void store_done(Store *store);

/* Borrowed, or NULL. */
ApiObject *store_get(const Store *store, Resource resource, const char *key);
/* The index of the first object whose key is not less. */
size_t store_find(const Store *store, Resource resource, const char *key);

/* Adds or replaces; nothing happens if it is the same. Takes a reference. 1 = changed, 0 = the same, -ENOMEM. */
int store_put(Store *store, ApiObject *object);
/* 1 = deleted, 0 = was not there */
int store_delete(Store *store, Resource resource, const char *key);

/* Forgets the history: older versions cannot be watched or continued from any more. */
void store_compact(Store *store);

/* The i-th event, oldest first. */
const StoreEvent *store_event(const Store *store, Resource resource, size_t i);
/* The index of the first event that is newer; the number of events if none is. */
size_t store_event_after(const Store *store, Resource resource, uint64_t version);

/*
 * The table as it was at a version: an array of references for store_snapshot_free(). -ESTALE: compacted away.
 */
int store_snapshot(const Store *store, Resource resource, uint64_t version, ApiObject ***ret, size_t *ret_n);
void store_snapshot_free(ApiObject **objects, size_t n_objects);
