/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <stdio.h>

#include "common/hash.h"

enum { N_KEYS = 5000 };

/* Random puts and removes against a plain array; removal shifts entries, which is where a table breaks. */
static void test_against_array(void **state) {
        static char keys[N_KEYS][16];
        static bool there[N_KEYS];
        HashMap map = { .ops = &hash_ops_string };
        unsigned seed = 1;
        size_t n = 0, walked = 0;

        for (size_t i = 0; i < N_KEYS; i++)
                (void) snprintf(keys[i], sizeof(keys[i]), "key-%zu", i);
        for (size_t step = 0; step < 60000; step++) {
                size_t i = (size_t) rand_r(&seed) % N_KEYS;

                if (rand_r(&seed) % 2) {
                        assert_int_equal(hashmap_put(&map, keys[i], keys[i]), 0);
                        n += !there[i];
                        there[i] = true;
                } else {
                        assert_ptr_equal(hashmap_remove(&map, keys[i]), there[i] ? keys[i] : NULL);
                        n -= there[i];
                        there[i] = false;
                }
                assert_int_equal(map.n_entries, n);
        }
        for (size_t i = 0; i < N_KEYS; i++)
                assert_ptr_equal(hashmap_get(&map, keys[i]), there[i] ? keys[i] : NULL);
        for (size_t i = 0; hashmap_next(&map, &i);)
                walked++;
        assert_int_equal(walked, n);
        hashmap_done(&map);
        assert_null(hashmap_get(&map, "key-1"));
}

static void test_replace(void **state) {
        HashMap map = { .ops = &hash_ops_string };
        int a, b;

        assert_int_equal(hashmap_put(&map, "k", &a), 0);
        assert_int_equal(hashmap_put(&map, "k", &b), 0);
        assert_int_equal(map.n_entries, 1);
        assert_ptr_equal(hashmap_get(&map, "k"), &b);
        hashmap_done(&map);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_against_array),
                cmocka_unit_test(test_replace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
