/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §8.3: cluster IPs, families, affinity, real servers in step with slices (rows 39 to 51). Rows 48 and 49
 * (nothing is done to packets from loopback), 45 and 51 are rules: test-ruleset.c. Row 50, the chains' text, is
 * iptables' own.
 */
#include "tests/unit/test.h"

#include "tests/unit/world.h"

#define V4 "service ns1/svc1 ip=10.20.30.41 port=p80/TCP/80\n"
#define V6 "service ns2/svc2 ip=1002:ab8::2:1 port=p8080/TCP/8080\n"

static const WorldCase cases[] = {
        { "39 41 TestIPv4Proxier, TestIPv6Proxier: two services, each with endpoints of its family",
          V4 V6 "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1\n"
                "slice ns1/b svc=svc1 port=p80/TCP/80 ep=1009:ab8::5:6\n"
                "slice ns2/a svc=svc2 port=p8080/TCP/8080 ep=10.180.0.2\n"
                "slice ns2/b svc=svc2 port=p8080/TCP/8080 ep=1009:ab8::5:6\n",
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs [1002:ab8::2:1]:8080/TCP > [1009:ab8::5:6]:8080 : bound guarded ping service cluster\n" },
        { "40 42 TestIPv4Proxier, TestIPv6Proxier: no endpoints",
          V4 V6,
          "vs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs [1002:ab8::2:1]:8080/TCP > : bound guarded service cluster no-endpoints\n" },
        { "44 TestSessionAffinity",
          "service ns1/svc1 type=NodePort ip=10.20.30.41 ext=50.60.70.81 port=p80/TCP/80/3001 affinity=10800\n",
          "vs 10.20.30.41:80/TCP flags 0x1 timeout 10800 > : bound guarded service cluster no-endpoints\n"
          "vs 100.101.102.103:3001/TCP flags 0x1 timeout 10800 > : external no-endpoints\n"
          "vs 50.60.70.81:80/TCP flags 0x1 timeout 10800 > : bound guarded service external no-endpoints\n" },
        { "dual stack: one service in both families",
          "service ns1/svc1 ip=10.20.30.41,2020::1 port=p80/TCP/80\n"
          "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1\n"
          "slice ns1/b svc=svc1 port=p80/TCP/80 ep=1009:ab8::5:6\n",
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs [2020::1]:80/TCP > [1009:ab8::5:6]:80 : bound guarded ping service cluster\n" },
        { "ports: same number of two protocols, unnamed port, other numbers behind the names",
          "service ns1/dns ip=10.20.30.41 port=dns/UDP/53,dns-tcp/TCP/53\n"
          "service ns1/one ip=10.20.30.42 port=/TCP/80\n"
          "slice ns1/a svc=dns port=dns/UDP/1053,dns-tcp/TCP/1054 ep=10.180.0.1\n"
          "slice ns1/b svc=one port=/TCP/8080 ep=10.180.0.2\n",
          "vs 10.20.30.41:53/TCP > 10.180.0.1:1054 : bound guarded ping service cluster\n"
          "vs 10.20.30.41:53/UDP > 10.180.0.1:1053 : bound guarded ping service cluster\n"
          "vs 10.20.30.42:80/TCP > 10.180.0.2:8080 : bound guarded ping service cluster\n" },
        { "ports: name and protocol must be equal",
          "service ns1/svc1 ip=10.20.30.41 port=p80/TCP/80\n"
          "slice ns1/a svc=svc1 port=p80/UDP/80 ep=10.180.0.1\n"
          "slice ns1/b svc=svc1 port=p81/TCP/80 ep=10.180.0.2\n"
          "slice ns2/b svc=svc1 port=p80/TCP/80 ep=10.180.0.3\n",
          "vs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n" },
};

static void test_cluster_ips(void **state) {
        world_run_cases(cases, ELEMENTSOF(cases));
}

static void test_families_of_a_live_service(void **state) {
        World world;

        world_init(&world);
        world_do(&world,
                 "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1\n"
                 "slice ns1/b svc=svc1 port=p80/TCP/80 ep=1009:ab8::5:6\n");
        world_expect_plan(&world,
                          "single stack",
                          "service ns1/svc1 ip=10.20.30.41 port=p80/TCP/80\n",
                          0,
                          "add virtual server 10.20.30.41:80/TCP\nadd real server 10.20.30.41:80/TCP 10.180.0.1:80\n"
                          "bind 10.20.30.41\n");
        world_expect_plan(&world,
                          "becomes dual stack: nothing is done to the first family",
                          "service ns1/svc1 ip=10.20.30.41,2020::1 port=p80/TCP/80\n",
                          0,
                          "add virtual server [2020::1]:80/TCP\n"
                          "add real server [2020::1]:80/TCP [1009:ab8::5:6]:80\nbind 2020::1\n");
        world_expect_plan(&world,
                          "back to single stack",
                          "service ns1/svc1 ip=10.20.30.41 port=p80/TCP/80\n",
                          0,
                          "delete virtual server [2020::1]:80/TCP\nunbind 2020::1\n");
        world_done(&world);
}

/* A predecessor that was killed left weight 0 (reference §4.3); any other weight is put right too. */
static void test_update_weights_on_restart(void **state) {
        VirtualServer actual = { .key = { .addr = world_addr("10.20.30.41"), .port = 80 }, .scheduler = "rr" };
        RealServer dests[] = { { .addr = { world_addr("10.180.0.1"), 80 }, .weight = 0 },
                               { .addr = { world_addr("10.180.0.2"), 80 }, .weight = 1 } };
        World world;

        world_init(&world);
        assert_int_equal(
                kernel_table_set_server(world.table, &actual.key, &actual, dests, 2, SERVER_OWNER_US), 0);
        assert_int_equal(kernel_table_set_address(world.table, &actual.key.addr, true), 0);
        world_expect_plan(&world,
                          "43 Test_syncEndpoint_updateWeightsOnRestart",
                          V4 "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1,10.180.0.2\n",
                          0,
                          "change real server 10.20.30.41:80/TCP 10.180.0.1:80 weight 1\n");
        world_done(&world);
}

static void test_multi_port_service_bind_addr(void **state) {
        static const struct {
                const char *name, *lines, *done;
        } steps[] = {
                { "46 TestMultiPortServiceBindAddr: two ports",
                  "service ns1/svc1 ip=172.16.55.4 port=port1/TCP/1234,port2/TCP/1235\n",
                  "add virtual server 172.16.55.4:1234/TCP\nadd virtual server 172.16.55.4:1235/TCP\n"
                  "bind 172.16.55.4\n" },
                { "46 TestMultiPortServiceBindAddr: one port more",
                  "service ns1/svc1 ip=172.16.55.4 port=port1/TCP/1234,port2/TCP/1235,port3/UDP/1236\n",
                  "add virtual server 172.16.55.4:1236/UDP\n" },
                { "46 TestMultiPortServiceBindAddr: one port left",
                  "service ns1/svc1 ip=172.16.55.4 port=port3/UDP/1236\n",
                  "delete virtual server 172.16.55.4:1234/TCP\ndelete virtual server 172.16.55.4:1235/TCP\n" },
                { "46 TestMultiPortServiceBindAddr: removed",
                  "remove service ns1/svc1\n",
                  "delete virtual server 172.16.55.4:1236/UDP\nunbind 172.16.55.4\n" },
        };
        World world;

        world_init(&world);
        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                world_expect_plan(&world, steps[i].name, steps[i].lines, 0, steps[i].done);
        world_done(&world);
}

static void test_endpoint_slice_e2e(void **state) {
        World world;

        world_init(&world);
        world_do(&world, "service ns1/svc1 ip=172.20.1.1 port=/TCP/80\n");
        world_expect(&world,
                     "47 TestEndpointSliceE2E: three ready, one of them here, and one not ready",
                     "slice ns1/svc1-abc svc=svc1 port=/TCP/80 "
                     "ep=10.0.1.1@testnode,10.0.1.2@node2,10.0.1.3@node3,10.0.1.4@node4~n\n",
                     "hairpin 10.0.1.1:80/tcp\n"
                     "vs 172.20.1.1:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.3:80 : bound guarded ping service cluster\n");
        world_expect(&world,
                     "47 TestEndpointSliceE2E: the slice is gone",
                     "remove slice ns1/svc1-abc\n",
                     "vs 172.20.1.1:80/TCP > : bound guarded service cluster no-endpoints\n");
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cluster_ips),
                cmocka_unit_test(test_families_of_a_live_service),
                cmocka_unit_test(test_update_weights_on_restart),
                cmocka_unit_test(test_multi_port_service_bind_addr),
                cmocka_unit_test(test_endpoint_slice_e2e),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
