/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's virtual servers are read one a turn here, and the work goes on meanwhile: whatever happens at whatever
 * turn of an audit, the kernel ends as the objects say, and what the daemon did itself is never taken for somebody else's.
 */
#include "tests/unit/control-fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"

/* Turns of a whole audit of the services below, and some more. */
#define TURNS 56

static const ServiceSpec web = { .key = "a/web",
                                 .cluster_ip = "10.0.0.1",
                                 .ports = { { "http", PROTOCOL_TCP, 80, 30080, 8080 }, { "https", PROTOCOL_TCP, 443, 0, 8443 } } };
static const ServiceSpec dns = { .key = "kube-system/kube-dns",
                                 .cluster_ip = "10.0.0.2",
                                 .ports = { { "dns", PROTOCOL_UDP, 53, 0, 53 } } };
static const ServiceSpec late = { .key = "a/late", .cluster_ip = "10.0.0.3", .ports = { { NULL, PROTOCOL_TCP, 99, 0, 99 } } };

static void list_services(Control *c) {
        control_list_begin(c);
        control_put_service(c, &web);
        control_put_service(c, &dns);
        control_put_endpoints(c, &web, "10.1.0.1", 3);
        control_put_endpoints(c, &dns, "10.2.0.1", 2);
        control_list_end(c);
        control_settle(c);
}

/* One virtual server goes, one comes, one gets other endpoints, one another scheduler flag. */
static void change_all(Control *c) {
        ServiceSpec changed = web;

        changed.affinity_sec = 60;
        control_put_service(c, &changed);
        control_put_endpoints(c, &web, "10.1.0.2", 2);
        control_remove_service(c, dns.key);
        control_put_service(c, &late);
        control_put_endpoints(c, &late, "10.3.0.1", 1);
}

static void start(Control *c) {
        control_init(c);
        c->options.drain_timeout_usec = 0;
        control_start(c);
        list_services(c);
}

static uint64_t n_drift(const Control *c) {
        ManagerStatus status;

        manager_status(c->manager, &status);
        return status.n_drift;
}

static void assert_kernel(const Control *c, const char *expected, unsigned turn) {
        _cleanup_(freep) char *found = control_kernel_all(c);

        if (strcmp(found, expected) != 0)
                fprintf(stderr, "after %u turns\n--- expected\n%s--- found\n%s", turn, expected, found);
        assert_true(strcmp(found, expected) == 0);
        assert_string_equal(memory_backend_breach(c->hand), "");
}

/* Of all that there is: elements too. */
static void begin_audit(Control *c) {
        memory_backend_emit(c->hand, KERNEL_EVENT_FILTER);
        control_begin_audit(c);
}

static void test_change_amid_audit(void **state) {
        _cleanup_(freep) char *expected = NULL;
        Control c;

        start(&c);
        change_all(&c);
        control_settle(&c);
        expected = control_kernel_all(&c);
        control_done(&c);
        for (unsigned turn = 0; turn < TURNS; turn++) {
                start(&c);
                begin_audit(&c);
                control_run(&c, turn);
                change_all(&c);
                control_settle(&c);
                assert_kernel(&c, expected, turn);
                assert_int_equal(n_drift(&c), 0);
                control_done(&c);
        }
}

/* Back to what it was before the audit ends: the list is older than both. */
static void test_change_and_back(void **state) {
        for (unsigned turn = 0; turn < TURNS; turn++) {
                _cleanup_(freep) char *expected = NULL;
                Control c;

                start(&c);
                expected = control_kernel_all(&c);
                begin_audit(&c);
                control_run(&c, 3);
                control_remove_service(&c, dns.key);
                control_run(&c, turn);
                control_put_service(&c, &dns);
                control_put_endpoints(&c, &dns, "10.2.0.1", 2);
                control_settle(&c);
                assert_kernel(&c, expected, turn);
                assert_int_equal(n_drift(&c), 0);
                control_done(&c);
        }
}

