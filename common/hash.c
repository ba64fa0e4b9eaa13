/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/macros.h"

static struct {
        pthread_once_t once;
        uint64_t key[2];
} hash_seed = { .once = PTHREAD_ONCE_INIT };

static void hash_seed_draw(void) {
        if (getrandom(hash_seed.key, sizeof(hash_seed.key), GRND_NONBLOCK) ==
            (ssize_t) sizeof(hash_seed.key))
                return;
        /* Early in boot: a weak seed beats waiting for entropy. */
        hash_seed.key[0] = (uint64_t) time(NULL) ^ (uint64_t) (uintptr_t) &hash_seed;
        hash_seed.key[1] = (uint64_t) getpid();
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static void sip_round(uint64_t v[static 4]) {
        v[0] += v[1];
        v[1] = ROTL(v[1], 13) ^ v[0];
        v[0] = ROTL(v[0], 32);
        v[2] += v[3];
        v[3] = ROTL(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = ROTL(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = ROTL(v[1], 17) ^ v[2];
        v[2] = ROTL(v[2], 32);
}

/* SipHash-1-3, https://www.aumasson.jp/siphash/siphash.pdf with one compression and three final rounds */
uint64_t hash_bytes(const void *bytes, size_t size) {
        const uint8_t *p = bytes;
        uint64_t v[4], last = (uint64_t) size << 56, word;

        (void) pthread_once(&hash_seed.once, hash_seed_draw);
        v[0] = hash_seed.key[0] ^ UINT64_C(0x736f6d6570736575);
        v[1] = hash_seed.key[1] ^ UINT64_C(0x646f72616e646f6d);
        v[2] = hash_seed.key[0] ^ UINT64_C(0x6c7967656e657261);
        v[3] = hash_seed.key[1] ^ UINT64_C(0x7465646279746573);

        for (; size >= 8; size -= 8, p += 8) {
                memcpy(&word, p, 8);
                v[3] ^= word;
                sip_round(v);
                v[0] ^= word;
        }
        for (size_t i = 0; i < size; i++)
                last |= (uint64_t) p[i] << (8 * i);
        v[3] ^= last;
        sip_round(v);
        v[0] ^= last;
        v[2] ^= 0xff;
        for (size_t i = 0; i < 3; i++)
                sip_round(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_string(const void *key) {
        return hash_bytes(key, strlen(key));
}

static bool equal_string(const void *a, const void *b) {
        return strcmp(a, b) == 0;
}

const HashOps hash_ops_string = { .hash = hash_string, .equal = equal_string };

void hashmap_done(HashMap *map) {
        free(map->slots);
        map->slots = NULL;
        map->n_slots = map->n_entries = 0;
}

/* The slot of the key, or the empty one where it would go. The table has an empty slot. */
static HashSlot *hashmap_probe(const HashMap *map, const void *key, uint64_t hash) {
        for (size_t i = hash & (map->n_slots - 1);; i = (i + 1) & (map->n_slots - 1)) {
                HashSlot *slot = &map->slots[i];

                if (!slot->key || (slot->hash == hash && map->ops->equal(slot->key, key)))
                        return slot;
        }
}

void *hashmap_get(const HashMap *map, const void *key) {
        HashSlot *slot;

        if (map->n_entries == 0)
                return NULL;
        slot = hashmap_probe(map, key, map->ops->hash(key));
        return slot->key ? slot->value : NULL;
}

static int hashmap_grow(HashMap *map) {
        size_t n_slots = map->n_slots > 0 ? map->n_slots * 2 : 16;
        HashMap bigger = { .ops = map->ops, .n_slots = n_slots };

        bigger.slots = calloc(n_slots, sizeof(HashSlot));
        if (!bigger.slots)
                return -ENOMEM;
        for (size_t i = 0; i < map->n_slots; i++)
                if (map->slots[i].key)
                        *hashmap_probe(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
        bigger.n_entries = map->n_entries;
        free(map->slots);
        *map = bigger;
        return 0;
}

int hashmap_put(HashMap *map, const void *key, void *value) {
        uint64_t hash = map->ops->hash(key);
        HashSlot *slot;
        int r;

        if ((map->n_entries + 1) * 4 > map->n_slots * 3) {
                r = hashmap_grow(map);
                if (r < 0)
                        return r;
        }
        slot = hashmap_probe(map, key, hash);
        if (!slot->key)
                map->n_entries++;
        *slot = (HashSlot) { .key = key, .value = value, .hash = hash };
        return 0;
}

/* Fills the hole by moving back each later entry of the run that may stand there (Knuth 6.4 R). */
static void hashmap_close_hole(HashMap *map, size_t hole) {
        size_t mask = map->n_slots - 1;

        for (size_t i = (hole + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
                size_t home = map->slots[i].hash & mask;

                if (((i - home) & mask) >= ((i - hole) & mask)) {
                        map->slots[hole] = map->slots[i];
                        hole = i;
                }
        }
        map->slots[hole] = (HashSlot) {};
}

void *hashmap_remove(HashMap *map, const void *key) {
        HashSlot *slot;
        void *value;

        if (map->n_entries == 0)
                return NULL;
        slot = hashmap_probe(map, key, map->ops->hash(key));
        if (!slot->key)
                return NULL;
        value = slot->value;
        map->n_entries--;
        hashmap_close_hole(map, (size_t) (slot - map->slots));
        return value;
}

void *hashmap_next(const HashMap *map, size_t *i) {
        while (*i < map->n_slots) {
                const HashSlot *slot = &map->slots[(*i)++];

                if (slot->key)
                        return slot->value;
        }
        return NULL;
}

void *hashmap_first(const HashMap *map) {
        size_t i = 0;

        return hashmap_next(map, &i);
}
