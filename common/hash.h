/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table from keys to values, both borrowed pointers: usually the key lies inside of the value.
 * Open addressing, one allocation, no tombstones. Keys are hashed with SipHash under a key drawn once a
 * process, because namespaces and names are chosen by other people. The order of a walk means nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A 64-bit hash of bytes, different in each process. */
uint64_t hash_bytes(const void *bytes, size_t size);

typedef struct HashOps {
        uint64_t (*hash)(const void *key);
        bool (*equal)(const void *a, const void *b);
} HashOps;

/* Keys are NUL-terminated strings. */
extern const HashOps hash_ops_string;

typedef struct HashSlot {
        const void *key; /* borrowed; NULL = empty */
        void *value;
        uint64_t hash;
} HashSlot;

/* Embedded by value; `(HashMap) { .ops = &… }` is an empty table. */
typedef struct HashMap {
        const HashOps *ops;
        HashSlot *slots; /* owned */
        size_t n_slots; /* a power of two, or 0 */
        size_t n_entries;
} HashMap;

/* Frees the table, not what it points to. */
void hashmap_done(HashMap *map);

/* The value, or NULL. */
void *hashmap_get(const HashMap *map, const void *key);

/* Adds, or replaces key and value of an equal key. -ENOMEM leaves the table as it was. */
int hashmap_put(HashMap *map, const void *key, void *value);

/* Removes and returns the value, or NULL. */
void *hashmap_remove(HashMap *map, const void *key);

/*
 * A walk: `size_t i = 0; while ((v = hashmap_next(&map, &i)))`. Nothing may be added or removed meanwhile;
 * collect first, or use hashmap_first() until it is empty.
 */
void *hashmap_next(const HashMap *map, size_t *i);
void *hashmap_first(const HashMap *map);
