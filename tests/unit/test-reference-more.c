/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §8.10: what kube-proxy has no test for. Elsewhere: source ranges and moving external IPs
 * (test-reference-external.c), drains (test-reference-servers.c), addresses of the node (test-reference-node.c).
 */
#include "tests/unit/test.h"

#include "tests/unit/world.h"

#define SERVICE "service ns/a ip=10.0.0.1 port=p/TCP/80\n"
#define SERVED(dests) "vs 10.0.0.1:80/TCP > " dests " : bound guarded ping service cluster\n"

static const WorldCase cases[] = {
        { "a named port with other numbers in two slices",
          SERVICE "slice ns/a svc=a port=p/TCP/8080 ep=10.1.0.1\nslice ns/b svc=a port=p/TCP/9090 ep=10.1.0.1,10.1.0.2\n",
          SERVED("10.1.0.1:8080 10.1.0.1:9090 10.1.0.2:9090") },
        { "the same endpoint in two slices, terminating in the second",
          SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1\nslice ns/b svc=a port=p/TCP/80 ep=10.1.0.1~x,10.1.0.2\n",
          SERVED("10.1.0.1:80 10.1.0.2:80") },
        { "the same endpoint in two slices, terminating in the first",
          SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1~x,10.1.0.2\nslice ns/b svc=a port=p/TCP/80 ep=10.1.0.1\n",
          SERVED("10.1.0.1:80 10.1.0.2:80") },
        { "zone hints: ours alone",
          "node zone=z1\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z1,10.1.0.2%z2,10.1.0.3%z2+z1\n",
          SERVED("10.1.0.1:80 10.1.0.3:80") },
        { "zone hints: one ready endpoint without disables them",
          "node zone=z1\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z1,10.1.0.2%z2,10.1.0.3\n",
          SERVED("10.1.0.1:80 10.1.0.2:80 10.1.0.3:80") },
        { "zone hints: one that is not ready does not",
          "node zone=z1\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z1,10.1.0.2%z2,10.1.0.3~n,10.1.0.4~t\n",
          SERVED("10.1.0.1:80") },
        { "zone hints: none names our zone",
          "node zone=z3\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z1,10.1.0.2%z2\n",
          SERVED("10.1.0.1:80 10.1.0.2:80") },
        { "zone hints: our zone is unknown",
          SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z1,10.1.0.2%z2\n",
          SERVED("10.1.0.1:80 10.1.0.2:80") },
        { "node hints before zone hints",
          "node zone=z1\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z2&testnode,10.1.0.2%z1&node2\n",
          SERVED("10.1.0.1:80") },
        { "node hints: none names this node, zone hints do",
          "node zone=z1\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z2&node3,10.1.0.2%z1&node2\n",
          SERVED("10.1.0.2:80") },
        { "node hints: one endpoint without",
          SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1&testnode,10.1.0.2\n",
          SERVED("10.1.0.1:80 10.1.0.2:80") },
        { "hints: no ready endpoint, all that serve",
          "node zone=z1\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1~t%z1,10.1.0.2~t%z2\n",
          SERVED("10.1.0.1:80 10.1.0.2:80") },
        { "hints: not under policy Local",
          "node zone=z1\nservice ns/a ip=10.0.0.1 port=p/TCP/80 itp=Local\n"
          "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1@testnode%z2,10.1.0.2%z1\n",
          "hairpin 10.1.0.1:80/tcp\n" SERVED("10.1.0.1:80") },
        { "hints: of external traffic under policy Cluster as well",
          "node zone=z1\nservice ns/a type=NodePort ip=10.0.0.1 port=p/TCP/80/3001\n"
          "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z2,10.1.0.2%z1\n",
          SERVED("10.1.0.2:80") "vs 100.101.102.103:3001/TCP > 10.1.0.2:80 : external\n" },
        { "the older Service has the address; the other one is told",
          "service ns/young ip=10.0.0.2 ext=50.0.0.1 port=p/TCP/80 created=7\n"
          "service ns/old ip=10.0.0.1 ext=50.0.0.1 port=p/TCP/80 created=6\n"
          "slice ns/a svc=young port=p/TCP/80 ep=10.1.0.1\nslice ns/b svc=old port=p/TCP/80 ep=10.1.0.2\n",
          "refused ns/young:p 50.0.0.1:80/TCP Conflict\n" SERVED("10.1.0.2:80")
          "vs 10.0.0.2:80/TCP > 10.1.0.1:80 : bound guarded ping service cluster\n"
          "vs 50.0.0.1:80/TCP > 10.1.0.2:80 : bound guarded ping service external\n" },
        { "the same address with another port or protocol is no conflict",
          "service ns/young ip=10.0.0.2 ext=50.0.0.1 port=p/UDP/80,q/TCP/81 created=7\n"
          "service ns/old ip=10.0.0.1 ext=50.0.0.1 port=p/TCP/80 created=6\n",
          "vs 10.0.0.1:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 10.0.0.2:80/UDP > : bound guarded service cluster no-endpoints\n"
          "vs 10.0.0.2:81/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 50.0.0.1:80/TCP > : bound guarded service external no-endpoints\n"
          "vs 50.0.0.1:80/UDP > : bound guarded service external no-endpoints\n"
          "vs 50.0.0.1:81/TCP > : bound guarded service external no-endpoints\n" },
        { "an address, port and protocol that a service asks for twice",
          "service ns/a type=NodePort ip=10.0.0.1 ext=100.101.102.103,10.0.0.1 port=p/TCP/80/80,q/TCP/80\n",
          "vs 10.0.0.1:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 100.101.102.103:80/TCP > : service external no-endpoints\n" },
};

