/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <stdio.h>

#include "model/store.h"

static unsigned n_wakes;

static void wake(void *userdata) {
        n_wakes++;
}

static int put_service(Store *store, ObjectSource source, const char *ns, const char *name, uint64_t created) {
        Service *service;

        assert_int_equal(service_new(ns, name, &service), 0);
        service->created_usec = created;
        return store_put_service(store, source, service);
}

static int put_slice(Store *store, const char *name, const char *service_name) {
        EndpointSlice *slice;

        assert_int_equal(endpoint_slice_new("default", name, &slice), 0);
        free(slice->service_name);
        slice->service_name = strdup(service_name);
        slice->family = AF_INET;
        return store_put_slice(store, OBJECT_SOURCE_API, slice);
}

static void assert_next_dirty(Store *store, const char *key) {
        ServiceEntry *entry = store_take_dirty(store);

        if (!key) {
                assert_null(entry);
                return;
        }
        assert_non_null(entry);
        assert_string_equal(entry->key, key);
}

static void test_dirty(void **state) {
        _cleanup_(store_freep) Store *store = NULL;

        n_wakes = 0;
        assert_int_equal(store_new(wake, NULL, &store), 0);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "web", 1), 1);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "web", 1), 0);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "kube-system", "kube-dns", 1), 1);
        assert_int_equal(n_wakes, 2); /* the urgent one wakes by itself */
        assert_next_dirty(store, "kube-system/kube-dns"); /* before those that came first */
        assert_next_dirty(store, "default/web");
        assert_next_dirty(store, NULL);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "web", 2), 1);
        assert_int_equal(n_wakes, 3);
}

/* While lists are incomplete only services that others wait for are taken, and only whole ones. */
static void test_urgent(void **state) {
        _cleanup_(store_freep) Store *store = NULL;

        n_wakes = 0;
        assert_int_equal(store_new(wake, NULL, &store), 0);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "web", 1), 1);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "kubernetes", 1), 1);
        assert_int_equal(put_slice(store, "web-1", "web"), 1);
        assert_false(store_has_urgent(store));
        assert_null(store_take_urgent(store));
        assert_int_equal(store_n_dirty(store), 2);
        n_wakes = 0;
        assert_int_equal(put_slice(store, "kubernetes", "kubernetes"), 1);
        assert_int_equal(n_wakes, 1); /* though it was dirty before */
        assert_true(store_has_urgent(store));
        assert_string_equal(store_take_urgent(store)->key, "default/kubernetes");
        assert_null(store_take_urgent(store));
        assert_next_dirty(store, "default/web");
        assert_next_dirty(store, NULL);
}

static void test_slice_moves(void **state) {
        _cleanup_(store_freep) Store *store = NULL;
        ServiceEntry *entry;

        assert_int_equal(store_new(NULL, NULL, &store), 0);
        assert_int_equal(put_slice(store, "s1", "a"), 1);
        assert_int_equal(put_slice(store, "s1", "a"), 0);
        assert_next_dirty(store, "default/a");
        assert_int_equal(put_slice(store, "s1", "b"), 1);
        assert_int_equal(store_n_dirty(store), 2);
        assert_next_dirty(store, "default/a");
        assert_next_dirty(store, "default/b");
        assert_null(store_find(store, "default", "a")); /* nothing was left of it */
        entry = store_find(store, "default", "b");
        assert_non_null(entry);
        assert_string_equal(entry->slices->key, "default/s1");
        assert_int_equal(
                store_remove(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE, "default", "s1"), 1);
        assert_next_dirty(store, "default/b");
        assert_next_dirty(store, NULL);
        assert_int_equal(store_n_services(store), 0);
}

/* A deletion missed while disconnected is found by the next list, however the table lies. */
static void test_list_sweeps(void **state) {
        _cleanup_(store_freep) Store *store = NULL;
        char name[16];

        assert_int_equal(store_new(NULL, NULL, &store), 0);
        for (int round = 0; round < 3; round++) {
                size_t n = 0;

                store_list_begin(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
                store_list_begin(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
                for (int i = 0; i < 500; i++) {
                        if (i % 3 == round)
                                continue;
                        (void) snprintf(name, sizeof(name), "n%d", i);
                        assert_true(put_service(store, OBJECT_SOURCE_API, "default", name, 1) >= 0);
                        assert_true(put_slice(store, name, name) >= 0);
                        n++;
                }
                assert_int_equal(store_is_synced(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE), round > 0);
                store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
                store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
                while (store_take_dirty(store))
                        ;
                assert_int_equal(store_n_services(store), n);
        }
}

/* What cannot be understood in a new list stays as it was in the one before. */
static void test_keep(void **state) {
        _cleanup_(store_freep) Store *store = NULL;

        assert_int_equal(store_new(NULL, NULL, &store), 0);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "web", 1), 1);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "gone", 1), 1);
        assert_int_equal(put_slice(store, "web-1", "web"), 1);
        store_list_begin(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        store_list_begin(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
        assert_int_equal(store_keep(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, "default", "web"), 1);
        assert_int_equal(store_keep(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, "default", "never"), 0);
        assert_int_equal(store_keep(store, OBJECT_SOURCE_MANIFEST, OBJECT_KIND_SERVICE, "default", "gone"), 0);
        assert_int_equal(store_keep(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE, "default", "web-1"), 1);
        store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE);
        store_list_end(store, OBJECT_SOURCE_API, OBJECT_KIND_ENDPOINT_SLICE);
        assert_non_null(service_entry_object(store_find(store, "default", "web")));
        assert_non_null(store_find(store, "default", "web")->slices);
        assert_null(service_entry_object(store_find(store, "default", "gone")));
}

static void test_sources(void **state) {
        _cleanup_(store_freep) Store *store = NULL;
        ServiceEntry *entry;

        assert_int_equal(store_new(NULL, NULL, &store), 0);
        assert_int_equal(put_service(store, OBJECT_SOURCE_MANIFEST, "default", "web", 1), 1);
        assert_int_equal(put_service(store, OBJECT_SOURCE_API, "default", "web", 2), 1);
        entry = store_find(store, "default", "web");
        assert_int_equal(service_entry_object(entry)->created_usec, 2);
        assert_int_equal(store_remove(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, "default", "web"), 1);
        assert_int_equal(service_entry_object(entry)->created_usec, 1);
        assert_int_equal(store_remove(store, OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, "default", "web"), 0);
}

static void test_strings(void **state) {
        _cleanup_(endpoint_slice_freep) EndpointSlice *slice = NULL;
        SliceString a, b, c, d;

        assert_int_equal(endpoint_slice_new("default", "s", &slice), 0);
        assert_string_equal(endpoint_slice_string(slice, 0), "");
        assert_int_equal(endpoint_slice_add_string(slice, "node-1", true, &a), 0);
        assert_int_equal(endpoint_slice_add_string(slice, "node-1", true, &b), 0);
        assert_int_equal(a, b);
        assert_int_equal(endpoint_slice_add_string(slice, "zone-a", false, &c), 0);
        assert_int_equal(endpoint_slice_add_string(slice, "zone-b", false, &d), 0);
        assert_string_equal(endpoint_slice_string_at(slice, c, 1), "zone-b");
        assert_int_equal(endpoint_slice_add_string(slice, "", true, &d), 0);
        assert_int_equal(d, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dirty),
                cmocka_unit_test(test_urgent),   cmocka_unit_test(test_slice_moves),
                cmocka_unit_test(test_list_sweeps), cmocka_unit_test(test_sources),
                cmocka_unit_test(test_strings), cmocka_unit_test(test_keep),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
