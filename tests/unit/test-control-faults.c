/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any operation of the kernel may fail: who is concerned is degraded and retried, the others go on, the end is right. */
#include "tests/unit/control-fixture.h"

#include <stdio.h>

#include "control/port-view.h"

static const ServiceSpec web = { .key = "a/web",
                                 .cluster_ip = "10.0.0.1",
                                 .ports = { { "http", PROTOCOL_TCP, 80, 30080, 8080 }, { "https", PROTOCOL_TCP, 443, 0, 8443 } } };
static const ServiceSpec dns = { .key = "kube-system/kube-dns",
                                 .cluster_ip = "10.0.0.2",
                                 .ports = { { "dns", PROTOCOL_UDP, 53, 0, 53 } } };
static const ServiceSpec empty = { .key = "a/empty", .cluster_ip = "10.0.0.3", .ports = { { NULL, PROTOCOL_SCTP, 99, 0, 99 } } };

static void put_all(Control *c) {
        control_put_service(c, &web);
        control_put_service(c, &dns);
        control_put_service(c, &empty);
        control_put_endpoints(c, &web, "10.1.0.1", 3);
        control_put_endpoints(c, &dns, "10.2.0.1", 1);
}

static void list_all(Control *c) {
        control_list_begin(c);
        put_all(c);
        control_list_end(c);
        control_settle(c);
}

/* What a node sees in its life: endpoints come and go, a service changes, one goes, one comes. */
static void change_all(Control *c) {
        ServiceSpec changed = dns;

        changed.affinity_sec = 60;
        control_put_service(c, &changed);
        control_put_endpoints(c, &web, "10.1.0.2", 4);
        control_remove_service(c, empty.key);
        control_settle(c);
        control_remove_endpoints(c, &dns);
        control_put_endpoints(c, &empty, "10.3.0.1", 1);
        control_put_service(c, &empty);
        control_settle(c);
}

static bool is_running(Control *c) {
        ManagerStatus status;

        manager_status_brief(c->manager, &status);
        return status.state == MANAGER_STATE_RUNNING && status.n_draining == 0;
}

static void assert_same(const Control *c, const char *expected) {
        _cleanup_(freep) char *all = control_kernel_all(c);

        if (strcmp(all, expected) != 0)
                fprintf(stderr, "--- expected\n%s--- found\n%s", expected, all); /* cmocka cuts both short */
        assert_true(strcmp(all, expected) == 0);
        assert_string_equal(memory_backend_breach(c->hand), "");
}

typedef struct Expected {
        char *first, *second; /* owned: what the kernel holds after both steps, when nothing fails */
        uint64_t n_first, n_second; /* operations until then */
} Expected;

static void expected_init(Expected *expected) {
        Control c;

        control_init(&c);
        control_start(&c);
        list_all(&c);
        control_wait(&c, is_running);
        expected->first = control_kernel_all(&c);
        expected->n_first = memory_backend_n_operations(c.hand);
        change_all(&c);
        control_wait(&c, is_running);
        expected->second = control_kernel_all(&c);
        expected->n_second = memory_backend_n_operations(c.hand) - expected->n_first;
        control_done(&c);
}

static void expected_done(Expected *expected) {
        free(expected->first);
        free(expected->second);
}

/* Members of KernelBackendOps that failed, as one word after the other. */
typedef struct Failed {
        char names[512];
} Failed;

static void failed_note(Failed *failed, const Control *c) {
        char word[64];

        (void) snprintf(word, sizeof(word), " %s ", memory_backend_failed(c->hand));
        if (!strstr(failed->names, word))
                (void) strncat(failed->names, word, sizeof(failed->names) - strlen(failed->names) - 1);
}

/* So that "every operation" is none of a few. */
static void failed_assert(const Failed *failed, const char *const *names) {
        for (; *names; names++) {
                char word[64];

                (void) snprintf(word, sizeof(word), " %s ", *names);
                if (!strstr(failed->names, word))
                        fail_msg("%s never failed, only%s", *names, failed->names);
        }
}

