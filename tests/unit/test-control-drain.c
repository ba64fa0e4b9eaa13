/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real servers that leave keep their connections; what others break is repaired and told; the journal survives. */
#include "tests/unit/control-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "control/drift.h"
#include "control/journal.h"

static const ServiceSpec web = { .key = "a/web", .cluster_ip = "10.0.0.1", .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };

#define WEB_TWO "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\n  rs 10.1.0.2:8080 w1\naddr 10.0.0.1\n"
#define WEB_ONE "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\naddr 10.0.0.1\n"
#define WEB_DRAINS "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\n  rs 10.1.0.2:8080 w0\naddr 10.0.0.1\n"

static void list_web(Control *c, unsigned n) {
        control_list_begin(c);
        control_put_service(c, &web);
        control_put_endpoints(c, &web, "10.1.0.1", n);
        control_list_end(c);
        control_settle(c);
}

static void start_web(Control *c, unsigned n) {
        control_start(c);
        list_web(c, n);
}

static void set_connections(Control *c, uint32_t active, uint32_t inactive) {
        VirtualServerKey key = control_key("10.0.0.1", 80, PROTOCOL_TCP);
        IpPort dest = control_port("10.1.0.2", 8080);

        memory_backend_set_connections(c->hand, &key, &dest, active, inactive);
}

static uint64_t n_draining(const Control *c) {
        ManagerStatus status;

        manager_status_brief(c->manager, &status);
        return status.n_draining;
}

static bool nothing_drains(Control *c) {
        return n_draining(c) == 0;
}

