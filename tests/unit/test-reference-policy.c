/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reference §8.7: traffic policies, terminating endpoints, the metric of missing local ones (rows 94 to 108). */
#include "tests/unit/test.h"

#include "tests/unit/world.h"

#define INTERNAL "service ns1/svc1 ip=172.20.1.1 port=/TCP/80"
#define EXTERNAL "service ns1/svc1 type=NodePort ip=172.20.1.1 ext=1.2.3.4 port=/TCP/80"
#define SLICE "\nslice ns1/svc1-abc svc=svc1 port=/TCP/80 ep="

/* Two ready ones and two that go are here, one of these serves still; a ready one is elsewhere. */
#define READY_AND_TERMINATING \
        SLICE "10.0.1.1@testnode,10.0.1.2@testnode,10.0.1.3@testnode~t,10.0.1.4@testnode~x,10.0.1.5@another\n"
#define HAIRPINS "hairpin 10.0.1.1:80/tcp\nhairpin 10.0.1.2:80/tcp\nhairpin 10.0.1.3:80/tcp\n"

static const WorldCase cases[] = {
        { "94 TestTestInternalTrafficPolicyE2E: Cluster, with local endpoints",
          INTERNAL SLICE "10.0.1.1@testnode,10.0.1.2@node2,10.0.1.3@node3\n",
          "hairpin 10.0.1.1:80/tcp\n"
          "vs 172.20.1.1:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.3:80 : bound guarded ping service cluster\n" },
        { "95 TestTestInternalTrafficPolicyE2E: Cluster, without local endpoints",
          INTERNAL SLICE "10.0.1.1@node1,10.0.1.2@node2,10.0.1.3@node3\n",
          "vs 172.20.1.1:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.3:80 : bound guarded ping service cluster\n" },
        { "96 102 TestTestInternalTrafficPolicyE2E: Local, with local endpoints",
          INTERNAL " itp=Local" SLICE "10.0.1.1@testnode,10.0.1.2@node2,10.0.1.3@node3\n",
          "hairpin 10.0.1.1:80/tcp\n"
          "vs 172.20.1.1:80/TCP > 10.0.1.1:80 : bound guarded ping service cluster\n" },
        { "97 105 TestTestInternalTrafficPolicyE2E: Local, without local endpoints",
          INTERNAL " itp=Local" SLICE "10.0.1.1@node1,10.0.1.2@node2,10.0.1.3@node3\n",
          "no-local internal 1 external 0\n"
          "vs 172.20.1.1:80/TCP > : bound guarded service cluster no-endpoints\n" },
        { "98 Test_EndpointSliceReadyAndTerminatingCluster",
          EXTERNAL READY_AND_TERMINATING,
          HAIRPINS "hairpin 10.0.1.4:80/tcp\n"
                   "vs 1.2.3.4:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.5:80 : bound guarded ping service external\n"
                   "vs 172.20.1.1:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.5:80 : bound guarded ping service cluster\n" },
        { "99 103 Test_EndpointSliceReadyAndTerminatingLocal",
          EXTERNAL " etp=Local" READY_AND_TERMINATING,
          HAIRPINS "hairpin 10.0.1.4:80/tcp\n"
                   "vs 1.2.3.4:80/TCP > 10.0.1.1:80 10.0.1.2:80 : bound guarded ping service\n"
                   "vs 172.20.1.1:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.5:80 : bound guarded ping service cluster\n" },
        { "100 Test_EndpointSliceOnlyReadyAndTerminatingCluster",
          EXTERNAL SLICE "10.0.1.1@testnode~t,10.0.1.2@testnode~t,10.0.1.3@testnode~x,10.0.1.4@another~t,10.0.1.5@another~n\n",
          HAIRPINS
          "vs 1.2.3.4:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.4:80 : bound guarded ping service external\n"
          "vs 172.20.1.1:80/TCP > 10.0.1.1:80 10.0.1.2:80 10.0.1.4:80 : bound guarded ping service cluster\n" },
        { "101 Test_EndpointSliceOnlyReadyAndTerminatingLocal",
          EXTERNAL " etp=Local" SLICE
                   "10.0.1.1@testnode~t,10.0.1.2@testnode~t,10.0.1.3@testnode~x,10.0.1.4@another~t,10.0.1.5@another\n",
          HAIRPINS "vs 1.2.3.4:80/TCP > 10.0.1.1:80 10.0.1.2:80 : bound guarded ping service\n"
                   "vs 172.20.1.1:80/TCP > 10.0.1.5:80 : bound guarded ping service cluster\n" },
        { "104 TestNoEndpointsMetric: both Local, with local endpoints",
          EXTERNAL " itp=Local etp=Local" SLICE "10.0.1.1@testnode,10.0.1.2@node2\n",
          "hairpin 10.0.1.1:80/tcp\n"
          "vs 1.2.3.4:80/TCP > 10.0.1.1:80 : bound guarded ping service\n"
          "vs 172.20.1.1:80/TCP > 10.0.1.1:80 : bound guarded ping service cluster\n" },
        { "106 TestNoEndpointsMetric: external Local, without local endpoints",
          EXTERNAL " etp=Local" SLICE "10.0.1.2@node2\n",
          "no-local internal 0 external 1\n"
          "vs 1.2.3.4:80/TCP > 10.0.1.2:80 : bound guarded ping service local-only\n"
          "vs 172.20.1.1:80/TCP > 10.0.1.2:80 : bound guarded ping service cluster\n" },
        /* kubernetes PR 97081: a service that can be reached from outside falls back inside as well */
        { "107 TestNoEndpointsMetric: both Local, without local endpoints",
          EXTERNAL " itp=Local etp=Local" SLICE "10.0.1.2@node2\n",
          "no-local internal 1 external 1\n"
          "vs 1.2.3.4:80/TCP > 10.0.1.2:80 : bound guarded ping service local-only\n"
          "vs 172.20.1.1:80/TCP > 10.0.1.2:80 : bound guarded ping service cluster\n" },
        { "108 TestNoEndpointsMetric: both Local, no endpoint at all",
          EXTERNAL " itp=Local etp=Local" SLICE "10.0.1.2@node2~n,10.0.1.3@testnode~x\n",
          "hairpin 10.0.1.3:80/tcp\n"
          "vs 1.2.3.4:80/TCP > : bound guarded service no-endpoints\n"
          "vs 172.20.1.1:80/TCP > : bound guarded service cluster no-endpoints\n" },
        { "internal Local is told apart by the family that can be reached from outside",
          "service ns1/svc1 ip=172.20.1.1,2020::1 ext=2012::51 port=/TCP/80 itp=Local" SLICE "10.0.1.2@node2\n"
          "slice ns1/b svc=svc1 port=/TCP/80 ep=1009:ab8::5:6@node2\n",
          "no-local internal 1 external 0\n"
          "vs 172.20.1.1:80/TCP > : bound guarded service cluster no-endpoints\n"
          "vs [2012::51]:80/TCP > [1009:ab8::5:6]:80 : bound guarded ping service external\n"
          "vs [2020::1]:80/TCP > [1009:ab8::5:6]:80 : bound guarded ping service cluster\n" },
        { "policy Local of a service without external addresses counts for nothing",
          INTERNAL " etp=Local" SLICE "10.0.1.2@node2\n",
          "vs 172.20.1.1:80/TCP > 10.0.1.2:80 : bound guarded ping service cluster\n" },
        { "an endpoint without a node name is never local, the address of this node does not help",
          INTERNAL " itp=Local" SLICE WORLD_NODE_IP "\n",
          "no-local internal 1 external 0\n"
          "vs 172.20.1.1:80/TCP > : bound guarded service cluster no-endpoints\n" },
};