static void test_cases(void **state) {
        world_run_cases(cases, ELEMENTSOF(cases));
}

static void test_zone_label_changes(void **state) {
        World world;

        world_init(&world);
        world_expect(&world,
                     "zone 1",
                     "node zone=z1\n" SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1%z1,10.1.0.2%z2\n",
                     SERVED("10.1.0.1:80"));
        world_expect(&world, "zone 2", "node zone=z2\n", SERVED("10.1.0.2:80"));
        world_expect(&world, "no zone", "node zone=\n", SERVED("10.1.0.1:80 10.1.0.2:80"));
        world_done(&world);
}

static void test_service_proxy_name_on_a_live_service(void **state) {
        World world;

        world_init(&world);
        world_do(&world, SERVICE "slice ns/a svc=a port=p/TCP/80 ep=10.1.0.1\n");
        free(world_program(&world, 0));
        world_expect_plan(&world,
                          "label appears",
                          "service ns/a ip=10.0.0.1 port=p/TCP/80 proxy\n",
                          0,
                          "delete virtual server 10.0.0.1:80/TCP\nunbind 10.0.0.1\n");
        world_expect(&world, "nothing is left", "", "");
        world_expect_plan(&world,
                          "label goes",
                          SERVICE,
                          0,
                          "add virtual server 10.0.0.1:80/TCP\nadd real server 10.0.0.1:80/TCP 10.1.0.1:80\nbind 10.0.0.1\n");
        world_done(&world);
}

static void test_udp_conntrack(void **state) {
#define UDP "service ns/a type=NodePort ip=10.0.0.1 port=p/UDP/53/3001\n"
        World world;

        world_init(&world);
        world_expect_plan(&world,
                          "no endpoints: no entry is touched",
                          UDP,
                          0,
                          "add virtual server 10.0.0.1:53/UDP\nadd virtual server 100.101.102.103:3001/UDP\nbind 10.0.0.1\n");
        world_expect_plan(&world,
                          "the first endpoint: those that were sent on untranslated, node port too",
                          "slice ns/a svc=a port=p/UDP/53 ep=10.1.0.1\n",
                          0,
                          "add real server 10.0.0.1:53/UDP 10.1.0.1:53\n"
                          "add real server 100.101.102.103:3001/UDP 10.1.0.1:53\n"
                          "flush 10.0.0.1:53/UDP untranslated\nflush 100.101.102.103:3001/UDP untranslated\n");
        world_expect_plan(&world,
                          "pod replaced",
                          "slice ns/a svc=a port=p/UDP/53 ep=10.1.0.2\n",
                          0,
                          "delete real server 10.0.0.1:53/UDP 10.1.0.1:53\nadd real server 10.0.0.1:53/UDP 10.1.0.2:53\n"
                          "delete real server 100.101.102.103:3001/UDP 10.1.0.1:53\n"
                          "add real server 100.101.102.103:3001/UDP 10.1.0.2:53\n"
                          "flush 10.0.0.1:53/UDP 10.1.0.1:53\nflush 100.101.102.103:3001/UDP 10.1.0.1:53\n");
        world_expect_plan(&world,
                          "removed",
                          "remove service ns/a\n",
                          0,
                          "delete virtual server 10.0.0.1:53/UDP\ndelete virtual server 100.101.102.103:3001/UDP\n"
                          "flush 10.0.0.1:53/UDP 10.1.0.2:53\nflush 100.101.102.103:3001/UDP 10.1.0.2:53\n"
                          "unbind 10.0.0.1\n");
        world_done(&world);
}

/* Node addresses that appear and vanish between two syncs. */
static void test_node_address_comes_and_goes(void **state) {
        World world;

        world_init(&world);
        world_do(&world, "service ns/a type=NodePort ip=10.0.0.1 port=p/TCP/80/3001\n");
        free(world_program(&world, 0));
        world_expect_plan(&world, "appears", "host " WORLD_NODE_IP ",172.16.0.1\n", 0, "add virtual server 172.16.0.1:3001/TCP\n");
        world_expect_plan(&world, "vanishes", "host 172.16.0.1\n", 0, "delete virtual server " WORLD_NODE_IP ":3001/TCP\n");
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_zone_label_changes),
                cmocka_unit_test(test_service_proxy_name_on_a_live_service),
                cmocka_unit_test(test_udp_conntrack),
                cmocka_unit_test(test_node_address_comes_and_goes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
