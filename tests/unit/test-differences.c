/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sync would change, as the kernel is and not as it was known; and that telling it repairs nothing. */
#include "tests/unit/control-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/differences.h"
#include "control/drift.h"

static const ServiceSpec web = { .key = "a/web", .cluster_ip = "10.0.0.1", .ports = { { "http", PROTOCOL_TCP, 80, 0, 8080 } } };

static int on_difference(const Difference *difference, void *userdata) {
        FILE *file = userdata;

        (void) fprintf(file,
                       "%s %s %s%s%s\n",
                       difference->action,
                       difference->kind,
                       difference->object,
                       difference->detail[0] ? ", " : "",
                       difference->detail);
        return 0;
}

static void assert_differences(const Control *c, const char *expected) {
        uint64_t n_writes = c->backend->n_writes;
        char *text = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&text, &size);

        assert_non_null(file);
        assert_int_equal(differences_visit(c->manager, on_difference, file), 0);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(text, expected);
        free(text);
        assert_int_equal(c->backend->n_writes, n_writes);
        assert_int_equal(manager_drift(c->manager)->n_added, 0);
}

static void ipvs(const Control *c, IpvsOpKind kind, const char *ip, const char *dest, uint32_t weight) {
        IpvsOp op = { .kind = kind, .service = { .key = control_key(ip, 80, PROTOCOL_TCP), .scheduler = "rr" } };

        if (dest)
                op.dest = (RealServer) { .addr = control_port(dest, 8080), .weight = weight };
        assert_int_equal(memory_backend_foreign_ipvs(c->hand, &op), 0);
}

static void start(Control *c) {
        control_init(c);
        ipvs(c, IPVS_OP_ADD_SERVICE, "192.168.0.1", NULL, 0); /* foreign, and so no difference */
        control_start(c);
        control_list_begin(c);
        control_put_service(c, &web);
        control_put_endpoints(c, &web, "10.1.0.1", 3);
        control_list_end(c);
        control_settle(c);
}

static void test_nothing(void **state) {
        Control c;

        start(&c);
        assert_differences(&c, "");
        control_done(&c);
}

static void test_what_others_did(void **state) {
        AddressOp more = { .add = true }, gone = { .add = false };
        Control c;

        start(&c);
        assert_int_equal(ip_addr_parse("10.0.0.77", &more.addr), 0);
        assert_int_equal(ip_addr_parse("10.0.0.1", &gone.addr), 0);
        ipvs(&c, IPVS_OP_SET_DEST, "10.0.0.1", "10.1.0.1", 9);
        ipvs(&c, IPVS_OP_DELETE_DEST, "10.0.0.1", "10.1.0.2", 0);
        ipvs(&c, IPVS_OP_ADD_DEST, "10.0.0.1", "10.1.0.9", 1);
        assert_int_equal(memory_backend_foreign_address(c.hand, &more), 0);
        assert_int_equal(memory_backend_foreign_address(c.hand, &gone), 0);
        assert_differences(&c,
                           "change real-server 10.0.0.1:80/TCP -> 10.1.0.1:8080, weight 9, wanted 1\n"
                           "add real-server 10.0.0.1:80/TCP -> 10.1.0.2:8080, weight 1\n"
                           "drain real-server 10.0.0.1:80/TCP -> 10.1.0.9:8080\n"
                           "remove address 10.0.0.77\n"
                           "add address 10.0.0.1\n");
        /* And once more: nothing of the first walk is left behind. */
        ipvs(&c, IPVS_OP_DELETE_SERVICE, "10.0.0.1", NULL, 0);
        assert_differences(&c,
                           "add virtual-server 10.0.0.1:80/TCP, rr\n"
                           "add real-server 10.0.0.1:80/TCP -> 10.1.0.1:8080, weight 1\n"
                           "add real-server 10.0.0.1:80/TCP -> 10.1.0.2:8080, weight 1\n"
                           "add real-server 10.0.0.1:80/TCP -> 10.1.0.3:8080, weight 1\n"
                           "remove address 10.0.0.77\n"
                           "add address 10.0.0.1\n");
        control_done(&c);
}

static void test_filter(void **state) {
        Control c;

        start(&c);
        assert_int_equal(memory_backend_flush_filter(c.hand), 0);
        {
                char *text = NULL;
                size_t size = 0;
                FILE *file = open_memstream(&text, &size);

                assert_non_null(file);
                assert_int_equal(differences_visit(c.manager, on_difference, file), 0);
                assert_int_equal(fclose(file), 0);
                assert_non_null(strstr(text, "add filter-element "));
                assert_null(strstr(text, "real-server"));
                free(text);
        }
        control_done(&c);
}

/* A kernel that cannot be read is told, and the next walk sees all. */
static void test_failure(void **state) {
        Control c;

        start(&c);
        memory_backend_set_ipvs_missing(c.hand, true);
        assert_int_equal(differences_visit(c.manager, on_difference, stderr), -ENOPROTOOPT);
        memory_backend_set_ipvs_missing(c.hand, false);
        assert_differences(&c, "");
        control_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_what_others_did),
                cmocka_unit_test(test_filter),
                cmocka_unit_test(test_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