/* The n-th operation fails, for every n there is, with each kind of error: those of dumps cut short are among them. */
static void test_each_operation_fails_once(void **state) {
        static const int errors[] = { -ENOMEM, -EBUSY,  -ENOBUFS, -EEXIST, -ESRCH,
                                      -ENOENT, -EINVAL, -EPIPE,   -EINTR,  -EAGAIN };
        static const char *const names[] = { "get_info",     "sysctl_read", "sysctl_write", "device_ensure",
                                             "address_dump", "ipvs_list",   "filter_dump",  "filter_ensure",
                                             "filter_apply", "ipvs_apply",  "address_apply", "conntrack_flush_udp",
                                             "listener_dump", "forward_drop", NULL };
        Expected expected;

        expected_init(&expected);
        assert_true(expected.n_first >= expected.n_second); /* each of the second is met too */
        for (size_t e = 0; e < ELEMENTSOF(errors); e++) {
                Failed failed = {};

                for (uint64_t n = 1; n <= expected.n_first; n++) {
                        Control c;

                        print_message("operation %u fails with %s\n", (unsigned) n, strerrorname_np(-errors[e]));
                        control_init(&c);
                        memory_backend_fail_nth(c.hand, n, errors[e]);
                        control_start(&c);
                        list_all(&c);
                        control_wait(&c, is_running);
                        assert_same(&c, expected.first);
                        failed_note(&failed, &c);
                        memory_backend_fail_nth(c.hand, 1 + n % expected.n_second, errors[e]);
                        change_all(&c);
                        control_wait(&c, is_running);
                        assert_same(&c, expected.second);
                        failed_note(&failed, &c);
                        control_done(&c);
                }
                failed_assert(&failed, names);
        }
        expected_done(&expected);
}

static void audit(Control *c) {
        control_begin_audit(c);
        control_settle(c);
        control_wait(c, is_running);
}

/*
 * The same over a kernel that holds all of it already: what a dump that failed did not tell of is neither missing nor
 * somebody else's. Twice in a row, because what is kept of one look is used by the next.
 */
static void test_each_look_fails(void **state) {
        static const int errors[] = { -ENOMEM, -EINTR, -EAGAIN, -ENOENT, -ENOBUFS };
        static const char *const names[] = { "address_dump", "ipvs_list", "ipvs_read_dests", "filter_dump", "filter_ensure", NULL };
        Expected expected;

        expected_init(&expected);
        for (size_t e = 0; e < ELEMENTSOF(errors); e++) {
                Failed starts = {}, audits = {}, quiet = {};

                for (uint64_t n = 1; n <= expected.n_first; n++) {
                        Control c;

                        control_init(&c);
                        control_start(&c);
                        list_all(&c);
                        control_stop(&c);
                        memory_backend_fail_nth(c.hand, n, errors[e]);
                        control_start(&c);
                        list_all(&c);
                        control_wait(&c, is_running);
                        assert_same(&c, expected.first);
                        failed_note(&starts, &c);
                        audit(&c); /* all is known, whatever failed before */
                        memory_backend_fail_nth(c.hand, n, errors[e]);
                        audit(&c);
                        assert_same(&c, expected.first);
                        failed_note(&quiet, &c);
                        for (unsigned again = 0; again < 2; again++) {
                                memory_backend_emit(c.hand, KERNEL_EVENT_OVERRUN);
                                memory_backend_fail_nth(c.hand, n, errors[e]);
                                audit(&c);
                                assert_same(&c, expected.first);
                                failed_note(&audits, &c);
                        }
                        control_done(&c);
                }
                failed_assert(&starts, names);
                failed_assert(&audits, names);
                /* elements that nobody touched are not read again */
                assert_non_null(strstr(quiet.names, " filter_is_unchanged "));
                assert_null(strstr(quiet.names, " filter_dump "));
        }
        expected_done(&expected);
}

