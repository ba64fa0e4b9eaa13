/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reference §3.6 as a table: which endpoints a policy uses. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "proxy/endpoints.h"

enum {
        R = ENDPOINT_READY | ENDPOINT_SERVING,
        T = ENDPOINT_SERVING | ENDPOINT_TERMINATING,
        N = 0, /* not ready */
};

typedef struct Case {
        const char *name;
        TrafficPolicy policy;
        struct {
                uint8_t conditions;
                const char *node, *zone_hint, *node_hint;
        } endpoints[4];
        const char *used; /* digits of the endpoints used */
} Case;

static const Case cases[] = {
        { "ready ones", TRAFFIC_POLICY_CLUSTER, { { R, "a" }, { N, "a" }, { R, "b" }, { T, "b" } }, "02" },
        { "fallback", TRAFFIC_POLICY_CLUSTER, { { N, "a" }, { T, "a" }, { T, "b" }, { N, "b" } }, "12" },
        { "none", TRAFFIC_POLICY_CLUSTER, { { N, "a" }, { N, "b" }, { N, "b" }, { N, "b" } }, "" },
        { "local ready", TRAFFIC_POLICY_LOCAL, { { R, "a" }, { R, "b" }, { T, "a" }, { R, "a" } }, "03" },
        { "local fallback", TRAFFIC_POLICY_LOCAL, { { R, "b" }, { T, "a" }, { R, "b" }, { N, "a" } }, "1" },
        { "no local", TRAFFIC_POLICY_LOCAL, { { R, "b" }, { R, "b" }, { R, NULL }, { N, "a" } }, "" },
        { "zone hints",
          TRAFFIC_POLICY_CLUSTER,
          { { R, "b", "z1" }, { R, "b", "z2" }, { R, "a", "z1" }, { N, "a" } },
          "02" },
        { "one without hints",
          TRAFFIC_POLICY_CLUSTER,
          { { R, "b", "z1" }, { R, "b", NULL }, { R, "a", "z1" }, { N, "a" } },
          "012" },
        { "no hint names our zone",
          TRAFFIC_POLICY_CLUSTER,
          { { R, "b", "z2" }, { R, "b", "z2" }, { R, "a", "z3" }, { N, "a" } },
          "012" },
        { "node hints before zone hints",
          TRAFFIC_POLICY_CLUSTER,
          { { R, "b", "z1", "a" }, { R, "b", "z1", "b" }, { R, "a", "z1", "b" }, { N, "a" } },
          "0" },
        { "no hints under Local",
          TRAFFIC_POLICY_LOCAL,
          { { R, "a", "z2" }, { R, "a", "z1" }, { R, "b", "z1" }, { N, "a" } },
          "01" },
};

static void put_case(Store *store, const Case *c) {
        EndpointSlice *slice;

        assert_int_equal(endpoint_slice_new("default", "s", &slice), 0);
        free(slice->service_name);
        slice->service_name = strdup("web");
        slice->family = AF_INET;
        slice->ports = calloc(1, sizeof(SlicePort));
        slice->ports[0] = (SlicePort) { .port = 80, .protocol = PROTOCOL_TCP };
        slice->n_ports = 1;
        slice->endpoints = calloc(4, sizeof(Endpoint));
        for (size_t i = 0; i < 4; i++) {
                Endpoint *e = &slice->endpoints[slice->n_endpoints++];
                char text[16];

                (void) snprintf(text, sizeof(text), "10.1.0.%zu", i);
                assert_int_equal(ip_addr_parse(text, &e->addr), 0);
                e->conditions = c->endpoints[i].conditions;
                assert_int_equal(endpoint_slice_add_string(
                                         slice, c->endpoints[i].node ?: "", true, &e->node),
                                 0);
                if (c->endpoints[i].zone_hint) {
                        e->n_zone_hints = 1;
                        assert_int_equal(endpoint_slice_add_string(
                                                 slice, c->endpoints[i].zone_hint, true, &e->zone_hints),
                                         0);
                }
                if (c->endpoints[i].node_hint) {
                        e->n_node_hints = 1;
                        assert_int_equal(endpoint_slice_add_string(
                                                 slice, c->endpoints[i].node_hint, true, &e->node_hints),
                                         0);
                }
        }
        assert_int_equal(store_put_slice(store, OBJECT_SOURCE_API, slice), 1);
}

static void test_choose(void **state) {
        const Topology topology = { .node_name = "a", .zone = "z1", .node_hints = true };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(store_freep) Store *store = NULL;
                _cleanup_(dest_list_unrefp) DestList *list = NULL;
                _cleanup_(endpoint_refs_done) EndpointRefs refs = {};
                char used[8] = "";

                assert_int_equal(store_new(NULL, NULL, &store), 0);
                put_case(store, &cases[i]);
                assert_int_equal(endpoints_collect(store_find(store, "default", "web"),
                                                   "",
                                                   PROTOCOL_TCP,
                                                   AF_INET,
                                                   &topology,
                                                   &refs),
                                 0);
                assert_int_equal(refs.n_refs, 4);
                assert_int_equal(endpoints_choose(&refs, &topology, cases[i].policy, NULL, &list), 0);
                for (size_t k = 0; k < list->n_servers; k++)
                        used[k] = (char) ('0' + list->servers[k].addr.addr.bytes[3]);
                if (strcmp(used, cases[i].used) != 0)
                        fail_msg("%s: used %s, not %s", cases[i].name, used, cases[i].used);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_choose),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
