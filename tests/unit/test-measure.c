/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "control/measure.h"

/* reference §5.4: 0.001·2^n, and 0.25, 0.5, 1…59 step 1, 60…115 step 5, 120…300 step 30 */
static void test_bounds(void **state) {
        uint64_t expected = 1000;
        const HistogramBounds *b = &histogram_bounds_programming;

        assert_int_equal(histogram_bounds_sync.n_bounds, 15);
        for (size_t i = 0; i < 15; i++, expected *= 2)
                assert_int_equal(histogram_bounds_sync.usec[i], expected);
        assert_int_equal(b->n_bounds, 2 + 59 + 12 + 7);
        assert_int_equal(b->usec[0], 250000);
        assert_int_equal(b->usec[1], 500000);
        for (size_t i = 0; i < 59; i++)
                assert_int_equal(b->usec[2 + i], (i + 1) * USEC_PER_SEC);
        for (size_t i = 0; i < 12; i++)
                assert_int_equal(b->usec[61 + i], (60 + 5 * i) * USEC_PER_SEC);
        for (size_t i = 0; i < 7; i++)
                assert_int_equal(b->usec[73 + i], (120 + 30 * i) * USEC_PER_SEC);
}

/* A bound belongs to its bucket, as Prometheus' "le" says. */
static void test_observe(void **state) {
        Histogram h = {};

        histogram_observe(&h, &histogram_bounds_sync, 0);
        histogram_observe(&h, &histogram_bounds_sync, 1000);
        histogram_observe(&h, &histogram_bounds_sync, 1001);
        histogram_observe(&h, &histogram_bounds_sync, 16384001);
        assert_int_equal(h.counts[0], 2);
        assert_int_equal(h.counts[1], 1);
        assert_int_equal(h.counts[15], 1);
        assert_int_equal(h.n_observations, 4);
        assert_int_equal(h.sum_usec, 1000 + 1001 + 16384001);
}

static Service *make_service(const char *ip) {
        Service *service;

        assert_int_equal(service_new("default", "web", &service), 0);
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        assert_int_equal(ip_addr_parse(ip, &service->cluster_ips[0]), 0);
        service->n_cluster_ips = 1;
        service->ports = calloc(1, sizeof(ServicePort));
        service->ports[0] = (ServicePort) { strdup("http"), PROTOCOL_TCP, 80, 0 };
        service->n_ports = 1;
        return service;
}

/* One sync over a service whose slice was changed at `trigger_usec`. */
static void sync_with_trigger(Measure *measure, const char *ip, uint64_t trigger_usec) {
        ProxyConfig config = { .topology = { .node_name = "n", .zone = "" }, .scheduler = "rr" };
        KernelTable *table;
        Desired *desired;
        ServiceEntry *entry;
        Store *store;

        assert_int_equal(store_new(NULL, NULL, &store), 0);
        assert_int_equal(kernel_table_new(&table), 0);
        assert_int_equal(desired_new(store, table, &desired), 0);
        assert_int_equal(store_put_service(store, OBJECT_SOURCE_API, make_service(ip)), 1);
        assert_int_equal(store_n_changes(store, OBJECT_KIND_SERVICE), 1);
        measure_queued(measure);
        assert_true(measure->pending_usec > 0);
        measure_sync_begin(measure);
        entry = store_take_dirty(store);
        assert_int_equal(desired_update(desired, &config, entry), 0);
        entry->trigger_usec = trigger_usec;
        measure_computed(measure, entry);
        assert_int_equal(entry->trigger_usec, 0);
        (void) measure_sync_end(measure, store, /* updated= */ true);
        assert_int_equal(measure->n_changes_done[OBJECT_KIND_SERVICE], 1);
        (void) desired_free(desired);
        (void) kernel_table_free(table);
        (void) store_free(store);
}

static void test_sync(void **state) {
        Measure measure;
        const FamilyMeasure *v4 = &measure.families[MEASURED_FAMILY_IPV4];
        const FamilyMeasure *v6 = &measure.families[MEASURED_FAMILY_IPV6];

        measure_init(&measure);
        measure.started_usec -= 10 * USEC_PER_SEC;
        sync_with_trigger(&measure, "10.0.0.1", measure.started_usec + 7 * USEC_PER_SEC);
        assert_int_equal(v4->sync.n_observations, 1);
        assert_int_equal(v6->sync.n_observations, 0); /* no service of that family so far */
        assert_int_equal(v4->programming.n_observations, 1);
        assert_in_range(v4->programming.sum_usec, 3 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        assert_int_equal(measure.pending_usec, 0);
        assert_true(measure.updated_usec > measure.started_usec);

        sync_with_trigger(&measure, "fd00::1", measure.started_usec - 1); /* of another process' time */
        assert_int_equal(v4->sync.n_observations, 2);
        assert_int_equal(v6->sync.n_observations, 1);
        assert_int_equal(v6->programming.n_observations, 0);

        measure_queued(&measure);
        measure_sync_begin(&measure);
        {
                Store *store;

                assert_int_equal(store_new(NULL, NULL, &store), 0);
                (void) measure_sync_end(&measure, store, /* updated= */ false);
                (void) store_free(store);
        }
        assert_true(measure.pending_usec > 0); /* it still waits */
        measure_done(&measure);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_observe),
                cmocka_unit_test(test_sync),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
