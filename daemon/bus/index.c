/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/index.h"

#include <errno.h>
#include <string.h>

#include "common/hash.h"

typedef struct IndexEntry {
        IndexMark mark;
        bool removed; /* freed when the ids are settled next */
        char id[];
} IndexEntry;

typedef struct EntryList {
        IndexEntry **items; /* owned */
        size_t n_items, n_allocated;
} EntryList;

struct Index {
        HashMap ids; /* id → entry, owned; those that are not removed */
        EntryList sorted, added; /* each entry is in one of them */
        size_t n_removed;
};

static int entry_list_reserve(EntryList *list, size_t n) {
        IndexEntry **bigger;

        if (n <= list->n_allocated)
                return 0;
        n = MAX2(n, MAX2(list->n_allocated * 2, (size_t) 64));
        bigger = reallocarray(list->items, n, sizeof(IndexEntry *));
        if (!bigger)
                return -ENOMEM;
        list->items = bigger;
        list->n_allocated = n;
        return 0;
}

static void entry_list_done(EntryList *list) {
        for (size_t i = 0; i < list->n_items; i++)
                free(list->items[i]);
        free(list->items);
}

int index_new(Index **ret) {
        Index *index = calloc(1, sizeof(Index));

        if (!index)
                return -ENOMEM;
        index->ids.ops = &hash_ops_string;
        *ret = index;
        return 0;
}

Index *index_free(Index *index) {
        if (!index)
                return NULL;
        hashmap_done(&index->ids);
        entry_list_done(&index->sorted);
        entry_list_done(&index->added);
        free(index);
        return NULL;
}

int index_add(Index *index, const char *id) {
        size_t size = strlen(id) + 1;
        IndexEntry *entry;
        int r;

        if (hashmap_get(&index->ids, id))
                return 0;
        r = entry_list_reserve(&index->added, index->added.n_items + 1);
        if (r < 0)
                return r;
        entry = malloc(sizeof(IndexEntry) + size);
        if (!entry)
                return -ENOMEM;
        *entry = (IndexEntry) {};
        memcpy(entry->id, id, size);
        r = hashmap_put(&index->ids, entry->id, entry);
        if (r < 0) {
                free(entry);
                return r;
        }
        index->added.items[index->added.n_items++] = entry;
        return 0;
}

void index_remove(Index *index, const char *id) {
        IndexEntry *entry = hashmap_remove(&index->ids, id);

        if (!entry)
                return;
        entry->removed = true;
        index->n_removed++;
}

IndexMark *index_mark(const Index *index, const char *id) {
        IndexEntry *entry = hashmap_get(&index->ids, id);

        return entry ? &entry->mark : NULL;
}

size_t index_size(const Index *index) {
        return index->ids.n_entries;
}

static int entry_compare(const void *a, const void *b) {
        return strcmp((*(IndexEntry *const *) a)->id, (*(IndexEntry *const *) b)->id);
}

static void entry_list_drop_removed(EntryList *list) {
        size_t n = 0;

        for (size_t i = 0; i < list->n_items; i++)
                if (list->items[i]->removed)
                        free(list->items[i]);
                else
                        list->items[n++] = list->items[i];
        list->n_items = n;
}

/* From behind, so that nothing has to be kept aside. */
static void entry_list_merge(EntryList *into, EntryList *from) {
        size_t a = into->n_items, b = from->n_items, end = a + b;

        into->n_items = end;
        while (b > 0)
                into->items[--end] = a > 0 && entry_compare(&into->items[a - 1], &from->items[b - 1]) > 0 ?
                                             into->items[--a] :
                                             from->items[--b];
        from->n_items = 0;
}

int index_settle(Index *index) {
        int r;

        if (index->n_removed > 0 && (index->added.n_items > 0 || index->n_removed > index->sorted.n_items / 8)) {
                entry_list_drop_removed(&index->sorted);
                entry_list_drop_removed(&index->added);
                index->n_removed = 0;
        }
        if (index->added.n_items == 0)
                return 0;
        r = entry_list_reserve(&index->sorted, index->sorted.n_items + index->added.n_items);
        if (r < 0)
                return r;
        qsort(index->added.items, index->added.n_items, sizeof(IndexEntry *), entry_compare);
        entry_list_merge(&index->sorted, &index->added);
        return 0;
}

size_t index_after(const Index *index, const char *id) {
        size_t low = 0, high = index->sorted.n_items;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(index->sorted.items[middle]->id, id) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const char *index_get(const Index *index, size_t *position) {
        for (size_t i = *position; i < index->sorted.n_items; i++)
                if (!index->sorted.items[i]->removed) {
                        *position = i;
                        return index->sorted.items[i]->id;
                }
        return NULL;
}
