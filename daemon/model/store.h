/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All objects the daemon knows, and which services changed since somebody last asked. An object may come from
 * several sources; the lowest ObjectSource that has it wins. A list (initial, or after a 410) is fed between
 * store_list_begin() and store_list_end(), which drops what that source no longer has. No I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/hash.h"
#include "model/endpoint-slice.h"
#include "model/node.h"
#include "model/node-set.h"
#include "model/service.h"

typedef enum ObjectSource {
        OBJECT_SOURCE_API,
        OBJECT_SOURCE_MANIFEST,
        _OBJECT_SOURCE_MAX,
} ObjectSource;

typedef enum ObjectKind {
        OBJECT_KIND_SERVICE,
        OBJECT_KIND_ENDPOINT_SLICE,
        OBJECT_KIND_NODE, /* the own one */
        OBJECT_KIND_CLUSTER_NODE, /* any; only its addresses are kept */
        _OBJECT_KIND_MAX,
} ObjectKind;

/* "Service", "EndpointSlice", "Node", "Node" */
const char *object_kind_to_string(ObjectKind kind);

typedef struct Store Store;
typedef struct ServiceEntry ServiceEntry;

/* One EndpointSlice in the store, linked to the service it is for. */
typedef struct SliceEntry {
        char *key; /* owned: "namespace/name" */
        ServiceEntry *service; /* borrowed */
        struct SliceEntry *next_of_service; /* sorted by key, so that duplicates resolve the same way */
        EndpointSlice *objects[_OBJECT_SOURCE_MAX]; /* owned */
        uint32_t seen[_OBJECT_SOURCE_MAX]; /* list number that last had it */
} SliceEntry;

/* One Service by name, whether the object is there or only slices of it are. */
struct ServiceEntry {
        char *key; /* owned: "namespace/name" */
        Service *objects[_OBJECT_SOURCE_MAX]; /* owned; all NULL while only slices are known */
        uint32_t seen[_OBJECT_SOURCE_MAX];
        SliceEntry *slices; /* borrowed, from the store's table */
        void *desired; /* for proxy/desired.c, which must clear it before the entry may go */

        bool dirty;
        uint64_t trigger_usec; /* oldest trigger time of a slice changed since it was last taken; 0 = none */
        ServiceEntry *next_dirty;
};

/* The object that counts, or NULL. */
const Service *service_entry_object(const ServiceEntry *entry);
const EndpointSlice *slice_entry_object(const SliceEntry *entry);

/*
 * `wake` is called (with `userdata`) when something becomes dirty in a store where nothing was, and for each change of
 * a service that comes first. May be NULL.
 */
int store_new(void (*wake)(void *userdata), void *userdata, Store **ret);
/* Every `desired` must have been cleared. */
Store *store_free(Store *store);
DEFINE_CLEANUP(Store *, store_free);

/*
 * Take ownership of the object in every case, also on failure. 1 = changed something, 0 = said nothing new,
 * -ENOMEM. A slice that changes its service name leaves one service and joins another; both become dirty.
 */
int store_put_service(Store *store, ObjectSource source, Service *service);
int store_put_slice(Store *store, ObjectSource source, EndpointSlice *slice);
int store_put_node(Store *store, ObjectSource source, Node *node);
/* No service becomes dirty by it: which ones have such an address is not known here. `wake` is called. */
int store_put_cluster_node(Store *store, ObjectSource source, Node *node);

/* 1 = was there and is gone, 0 = was not there. `namespace` is ignored for nodes. */
int store_remove(Store *store, ObjectSource source, ObjectKind kind, const char *namespace, const char *name);

/*
 * What the source just said about this object cannot be understood: the one it had stays, in the list that runs too.
 * 1 = there is one, 0 = there is none, -ENOMEM.
 */
int store_keep(Store *store, ObjectSource source, ObjectKind kind, const char *namespace, const char *name);

/* A complete list comes. Several kinds and sources may be in lists at the same time. */
void store_list_begin(Store *store, ObjectSource source, ObjectKind kind);
/* It was complete: removes what was not put since, and marks kind and source as synced. */
void store_list_end(Store *store, ObjectSource source, ObjectKind kind);
/* Whether a list of this kind from this source has ever been complete. */
bool store_is_synced(const Store *store, ObjectSource source, ObjectKind kind);

const Node *store_node(const Store *store);
/* Of all sources; to be settled after changes. */
NodeSet *store_cluster_nodes(Store *store);
/* NULL if the store knows neither the Service nor a slice of it. */
ServiceEntry *store_find(const Store *store, const char *namespace, const char *name);
/* A walk over all entries; see hashmap_next(). */
ServiceEntry *store_next(const Store *store, size_t *i);
size_t store_n_services(const Store *store);
/* Objects of a kind that were added, changed or removed so far. */
uint64_t store_n_changes(const Store *store, ObjectKind kind);

/* Marks one service, or all: for a changed node, configuration or address. */
void store_mark_dirty(Store *store, ServiceEntry *entry);
void store_mark_all_dirty(Store *store);
size_t store_n_dirty(const Store *store);
/*
 * The next dirty service, no longer dirty; NULL when there is none. default/kubernetes and kube-system/kube-dns
 * come first, then in the order they became dirty. An entry without any object or slice left is handed out like
 * others, and is gone with the next call of store_take_dirty() or store_collect().
 */
ServiceEntry *store_take_dirty(Store *store);
/* The same, but only of those that come first, and only with a Service and a slice of it; NULL when there is none. */
ServiceEntry *store_take_urgent(Store *store);
bool store_has_urgent(const Store *store);
/* Frees entries that are not dirty, have nothing left and whose `desired` is NULL. */
void store_collect(Store *store);
