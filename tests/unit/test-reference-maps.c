/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §8.5: the maps of services and endpoints (rows 62 to 80). Here the services are there, so that the endpoints
 * show as real servers. "clean-up needed" is what the plan flushes of conntrack: a UDP endpoint that goes takes its
 * entries along, the first one of a port takes the untranslated ones; an endpoint that joins others needs nothing.
 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "tests/unit/world.h"

/* ---- services */

static size_t count_health_checks(const World *world) {
        size_t n = 0;

        for (size_t i = 0; desired_next_health_check(world->desired, &i);)
                n++;
        return n;
}

static void expect_counts(World *world, const char *name, const char *lines, size_t n_ports, size_t n_health_checks) {
        world_do(world, lines);
        world_run(world);
        if (desired_n_ports(world->desired) != n_ports || count_health_checks(world) != n_health_checks)
                fail_msg("%s: %zu ports and %zu health checks, not %zu and %zu",
                         name,
                         desired_n_ports(world->desired),
                         count_health_checks(world),
                         n_ports,
                         n_health_checks);
}

static void test_service_map_add_remove(void **state) {
        World world;

        world_init(&world);
        expect_counts(&world,
                      "62 TestBuildServiceMapAddRemove: added",
                      "service somewhere-else/cluster-ip ip=172.30.55.4 "
                      "port=something/UDP/1234,somethingelse/UDP/1235,sctpport/SCTP/1236\n"
                      "service somewhere-else/node-port type=NodePort ip=172.30.55.10 "
                      "port=blahblah/UDP/345,moreblahblah/TCP/344,muchmoreblah/SCTP/343\n"
                      "service somewhere/load-balancer type=LoadBalancer ip=172.30.55.11 lb=10.1.2.4 "
                      "port=foobar/UDP/8675/30061,baz/UDP/8676/30062,qux/SCTP/8677/30063\n"
                      "service somewhere/only-local-load-balancer type=LoadBalancer ip=172.30.55.12 lb=10.1.2.3 "
                      "port=foobar2/UDP/8677/30064,baz/UDP/8678/30065,qux/SCTP/8679/30066 etp=Local hc=345\n",
                      12,
                      1);
        assert_non_null(desired_find(world.desired, "somewhere/only-local-load-balancer:qux"));
        expect_counts(&world,
                      "62 TestBuildServiceMapAddRemove: changed and removed",
                      "service somewhere-else/cluster-ip ip=172.30.55.4 port=somethingelse/UDP/1235\n"
                      "remove service somewhere-else/node-port\n"
                      "remove service somewhere/load-balancer\n"
                      "remove service somewhere/only-local-load-balancer\n",
                      1,
                      0);
        assert_non_null(desired_find(world.desired, "somewhere-else/cluster-ip:somethingelse"));
        world_done(&world);
}

static void test_service_map_left_out(void **state) {
        static const WorldCase cases[] = {
                { "63 TestBuildServiceMapServiceHeadless",
                  "service somewhere-else/headless port=rpc/UDP/1234\n"
                  "service somewhere-else/labelled ip=10.0.0.1 port=rpc/TCP/1234 headless\n",
                  "" },
                { "64 TestBuildServiceMapServiceTypeExternalName",
                  "service somewhere-else/external-name type=ExternalName ip=172.16.55.4 port=blah/UDP/1235\n",
                  "" },
                { "service-proxy-name with any value", "service ns/a ip=10.0.0.1 port=a/TCP/1 proxy\n", "" },
                { "no port", "service ns/a ip=10.0.0.1\n", "" },
                { "slices without a service", "slice ns/a svc=a port=a/TCP/1 ep=10.1.0.1@testnode\n", "" },
        };

        world_run_cases(cases, ELEMENTSOF(cases));
}

static void test_service_map_update(void **state) {
        static const char *const plain = "service somewhere/some-service ip=172.30.55.4 "
                                         "port=something/UDP/1234,somethingelse/TCP/1235\n";
        static const char *const balanced = "service somewhere/some-service type=LoadBalancer ip=172.30.55.4 lb=10.1.2.3 "
                                            "port=something/UDP/1234/30061,somethingelse/TCP/1235/30062 etp=Local hc=345\n";
        World world;
        unsigned before;

        world_init(&world);
        expect_counts(&world, "65 TestBuildServiceMapServiceUpdate: made", plain, 2, 0);
        expect_counts(&world, "65 TestBuildServiceMapServiceUpdate: load balancer, Local", balanced, 2, 1);
        before = world.n_updates;
        expect_counts(&world, "65 TestBuildServiceMapServiceUpdate: the same again", balanced, 2, 1);
        assert_int_equal(world.n_updates, before); /* nothing was computed */
        expect_counts(&world, "65 TestBuildServiceMapServiceUpdate: back", plain, 2, 0);
        world_done(&world);
}

/* ---- endpoints */

