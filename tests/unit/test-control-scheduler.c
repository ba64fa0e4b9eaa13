/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which scheduler the kernel has is found out by trying, at the start and when the configuration names another one. */
#include "tests/unit/control-fixture.h"

#include <errno.h>

#define PROBE_1 "vs 198.51.100.0:20000/TCP"

static const ServiceSpec web = { .key = "a/web", .cluster_ip = "10.0.0.1", .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };

static void list_web(Control *c) {
        control_list_begin(c);
        control_put_service(c, &web);
        control_list_end(c);
        control_settle(c);
}

/* What manager_start() says of a kernel with these options. */
static int start_of(Control *c) {
        int r;

        c->options.look_servers = 0; /* all of it is read at once */
        assert_int_equal(memory_backend_share(c->hand, &c->backend), 0);
        assert_int_equal(manager_new(c->event, c->backend, &c->options, &c->manager), 0);
        r = manager_start(c->manager);
        control_settle(c);
        return r;
}

static int add_foreign(const Control *c, const char *ip, uint16_t port, const char *scheduler) {
        IpvsOp op = { .kind = IPVS_OP_ADD_SERVICE, .service.key = control_key(ip, port, PROTOCOL_TCP) };

        (void) strncpy(op.service.scheduler, scheduler, sizeof(op.service.scheduler) - 1);
        return memory_backend_foreign_ipvs(c->hand, &op);
}

static void assert_text(const Control *c, const char *expected) {
        static const char *const prefixes[] = { "vs ", "  rs ", NULL };
        _cleanup_(freep) char *text = control_kernel(c, prefixes);

        assert_string_equal(text, expected);
}

/* TestCanUseIPVSProxier: happy days. Every scheduler of Linux is taken, and the trial leaves nothing behind. */
static void test_every_scheduler(void **state) {
        static const char *const names[] = { "", "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
                                             "sh", "sed", "nq", "fo", "ovf", "mh", "twos" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Control c;

                control_init(&c);
                c.options.scheduler = names[i];
                assert_int_equal(start_of(&c), 0);
                assert_text(&c, "");
                control_done(&c);
        }
}

/* TestCanUseIPVSProxier: AddVirtualServer fails. */
static void test_missing(void **state) {
        Control c;

        control_init(&c);
        c.options.scheduler = "maglev";
        assert_int_equal(start_of(&c), -ENOPKG);
        assert_text(&c, "");
        control_stop(&c);
        memory_backend_set_scheduler(c.hand, "wlc");
        c.options.scheduler = "rr";
        assert_int_equal(start_of(&c), -ENOPKG);
        control_stop(&c);
        c.options.scheduler = "wlc";
        assert_int_equal(start_of(&c), 0);
        assert_text(&c, "");
        control_done(&c);
}

/* The first look takes some turns: then the event loop ends with what would have been said at once. */
static void test_missing_later(void **state) {
        Control c;

        control_init(&c);
        c.options.scheduler = "maglev";
        assert_int_equal(add_foreign(&c, "10.9.9.1", 80, "rr"), 0);
        assert_int_equal(add_foreign(&c, "10.9.9.2", 80, "rr"), 0);
        control_start(&c);
        assert_int_equal(sd_event_loop(c.event), -ENOPKG);
        control_done(&c);
}

/* One that is in use needs no trial: nothing is written. */
static void test_in_use(void **state) {
        Control c;

        control_init(&c);
        c.options.scheduler = "sed";
        assert_int_equal(add_foreign(&c, "192.168.7.7", 80, "sed"), 0);
        assert_int_equal(start_of(&c), 0);
        list_web(&c);
        control_stop(&c);
        assert_int_equal(start_of(&c), 0);
        list_web(&c);
        assert_int_equal(c.backend->n_writes, 0);
        control_done(&c);
}

/* Never over somebody else's, be it known or made in the meantime. */
static void add_at_probe(KernelBackend *backend, void *userdata) {
        (void) add_foreign(userdata, "198.51.100.0", 20001, "lc"); /* not while ours is there */
}

static void test_foreign_stays(void **state) {
        Control c;

        control_init(&c);
        assert_int_equal(add_foreign(&c, "198.51.100.0", 20000, "wlc"), 0);
        for (uint64_t n = 1; n < 40; n++) {
                IpvsOp op = { .kind = IPVS_OP_DELETE_SERVICE,
                              .service.key = control_key("198.51.100.0", 20001, PROTOCOL_TCP) };

                memory_backend_hook_nth(c.hand, n, add_at_probe, &c);
                assert_int_equal(start_of(&c), 0);
                if (memory_backend_foreign_ipvs(c.hand, &op) == 0) /* else it ended before the hook */
                        assert_text(&c, PROBE_1 " wlc 0 0\n");
                control_stop(&c);
        }
        memory_backend_hook_nth(c.hand, 0, NULL, NULL);
        control_done(&c);
}

/* TestCanUseIPVSProxier: DeleteVirtualServer fails. What stays behind is ours, and goes as soon as things may go. */
static void test_left_behind(void **state) {
        bool was_left = false;

        for (uint64_t n = 1; n < 60; n++) {
                static const char *const prefixes[] = { "vs 198", NULL };
                char *text;
                Control c;

                control_init(&c);
                c.options.scheduler = "wrr";
                memory_backend_fail_nth(c.hand, n, -ENOMEM);
                (void) start_of(&c);
                memory_backend_fail_nth(c.hand, 0, 0);
                text = control_kernel(&c, prefixes);
                was_left = was_left || text[0];
                free(text);
                control_stop(&c);
                control_start(&c);
                list_web(&c);
                assert_text(&c, "vs 10.0.0.1:80/TCP wrr 0 0\n");
                control_done(&c);
        }
        assert_true(was_left);
}

/* A new configuration is refused with the names of those that there are; the old one stays in force. */
static void test_reload(void **state) {
        _cleanup_(freep) char *problem = NULL;
        ManagerOptions changed;
        Control c;

        control_init(&c);
        assert_int_equal(start_of(&c), 0);
        list_web(&c);
        changed = c.options;
        changed.scheduler = "best";
        assert_int_equal(manager_check_options(c.manager, &changed, &problem), -ENOPKG);
        assert_string_equal(problem,
                            "This kernel has no IPVS scheduler best (ipvs.scheduler), only rr wrr lc wlc lblc lblcr dh "
                            "sh sed nq fo ovf mh twos");
        changed.scheduler = "mh";
        assert_int_equal(manager_check_options(c.manager, &changed, &problem), 0);
        assert_int_equal(manager_reconfigure(c.manager, &changed), 0);
        control_settle(&c);
        assert_text(&c, "vs 10.0.0.1:80/TCP mh 0x18 0\n");
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_scheduler), cmocka_unit_test(test_missing),
                cmocka_unit_test(test_in_use),          cmocka_unit_test(test_foreign_stays),
                cmocka_unit_test(test_left_behind),     cmocka_unit_test(test_reload),
                cmocka_unit_test(test_missing_later),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
