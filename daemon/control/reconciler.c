/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reconciler-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "control/turn-pace.h"

/* Computing them takes a few milliseconds; what the kernel takes is bounded by turn_pace(). */
#define SERVICES_PER_TURN 256
/* … for so many virtual servers at most: their filter elements go to the kernel in one transaction. */
#define SERVERS_WAITING_MAX 1024
/* Conntrack entries that could not be deleted are not remembered without end. */
#define FLOWS_MAX 65536

struct Reconciler {
        ReconcilerParts parts;
        Plan plan;
        IpvsOp *ipvs_ops; /* owned: the plan's without those withheld */
        size_t n_ipvs_ops_allocated;
        size_t n_servers; /* virtual servers in a turn */
        ConntrackFlow *flows; /* owned: to be deleted from the connection table */
        size_t n_flows, n_flows_allocated;
        DrainBegun drain_begun;
        void *userdata;
};

int reconciler_new(const ReconcilerParts *parts, Reconciler **ret) {
        Reconciler *reconciler = calloc(1, sizeof(Reconciler));

        if (!reconciler)
                return -ENOMEM;
        reconciler->parts = *parts;
        reconciler->n_servers = TURN_SERVERS_FIRST;
        *ret = reconciler;
        return 0;
}

Reconciler *reconciler_free(Reconciler *reconciler) {
        if (!reconciler)
                return NULL;
        plan_done(&reconciler->plan);
        free(reconciler->ipvs_ops);
        free(reconciler->flows);
        free(reconciler);
        return NULL;
}

void reconciler_on_drain(Reconciler *reconciler, DrainBegun begun, void *userdata) {
        reconciler->drain_begun = begun;
        reconciler->userdata = userdata;
}

/* ---- filter */

/* What one element can be refused for; anything else concerns the table, or all there is. */
static bool filter_error_is_of_element(int error) {
        return error == -EINVAL || error == -EEXIST || error == -ENOTEMPTY || error == -ENOENT;
}

static void reconciler_fail_filter(FilterOp *ops, size_t n_ops, int error, ReconcilerResult *result) {
        char text[FILTER_ELEMENT_STRLEN];

        for (size_t i = 0; i < n_ops; i++) {
                ops[i].result = error;
                if (error == -ENOENT && !ops[i].add)
                        continue; /* gone is what was wanted */
                reconciler_result_fail(result,
                            error,
                            ops[i].add ? "add filter element" : "remove filter element",
                            filter_element_format(&ops[i].element, text));
        }
}

/*
 * A transaction that is refused is halved until the elements that the kernel does not take are found; the others go
 * in. Where the table itself is gone that is seen at the first addition, and the rest is not tried.
 */
static void reconciler_apply_filter(Reconciler *reconciler, FilterOp *ops, size_t n_ops, ReconcilerResult *result) {
        KernelBackend *backend = reconciler->parts.backend;
        int r = -ENOENT;

        if (n_ops == 0)
                return;
        if (!result->filter_lost) {
                r = backend->ops->filter_apply(backend, ops, n_ops);
                reconciler->parts.measure->n_filter_transactions++;
                reconciler->parts.measure->n_filter_failures += r < 0;
        }
        if (r >= 0) {
                for (size_t i = 0; i < n_ops; i++)
                        ops[i].result = 0;
                return;
        }
        result->filter_refused = result->filter_refused || r == -ENOMEM || r == -EPERM;
        if (n_ops > 1 && !result->filter_lost && filter_error_is_of_element(r)) {
                reconciler_apply_filter(reconciler, ops, n_ops / 2, result);
                reconciler_apply_filter(reconciler, ops + n_ops / 2, n_ops - n_ops / 2, result);
                return;
        }
        if (r == -ENOENT && n_ops == 1 && ops[0].add)
                result->filter_lost = true;
        reconciler_fail_filter(ops, n_ops, r, result);
}

/* ---- IPVS */

static int reconciler_note_ownership(Reconciler *reconciler) {
        const Plan *plan = &reconciler->plan;
        int r = 0;

        for (size_t i = 0; i < plan->servers.n_items && r >= 0; i++)
                if (plan->servers.items[i].kind == IPVS_OP_ADD_SERVICE && plan->servers.items[i].result >= 0)
                        r = journal_add(reconciler->parts.journal, &plan->servers.items[i].service.key);
        return r < 0 ? r : journal_flush(reconciler->parts.journal);
}

static void reconciler_note_removals(Reconciler *reconciler) {
        const Plan *plan = &reconciler->plan;

        for (size_t i = 0; i < plan->servers.n_items; i++) {
                const IpvsOp *op = &plan->servers.items[i];
                const ServerState *server = kernel_table_server(reconciler->parts.table, &op->service.key);

                if (op->kind == IPVS_OP_DELETE_SERVICE && (!server || !server->present))
                        (void) journal_remove(reconciler->parts.journal, &op->service.key);
        }
}