/* Runs the loop for a while in which nothing of importance may happen. */
static uint64_t monotonic_usec(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

/* For that long, whatever happens meanwhile. */
static void run_for(Control *c, uint64_t usec) {
        uint64_t now = monotonic_usec(), end = now + usec;

        for (; now < end; now = monotonic_usec())
                assert_true(sd_event_run(c->event, end - now) >= 0);
        control_settle(c);
}

static void test_connections_end(void **state) {
        Control c;

        control_init(&c);
        start_web(&c, 2);
        set_connections(&c, 1, 2);
        control_put_endpoints(&c, &web, "10.1.0.1", 1);
        control_settle(&c);
        control_assert_kernel(&c, WEB_DRAINS);
        assert_int_equal(n_draining(&c), 1);
        run_for(&c, 10 * USEC_PER_MSEC);
        control_assert_kernel(&c, WEB_DRAINS);
        set_connections(&c, 0, 1); /* one in TIME_WAIT is one still */
        run_for(&c, 10 * USEC_PER_MSEC);
        control_assert_kernel(&c, WEB_DRAINS);
        set_connections(&c, 0, 0);
        control_wait(&c, nothing_drains);
        control_assert_kernel(&c, WEB_ONE);
        control_done(&c);
}

static void test_deadline(void **state) {
        Control c;

        control_init(&c);
        c.options.drain_timeout_usec = 30 * USEC_PER_MSEC;
        start_web(&c, 2);
        set_connections(&c, 5, 0);
        control_put_endpoints(&c, &web, "10.1.0.1", 1);
        control_settle(&c);
        control_assert_kernel(&c, WEB_DRAINS);
        control_wait(&c, nothing_drains);
        control_assert_kernel(&c, WEB_ONE);
        control_done(&c);
}

/* It comes back with its full weight, and leaves anew with a new deadline. */
static void test_return(void **state) {
        Control c;

        control_init(&c);
        start_web(&c, 2);
        set_connections(&c, 5, 0);
        for (int i = 0; i < 3; i++) {
                control_put_endpoints(&c, &web, "10.1.0.1", 1);
                control_settle(&c);
                control_assert_kernel(&c, WEB_DRAINS);
                control_put_endpoints(&c, &web, "10.1.0.1", 2);
                control_settle(&c);
                control_assert_kernel(&c, WEB_TWO);
                assert_int_equal(n_draining(&c), 0);
        }
        control_done(&c);
}

/* A service that goes keeps virtual server, address and guard until its connections are gone. */
static void test_service_drains(void **state) {
        static const char *const guard[] = { "filter service_ips", "filter service_ports", NULL };
        Control c;

        control_init(&c);
        start_web(&c, 2);
        set_connections(&c, 1, 0);
        control_remove_service(&c, web.key);
        control_remove_endpoints(&c, &web);
        control_settle(&c);
        run_for(&c, 10 * USEC_PER_MSEC);
        control_assert_kernel(&c, "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.2:8080 w0\naddr 10.0.0.1\n");
        {
                _cleanup_(freep) char *filter = control_kernel(&c, guard);

                assert_string_equal(filter, "filter service_ips 10.0.0.1\n"); /* new connections are refused at once */
        }
        set_connections(&c, 0, 0);
        control_wait(&c, nothing_drains);
        {
                _cleanup_(freep) char *all = control_kernel_all(&c);

                assert_string_equal(all, "");
        }
        assert_string_equal(memory_backend_breach(c.hand), "");
        control_done(&c);
}

/* Deadlines are those of before the restart, and nothing is written for them. */
static void test_restart_drains_on(void **state) {
        Control c;

        control_init(&c);
        c.options.drain_timeout_usec = 400 * USEC_PER_MSEC;
        start_web(&c, 2);
        set_connections(&c, 3, 0);
        control_put_endpoints(&c, &web, "10.1.0.1", 1);
        control_settle(&c);
        control_stop(&c);
        c.options.drain_timeout_usec = 3600 * USEC_PER_SEC;
        start_web(&c, 1);
        assert_int_equal(c.backend->n_writes, 0);
        control_assert_kernel(&c, WEB_DRAINS);
        assert_int_equal(n_draining(&c), 1);
        control_wait(&c, nothing_drains);
        control_assert_kernel(&c, WEB_ONE);
        control_done(&c);
}

/* Weight 0 that others left: a wanted one gets its weight, an unwanted one a deadline that survives as well. */
static void test_weight_zero_of_others(void **state) {
        IpvsOp ops[] = {
                { .kind = IPVS_OP_ADD_SERVICE, .service = { .scheduler = "rr" } },
                { .kind = IPVS_OP_ADD_DEST, .dest = { .weight = 0 } },
                { .kind = IPVS_OP_ADD_DEST, .dest = { .weight = 0 } },
        };
        AddressOp bind = { .add = true };
        Control c;

        control_init(&c);
        control_start(&c); /* makes the device */
        control_stop(&c);
        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                ops[i].service.key = control_key("10.0.0.1", 80, PROTOCOL_TCP);
        ops[1].dest.addr = control_port("10.1.0.1", 8080);
        ops[2].dest.addr = control_port("10.1.0.2", 8080);
        bind.addr = ops[0].service.key.addr;
        assert_int_equal(memory_backend_foreign_address(c.hand, &bind), 0);
        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                assert_int_equal(memory_backend_foreign_ipvs(c.hand, &ops[i]), 0);
        set_connections(&c, 1, 0);
        c.options.drain_timeout_usec = 400 * USEC_PER_MSEC;
        start_web(&c, 1);
        control_assert_kernel(&c, WEB_DRAINS);
        assert_int_equal(n_draining(&c), 1);
        control_stop(&c);
        c.options.drain_timeout_usec = 3600 * USEC_PER_SEC;
        start_web(&c, 1);
        control_wait(&c, nothing_drains);
        control_assert_kernel(&c, WEB_ONE);
        control_done(&c);
}

static void test_no_drain(void **state) {
        Control c;

        control_init(&c);
        c.options.drain_timeout_usec = 0;
        start_web(&c, 2);
        set_connections(&c, 1, 0);
        control_put_endpoints(&c, &web, "10.1.0.1", 1);
        control_settle(&c);
        control_assert_kernel(&c, WEB_ONE);
        control_done(&c);
}

/* ---- what others break */

static void assert_last_drift(const Control *c, DriftKind kind, DriftAction action, const char *object) {
        const DriftEntry *entry = drift_log_get(manager_drift(c->manager), 0);

        assert_non_null(entry);
        assert_string_equal(entry->object, object);
        assert_int_equal(entry->kind, kind);
        assert_int_equal(entry->action, action);
        assert_true(entry->when_usec > 0);
}

/* These the kernel tells: repaired when the loop runs next. */
static void test_notified_repairs(void **state) {
        AddressOp unbind;
        FilterOp element = { .element = { .set = FILTER_SET_SERVICE_IPS } };
        _cleanup_(freep) char *expected = NULL, *after = NULL;
        Control c;

        control_init(&c);
        c.options.min_sync_usec = 10 * USEC_PER_SEC; /* repairs do not wait for it … */
        start_web(&c, 2);
        expected = control_kernel_all(&c);
        run_for(&c, 120 * USEC_PER_MSEC); /* … but for a tenth of a second */
        assert_null(drift_log_get(manager_drift(c.manager), 0));

        assert_int_equal(memory_backend_delete_device(c.hand), 0);
        control_settle(&c);
        control_assert_kernel(&c, WEB_TWO);
        assert_last_drift(&c, DRIFT_KIND_ADDRESS, DRIFT_ACTION_MISSING, "10.0.0.1");
        run_for(&c, 120 * USEC_PER_MSEC);
        unbind = (AddressOp) { .addr = control_port("10.0.0.1", 0).addr };
        assert_int_equal(memory_backend_foreign_address(c.hand, &unbind), 0);
        control_settle(&c);
        control_assert_kernel(&c, WEB_TWO);
        run_for(&c, 120 * USEC_PER_MSEC);
        element.element.addr = unbind.addr;
        assert_int_equal(memory_backend_foreign_element(c.hand, &element), 0);
        control_settle(&c);
        assert_last_drift(&c, DRIFT_KIND_FILTER_ELEMENT, DRIFT_ACTION_MISSING, "service_ips 10.0.0.1");
        run_for(&c, 120 * USEC_PER_MSEC);
        assert_int_equal(memory_backend_flush_filter(c.hand), 0);
        control_settle(&c);
        assert_last_drift(&c, DRIFT_KIND_FILTER_TABLE, DRIFT_ACTION_MISSING, "inet ipvsproxy");
        assert_int_equal(manager_drift(c.manager)->n_added, 5);
        after = control_kernel_all(&c);
        assert_string_equal(after, expected);
        control_done(&c);
}

static void foreign(Control *c, IpvsOpKind kind, const char *dest, uint32_t weight, const char *scheduler) {
        IpvsOp op = { .kind = kind, .service = { .key = control_key("10.0.0.1", 80, PROTOCOL_TCP) } };

        (void) strcpy(op.service.scheduler, scheduler);
        if (dest)
                op.dest = (RealServer) { .addr = control_port(dest, 8080), .weight = weight };
        assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
}

static void audit(Control *c) {
        control_begin_audit(c);
        control_settle(c);
}

/* These it does not tell: an audit finds them. */
static void test_audited_repairs(void **state) {
        _cleanup_(freep) char *value = NULL;
        uint64_t writes;
        Control c;

        control_init(&c);
        start_web(&c, 2);
        writes = c.backend->n_writes;
        audit(&c);
        assert_int_equal(c.backend->n_writes, writes); /* nothing broken, nothing written */
        assert_int_equal(manager_drift(c.manager)->n_added, 0);

        foreign(&c, IPVS_OP_SET_DEST, "10.1.0.1", 7, "");
        audit(&c);
        control_assert_kernel(&c, WEB_TWO);
        assert_last_drift(&c, DRIFT_KIND_REAL_SERVER, DRIFT_ACTION_CHANGED, "10.0.0.1:80/TCP");
        foreign(&c, IPVS_OP_DELETE_DEST, "10.1.0.1", 0, "");
        audit(&c);
        control_assert_kernel(&c, WEB_TWO);
        foreign(&c, IPVS_OP_SET_SERVICE, NULL, 0, "lc");
        audit(&c);
        control_assert_kernel(&c, WEB_TWO);
        assert_last_drift(&c, DRIFT_KIND_VIRTUAL_SERVER, DRIFT_ACTION_CHANGED, "10.0.0.1:80/TCP");
        foreign(&c, IPVS_OP_DELETE_SERVICE, NULL, 0, "");
        audit(&c);
        control_assert_kernel(&c, WEB_TWO);
        assert_last_drift(&c, DRIFT_KIND_VIRTUAL_SERVER, DRIFT_ACTION_MISSING, "10.0.0.1:80/TCP");
        assert_int_equal(c.hand->ops->sysctl_write(c.hand, "net/ipv4/vs/conntrack", "0"), 0);
        audit(&c);
        assert_int_equal(c.hand->ops->sysctl_read(c.hand, "net/ipv4/vs/conntrack", &value), 0);
        assert_string_equal(value, "1");
        assert_last_drift(&c, DRIFT_KIND_SYSCTL, DRIFT_ACTION_CHANGED, "net/ipv4/vs/conntrack");
        assert_int_equal(manager_drift(c.manager)->counts[DRIFT_KIND_REAL_SERVER], 2);

        for (unsigned i = 0; i < 2 * DRIFT_LOG_SIZE; i++) {
                foreign(&c, IPVS_OP_SET_DEST, "10.1.0.1", 7 + i, "");
                audit(&c);
        }
        assert_non_null(drift_log_get(manager_drift(c.manager), DRIFT_LOG_SIZE - 1));
        assert_null(drift_log_get(manager_drift(c.manager), DRIFT_LOG_SIZE));
        control_done(&c);
}

/* ---- the journal */

static void write_journal(const Control *c, const char *text) {
        char path[64];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/journal", c->directory);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        (void) close(fd);
}

static void test_journal_corrupt(void **state) {
        static const struct {
                const char *name, *text;
                int result;
                size_t n_bad;
                bool owns;
        } cases[] = {
                { "whole", "ipvsproxy journal 1\n+ 10.0.0.1 80 tcp\n", 1, 0, true },
                { "empty file", "", -EBADMSG, 0, false },
                { "other head", "ipvsproxy journal 2\n+ 10.0.0.1 80 tcp\n", -EBADMSG, 0, false },
                { "cut short", "ipvsproxy journal 1\n+ 10.0.0.1 80 tcp\n+ 10.0.0.2 8", 1, 1, true },
                { "nonsense between", "ipvsproxy journal 1\n\n+\n? 10.0.0.1 80 tcp\n+ 10.0.0.1 80 tcp\n", 1, 3, true },
                { "bad fields", "ipvsproxy journal 1\n+ 10.0.0.1 80000 tcp\n+ 10.0.0.1 80 icmp\n+ x 80 tcp\n", 1, 3, false },
                { "drain of nobody", "ipvsproxy journal 1\nd 10.0.0.1 80 tcp 10.1.0.1 80 5\n", 1, 1, false },
                { "taken back", "ipvsproxy journal 1\n+ 10.0.0.1 80 tcp\n- 10.0.0.1 80 tcp\n", 1, 0, false },
        };
        Control c;

        control_init(&c);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(journal_freep) Journal *journal = NULL;
                VirtualServerKey key = control_key("10.0.0.1", 80, PROTOCOL_TCP);
                size_t n_bad;

                print_message("%s\n", cases[i].name);
                write_journal(&c, cases[i].text);
                assert_int_equal(journal_new(c.directory, JOURNAL_READ_WRITE, &journal), 0);
                assert_int_equal(journal_load(journal, &n_bad), cases[i].result);
                assert_int_equal(n_bad, cases[i].n_bad);
                assert_int_equal(journal_owns(journal, &key), cases[i].owns);
                /* Whatever it was, a daemon starts with it, and leaves one that can be read. */
                start_web(&c, 2);
                control_assert_kernel(&c, WEB_TWO);
                control_stop(&c);
                start_web(&c, 2);
                assert_int_equal(c.backend->n_writes, 0);
                control_stop(&c);
        }
        control_done(&c);
}

