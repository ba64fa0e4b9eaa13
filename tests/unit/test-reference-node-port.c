/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §8.2: node ports (rows 26 to 38), each named after kube-proxy's test. Where that looks at a set
 * KUBE-NODE-PORT-*, here is external: masqueraded; KUBE-NODE-PORT-LOCAL-* is the lack of it.
 */
#include "tests/unit/test.h"

#include "tests/unit/world.h"

#define SERVICE "service ns1/svc1 type=NodePort ip=10.20.30.41 "
#define SERVICE6 "service ns1/svc1 type=NodePort ip=2020::1 "

static const WorldCase cases[] = {
        { "26 TestNodePortIPv4: tcp node port with endpoints of both families",
          SERVICE "port=p80/TCP/80/3001\n"
                  "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1\n"
                  "slice ns1/b svc=svc1 port=p80/TCP/80 ep=1002:ab8::2:10\n",
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:3001/TCP > 10.180.0.1:80 : external\n" },
        { "27 TestNodePortIPv4: udp node port with endpoints",
          SERVICE "port=p80/UDP/80/3001\nslice ns1/a svc=svc1 port=p80/UDP/80 ep=10.180.0.1\n",
          "vs 10.20.30.41:80/UDP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:3001/UDP > 10.180.0.1:80 : external\n" },
        { "28 TestNodePortIPv4: node port without endpoints",
          SERVICE "port=p80/TCP/80/3001\n",
          "vs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 100.101.102.103:3001/TCP > : external no-endpoints\n" },
        { "29 TestNodePortIPv4: sctp node port on three node addresses",
          "host 100.101.102.103,100.101.102.104,100.101.102.105\n" SERVICE "port=p80/SCTP/80/3001\n"
          "slice ns1/a svc=svc1 port=p80/SCTP/80 ep=10.180.0.1\n",
          "vs 10.20.30.41:80/SCTP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:3001/SCTP > 10.180.0.1:80 : external\n"
          "vs 100.101.102.104:3001/SCTP > 10.180.0.1:80 : external\n"
          "vs 100.101.102.105:3001/SCTP > 10.180.0.1:80 : external\n" },
        { "30 TestNodePortIPv4: sctp node port, policy Local",
          "host 100.101.102.103,100.101.102.104\n" SERVICE "port=p80/SCTP/80/3001 etp=Local\n"
          "slice ns1/a svc=svc1 port=p80/SCTP/80 ep=10.180.0.1@testnode,10.180.1.1@otherhost\n",
          "hairpin 10.180.0.1:80/sctp\n"
          "vs 10.20.30.41:80/SCTP > 10.180.0.1:80 10.180.1.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:3001/SCTP > 10.180.0.1:80 :\n"
          "vs 100.101.102.104:3001/SCTP > 10.180.0.1:80 :\n" },
        { "31 TestNodePortIPv6: tcp node port with endpoints of both families",
          "host 2001:db8::1:1\n" SERVICE6 "port=p80/TCP/80/3001\n"
          "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1\n"
          "slice ns1/b svc=svc1 port=p80/TCP/80 ep=1002:ab8::2:1\n",
          "vs [2001:db8::1:1]:3001/TCP > [1002:ab8::2:1]:80 : external\n"
          "vs [2020::1]:80/TCP > [1002:ab8::2:1]:80 : bound guarded ping service cluster\n" },
        { "32 TestNodePortIPv6: a service of the other family has no node port here",
          "host 2001:db8::1:1\n" SERVICE "port=p80/UDP/80/3001\n"
          "slice ns1/a svc=svc1 port=p80/UDP/80 ep=10.180.0.1\n",
          "vs 10.20.30.41:80/UDP > 10.180.0.1:80 : bound guarded ping service cluster\n" },
        { "33 TestNodePortIPv6: node port without endpoints",
          "host 2001:db8::1:1\n" SERVICE6 "port=p80/TCP/80/3001\n",
          "vs [2001:db8::1:1]:3001/TCP > : external no-endpoints\n"
          "vs [2020::1]:80/TCP > : bound guarded service cluster no-endpoints\n" },
        { "34 TestNodePortIPv6: sctp node port on two node addresses",
          "host 2001:db8::1:1,2001:db8::1:2\n" SERVICE6 "port=p80/SCTP/80/3001\n"
          "slice ns1/b svc=svc1 port=p80/SCTP/80 ep=1002:ab8::2:1\n",
          "vs [2001:db8::1:1]:3001/SCTP > [1002:ab8::2:1]:80 : external\n"
          "vs [2001:db8::1:2]:3001/SCTP > [1002:ab8::2:1]:80 : external\n"
          "vs [2020::1]:80/SCTP > [1002:ab8::2:1]:80 : bound guarded ping service cluster\n" },
        { "35 TestOnlyLocalNodePorts: local real servers alone, not masqueraded",
          SERVICE "port=p80/TCP/80/3001 etp=Local\n"
                  "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1@testnode,10.180.1.1@otherhost\n",
          "hairpin 10.180.0.1:80/tcp\n"
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 10.180.1.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:3001/TCP > 10.180.0.1:80 :\n" },
        { "36 TestHealthCheckNodePort: of policy Local alone",
          "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 port=p80/TCP/80 etp=Local hc=30000\n"
          "service ns1/svc2 type=LoadBalancer ip=10.20.30.42 port=p80/TCP/80 etp=Local hc=30001\n"
          "service ns1/svc3 type=LoadBalancer ip=10.20.30.43 port=p80/TCP/80 hc=30002\n"
          "service ns1/svc4 type=NodePort ip=10.20.30.44 port=p80/TCP/80 etp=Local hc=30003\n"
          "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1@testnode,10.180.0.2@testnode,10.180.1.1@otherhost\n",
          "answers 10.20.30.41:30000/tcp\nanswers 10.20.30.42:30001/tcp\n"
          "hairpin 10.180.0.1:80/tcp\nhairpin 10.180.0.2:80/tcp\n"
          "health ns1/svc1 30000 2\nhealth ns1/svc2 30001 0\n"
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 10.180.0.2:80 10.180.1.1:80 : bound guarded ping service cluster\n"
          "vs 10.20.30.42:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 10.20.30.43:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 10.20.30.44:80/TCP > : bound guarded service cluster no-endpoints\n" },
        { "health checks are answered on the bound addresses of their service, on those of the node anyway",
          "host 100.101.102.103\n"
          "service ns1/svc1 type=LoadBalancer ip=10.20.30.41,2020::1 lb=1.2.3.4,100.101.102.103 port=p80/TCP/80,p81/UDP/81 "
          "etp=Local hc=30000\n",
          "answers 1.2.3.4:30000/tcp\nanswers 10.20.30.41:30000/tcp\nanswers [2020::1]:30000/tcp\n"
          "health ns1/svc1 30000 0\n"
          "vs 1.2.3.4:80/TCP > : bound guarded service no-endpoints\n"
          "vs 1.2.3.4:81/UDP > : bound guarded service no-endpoints\n"
          "vs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs 10.20.30.41:81/UDP > : bound guarded service cluster no-endpoints\n"
          "vs 100.101.102.103:80/TCP > : service no-endpoints\n"
          "vs 100.101.102.103:81/UDP > : service no-endpoints\n"
          "vs [2020::1]:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs [2020::1]:81/UDP > : bound guarded service cluster no-endpoints\n" },
        { "dual stack: a family without endpoints does not refuse the other",
          "host 100.101.102.103,2001:db8::1:1\n"
          "service ns1/svc1 type=NodePort ip=10.20.30.41,2020::1 port=p80/TCP/80/3001\n"
          "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1\n",
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:3001/TCP > 10.180.0.1:80 : external\n"
          "vs [2001:db8::1:1]:3001/TCP > : external no-endpoints\n"
          "vs [2020::1]:80/TCP > : bound guarded service cluster no-endpoints\n" },
        { "dual stack: policy Local looks at each family",
          "host 100.101.102.103,2001:db8::1:1\n"
          "service ns1/svc1 type=NodePort ip=10.20.30.41,2020::1 port=p80/TCP/80/3001 etp=Local\n"
          "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1@testnode\n"
          "slice ns1/b svc=svc1 port=p80/TCP/80 ep=1002:ab8::2:1@otherhost\n",
          "hairpin 10.180.0.1:80/tcp\nno-local internal 0 external 1\n"
          "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n"
          "vs 100.101.102.103:3001/TCP > 10.180.0.1:80 :\n"
          "vs [2001:db8::1:1]:3001/TCP > [1002:ab8::2:1]:80 : local-only\n"
          "vs [2020::1]:80/TCP > [1002:ab8::2:1]:80 : bound guarded ping service cluster\n" },
};

static void test_node_ports(void **state) {
        world_run_cases(cases, ELEMENTSOF(cases));
}

static void test_health_check_node_port_e2e(void **state) {
        static const WorldCase steps[] = {
                { "37 TestHealthCheckNodePortE2E: made",
                  "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 port=p80/TCP/80 etp=Local hc=30000\n",
                  "answers 10.20.30.41:30000/tcp\nhealth ns1/svc1 30000 0\nvs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n" },
                { "37 TestHealthCheckNodePortE2E: another port",
                  "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 port=p80/TCP/80 etp=Local hc=30001\n",
                  "answers 10.20.30.41:30001/tcp\nhealth ns1/svc1 30001 0\nvs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n" },
                { "37 TestHealthCheckNodePortE2E: policy Cluster",
                  "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 port=p80/TCP/80\n",
                  "vs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n" },
                { "37 TestHealthCheckNodePortE2E: back again",
                  "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 port=p80/TCP/80 etp=Local hc=30001\n",
                  "answers 10.20.30.41:30001/tcp\nhealth ns1/svc1 30001 0\nvs 10.20.30.41:80/TCP > : bound guarded service cluster no-endpoints\n" },
                { "37 TestHealthCheckNodePortE2E: removed", "remove service ns1/svc1\n", "" },
        };
        World world;

        world_init(&world);
        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                world_expect(&world, steps[i].name, steps[i].lines, steps[i].expected);
        world_done(&world);
}

static void test_health_check_when_terminating(void **state) {
        static const char *const service =
                "service ns1/svc1 type=LoadBalancer ip=10.20.30.41 port=p80/TCP/80 etp=Local hc=30000\n";
        World world;

        world_init(&world);
        world_do(&world, service);
        world_expect(&world,
                     "38 Test_HealthCheckNodePortWhenTerminating: ready",
                     "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1@testnode\n",
                     "answers 10.20.30.41:30000/tcp\nhairpin 10.180.0.1:80/tcp\nhealth ns1/svc1 30000 1\n"
                     "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n");
        world_expect(&world,
                     "38 Test_HealthCheckNodePortWhenTerminating: terminating",
                     "slice ns1/a svc=svc1 port=p80/TCP/80 ep=10.180.0.1@testnode~t\n",
                     "answers 10.20.30.41:30000/tcp\nhairpin 10.180.0.1:80/tcp\nhealth ns1/svc1 30000 0\n"
                     "vs 10.20.30.41:80/TCP > 10.180.0.1:80 : bound guarded ping service cluster\n");
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_node_ports),
                cmocka_unit_test(test_health_check_node_port_e2e),
                cmocka_unit_test(test_health_check_when_terminating),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