/* A service of which something is missing says so, whatever failed; and one that is complete does not. */
static void test_states_are_true(void **state) {
        Expected expected;

        expected_init(&expected);
        for (uint64_t n = 1; n <= expected.n_first; n++) {
                _cleanup_(freep) char *all = NULL;
                const DesiredPort *port;
                size_t n_synced = 0, n_ports = 0;
                Control c;

                control_init(&c);
                c.options.retry_usec = 60 * USEC_PER_SEC;
                memory_backend_fail_nth(c.hand, n, -EBUSY);
                control_start(&c);
                list_all(&c);
                for (size_t i = 0; (port = desired_next(manager_desired(c.manager), &i)); n_ports++) {
                        const char *reason;
                        PortState s = port_view_state(c.manager, port, &reason);

                        assert_true(s == PORT_STATE_SYNCED || s == PORT_STATE_DEGRADED || s == PORT_STATE_PENDING);
                        assert_string_equal(reason, s == PORT_STATE_DEGRADED ? "KernelError" : "");
                        n_synced += s == PORT_STATE_SYNCED;
                }
                all = control_kernel_all(&c);
                assert_int_equal(n_ports > 0 && n_synced == n_ports, strcmp(all, expected.first) == 0);
                control_done(&c);
        }
        expected_done(&expected);
}

/* Every n-th fails all the time: with every third or more operations done there is progress, and the end is right. */
static void test_every_nth_operation_fails(void **state) {
        Expected expected;

        expected_init(&expected);
        for (uint64_t n = 3; n <= expected.n_first + 1; n++) {
                Control c;

                control_init(&c);
                memory_backend_fail_every(c.hand, n, -ENOMEM);
                control_start(&c);
                list_all(&c);
                change_all(&c);
                for (unsigned i = 0; i < 40; i++)
                        assert_true(sd_event_run(c.event, 2 * USEC_PER_MSEC) >= 0);
                memory_backend_fail_every(c.hand, 0, 0);
                control_wait(&c, is_running);
                assert_same(&c, expected.second);
                control_done(&c);
        }
        expected_done(&expected);
}

static ManagerState state_of(const Control *c, const char **ret_error) {
        ManagerStatus status;

        manager_status(c->manager, &status);
        *ret_error = status.error;
        return status.state;
}

static bool is_degraded(Control *c) {
        const char *error;

        return state_of(c, &error) == MANAGER_STATE_DEGRADED;
}

/* One virtual server is refused for long: the others come and change as ever, and its own retries grow apart. */
static void test_one_service_fails(void **state) {
        VirtualServerKey key = control_key("10.0.0.1", 443, PROTOCOL_TCP);
        uint64_t before, after;
        const char *error;
        Control c;

        control_init(&c);
        c.options.retry_usec = 20 * USEC_PER_MSEC;
        control_start(&c);
        memory_backend_fail_server(c.hand, &key, -EBUSY);
        list_all(&c);
        assert_int_equal(state_of(&c, &error), MANAGER_STATE_DEGRADED);
        assert_string_equal(error, "Failed to add virtual server 10.0.0.1:443/TCP: Device or resource busy");
        control_assert_kernel(&c,
                              "vs 10.0.0.1:80/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\n  rs 10.1.0.2:8080 w1\n  rs 10.1.0.3:8080 w1\n"
                              "vs 10.0.0.2:53/UDP rr 0 0\n  rs 10.2.0.1:53 w1\n"
                              "vs 10.0.0.3:99/SCTP rr 0 0\n"
                              "vs 172.16.1.10:30080/TCP rr 0 0\n  rs 10.1.0.1:8080 w1\n  rs 10.1.0.2:8080 w1\n  rs 10.1.0.3:8080 w1\n"
                              "addr 10.0.0.1\naddr 10.0.0.2\naddr 10.0.0.3\n");
        control_put_endpoints(&c, &dns, "10.2.0.1", 2);
        before = memory_backend_n_operations(c.hand);
        control_settle(&c);
        after = memory_backend_n_operations(c.hand);
        assert_int_equal(after - before, 1); /* the one real server, and nothing is tried in vain */
        assert_int_equal(state_of(&c, &error), MANAGER_STATE_DEGRADED);
        assert_string_equal(error, "Failed to add virtual server 10.0.0.1:443/TCP: Device or resource busy");

        memory_backend_fail_server(c.hand, NULL, 0);
        control_wait(&c, is_running);
        assert_int_equal(state_of(&c, &error), MANAGER_STATE_RUNNING);
        assert_string_equal(error, "");
        control_done(&c);
}