/* Every port name that occurs, of UDP; a health check so that local ready endpoints are counted. */
#define SERVICE(n, ports) \
        "service ns" n "/ep" n " type=LoadBalancer etp=Local hc=3000" n " ip=10.254.0." n " port=" ports "\n"
#define SERVICES \
        SERVICE("1", "p11/UDP/11,p11-2/UDP/112,p12/UDP/12,p122/UDP/122,p13/UDP/13,p14/UDP/14") \
        SERVICE("2", "p21/UDP/21,p22/UDP/22,p23/UDP/23") SERVICE("3", "p33/UDP/33") SERVICE("4", "p44/UDP/44,p45/UDP/45")
#define SLICE(n, name, ports, endpoints) "slice ns" n "/" name " svc=ep" n " port=" ports " ep=" endpoints "\n"

#define NAMED_PORT SLICE("1", "a", "p11/UDP/11", "1.1.1.1")
#define NAMED_PORT_LOCAL SLICE("1", "a", "p11/UDP/11", "1.1.1.1@testnode")
#define NAMED_PORT_RENAMED SLICE("1", "a", "p11-2/UDP/11", "1.1.1.1")
#define NAMED_PORT_RENUMBERED SLICE("1", "a", "p11/UDP/22", "1.1.1.1")
#define NAMED_PORTS_LOCAL_NO_LOCAL SLICE("1", "a", "p11/UDP/11,p12/UDP/12", "1.1.1.1,1.1.1.2@testnode")
#define MULTIPLE_SUBSETS NAMED_PORT SLICE("1", "b", "p12/UDP/12", "1.1.1.2")
#define MULTIPLE_SUBSETS_LOCAL NAMED_PORT SLICE("1", "b", "p12/UDP/12", "1.1.1.2@testnode")
#define MULTIPLE_SUBSETS_PORTS_LOCAL \
        SLICE("1", "a", "p11/UDP/11,p12/UDP/12", "1.1.1.1@testnode") SLICE("1", "b", "p13/UDP/13", "1.1.1.3")
#define MULTIPLE_SUBSETS_IPS_PORTS \
        SLICE("1", "a", "p11/UDP/11,p12/UDP/12", "1.1.1.1,1.1.1.2@testnode") \
        SLICE("1", "b", "p13/UDP/13,p14/UDP/14", "1.1.1.3,1.1.1.4@testnode") \
        SLICE("2", "a", "p21/UDP/21,p22/UDP/22", "2.2.2.1,2.2.2.2@testnode")
#define COMPLEX_BEFORE \
        NAMED_PORT SLICE("2", "a", "p22/UDP/22", "2.2.2.2@testnode,2.2.2.22@testnode") \
        SLICE("2", "b", "p23/UDP/23", "2.2.2.3@testnode") \
        SLICE("4", "a", "p44/UDP/44", "4.4.4.4@testnode,4.4.4.5@testnode") SLICE("4", "b", "p45/UDP/45", "4.4.4.6")
#define COMPLEX_AFTER \
        SLICE("1", "a", "p11/UDP/11", "1.1.1.1,1.1.1.11") SLICE("1", "b", "p12/UDP/12,p122/UDP/122", "1.1.1.2") \
        "remove slice ns2/a\nremove slice ns2/b\n" SLICE("3", "a", "p33/UDP/33", "3.3.3.3") \
        SLICE("4", "a", "p44/UDP/44", "4.4.4.4@testnode") "remove slice ns4/b\n"

