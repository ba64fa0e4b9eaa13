/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §8.4: external and load-balancer IPs (rows 52 to 61). KUBE-EXTERNAL-IP and KUBE-LOAD-BALANCER are external,
 * their -LOCAL forms the lack of it; LOAD-BALANCER-FW is firewalled. Rows 58 and 61: an ingress IP with ipMode Proxy is
 * left out by the decoder, the gate is gone; what is here has none. Deliberately otherwise (issue 4): 127.0.0.1 of row
 * 53 is refused.
 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "tests/unit/world.h"

#define SLICE "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1\n"
#define TWO_NODES "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1@testnode,10.180.1.1@otherhost\n"
#define LB "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 lb=1.2.3.4 port=p80/TCP/80"
#define CLUSTER "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n"

static const WorldCase cases[] = {
        { "52 TestExternalIPsNoEndpoint",
          "service ns1/svc1 ip=10.20.30.41 ext=50.60.70.81 port=p80/TCP/80\n",
          "vs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 50.60.70.81:80/TCP > : bound guarded service external no-endpoints\n" },
        { "53 TestExternalIPs",
          "service ns1/svc1 ip=10.20.30.41 ext=50.60.70.81,2012::51,127.0.0.1 port=p80/TCP/80\n" SLICE,
          "refused ns1/svc1 127.0.0.1 LoopbackAddress\n" CLUSTER
          "vs 50.60.70.81:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n" },
        { "54 TestOnlyLocalExternalIPs",
          "service ns1/svc1 type=NodePort ip=10.20.30.41 ext=50.60.70.81 port=p80/TCP/80 etp=Local\n" TWO_NODES,
          "hairpin 10.180.0.1:80/tcp\n"
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 10.180.1.1:80 : bound guarded ping service cluster\n"
          "vs 50.60.70.81:80/TCP > 10.180.0.1:80 : bound guarded ping service\n" },
        { "55 59 60 TestLoadBalancer",
          LB "\n" SLICE,
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n" CLUSTER },
        { "56 TestLoadBalancerSourceRanges",
          LB " ranges=10.0.0.0/8\n" SLICE,
          "range 1.2.3.4:80/tcp 10.0.0.0/8\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n" CLUSTER },
        { "57 TestOnlyLocalLoadBalancing",
          LB " etp=Local\n" TWO_NODES,
          "hairpin 10.180.0.1:80/tcp\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service\n"
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 10.180.1.1:80 : bound guarded ping service cluster\n" },
        { "external IPs of every type, refused ones are named",
          "service ns1/svc1 ip=10.20.30.41,2020::1 port=p80/TCP/80,p81/TCP/81 "
          "ext=224.0.0.1,0.0.0.0,169.254.1.1,::1,fe80::1,ff02::1,::\n",
          "refused ns1/svc1 0.0.0.0 UnspecifiedAddress\n"
          "refused ns1/svc1 169.254.1.1 LinkLocalAddress\n"
          "refused ns1/svc1 224.0.0.1 MulticastAddress\n"
          "refused ns1/svc1 :: UnspecifiedAddress\n"
          "refused ns1/svc1 ::1 LoopbackAddress\n"
          "refused ns1/svc1 fe80::1 LinkLocalAddress\n"
          "refused ns1/svc1 ff02::1 MulticastAddress\n"
          "vs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 10.20.30.41:81/TCP > : bound guarded service cluster no-endpoints\n"
          "vs [2020::1]:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs [2020::1]:81/TCP > : bound guarded service cluster no-endpoints\n" },
        { "an address of another node is refused where all nodes are watched",
          "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 lb=172.16.1.11,100.101.102.103 ext=172.16.1.12 port=p80/TCP/80\n"
          "host 100.101.102.103\n"
          "nodes testnode=100.101.102.103 n2=172.16.1.11,100.101.102.103 n3=172.16.1.12,172.16.1.13\n" SLICE,
          "refused ns1/svc1 172.16.1.11 NodeAddress\n"
          "refused ns1/svc1 172.16.1.12 NodeAddress\n"
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:80/TCP > 10.180.0.1:80 : service external\n" },
        { "and served where they are not",
          "service ns1/svc1 ip=10.20.30.41 ext=172.16.1.12 port=p80/TCP/80\n" SLICE,
          CLUSTER "vs 172.16.1.12:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n" },
        { "an address of the node is served and neither bound nor guarded",
          "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 lb=100.101.102.103 ext=50.60.70.81 port=p80/TCP/80\n" SLICE,
          CLUSTER "vs 100.101.102.103:80/TCP > 10.180.0.1:80 : service external\n"
                  "vs 50.60.70.81:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n" },
        { "a cluster IP is bound whoever else has it",
          "host 100.101.102.103,10.20.30.41\nservice ns1/svc1 ip=10.20.30.41 port=p80/TCP/80\n" SLICE,
          CLUSTER },
        { "source ranges hold for an address that is external and of the load balancer",
          LB " ext=1.2.3.4 ranges=10.0.0.0/8\n" SLICE,
          "range 1.2.3.4:80/tcp 10.0.0.0/8\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n" CLUSTER },
        { "source ranges: not for other addresses, nor for another service's port on the same one",
          "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 lb=1.2.3.4 ext=50.60.70.81 port=p80/TCP/80/3001 "
          "ranges=10.0.0.0/8\n"
          "service ns1/svc2 type=LoadBalancer ip=10.20.30.42 lb=1.2.3.4 port=p81/TCP/81\n" SLICE,
          "range 1.2.3.4:80/tcp 10.0.0.0/8\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n"
          "vs 1.2.3.4:81/TCP > : bound guarded ping service external no-endpoints\n" CLUSTER
          "vs 10.20.30.42:81/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 100.101.102.103:3001/TCP > 10.180.0.1:80 : external\n"
          "vs 50.60.70.81:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n" },
        { "source ranges: /0 is everybody, whatever else is said (8.10)",
          LB " ranges=10.0.0.0/8,0.0.0.0/0\n" SLICE,
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n" CLUSTER },
        { "source ranges: one inside of another is said by the other",
          LB " ranges=10.1.0.0/16,10.0.0.0/8,10.2.3.4/32,11.0.0.0/8,10.0.0.0/8,10.0.0.0/24\n" SLICE,
          "range 1.2.3.4:80/tcp 10.0.0.0/8\nrange 1.2.3.4:80/tcp 11.0.0.0/8\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n" CLUSTER },
        { "source ranges: the node itself comes from the service address (8.10, SOURCE-IP)",
          LB " ranges=100.101.102.0/24\n" SLICE,
          "range 1.2.3.4:80/tcp 1.2.3.4/32\nrange 1.2.3.4:80/tcp 100.101.102.0/24\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n" CLUSTER },
        { "source ranges: the service address is in a range anyway",
          LB " ranges=100.101.102.0/24,1.2.0.0/16\n" SLICE,
          "range 1.2.3.4:80/tcp 1.2.0.0/16\nrange 1.2.3.4:80/tcp 100.101.102.0/24\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n" CLUSTER },
        { "source ranges: a family without one is open, as in kube-proxy",
          "service ns1/svc1 type=LoadBalancer ip=10.20.30.41,2020::1 lb=1.2.3.4,2012::51 port=p80/TCP/80 "
          "ranges=fd00::/8\n" SLICE,
          "range [2012::51]:80/tcp fd00::/8\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n" CLUSTER
          "vs [2012::51]:80/TCP > : bound guarded service external no-endpoints firewalled\n"
          "vs [2020::1]:80/TCP > : bound guarded service cluster no-endpoints\n" },
        { "source ranges: a list of which nothing can be read lets nobody in",
          LB " ranges=nonsense\n" SLICE,
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n" CLUSTER },
        { "source ranges: what cannot be read is left out",
          LB " ranges=nonsense,10.0.0.0/8\n" SLICE,
          "range 1.2.3.4:80/tcp 10.0.0.0/8\n"
          "vs 1.2.3.4:80/TCP > 10.180.0.1:80 : bound guarded ping service external firewalled\n" CLUSTER },
};

static void test_external(void **state) {
        world_run_cases(cases, ELEMENTSOF(cases));
}

/* 8.10: an external IP that is a node address, and moves. */
static void test_host_address_comes_and_goes(void **state) {
        World world;

        world_init(&world);
        world_do(&world, SLICE);
        world_expect_plan(&world,
                          "bound at first",
                          "service ns1/svc1 ip=10.20.30.41 ext=50.60.70.81 port=p80/TCP/80\n",
                          0,
                          "add virtual server 10.20.30.41:80/TCP\nadd real server 10.20.30.41:80/TCP 10.180.0.1:80\n"
                          "add virtual server 50.60.70.81:80/TCP\nadd real server 50.60.70.81:80/TCP 10.180.0.1:80\n"
                          "bind 10.20.30.41\nbind 50.60.70.81\n");
        world_expect_plan(
                &world, "another device has it now", "host 50.60.70.81," WORLD_NODE_IP "\n", 0, "unbind 50.60.70.81\n");
        world_expect_plan(&world, "and no longer", "host " WORLD_NODE_IP "\n", 0, "bind 50.60.70.81\n");
        world_done(&world);
}

/* Narrowing and widening leave in the transaction that brings the new range, before it. */
static void test_ranges_are_exchanged(void **state) {
        static const char *const ranges[] = { "10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8" };
        World world;

        world_init(&world);
        world_do(&world, LB " ranges=10.2.0.0/16\n");
        free(world_program(&world, 0));
        for (size_t i = 0; i < ELEMENTSOF(ranges); i++) {
                _cleanup_(plan_done) Plan plan = {};
                PlanOptions options = { .may_remove = true };
                char lines[128];

                (void) snprintf(lines, sizeof(lines), LB " ranges=%s\n", ranges[i]);
                world_do(&world, lines);
                world_run(&world);
                assert_int_equal(plan_make(&plan, world.table, &options), 0);
                assert_int_equal(plan.elements_added.n_items, 2);
                assert_false(plan.elements_added.items[0].add);
                assert_true(plan.elements_added.items[1].add);
                assert_int_equal(plan.elements_removed.n_items, 0);
                assert_int_equal(plan_commit(&plan, world.table), 0);
        }
        world_done(&world);
}

/* Nodes that come, go and change their addresses. */
static void test_cluster_nodes(void **state) {
        static const char served[] = CLUSTER "vs 172.16.1.12:80/TCP > 10.180.0.1:80 : bound guarded ping service external\n";
        static const char refused[] = "refused ns1/svc1 172.16.1.12 NodeAddress\n" CLUSTER;
        World world;

        world_init(&world);
        world_expect(&world, "no nodes", "nodes \nservice ns1/svc1 ip=10.20.30.41 ext=172.16.1.12 port=p80/TCP/80\n" SLICE, served);
        world_expect(&world, "a node comes", "nodes n2=172.16.1.12\n", refused);
        world_expect(&world, "another has it too", "nodes n2=172.16.1.12 n3=172.16.1.12\n", refused);
        world_expect(&world, "the first changes", "nodes n2=172.16.1.22 n3=172.16.1.12\n", refused);
        world_expect(&world, "so does the other", "nodes n2=172.16.1.22 n3=172.16.1.23\n", served);
        world_expect(&world, "back", "nodes n2=172.16.1.12 n3=172.16.1.23\n", refused);
        world_expect(&world, "gone", "nodes n3=172.16.1.23\n", served);
        world_done(&world);
}

/* Whoever may write one Service must not fill the memory of every node. */
static void test_too_many(void **state) {
        _cleanup_(freep) char *text = NULL;
        Service *service;
        World world;

        world_init(&world);
        assert_int_equal(service_new("ns1", "svc1", &service), 0);
        service->cluster_ips = calloc(1, sizeof(IpAddr));
        service->cluster_ips[service->n_cluster_ips++] = world_addr("10.20.30.41");
        service->n_ports = 300;
        service->ports = calloc(service->n_ports, sizeof(ServicePort));
        for (size_t i = 0; i < service->n_ports; i++) {
                service->ports[i].port = (uint16_t) (i + 1);
                assert_true(asprintf(&service->ports[i].name, "p%zu", i) > 0);
        }
        service->n_external_ips = 300;
        service->external_ips = calloc(service->n_external_ips, sizeof(IpAddr));
        for (size_t i = 0; i < service->n_external_ips; i++) {
                service->external_ips[i] = world_addr("50.0.0.0");
                service->external_ips[i].bytes[2] = (uint8_t) (i >> 8);
                service->external_ips[i].bytes[3] = (uint8_t) i;
        }
        assert_int_equal(store_put_service(world.store, OBJECT_SOURCE_API, service), 1);
        world_run(&world);
        text = world_text(&world);
        assert_non_null(strstr(text, "refused ns1/svc1 50.0.1.43 TooManyAddresses\n"));
        assert_null(strstr(text, "vs 50."));
        assert_non_null(strstr(text, "vs 10.20.30.41:300/TCP > "));
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_external),
                cmocka_unit_test(test_host_address_comes_and_goes),
                cmocka_unit_test(test_ranges_are_exchanged),
                cmocka_unit_test(test_cluster_nodes),
                cmocka_unit_test(test_too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