static void test_policies(void **state) {
        world_run_cases(cases, ELEMENTSOF(cases));
}

/* Outside traffic is shut out before the last local endpoint leaves, and let in after the first one came. */
static void test_local_only_order(void **state) {
        PlanOptions options = { .may_remove = true };
        _cleanup_(plan_done) Plan plan = {};
        World world;

        world_init(&world);
        world_do(&world, EXTERNAL " etp=Local" SLICE "10.0.1.1@testnode,10.0.1.2@node2\n");
        free(world_program(&world, 0));
        world_do(&world, "slice ns1/svc1-abc svc=svc1 port=/TCP/80 ep=10.0.1.2@node2\n");
        world_run(&world);
        assert_int_equal(plan_make(&plan, world.table, &options), 0);
        assert_int_equal(plan.elements_added.n_items, 1);
        assert_int_equal(plan.elements_added.items[0].element.set, FILTER_SET_LOCAL_ONLY);
        assert_int_equal(plan_commit(&plan, world.table), 0);
        world_do(&world, "slice ns1/svc1-abc svc=svc1 port=/TCP/80 ep=10.0.1.1@testnode,10.0.1.2@node2\n");
        world_run(&world);
        assert_int_equal(plan_make(&plan, world.table, &options), 0);
        assert_int_equal(plan.elements_removed.n_items, 1);
        assert_int_equal(plan.elements_removed.items[0].element.set, FILTER_SET_LOCAL_ONLY);
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_policies),
                cmocka_unit_test(test_local_only_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