static const struct {
        const char *name, *before, *after;
        const char *servers; /* "port>endpoints" of the ports that have some */
        const char *local_ready; /* of ns1 to ns4 */
        size_t n_flushed;
} endpoint_cases[] = {
        { "66 nothing", "", "", "", "0000", 0 },
        { "67 no change, named port, local", NAMED_PORT_LOCAL, NAMED_PORT_LOCAL, "p11>1.1.1.1:11 ", "1000", 0 },
        { "68 no change, multiple subsets", MULTIPLE_SUBSETS, MULTIPLE_SUBSETS, "p11>1.1.1.1:11 p12>1.1.1.2:12 ", "0000", 0 },
        { "69 no change, multiple subsets, multiple ports, local",
          MULTIPLE_SUBSETS_PORTS_LOCAL,
          MULTIPLE_SUBSETS_PORTS_LOCAL,
          "p11>1.1.1.1:11 p12>1.1.1.1:12 p13>1.1.1.3:13 ",
          "1000",
          0 },
        { "70 no change, multiple endpoints, subsets, IPs and ports",
          MULTIPLE_SUBSETS_IPS_PORTS,
          MULTIPLE_SUBSETS_IPS_PORTS,
          "p11>1.1.1.1:11>1.1.1.2:11 p12>1.1.1.1:12>1.1.1.2:12 p13>1.1.1.3:13>1.1.1.4:13 p14>1.1.1.3:14>1.1.1.4:14 "
          "p21>2.2.2.1:21>2.2.2.2:21 p22>2.2.2.1:22>2.2.2.2:22 ",
          "2100",
          0 },
        { "71 add Endpoints", "", NAMED_PORT_LOCAL, "p11>1.1.1.1:11 ", "1000", 1 },
        { "72 remove Endpoints", NAMED_PORT_LOCAL, "remove slice ns1/a\n", "", "0000", 1 },
        { "73 add an IP and port",
          NAMED_PORT,
          NAMED_PORTS_LOCAL_NO_LOCAL,
          "p11>1.1.1.1:11>1.1.1.2:11 p12>1.1.1.1:12>1.1.1.2:12 ",
          "1000",
          1 },
        { "74 remove an IP and port", NAMED_PORTS_LOCAL_NO_LOCAL, NAMED_PORT, "p11>1.1.1.1:11 ", "0000", 3 },
        { "75 add a subset", NAMED_PORT, MULTIPLE_SUBSETS_LOCAL, "p11>1.1.1.1:11 p12>1.1.1.2:12 ", "1000", 1 },
        { "76 remove a subset", MULTIPLE_SUBSETS, NAMED_PORT "remove slice ns1/b\n", "p11>1.1.1.1:11 ", "0000", 1 },
        { "77 rename a port", NAMED_PORT, NAMED_PORT_RENAMED, "p11-2>1.1.1.1:11 ", "0000", 2 },
        { "78 renumber a port", NAMED_PORT, NAMED_PORT_RENUMBERED, "p11>1.1.1.1:22 ", "0000", 1 },
        { "79 complex add and remove",
          COMPLEX_BEFORE,
          COMPLEX_AFTER,
          "p11>1.1.1.1:11>1.1.1.11:11 p12>1.1.1.2:12 p122>1.1.1.2:122 p33>3.3.3.3:33 p44>4.4.4.4:44 ",
          "0001",
          8 },
        { "80 change from 0 endpoint addresses to 1 named port",
          "slice ns1/a svc=ep1 port=p11/UDP/11 ep=\n",
          NAMED_PORT,
          "p11>1.1.1.1:11 ",
          "0000",
          1 },
};

static size_t count_lines(const char *text, const char *begin) {
        size_t n = 0;

        for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
                n += strncmp(p, begin, strlen(begin)) == 0;
        return n;
}

/* The ports in the order of SERVICES with their real servers. */
static char *servers_text(const World *world) {
        char *text = NULL, addr[IP_PORT_STRLEN], id[64];
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        for (unsigned n = 1; n <= 4; n++) {
                const DesiredService *service;

                (void) snprintf(id, sizeof(id), "ep%u", n);
                (void) snprintf(id + 8, sizeof(id) - 8, "ns%u", n);
                service = store_find(world->store, id + 8, id)->desired;
                for (size_t i = 0; i < service->n_ports; i++) {
                        const DestList *dests = service->ports[i].servers[0].claim.dests;

                        if (dests->n_servers > 0)
                                fputs(service->ports[i].name, f);
                        for (size_t k = 0; k < dests->n_servers; k++)
                                fprintf(f, ">%s", ip_port_format(&dests->servers[k].addr.addr, dests->servers[k].addr.port, addr));
                        if (dests->n_servers > 0)
                                fputc(' ', f);
                }
        }
        assert_int_equal(fclose(f), 0);
        return text;
}

static void local_ready_text(const World *world, char ret[static 5]) {
        const DesiredService *service;

        memcpy(ret, "0000", 5);
        for (size_t i = 0; (service = desired_next_health_check(world->desired, &i));)
                ret[service->health_check_node_port - 30001] = (char) ('0' + service->n_local_ready);
}

static void test_update_endpoints_map(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(endpoint_cases); i++) {
                _cleanup_(freep) char *done = NULL, *servers = NULL;
                char local_ready[5];
                World world;

                world_init(&world);
                world_do(&world, SERVICES);
                world_do(&world, endpoint_cases[i].before);
                free(world_program(&world, 0));
                world_do(&world, endpoint_cases[i].after);
                done = world_program(&world, 0);
                servers = servers_text(&world);
                local_ready_text(&world, local_ready);
                if (strcmp(servers, endpoint_cases[i].servers) != 0 ||
                    strcmp(local_ready, endpoint_cases[i].local_ready) != 0 ||
                    count_lines(done, "flush ") != endpoint_cases[i].n_flushed)
                        fail_msg("Test_updateEndpointsMap %s: real servers %s, local ready %s, done\n%s",
                                 endpoint_cases[i].name,
                                 servers,
                                 local_ready,
                                 done);
                world_done(&world);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_service_map_add_remove),
                cmocka_unit_test(test_service_map_left_out),
                cmocka_unit_test(test_service_map_update),
                cmocka_unit_test(test_update_endpoints_map),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
