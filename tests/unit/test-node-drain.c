/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drain of the whole node: it begins, is done and ends, outlives the daemon, and is refused where it cannot be kept. */
#include "tests/unit/control-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "control/node-drain.h"

static const ServiceSpec web = { .key = "a/web", .cluster_ip = "10.0.0.1", .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };

static void start(Control *c) {
        control_start(c);
        control_list_begin(c);
        control_put_service(c, &web);
        control_put_endpoints(c, &web, "10.1.0.1", 1);
        control_list_end(c);
        control_settle(c);
}

static ManagerStatus status_of(const Control *c) {
        ManagerStatus status;

        manager_status(c->manager, &status);
        return status;
}

static uint64_t in_an_hour(const Control *c) {
        uint64_t now;

        assert_true(sd_event_now(c->event, CLOCK_REALTIME, &now) >= 0);
        return now + 3600 * USEC_PER_SEC;
}

static void test_restart(void **state) {
        Control c;
        uint64_t deadline;

        control_init(&c);
        start(&c);
        assert_int_equal(manager_end_drain(c.manager), -ESRCH);
        deadline = in_an_hour(&c);
        assert_int_equal(manager_begin_drain(c.manager, 1), -ERANGE);
        assert_int_equal(manager_begin_drain(c.manager, deadline), 0);
        assert_int_equal(manager_begin_drain(c.manager, deadline), -EALREADY);
        assert_true(manager_is_draining(c.manager));
        control_stop(&c);

        /* At once, before anything is listed: a health check that said yes in between would bring connections. */
        control_start(&c);
        assert_true(manager_is_draining(c.manager));
        assert_int_equal(status_of(&c).drain_deadline_usec, deadline);
        control_stop(&c);
        start(&c);
        assert_int_equal(status_of(&c).state, MANAGER_STATE_DRAINING);
        assert_int_equal(manager_end_drain(c.manager), 0);
        assert_false(manager_is_draining(c.manager));
        control_stop(&c);
        start(&c);
        assert_false(manager_is_draining(c.manager));
        control_done(&c);
}

/* Nobody can say that no connection is left before the kernel was read. */
static void test_not_done_before_the_first_look(void **state) {
        Control c;

        control_init(&c);
        control_start(&c);
        assert_int_equal(manager_begin_drain(c.manager, 0), 0);
        assert_string_equal(status_of(&c).drain_state, "draining");
        control_stop(&c);
        start(&c);
        assert_true(manager_is_draining(c.manager));
        control_done(&c);
}

static void put_file(const Control *c, const char *text) {
        char path[64];
        FILE *file;

        (void) snprintf(path, sizeof(path), "%s/node-drain", c->directory);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

/* Somebody drained this node: what can be understood of the file does not change that. */
static void test_damaged_file(void **state) {
        static const char *const texts[] = { "", "\n", "soon\n", "99999999999999999999999999999999999999999\n", "1 2\n" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Control c;

                control_init(&c);
                put_file(&c, texts[i]);
                start(&c);
                assert_true(manager_is_draining(c.manager));
                assert_int_equal(status_of(&c).drain_deadline_usec, 0);
                assert_int_equal(manager_end_drain(c.manager), 0);
                control_done(&c);
        }
}

/* A deadline that passed while no daemon ran: it is done, and the node does not serve again by itself. */
static void test_deadline_passed_meanwhile(void **state) {
        Control c;

        control_init(&c);
        put_file(&c, "1000000\n");
        start(&c);
        assert_string_equal(status_of(&c).drain_state, "done");
        control_done(&c);
}

static void test_cannot_be_kept(void **state) {
        Control c;
        char path[64];

        control_init(&c);
        start(&c);
        (void) snprintf(path, sizeof(path), "%s/node-drain.new", c.directory);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(manager_begin_drain(c.manager, 0), -EISDIR);
        assert_false(manager_is_draining(c.manager));
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(manager_begin_drain(c.manager, 0), 0);
        assert_int_equal(manager_end_drain(c.manager), 0);
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_restart),      cmocka_unit_test(test_not_done_before_the_first_look),
                cmocka_unit_test(test_damaged_file), cmocka_unit_test(test_deadline_passed_meanwhile),
                cmocka_unit_test(test_cannot_be_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