/* Those that are gone, or have their weight again. */
static void reconciler_note_drained(Reconciler *reconciler) {
        const Plan *plan = &reconciler->plan;

        for (size_t i = 0; i < plan->servers.n_items; i++) {
                const IpvsOp *op = &plan->servers.items[i];

                if (op->kind == IPVS_OP_DELETE_DEST || (op->kind == IPVS_OP_SET_DEST && op->dest.weight > 0))
                        (void) journal_drain(reconciler->parts.journal, &op->service.key, &op->dest.addr, 0);
        }
}

static void reconciler_note_drains(Reconciler *reconciler) {
        const Plan *plan = &reconciler->plan;

        for (size_t i = 0; i < plan->drains.n_items; i++) {
                const DrainStart *start = &plan->drains.items[i];
                const ServerState *server = kernel_table_server(reconciler->parts.table, &start->key);
                const RealServerState *dest = server ? server_state_find_dest(server, &start->dest) : NULL;

                if (!dest || dest->drain_usec == 0)
                        continue;
                (void) journal_drain(reconciler->parts.journal, &start->key, &start->dest, dest->drain_usec);
                if (reconciler->drain_begun)
                        reconciler->drain_begun(&start->key, reconciler->userdata);
        }
}

static int reconciler_apply_ipvs(Reconciler *reconciler, ReconcilerResult *result) {
        KernelBackend *backend = reconciler->parts.backend;
        Plan *plan = &reconciler->plan;
        size_t n = 0;
        int r;

        if (plan->servers.n_items > reconciler->n_ipvs_ops_allocated) {
                IpvsOp *bigger = reallocarray(reconciler->ipvs_ops, plan->servers.n_items, sizeof(IpvsOp));

                if (!bigger)
                        return -ENOMEM;
                reconciler->ipvs_ops = bigger;
                reconciler->n_ipvs_ops_allocated = plan->servers.n_items;
        }
        for (size_t i = 0; i < plan->servers.n_items; i++)
                if (plan->servers.items[i].result >= 0)
                        reconciler->ipvs_ops[n++] = plan->servers.items[i];
        if (n == 0)
                return 0;
        r = backend->ops->ipvs_apply(backend, reconciler->ipvs_ops, n);
        if (r < 0) {
                result->channel_lost = true;
                reconciler_result_fail(result, r, "speak to", "IPVS");
        }
        for (size_t i = 0, k = 0; i < plan->servers.n_items; i++)
                if (plan->servers.items[i].result >= 0)
                        plan->servers.items[i].result = reconciler->ipvs_ops[k++].result;
        return 0;
}

/* ---- addresses */

static void reconciler_apply_addresses(Reconciler *reconciler, AddressOp *ops, size_t n_ops, ReconcilerResult *result) {
        KernelBackend *backend = reconciler->parts.backend;
        char text[IP_ADDR_STRLEN];
        size_t n = 0;
        int r;

        for (size_t i = 0; i < n_ops; i++) /* those withheld go to the end */
                if (ops[i].result >= 0) {
                        AddressOp op = ops[n];

                        ops[n++] = ops[i];
                        ops[i] = op;
                }
        if (n == 0)
                return;
        r = backend->ops->address_apply(backend, ops, n);
        for (size_t i = 0; i < n; i++) {
                if (r < 0 && ops[i].result >= 0)
                        ops[i].result = r;
                if (ops[i].result < 0)
                        reconciler_result_fail(result,
                                    ops[i].result,
                                    ops[i].add ? "bind address" : "unbind address",
                                    ip_addr_format(&ops[i].addr, text));
        }
}

/* ---- conntrack */

static void reconciler_take_flow(Reconciler *reconciler, const StaleFlow *flow) {
        const PortServer *server = NULL;
        const DesiredPort *port = desired_port_at(reconciler->parts.table, &flow->key, &server);
        char addr[IP_ADDR_STRLEN];

        if (reconciler->n_flows == reconciler->n_flows_allocated) {
                size_t n = MIN2(MAX2(reconciler->n_flows_allocated * 2, (size_t) 16), (size_t) FLOWS_MAX);
                ConntrackFlow *bigger = n > reconciler->n_flows ?
                                                reallocarray(reconciler->flows, n, sizeof(ConntrackFlow)) :
                                                NULL;

                if (!bigger)
                        return; /* its entries time out */
                reconciler->flows = bigger;
                reconciler->n_flows_allocated = n;
        }
        reconciler->flows[reconciler->n_flows++] =
                (ConntrackFlow) { flow->key.addr, flow->key.port, flow->endpoint };
        if (port && server->kind == ADDRESS_KIND_CLUSTER_IP && flow->endpoint.addr.family == 0)
                log_v(2, "Stale udp service %s -> %s", port->id, ip_addr_format(&flow->key.addr, addr));
}

