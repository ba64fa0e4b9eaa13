/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a plan, into the kernel table: operations whose elements were refused are withheld, results are noted. */
#include "proxy/plan-private.h"

#include <errno.h>
#include <string.h>

static bool element_concerns(const FilterElement *element, const VirtualServerKey *key) {
        const FilterSetType *type = filter_set_type((FilterSet) element->set);

        return ip_addr_equal(&element->addr, &key->addr) &&
               (!type->has_port || (element->port == key->port && element->protocol == key->protocol));
}

static void plan_withhold_element(Plan *plan, const FilterElement *element) {
        for (size_t i = 0; i < plan->servers.n_items; i++) {
                IpvsOp *op = &plan->servers.items[i];
                bool removes = op->kind == IPVS_OP_DELETE_DEST || op->kind == IPVS_OP_DELETE_SERVICE;

                if (!removes && element_concerns(element, &op->service.key))
                        op->result = -ECANCELED;
        }
        if (element->set != FILTER_SET_SERVICE_IPS)
                return;
        for (size_t i = 0; i < plan->addresses_added.n_items; i++)
                if (ip_addr_equal(&plan->addresses_added.items[i].addr, &element->addr))
                        plan->addresses_added.items[i].result = -ECANCELED;
}

void plan_withhold(Plan *plan) {
        for (size_t i = 0; i < plan->elements_added.n_items; i++)
                if (plan->elements_added.items[i].result < 0 && plan->elements_added.items[i].add &&
                    filter_set_protects((FilterSet) plan->elements_added.items[i].element.set))
                        plan_withhold_element(plan, &plan->elements_added.items[i].element);
}

static int plan_commit_server(const Plan *plan, KernelTable *table, ServerState *server, const IpvsOp *op) {
        uint64_t drain_usec = op->dest.weight == 0 ? plan->drain_deadline_usec : 0;

        switch (op->kind) {
        case IPVS_OP_ADD_SERVICE:
        case IPVS_OP_SET_SERVICE:
                return server_state_set(table, server, &op->service);
        case IPVS_OP_DELETE_SERVICE:
                return server_state_set(table, server, NULL);
        case IPVS_OP_ADD_DEST:
        case IPVS_OP_SET_DEST:
                return server_state_put_dest(server, &op->dest, drain_usec);
        case IPVS_OP_DELETE_DEST:
                server_state_remove_dest(server, &op->dest.addr);
                return 0;
        case _IPVS_OP_MAX:
                break;
        }
        return -EINVAL;
}

static bool plan_op_begins(const Plan *plan, size_t i) {
        return i == 0 || memcmp(&plan->servers.items[i - 1].service.key,
                                &plan->servers.items[i].service.key,
                                sizeof(VirtualServerKey)) != 0;
}

/* One virtual server's operations, from `first` to before `end`; returns how many failed. */
static size_t plan_commit_run(Plan *plan, KernelTable *table, size_t first, size_t end) {
        ServerState *server = kernel_table_server(table, &plan->servers.items[first].service.key);
        size_t n_failed = 0;
        int error = 0;

        for (size_t i = first; server && i < end; i++) {
                const IpvsOp *op = &plan->servers.items[i];
                int r = ipvs_op_failed(op) ? op->result : 0;

                if (r >= 0)
                        r = plan_commit_server(plan, table, server, op);
                if (r < 0) {
                        n_failed++;
                        error = error < 0 ? error : r;
                }
        }
        if (!server)
                return 0;
        server->looked_at = true;
        if (error < 0)
                kernel_table_fail(table, &server->failure, error, plan->now_usec, plan->retry_usec);
        else
                kernel_table_clear_failure(table, &server->failure);
        kernel_table_collect_server(table, server);
        return n_failed;
}

static size_t plan_commit_servers(Plan *plan, KernelTable *table) {
        size_t first = 0, n_failed = 0;

        for (size_t i = 1; i <= plan->servers.n_items; i++)
                if (i == plan->servers.n_items || plan_op_begins(plan, i)) {
                        n_failed += plan_commit_run(plan, table, first, i);
                        first = i;
                }
        return n_failed;
}

static size_t plan_commit_address(Plan *plan, KernelTable *table, const AddressOp *op) {
        FilterElement guard = { .set = FILTER_SET_SERVICE_IPS, .addr = op->addr };
        AddressState *address = kernel_table_address(table, &op->addr);
        ElementState *element;
        int r = op->result;

        if (r >= 0)
                r = kernel_table_set_address(table, &op->addr, op->add);
        if (r < 0) {
                if (address)
                        kernel_table_fail(table, &address->failure, r, plan->now_usec, plan->retry_usec);
                return 1;
        }
        element = op->add ? NULL : kernel_table_element(table, &guard);
        if (element && element->n_wanted == 0)
                kernel_table_queue_element(table, element); /* its address is gone: so may it */
        return 0;
}

static size_t plan_commit_element(Plan *plan, KernelTable *table, const FilterOp *op) {
        bool gone = !op->add && op->result == -ENOENT;
        ElementState *element = kernel_table_element(table, &op->element);
        int r = gone ? 0 : op->result;

        if (r >= 0)
                r = kernel_table_set_element(table, &op->element, op->add);
        if (r >= 0)
                return 0;
        if (element)
                kernel_table_fail(table, &element->failure, r, plan->now_usec, plan->retry_usec);
        return 1;
}

size_t plan_commit(Plan *plan, KernelTable *table) {
        size_t n_failed = plan_commit_servers(plan, table);

        for (size_t i = 0; i < plan->elements_added.n_items; i++)
                n_failed += plan_commit_element(plan, table, &plan->elements_added.items[i]);
        for (size_t i = 0; i < plan->addresses_added.n_items; i++)
                n_failed += plan_commit_address(plan, table, &plan->addresses_added.items[i]);
        for (size_t i = 0; i < plan->addresses_removed.n_items; i++)
                n_failed += plan_commit_address(plan, table, &plan->addresses_removed.items[i]);
        for (size_t i = 0; i < plan->elements_removed.n_items; i++)
                n_failed += plan_commit_element(plan, table, &plan->elements_removed.items[i]);
        return n_failed;
}