static void break_dns(Control *c) {
        IpvsOp op = { .kind = IPVS_OP_DELETE_SERVICE, .service.key = control_key("10.0.0.2", 53, PROTOCOL_UDP) };

        assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
}

static void break_dns_guard(Control *c) {
        FilterOp op = { .element = { .set = FILTER_SET_SERVICE_PORTS, .addr = control_key("10.0.0.2", 0, 0).addr, .protocol = PROTOCOL_UDP, .port = 53 } };

        assert_int_equal(memory_backend_foreign_element(c->hand, &op), 0);
}

/* Somebody else breaks something amid an audit; another one is asked for when that is over, or at once. */
static void break_amid_audit(void (*breaks)(Control *c), bool settle) {
        for (unsigned turn = 0; turn < TURNS; turn++) {
                _cleanup_(freep) char *expected = NULL;
                Control c;

                start(&c);
                expected = control_kernel_all(&c);
                begin_audit(&c);
                control_run(&c, turn);
                breaks(&c);
                if (settle)
                        control_settle(&c);
                begin_audit(&c);
                control_settle(&c);
                assert_kernel(&c, expected, turn);
                assert_int_equal(n_drift(&c), 1);
                control_done(&c);
        }
}

/* By the next one at the latest it is repaired, and told once. */
static void test_breakage_amid_audit(void **state) {
        break_amid_audit(break_dns, true);
        break_amid_audit(break_dns_guard, true);
}

/* One asked for amid another is one more, begun afterwards: it sees what the first came by too early. */
static void test_audit_amid_audit(void **state) {
        break_amid_audit(break_dns, false);
        break_amid_audit(break_dns_guard, false);
}

/* As it was: 0, or -EEXIST where the daemon was quicker. */
static int make_dns(Control *c) {
        IpvsOp op = { .kind = IPVS_OP_ADD_SERVICE, .service = { .key = control_key("10.0.0.2", 53, PROTOCOL_UDP), .scheduler = "rr" } };
        int r = memory_backend_foreign_ipvs(c->hand, &op);

        op.kind = IPVS_OP_ADD_DEST;
        op.dest = (RealServer) { .addr = { control_key("10.2.0.1", 0, 0).addr, 53 }, .weight = 1 };
        for (unsigned i = 0; i < 2 && r >= 0; i++, op.dest.addr.addr.bytes[3]++)
                assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
        return r;
}

/* A list read in steps may leave out what is there: it is asked for before it is said to be gone. */
static void test_left_out_of_list(void **state) {
        unsigned n_back = 0;

        for (unsigned turn = 0; turn < TURNS; turn++) {
                _cleanup_(freep) char *expected = NULL;
                Control c;
                int r;

                start(&c);
                expected = control_kernel_all(&c);
                break_dns(&c);
                begin_audit(&c);
                control_run(&c, turn);
                r = make_dns(&c);
                control_settle(&c);
                assert_kernel(&c, expected, turn);
                assert_int_equal(n_drift(&c), r >= 0 ? 0 : 1);
                n_back += r >= 0;
                control_done(&c);
        }
        assert_in_range(n_back, TURNS / 2, TURNS - 1);
}

static void on_read_busy(KernelBackend *backend, void *userdata) {
        uint64_t end = clock_now_usec(CLOCK_THREAD_CPUTIME_ID) + 20 * USEC_PER_MSEC;

        while (clock_now_usec(CLOCK_THREAD_CPUTIME_ID) < end)
                ;
}

static void on_read_slow(KernelBackend *backend, void *userdata) {
        (void) usleep(20 * USEC_PER_MSEC);
}

static void run_and_count(Control *c, uint64_t usec, uint64_t *ret_n_operations) {
        uint64_t before = memory_backend_n_operations(c->hand);

        control_run_for(c, usec);
        *ret_n_operations = memory_backend_n_operations(c->hand) - before;
}

/*
 * Where looking takes 20 ms of CPU the next audit is a second later, and with a sync period of 50 ms half a second: never
 * more than ten of them. Nothing of that where the time was not ours.
 */
