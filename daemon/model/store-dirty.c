/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services changed since somebody last asked, those that others wait for first. */
#include "model/store-private.h"

#include <string.h>

static bool service_entry_is_empty(const ServiceEntry *entry) {
        return !service_entry_object(entry) && !entry->slices && !entry->desired;
}

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