/* Pods come and go for weeks: neither file nor memory grows with them. */
static void test_journal_stays_small(void **state) {
        VirtualServerKey key = control_key("10.0.0.1", 80, PROTOCOL_TCP);
        _cleanup_(journal_freep) Journal *journal = NULL;
        char path[64], line[256];
        size_t n_bad, n_lines = 0;
        FILE *file;
        Control c;

        control_init(&c);
        assert_int_equal(journal_new(c.directory, JOURNAL_READ_WRITE, &journal), 0);
        assert_int_equal(journal_add(journal, &key), 0);
        for (unsigned i = 0; i < 5000; i++) {
                IpPort dest = control_port("10.1.0.1", (uint16_t) (1 + i));

                assert_int_equal(journal_drain(journal, &key, &dest, 1000 + i), 0);
                assert_int_equal(journal_flush(journal), 0);
                assert_int_equal(journal_deadline(journal, &key, &dest), 1000 + i);
                assert_int_equal(journal_drain(journal, &key, &dest, 0), 0);
                assert_int_equal(journal_deadline(journal, &key, &dest), 0);
        }
        assert_int_equal(journal_compact(journal), 0);
        (void) snprintf(path, sizeof(path), "%s/journal", c.directory);
        file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
                n_lines++;
        (void) fclose(file);
        assert_int_equal(n_lines, 2);
        journal = journal_free(journal);
        assert_int_equal(journal_new(c.directory, JOURNAL_READ_WRITE, &journal), 0);
        assert_int_equal(journal_load(journal, &n_bad), 1);
        assert_true(journal_owns(journal, &key));
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_connections_end),
                cmocka_unit_test(test_deadline),
                cmocka_unit_test(test_return),
                cmocka_unit_test(test_service_drains),
                cmocka_unit_test(test_restart_drains_on),
                cmocka_unit_test(test_weight_zero_of_others),
                cmocka_unit_test(test_no_drain),
                cmocka_unit_test(test_notified_repairs),
                cmocka_unit_test(test_audited_repairs),
                cmocka_unit_test(test_journal_corrupt),
                cmocka_unit_test(test_journal_stays_small),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