/* No IPVS in the kernel, then it comes: nothing is written before, everything after. */
static void test_ipvs_comes_late(void **state) {
        ManagerStatus status;
        const char *error;
        Control c;

        control_init(&c);
        memory_backend_set_ipvs_missing(c.hand, true);
        control_start(&c);
        list_all(&c);
        assert_int_equal(state_of(&c, &error), MANAGER_STATE_DEGRADED);
        assert_non_null(strstr(error, "modprobe ip_vs"));
        assert_same(&c, "");
        assert_int_equal(c.backend->n_writes, 0);
        manager_status_brief(c.manager, &status);
        assert_int_equal(status.kernel_lacks, KERNEL_LACKS_IPVS);
        assert_false(status.kernel_known);
        memory_backend_set_ipvs_missing(c.hand, false);
        control_wait(&c, is_running);
        manager_status_brief(c.manager, &status);
        assert_int_equal(status.kernel_lacks, 0);
        assert_true(status.kernel_known);
        memory_backend_set_ipvs_missing(c.hand, true); /* and is unloaded while we work */
        control_put_endpoints(&c, &web, "10.1.0.1", 4);
        control_wait(&c, is_degraded);
        memory_backend_set_ipvs_missing(c.hand, false);
        control_wait(&c, is_running);
        control_done(&c);
}

static void test_permission_is_fatal(void **state) {
        Control c;

        control_init(&c);
        memory_backend_fail_every(c.hand, 1, -EPERM);
        assert_int_equal(memory_backend_share(c.hand, &c.backend), 0);
        assert_int_equal(manager_new(c.event, c.backend, &c.options, &c.manager), 0);
        assert_int_equal(manager_start(c.manager), -EPERM);
        control_done(&c);
}

/* Somebody deletes or adds what we are just about to change. */
static void steal_server(KernelBackend *backend, void *userdata) {
        IpvsOp op = { .kind = IPVS_OP_DELETE_SERVICE,
                      .service = { .key = control_key("10.0.0.1", 80, PROTOCOL_TCP) } };

        (void) memory_backend_foreign_ipvs(backend, &op);
}

static void test_others_are_quicker(void **state) {
        _cleanup_(freep) char *expected = NULL;
        Control c;

        control_init(&c);
        control_start(&c);
        list_all(&c);
        control_put_endpoints(&c, &web, "10.1.0.1", 5);
        control_settle(&c);
        expected = control_kernel_all(&c);
        for (uint64_t n = 1; n <= 4; n++) {
                control_put_endpoints(&c, &web, "10.1.0.1", 4);
                memory_backend_hook_nth(c.hand, n, steal_server, NULL);
                control_settle(&c);
                control_wait(&c, is_running);
                memory_backend_hook_nth(c.hand, n, steal_server, NULL);
                control_put_endpoints(&c, &web, "10.1.0.1", 5);
                control_settle(&c);
                control_wait(&c, is_running);
                memory_backend_hook_nth(c.hand, 1, NULL, NULL);
                audit(&c);
                assert_same(&c, expected);
        }
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_operation_fails_once),
                cmocka_unit_test(test_each_look_fails),
                cmocka_unit_test(test_states_are_true),
                cmocka_unit_test(test_every_nth_operation_fails),
                cmocka_unit_test(test_one_service_fails),
                cmocka_unit_test(test_ipvs_comes_late),
                cmocka_unit_test(test_permission_is_fatal),
                cmocka_unit_test(test_others_are_quicker),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
