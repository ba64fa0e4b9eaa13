/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "proxy/kernel-table.h"

static IpAddr addr(const char *text) {
        IpAddr a;

        assert_int_equal(ip_addr_parse(text, &a), 0);
        return a;
}

static void test_wanted_counts(void **state) {
        _cleanup_(kernel_table_freep) KernelTable *table = NULL;
        IpAddr a = addr("10.0.0.1");
        AddressState *s, *again;

        assert_int_equal(kernel_table_new(&table), 0);
        assert_int_equal(kernel_table_want_address(table, &a, &s), 0);
        assert_int_equal(kernel_table_want_address(table, &a, &again), 0);
        assert_ptr_equal(again, s);
        assert_ptr_equal(kernel_table_take(table, DIRTY_ADDRESSES), s);
        assert_int_equal(kernel_table_set_address(table, &a, true), 0);
        assert_true(kernel_table_is_clean(table));
        kernel_table_unwant_address(table, s);
        assert_true(kernel_table_is_clean(table));
        kernel_table_unwant_address(table, s);
        assert_ptr_equal(kernel_table_take(table, DIRTY_ADDRESSES), s);
        assert_int_equal(kernel_table_set_address(table, &a, false), 0);
        assert_null(kernel_table_address(table, &a));
}

/* DESIGN §6.6: the same address, port and protocol belongs to the older Service. */
static void test_older_claim_holds(void **state) {
        _cleanup_(kernel_table_freep) KernelTable *table = NULL;
        VirtualServer vs = { .key = { .addr = addr("10.0.0.1"), .port = 80 }, .scheduler = "rr" };
        ServerClaim young = { .wanted = vs, .age_usec = 2, .age_tie = "a/a" };
        ServerClaim old = { .wanted = vs, .age_usec = 1, .age_tie = "b/b" };
        ServerClaim tie = { .wanted = vs, .age_usec = 1, .age_tie = "b/a" };

        assert_int_equal(kernel_table_new(&table), 0);
        assert_int_equal(kernel_table_claim(table, &young), 0);
        assert_true(server_claim_holds(&young));
        assert_int_equal(kernel_table_claim(table, &old), 0);
        assert_false(server_claim_holds(&young));
        assert_true(server_claim_holds(&old));
        assert_int_equal(kernel_table_claim(table, &tie), 0);
        assert_true(server_claim_holds(&tie));
        kernel_table_release(table, &tie);
        kernel_table_release(table, &old);
        assert_true(server_claim_holds(&young));
        assert_int_equal(kernel_table_set_server(table, &vs.key, &vs, NULL, 0, SERVER_OWNER_FOREIGN), 0);
        assert_false(server_claim_holds(&young));
        kernel_table_release(table, &young);
}

static void test_server_keeps_address(void **state) {
        _cleanup_(kernel_table_freep) KernelTable *table = NULL;
        VirtualServer vs = { .key = { .addr = addr("10.0.0.1"), .port = 80 }, .scheduler = "rr" };
        RealServer dests[] = { { .addr = { addr("10.1.0.2"), 80 }, .weight = 1 },
                               { .addr = { addr("10.1.0.1"), 80 }, .weight = 1 } };
        ServerState *server;

        assert_int_equal(kernel_table_new(&table), 0);
        assert_int_equal(kernel_table_set_server(table, &vs.key, &vs, dests, 2, SERVER_OWNER_US), 0);
        server = kernel_table_server(table, &vs.key);
        assert_int_equal(server->n_dests, 2);
        assert_int_equal(server->dests[0].server.addr.addr.bytes[3], 1);
        assert_int_equal(kernel_table_address(table, &vs.key.addr)->n_servers, 1);

        server->dests[0].drain_usec = 99;
        assert_int_equal(kernel_table_set_server(table, &vs.key, &vs, dests, 2, SERVER_OWNER_US), 0);
        assert_int_equal(server->dests[0].drain_usec, 99);

        assert_int_equal(kernel_table_set_server(table, &vs.key, NULL, NULL, 0, SERVER_OWNER_US), 0);
        assert_ptr_equal(kernel_table_take(table, DIRTY_SERVERS), server);
        kernel_table_collect_server(table, server);
        assert_null(kernel_table_server(table, &vs.key));
}

static void test_delay_doubles_by_retry(void **state) {
        Failure failure = {};

        failure_note(&failure, -ENOMEM, 1000, 10);
        assert_int_equal(failure.retry_usec, 1010);
        failure_note(&failure, -ENOBUFS, 1000, 10);
        failure_note(&failure, -EBUSY, 1009, 10);
        assert_int_equal(failure.retry_usec, 1010);
        assert_int_equal(failure.error, -EBUSY);
        failure_note(&failure, -ENOMEM, 1010, 10);
        assert_int_equal(failure.retry_usec, 1030);
        for (int i = 0; i < 10; i++)
                failure_note(&failure, -ENOMEM, failure.retry_usec, 10);
        failure_note(&failure, -ENOMEM, 5000, 10);
        assert_int_equal(failure.retry_usec, 5000 + 32 * 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wanted_counts),
                cmocka_unit_test(test_older_claim_holds),
                cmocka_unit_test(test_server_keeps_address),
                cmocka_unit_test(test_delay_doubles_by_retry),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
