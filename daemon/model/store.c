/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Dirty services in two queues, so that DNS and the API server come first after a start. */
typedef struct DirtyQueue {
        ServiceEntry *first, *last;
} DirtyQueue;

struct Store {
        HashMap services; /* key → ServiceEntry, owned */
        HashMap slices; /* key → SliceEntry, owned */
        Node *nodes[_OBJECT_SOURCE_MAX]; /* owned */
        uint32_t node_seen[_OBJECT_SOURCE_MAX];
        NodeSet cluster_nodes; /* of OBJECT_SOURCE_API */
        uint32_t list_number[_OBJECT_SOURCE_MAX][_OBJECT_KIND_MAX]; /* of the list that runs or ran last */
        bool synced[_OBJECT_SOURCE_MAX][_OBJECT_KIND_MAX];

        DirtyQueue urgent, normal;
        size_t n_dirty;
        uint64_t n_changes[_OBJECT_KIND_MAX];
        ServiceEntry *taken; /* handed out last; freed with the next take if nothing is left of it */

        void (*wake)(void *userdata);
        void *userdata;
};

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

static void service_entry_free(ServiceEntry *entry) {
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

static bool service_entry_is_empty(const ServiceEntry *entry) {
        return !service_entry_object(entry) && !entry->slices && !entry->desired;
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

/* ---- dirtiness */

static bool service_is_urgent(const ServiceEntry *entry) {
        return strcmp(entry->key, "default/kubernetes") == 0 ||
               strcmp(entry->key, "kube-system/kube-dns") == 0 ||
               strcmp(entry->key, "kube-system/coredns") == 0;
}

static void dirty_queue_push(DirtyQueue *queue, ServiceEntry *entry) {
        entry->dirty = true;
        entry->next_dirty = NULL;
        if (queue->last)
                queue->last->next_dirty = entry;
        else
                queue->first = entry;
        queue->last = entry;
}

void store_mark_dirty(Store *store, ServiceEntry *entry) {
        bool wakes = service_is_urgent(entry); /* may be taken while others wait, so each of its changes counts */

        if (!entry->dirty) {
                dirty_queue_push(wakes ? &store->urgent : &store->normal, entry);
                wakes |= store->n_dirty++ == 0;
        }
        if (wakes && store->wake)
                store->wake(store->userdata);
}

void store_mark_all_dirty(Store *store) {
        ServiceEntry *entry;

        for (size_t i = 0; (entry = hashmap_next(&store->services, &i));)
                store_mark_dirty(store, entry);
}

size_t store_n_dirty(const Store *store) {
        return store->n_dirty;
}

static ServiceEntry *dirty_queue_pop(DirtyQueue *queue) {
        ServiceEntry *entry = queue->first;

        if (!entry)
                return NULL;
        queue->first = entry->next_dirty;
        if (!queue->first)
                queue->last = NULL;
        entry->next_dirty = NULL;
        entry->dirty = false;
        return entry;
}

void store_collect(Store *store) {
        ServiceEntry *entry = store->taken;

        store->taken = NULL;
        if (!entry || entry->dirty || !service_entry_is_empty(entry))
                return;
        (void) hashmap_remove(&store->services, entry->key);
        service_entry_free(entry);
}

ServiceEntry *store_take_dirty(Store *store) {
        store_collect(store);
        store->taken = dirty_queue_pop(&store->urgent);
        if (!store->taken)
                store->taken = dirty_queue_pop(&store->normal);
        if (store->taken)
                store->n_dirty--;
        return store->taken;
}

/* While slices are missing a service without any would be taken for one without endpoints. */
bool store_has_urgent(const Store *store) {
        for (const ServiceEntry *entry = store->urgent.first; entry; entry = entry->next_dirty)
                if (service_entry_object(entry) && entry->slices)
                        return true;
        return false;
}

ServiceEntry *store_take_urgent(Store *store) {
        ServiceEntry *entry;
        size_t n = 0;

        store_collect(store);
        for (entry = store->urgent.first; entry; entry = entry->next_dirty)
                n++;
        while (n-- > 0 && (entry = dirty_queue_pop(&store->urgent))) {
                store->n_dirty--;
                if (service_entry_object(entry) && entry->slices) {
                        store->taken = entry;
                        return entry;
                }
                store_mark_dirty(store, entry); /* to the end of its queue */
        }
        return NULL;
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

int store_put_node(Store *store, ObjectSource source, Node *node) {
        _cleanup_(node_freep) Node *owned = node;

        store->node_seen[source] = store->list_number[source][OBJECT_KIND_NODE];
        if (store->nodes[source] && node_equal(store->nodes[source], node))
                return 0;
        (void) node_free(store->nodes[source]);
        store->nodes[source] = TAKE_PTR(owned);
        store->n_changes[OBJECT_KIND_NODE]++;
        /* Zone, addresses and pod CIDRs may matter to every service. */
        store_mark_all_dirty(store);
        return 1;
}

/* ---- nodes of the cluster */

static void store_cluster_nodes_changed(Store *store) {
        store->n_changes[OBJECT_KIND_CLUSTER_NODE]++;
        if (store->wake)
                store->wake(store->userdata);
}

int store_put_cluster_node(Store *store, ObjectSource source, Node *node) {
        _cleanup_(node_freep) Node *owned = node;
        int r;

        if (source != OBJECT_SOURCE_API)
                return 0;
        r = node_set_put(&store->cluster_nodes, owned, store->list_number[source][OBJECT_KIND_CLUSTER_NODE]);
        if (r > 0)
                store_cluster_nodes_changed(store);
        return r;
}

static int store_remove_cluster_node(Store *store, const char *name) {
        int r = node_set_remove(&store->cluster_nodes, name);

        if (r > 0)
                store_cluster_nodes_changed(store);
        return r;
}

NodeSet *store_cluster_nodes(Store *store) {
        return &store->cluster_nodes;
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

static int store_remove_node(Store *store, ObjectSource source, const char *name) {
        if (!store->nodes[source] || strcmp(store->nodes[source]->name, name) != 0)
                return 0;
        store->nodes[source] = node_free(store->nodes[source]);
        store->n_changes[OBJECT_KIND_NODE]++;
        store_mark_all_dirty(store);
        return 1;
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

static bool store_keep_node(Store *store, ObjectSource source, const char *name) {
        if (!store->nodes[source] || strcmp(store->nodes[source]->name, name) != 0)
                return false;
        store->node_seen[source] = store->list_number[source][OBJECT_KIND_NODE];
        return true;
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

const Node *store_node(const Store *store) {
        for (size_t i = 0; i < _OBJECT_SOURCE_MAX; i++)
                if (store->nodes[i])
                        return store->nodes[i];
        return NULL;
}

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
