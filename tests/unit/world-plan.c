/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the plan would do, as text, and done: every operation succeeds. */
#include "tests/unit/test.h"
/* test.h first: it turns asserts on */
#include "tests/unit/world.h"

#include <stdio.h>

static void text_flow(FILE *f, const StaleFlow *flow) {
        char key[VIRTUAL_SERVER_STRLEN], endpoint[IP_PORT_STRLEN];

        fprintf(f,
                "flush %s %s\n",
                virtual_server_key_format(&flow->key, key),
                flow->endpoint.addr.family == 0 ?
                        "untranslated" :
                        ip_port_format(&flow->endpoint.addr, flow->endpoint.port, endpoint));
}

static void text_ipvs_op(FILE *f, const IpvsOp *op) {
        char key[VIRTUAL_SERVER_STRLEN], dest[IP_PORT_STRLEN];

        fprintf(f, "%s %s", ipvs_op_kind_to_string(op->kind), virtual_server_key_format(&op->service.key, key));
        if (op->kind == IPVS_OP_ADD_DEST || op->kind == IPVS_OP_SET_DEST || op->kind == IPVS_OP_DELETE_DEST)
                fprintf(f, " %s", ip_port_format(&op->dest.addr.addr, op->dest.addr.port, dest));
        if (op->kind == IPVS_OP_SET_DEST)
                fprintf(f, " weight %u", op->dest.weight);
        fputc('\n', f);
}

static void text_plan(FILE *f, const Plan *plan) {
        char addr[IP_ADDR_STRLEN];

        for (size_t i = 0; i < plan->servers.n_items; i++)
                text_ipvs_op(f, &plan->servers.items[i]);
        for (size_t i = 0; i < plan->addresses_added.n_items; i++)
                fprintf(f, "bind %s\n", ip_addr_format(&plan->addresses_added.items[i].addr, addr));
        for (size_t i = 0; i < plan->addresses_removed.n_items; i++)
                fprintf(f, "unbind %s\n", ip_addr_format(&plan->addresses_removed.items[i].addr, addr));
        for (size_t i = 0; i < plan->flows.n_items; i++)
                text_flow(f, &plan->flows.items[i]);
}

char *world_program(World *world, uint64_t drain_timeout_usec) {
        PlanOptions options = { .now_usec = 1, .drain_timeout_usec = drain_timeout_usec, .may_remove = true };
        Plan plan = {};
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        world_run(world);
        do {
                assert_int_equal(plan_make(&plan, world->table, &options), 0);
                text_plan(f, &plan);
                assert_int_equal(plan_commit(&plan, world->table), 0);
        } while (!kernel_table_is_clean(world->table));
        plan_done(&plan);
        assert_int_equal(fclose(f), 0);
        return text;
}

void world_expect_plan(World *world, const char *name, const char *lines, uint64_t drain_timeout_usec, const char *expected) {
        _cleanup_(freep) char *text = NULL;

        world_do(world, lines);
        text = world_program(world, drain_timeout_usec);
        if (strcmp(text, expected) != 0)
                fail_msg("%s: done is\n%s--- expected\n%s", name, text, expected);
}
