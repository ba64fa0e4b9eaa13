/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §8.6 and §8.8: virtual servers that are there already, and real servers that leave (rows 81 to 93 and 109 to
 * 113). Deliberately otherwise (DESIGN §7): what is not ours is never deleted, excluded or not. Connections of a real
 * server are read by control/drain.c: of rows 109 to 111 the plan's part is weight 0 and a deadline. SCTP drains like
 * TCP here, for an association must survive (user-needs P45).
 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "tests/unit/world.h"

#define SECOND UINT64_C(1000000)

static VirtualServer server(const char *addr, uint16_t port, Protocol protocol) {
        return (VirtualServer) {
                .key = { .addr = world_addr(addr), .port = port, .protocol = (uint8_t) protocol },
                .scheduler = "rr",
        };
}

static void enter(World *world, const VirtualServer *actual, const char *dest, uint32_t weight, ServerOwner owner) {
        RealServer real = { .weight = weight };

        if (dest)
                real.addr = (IpPort) { world_addr(dest), actual->key.port };
        assert_int_equal(kernel_table_set_server(world->table, &actual->key, actual, &real, dest ? 1 : 0, owner), 0);
}

/* ---- §8.6 */

static void test_sync_service(void **state) {
        static const struct {
                const char *name;
                Protocol protocol;
                bool there, bound;
                uint32_t flags, timeout;
                const char *scheduler, *done;
        } cases[] = {
                { "81 Test_syncService 0: equal", PROTOCOL_TCP, true, true, 0, 0, "rr", "" },
                { "82 Test_syncService 1: persistence", PROTOCOL_TCP, true, true, 1, 100, "rr",
                  "change virtual server 1.2.3.4:80/TCP\n" },
                { "83 Test_syncService 2: scheduler", PROTOCOL_TCP, true, true, 0, 0, "wlc",
                  "change virtual server 1.2.3.4:80/TCP\n" },
                { "84 Test_syncService 3: new", PROTOCOL_UDP, false, false, 0, 0, "rr",
                  "add virtual server 1.2.3.4:80/UDP\nbind 1.2.3.4\n" },
                { "85 Test_syncService 4: SCTP, equal", PROTOCOL_SCTP, true, true, 0, 0, "rr", "" },
                { "86 Test_syncService 5: SCTP, flags", PROTOCOL_SCTP, true, true, 0x10, 0, "rr",
                  "change virtual server 1.2.3.4:80/SCTP\n" },
                { "87 Test_syncService 6: SCTP, scheduler", PROTOCOL_SCTP, true, true, 0, 0, "wlc",
                  "change virtual server 1.2.3.4:80/SCTP\n" },
                { "88 Test_syncService 7: SCTP, new", PROTOCOL_SCTP, false, false, 0, 0, "rr",
                  "add virtual server 1.2.3.4:80/SCTP\nbind 1.2.3.4\n" },
                { "89 Test_syncService 8: bound already", PROTOCOL_SCTP, false, true, 0, 0, "rr",
                  "add virtual server 1.2.3.4:80/SCTP\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                VirtualServer actual = server("1.2.3.4", 80, cases[i].protocol);
                char lines[128];
                World world;

                world_init(&world);
                actual.flags = cases[i].flags;
                actual.timeout_sec = cases[i].timeout;
                strcpy(actual.scheduler, cases[i].scheduler);
                if (cases[i].there)
                        enter(&world, &actual, NULL, 0, SERVER_OWNER_US);
                if (cases[i].bound)
                        assert_int_equal(kernel_table_set_address(world.table, &actual.key.addr, true), 0);
                (void) snprintf(lines, sizeof(lines), "service ns/a ip=1.2.3.4 port=/%s/80\n", protocol_to_kube(cases[i].protocol));
                world_expect_plan(&world, cases[i].name, lines, 0, cases[i].done);
                world_done(&world);
        }
}

/* Two services' own, two foreign ones and two of ours that nobody wants; of both families. */
static void test_clean_legacy_service(void **state) {
        const VirtualServer foreign = server("3.3.3.3", 55, PROTOCOL_UDP), foreign6 = server("3000::2", 56, PROTOCOL_UDP);
        const VirtualServer legacy = server("5.5.5.5", 57, PROTOCOL_TCP), legacy6 = server("5000::1", 58, PROTOCOL_TCP);
        World world;

        world_init(&world);
        world_do(&world, "service ns/a ip=1.1.1.1,1000::1 port=/TCP/53\n");
        free(world_program(&world, 0));
        enter(&world, &foreign, "10.9.0.1", 1, SERVER_OWNER_FOREIGN);
        enter(&world, &foreign6, "1009::1", 7, SERVER_OWNER_FOREIGN);
        enter(&world, &legacy, "10.9.0.2", 1, SERVER_OWNER_US);
        enter(&world, &legacy6, "1009::2", 1, SERVER_OWNER_US);
        world_expect_plan(&world,
                          "90 93 TestCleanLegacyService, TestCleanLegacyService6",
                          "",
                          0,
                          "delete virtual server 5.5.5.5:57/TCP\ndelete virtual server [5000::1]:58/TCP\n");
        /* 91 TestCleanLegacyServiceWithRealServers: they go with it, none is left behind */
        assert_null(kernel_table_server(world.table, &legacy.key));
        /* 92 TestCleanLegacyRealServersExcludeCIDRs */
        assert_int_equal(kernel_table_server(world.table, &foreign.key)->n_dests, 1);
        assert_int_equal(kernel_table_server(world.table, &foreign6.key)->dests[0].server.weight, 7);
        world_done(&world);
}

/* A wish for what somebody else has is refused; it is served once that is gone, with its filter elements. */
static void test_foreign_server(void **state) {
        const VirtualServer foreign = server("1.1.1.1", 53, PROTOCOL_TCP);
        World world;

        world_init(&world);
        enter(&world, &foreign, "10.9.0.1", 1, SERVER_OWNER_FOREIGN);
        world_expect(&world,
                     "in the way",
                     "service ns/a ip=1.1.1.1 port=/TCP/53\n",
                     "refused ns/a 1.1.1.1:53/TCP ForeignVirtualServer\n");
        world_expect_plan(&world, "not touched", "", 0, "");
        assert_int_equal(kernel_table_set_server(world.table, &foreign.key, NULL, NULL, 0, SERVER_OWNER_US), 0);
        world_expect(&world, "gone", "", "vs 1.1.1.1:53/TCP > : bound guarded service cluster no-endpoints\n");
        free(world_program(&world, 0));
        enter(&world, &foreign, "10.9.0.1", 1, SERVER_OWNER_FOREIGN);
        world_expect(&world, "back again", "", "refused ns/a 1.1.1.1:53/TCP ForeignVirtualServer\n");
        world_done(&world);
}

/* ---- §8.8 */

#define SERVICE(protocol) "service ns/a ip=1.1.1.1 port=/" protocol "/53\n"
#define SLICE(protocol, endpoints) "slice ns/a svc=a port=/" protocol "/53 ep=" endpoints "\n"

static void test_graceful_termination(void **state) {
        static const struct {
                const char *name, *before, *after;
                uint64_t drain_usec;
                const char *done;
        } cases[] = {
                { "109 without waiting", SERVICE("TCP") SLICE("TCP", "10.0.0.1,10.0.0.2"), SLICE("TCP", "10.0.0.2"), 0,
                  "delete real server 1.1.1.1:53/TCP 10.0.0.1:53\n" },
                { "110 111 TCP drains", SERVICE("TCP") SLICE("TCP", "10.0.0.1,10.0.0.2"), SLICE("TCP", "10.0.0.2"), SECOND,
                  "change real server 1.1.1.1:53/TCP 10.0.0.1:53 weight 0\n" },
                { "112 UDP leaves at once", SERVICE("UDP") SLICE("UDP", "10.0.0.1,10.0.0.2"), SLICE("UDP", "10.0.0.2"),
                  SECOND, "delete real server 1.1.1.1:53/UDP 10.0.0.1:53\nflush 1.1.1.1:53/UDP 10.0.0.1:53\n" },
                { "P45 SCTP drains", SERVICE("SCTP") SLICE("SCTP", "10.0.0.1,10.0.0.2"), SLICE("SCTP", "10.0.0.2"), SECOND,
                  "change real server 1.1.1.1:53/SCTP 10.0.0.1:53 weight 0\n" },
                { "113 another port is another real server", SERVICE("TCP") SLICE("TCP", "10.0.0.1"),
                  "slice ns/a svc=a port=/TCP/54 ep=10.0.0.1\n", SECOND,
                  "change real server 1.1.1.1:53/TCP 10.0.0.1:53 weight 0\n"
                  "add real server 1.1.1.1:53/TCP 10.0.0.1:54\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                World world;

                world_init(&world);
                world_do(&world, cases[i].before);
                free(world_program(&world, cases[i].drain_usec));
                world_expect_plan(&world, cases[i].name, cases[i].after, cases[i].drain_usec, cases[i].done);
                world_done(&world);
        }
}

/* 8.10: a real server that comes back while it drains, and one whose virtual server goes meanwhile. */
static void test_drain_and_return(void **state) {
        const VirtualServer vs = server("1.1.1.1", 53, PROTOCOL_TCP);
        const IpPort dest = { world_addr("10.0.0.1"), 53 };
        World world;

        world_init(&world);
        world_do(&world, SERVICE("TCP") SLICE("TCP", "10.0.0.1"));
        free(world_program(&world, SECOND));
        world_expect_plan(&world, "leaves", "remove slice ns/a\n", SECOND,
                          "change real server 1.1.1.1:53/TCP 10.0.0.1:53 weight 0\n");
        assert_int_equal(server_state_find_dest(kernel_table_server(world.table, &vs.key), &dest)->drain_usec, 1 + SECOND);
        world_expect_plan(&world, "is back with its connections", SLICE("TCP", "10.0.0.1"), SECOND,
                          "change real server 1.1.1.1:53/TCP 10.0.0.1:53 weight 1\n");
        assert_int_equal(server_state_find_dest(kernel_table_server(world.table, &vs.key), &dest)->drain_usec, 0);
        world_expect_plan(&world, "leaves again", "remove slice ns/a\n", SECOND,
                          "change real server 1.1.1.1:53/TCP 10.0.0.1:53 weight 0\n");
        world_expect_plan(&world, "its service goes: it is waited for, and so is the address", "remove service ns/a\n", SECOND, "");
        assert_non_null(kernel_table_server(world.table, &vs.key));
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sync_service),   cmocka_unit_test(test_clean_legacy_service),
                cmocka_unit_test(test_foreign_server), cmocka_unit_test(test_graceful_termination),
                cmocka_unit_test(test_drain_and_return),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