static void test_audit_that_takes_long(void **state) {
        uint64_t n, usec = 50 * USEC_PER_MSEC;
        Control c;

        control_init(&c);
        c.options.sync_usec = usec;
        control_start(&c);
        list_services(&c);
        run_and_count(&c, 4 * usec, &n);
        assert_true(n > 0); /* one after the other */
        memory_backend_hook_nth(c.hand, 1, on_read_slow, NULL);
        control_run_for(&c, 2 * usec);
        run_and_count(&c, 4 * usec, &n);
        assert_true(n > 0);
        memory_backend_hook_nth(c.hand, 1, on_read_busy, NULL);
        control_run_for(&c, 2 * usec);
        run_and_count(&c, 6 * usec, &n);
        assert_int_equal(n, 0);
        run_and_count(&c, 6 * usec, &n);
        assert_true(n > 0);
        control_done(&c);
}

static void count_yields(bool yield, void *userdata) {
        *(unsigned *) userdata += yield;
}

/* One virtual server a turn, and after each of them others go first. */
static void test_audit_yields(void **state) {
        unsigned n_yields = 0;
        Control c;

        start(&c);
        assert_int_equal(yield_add(manager_yield(c.manager), count_yields, &n_yields), 0);
        begin_audit(&c);
        control_settle(&c);
        assert_true(n_yields > 0);
        yield_remove(manager_yield(c.manager), &n_yields);
        control_done(&c);
}

/* 3,000 services, which no machine makes of the lists within the 20 ms of yield.h. */
static void test_long_work_yields(void **state) {
        unsigned n_yields = 0;
        Control c;

        control_init(&c);
        control_start(&c);
        assert_int_equal(yield_add(manager_yield(c.manager), count_yields, &n_yields), 0);
        control_list_begin(&c);
        for (unsigned i = 0; i < 3000; i++) {
                char key[16], ip[16];
                ServiceSpec spec = { .key = key, .cluster_ip = ip, .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };

                (void) snprintf(key, sizeof(key), "a/s%u", i);
                (void) snprintf(ip, sizeof(ip), "10.0.%u.%u", 1 + i / 200, 1 + i % 200);
                control_put_service(&c, &spec);
                control_put_endpoints(&c, &spec, "10.1.0.1", 5);
        }
        control_list_end(&c);
        assert_int_equal(n_yields, 0);
        control_settle(&c);
        assert_true(n_yields > 0);
        yield_remove(manager_yield(c.manager), &n_yields);
        control_done(&c);
}

static bool is_running(Control *c) {
        ManagerStatus status;

        manager_status_brief(c->manager, &status);
        if (!status.kernel_known)
                assert_int_equal(c->backend->n_writes, 0);
        return status.state == MANAGER_STATE_RUNNING;
}

/* The module is not there yet when the daemon comes up again: nothing is written to a kernel of which a part was seen. */
static void test_first_look_in_turns(void **state) {
        _cleanup_(freep) char *expected = NULL;
        Control c;

        start(&c);
        expected = control_kernel_all(&c);
        control_stop(&c);
        memory_backend_set_ipvs_missing(c.hand, true);
        control_start(&c);
        list_services(&c);
        assert_int_equal(c.backend->n_writes, 0);
        memory_backend_set_ipvs_missing(c.hand, false);
        control_wait(&c, is_running);
        assert_kernel(&c, expected, 0);
        assert_int_equal(c.backend->n_writes, 0);
        assert_int_equal(n_drift(&c), 0);
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_change_amid_audit),   cmocka_unit_test(test_change_and_back),
                cmocka_unit_test(test_breakage_amid_audit), cmocka_unit_test(test_audit_amid_audit),
                cmocka_unit_test(test_first_look_in_turns), cmocka_unit_test(test_audit_yields),
                cmocka_unit_test(test_long_work_yields),    cmocka_unit_test(test_audit_that_takes_long),
                cmocka_unit_test(test_left_out_of_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