/* Flows of a failed pass stay for the next turn. */
static void reconciler_flush_flows(Reconciler *reconciler, ReconcilerResult *result) {
        const Plan *plan = &reconciler->plan;
        KernelBackend *backend = reconciler->parts.backend;
        size_t n_deleted = 0;
        int r;

        for (size_t i = 0; i < plan->flows.n_items; i++)
                reconciler_take_flow(reconciler, &plan->flows.items[i]);
        if (reconciler->n_flows == 0)
                return;
        measure_conntrack_begin(reconciler->parts.measure);
        r = backend->ops->conntrack_flush_udp(backend, reconciler->flows, reconciler->n_flows, &n_deleted);
        measure_conntrack_end(reconciler->parts.measure, &reconciler->flows[0].addr, n_deleted);
        if (r < 0) {
                result->flows_left = true;
                reconciler_result_fail(result, r, "delete stale conntrack entries of", "UDP services");
                return;
        }
        reconciler->n_flows = 0;
        if (n_deleted > 0)
                log_v(2, "Deleted %zu stale conntrack entries of UDP services", n_deleted);
}

/* ---- the turn */

static int reconciler_compute(Reconciler *reconciler, ReconcileScope scope, const ProxyConfig *config) {
        Store *store = reconciler->parts.store;
        int r = 0;

        /* There is enough for this turn; the next transaction is the larger for it. */
        if (kernel_table_n_queued(reconciler->parts.table, DIRTY_SERVERS) >= reconciler->n_servers)
                return 0;
        for (unsigned i = 0; i < SERVICES_PER_TURN && r >= 0 &&
                             kernel_table_n_queued(reconciler->parts.table, DIRTY_SERVERS) < SERVERS_WAITING_MAX;
             i++) {
                ServiceEntry *entry = scope == RECONCILE_URGENT ? store_take_urgent(store) : store_take_dirty(store);

                if (!entry)
                        break;
                r = desired_update(reconciler->parts.desired, config, entry);
                if (r < 0)
                        store_mark_dirty(store, entry);
                else
                        measure_computed(reconciler->parts.measure, entry);
        }
        return r;
}

static bool reconciler_has_dirty(const Reconciler *reconciler, ReconcileScope scope) {
        const Store *store = reconciler->parts.store;

        return scope == RECONCILE_URGENT ? store_has_urgent(store) : store_n_dirty(store) > 0;
}

static void reconciler_apply(Reconciler *reconciler, ReconcilerResult *result) {
        Plan *plan = &reconciler->plan;
        int r;

        reconciler_apply_filter(reconciler, plan->elements_added.items, plan->elements_added.n_items, result);
        plan_withhold(plan);
        r = reconciler_note_ownership(reconciler);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to write the ownership journal, going on without: %m");
        r = reconciler_apply_ipvs(reconciler, result);
        for (size_t i = 0; r < 0 && i < plan->servers.n_items; i++)
                plan->servers.items[i].result = r; /* not one was sent */
        reconciler_apply_addresses(reconciler, plan->addresses_added.items, plan->addresses_added.n_items, result);
        reconciler_apply_addresses(reconciler, plan->addresses_removed.items, plan->addresses_removed.n_items, result);
        reconciler_apply_filter(reconciler, plan->elements_removed.items, plan->elements_removed.n_items, result);
}

int reconciler_turn(Reconciler *reconciler,
                    ReconcileScope scope,
                    const ProxyConfig *config,
                    const PlanOptions *options,
                    ReconcilerResult *ret) {
        const ReconcilerParts *parts = &reconciler->parts;
        PlanOptions bounded = *options;
        ReconcilerResult result = {};
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC);
        int r;

        r = reconciler_compute(reconciler, scope, config);
        if (r < 0)
                return r;
        bounded.max_servers = reconciler->n_servers;
        r = plan_make(&reconciler->plan, parts->table, &bounded);
        if (r < 0) {
                plan_queue_differences(parts->table);
                return r;
        }
        if (plan_n_operations(&reconciler->plan) > 0) {
                reconciler_apply(reconciler, &result);
                (void) plan_commit(&reconciler->plan, parts->table);
                reconciler_look_at_failures(&reconciler->parts, &reconciler->plan, &result);
                reconciler_note_removals(reconciler);
                reconciler_note_drained(reconciler);
        }
        reconciler_note_drains(reconciler);
        (void) journal_flush(parts->journal); /* what is not written is noted still */
        reconciler_flush_flows(reconciler, &result);
        result.n_changed = plan_n_operations(&reconciler->plan) - MIN2(result.n_failed, plan_n_operations(&reconciler->plan));
        result.more = reconciler_has_dirty(reconciler, scope) || !kernel_table_is_clean(parts->table);
        reconciler->n_servers = turn_pace(reconciler->n_servers, clock_now_usec(CLOCK_MONOTONIC) - begun, result.more);
        store_collect(parts->store);
        *ret = result;
        return 0;
}
