/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/plan-private.h"

#include <errno.h>
#include <string.h>

/* The address of a new last item, zeroed; NULL on OOM. */
static void *plan_array_grow(void **items, size_t *n_items, size_t *n_allocated, size_t size) {
        void *item;

        if (*n_items == *n_allocated) {
                size_t n = MAX2(*n_allocated * 2, (size_t) 16);
                void *bigger = reallocarray(*items, n, size);

                if (!bigger)
                        return NULL;
                *items = bigger;
                *n_allocated = n;
        }
        item = (char *) *items + (*n_items)++ * size;
        return memset(item, 0, size);
}

#define PLAN_APPEND(array)                                                                         \
        ((__typeof__((array)->items)) plan_array_grow((void **) &(array)->items,                   \
                                                      &(array)->n_items,                           \
                                                      &(array)->n_allocated,                       \
                                                      sizeof(*(array)->items)))

void plan_done(Plan *plan) {
        free(plan->elements_added.items);
        free(plan->servers.items);
        free(plan->addresses_added.items);
        free(plan->addresses_removed.items);
        free(plan->elements_removed.items);
        free(plan->flows.items);
        free(plan->drains.items);
        *plan = (Plan) {};
}

static void plan_clear(Plan *plan) {
        plan->elements_added.n_items = 0;
        plan->servers.n_items = 0;
        plan->addresses_added.n_items = 0;
        plan->addresses_removed.n_items = 0;
        plan->elements_removed.n_items = 0;
        plan->flows.n_items = 0;
        plan->drains.n_items = 0;
}

size_t plan_n_operations(const Plan *plan) {
        return plan->elements_added.n_items + plan->servers.n_items + plan->addresses_added.n_items +
               plan->addresses_removed.n_items + plan->elements_removed.n_items;
}

/* ---- virtual servers */

static int plan_add_server_op(Plan *plan, IpvsOpKind kind, const VirtualServer *service, const RealServer *dest) {
        IpvsOp *op = PLAN_APPEND(&plan->servers);

        if (!op)
                return -ENOMEM;
        op->kind = kind;
        op->service = *service;
        if (dest)
                op->dest = *dest;
        return 0;
}

static int plan_add_flow(Plan *plan, const VirtualServerKey *key, const IpPort *endpoint) {
        StaleFlow *flow;

        if (key->protocol != PROTOCOL_UDP)
                return 0;
        flow = PLAN_APPEND(&plan->flows);
        if (!flow)
                return -ENOMEM;
        flow->key = *key;
        if (endpoint)
                flow->endpoint = *endpoint;
        return 0;
}

/* UDP has no connections to wait for: clients must move on at once, with their conntrack entries. */
static bool server_drains(const ServerState *server, const PlanOptions *options) {
        return options->drain_timeout_usec > 0 && server->key.protocol != PROTOCOL_UDP;
}

/* Whether a real server that is not wanted goes now; else it drains. */
static bool real_server_leaves(const ServerState *server, const RealServerState *dest, const PlanOptions *options) {
        if (!server_drains(server, options))
                return true;
        return dest->drain_usec > 0 && dest->drain_usec <= options->now_usec;
}

static int plan_add_drain(Plan *plan, const VirtualServerKey *key, const IpPort *dest) {
        DrainStart *start = PLAN_APPEND(&plan->drains);

        if (!start)
                return -ENOMEM;
        start->key = *key;
        start->dest = *dest;
        return 0;
}

static int plan_unwanted_dest(Plan *plan, ServerState *server, RealServerState *dest, const PlanOptions *options) {
        RealServer quiet = dest->server;
        int r;

        if (!options->may_remove)
                return 0;
        if (real_server_leaves(server, dest, options)) {
                r = plan_add_server_op(plan, IPVS_OP_DELETE_DEST, &server->actual, &dest->server);
                return r < 0 ? r : plan_add_flow(plan, &server->key, &dest->server.addr);
        }
        if (dest->server.weight == 0 && dest->drain_usec > 0)
                return 0;
        r = plan_add_drain(plan, &server->key, &dest->server.addr);
        if (r < 0)
                return r;
        if (dest->server.weight == 0) { /* by us before a restart, or by kube-proxy: it only gets its deadline */
                dest->drain_usec = plan->drain_deadline_usec;
                return 0;
        }
        quiet.weight = 0;
        return plan_add_server_op(plan, IPVS_OP_SET_DEST, &server->actual, &quiet);
}

/* Both sides are sorted: one merge pass. */
static int plan_merge_dests(Plan *plan, ServerState *server, const DestList *wanted, const PlanOptions *options) {
        size_t i = 0, k = 0;
        int r = 0;

        while (r >= 0 && (i < wanted->n_servers || k < server->n_dests)) {
                const RealServer *want = i < wanted->n_servers ? &wanted->servers[i] : NULL;
                RealServerState *have = k < server->n_dests ? &server->dests[k] : NULL;
                int order = !want ? 1 : !have ? -1 : real_server_compare(want, have);

                if (order < 0) {
                        r = plan_add_server_op(plan, IPVS_OP_ADD_DEST, &server->claims->wanted, want);
                        i++;
                } else if (order > 0) {
                        r = plan_unwanted_dest(plan, server, have, options);
                        k++;
                } else {
                        if (want->weight != have->server.weight || want->forward != have->server.forward)
                                r = plan_add_server_op(
                                        plan, IPVS_OP_SET_DEST, &server->claims->wanted, want);
                        else
                                have->drain_usec = 0;
                        i++;
                        k++;
                }
        }
        return r;
}

/* Additions and changes: also the first real servers of a UDP port, whose clients may be stuck untranslated. */
static int plan_wanted_server(Plan *plan, ServerState *server, const PlanOptions *options) {
        const ServerClaim *claim = server->claims;
        int r = 0;

        if (server->n_dests == 0 && claim->dests->n_servers > 0)
                r = plan_add_flow(plan, &server->key, NULL);
        if (r >= 0 && !server->present)
                r = plan_add_server_op(plan, IPVS_OP_ADD_SERVICE, &claim->wanted, NULL);
        else if (r >= 0 && !virtual_server_equal(&server->actual, &claim->wanted))
                r = plan_add_server_op(plan, IPVS_OP_SET_SERVICE, &claim->wanted, NULL);
        return r < 0 ? r : plan_merge_dests(plan, server, claim->dests, options);
}

/* A virtual server that nobody wants drains like its real servers, and goes with the last of them. */
static int plan_unwanted_server(Plan *plan, ServerState *server, const PlanOptions *options) {
        bool all_leave = true;
        int r = 0;

        if (!options->may_remove)
                return 0;
        for (size_t i = 0; i < server->n_dests; i++)
                all_leave = all_leave && real_server_leaves(server, &server->dests[i], options);
        if (!all_leave) {
                for (size_t i = 0; i < server->n_dests && r >= 0; i++)
                        r = plan_unwanted_dest(plan, server, &server->dests[i], options);
                return r;
        }
        for (size_t i = 0; i < server->n_dests && r >= 0; i++)
                r = plan_add_flow(plan, &server->key, &server->dests[i].server.addr);
        return r < 0 ? r : plan_add_server_op(plan, IPVS_OP_DELETE_SERVICE, &server->actual, NULL);
}

bool filter_set_protects(FilterSet set) {
        return set == FILTER_SET_SERVICE_IPS || set == FILTER_SET_SERVICE_PORTS || set == FILTER_SET_CLUSTER_PORTS ||
               set == FILTER_SET_EXTERNAL_PORTS || set == FILTER_SET_LOCAL_ONLY || set == FILTER_SET_FIREWALLED;
}

static FilterElement key_element(const VirtualServerKey *key, FilterSet set) {
        bool has_port = filter_set_type(set)->has_port;

        return (FilterElement) {
                .set = (uint8_t) set,
                .protocol = has_port ? key->protocol : 0,
                .port = has_port ? key->port : 0,
                .addr = key->addr,
        };
}

/*
 * Elements that were refused in an earlier plan are tried in this one too, so that plan_withhold() sees whether they are
 * there. Elements are planned after virtual servers and addresses.
 */
static void plan_require_elements(KernelTable *table, const VirtualServerKey *key) {
        for (FilterSet set = 0; set < _FILTER_SET_MAX; set++) {
                FilterElement element = key_element(key, set);
                ElementState *state = filter_set_protects(set) ? kernel_table_element(table, &element) : NULL;

                if (state && state->n_wanted > 0 && !state->present)
                        kernel_table_queue_element(table, state);
        }
}

static int plan_server(Plan *plan, KernelTable *table, ServerState *server, const PlanOptions *options) {
        size_t n_before = plan->servers.n_items;
        int r = 0;

        if (server->present && server->owner == SERVER_OWNER_FOREIGN)
                r = 0;
        else if (server->claims)
                r = server->claims->held ? plan_wanted_server(plan, server, options) : 0;
        else if (server->present)
                r = plan_unwanted_server(plan, server, options);
        if (r < 0)
                return r;
        if (plan->servers.n_items > n_before) {
                plan_require_elements(table, &server->key);
                return 0;
        }
        kernel_table_clear_failure(table, &server->failure);
        kernel_table_collect_server(table, server);
        return 0;
}

/* ---- addresses and elements */

static int plan_address(Plan *plan, KernelTable *table, AddressState *address, const PlanOptions *options) {
        AddressOp *op;

        if (address->n_wanted > 0 && !address->present) {
                if (address->n_servers == 0)
                        return 0; /* queued when the first comes */
                op = PLAN_APPEND(&plan->addresses_added);
                if (!op)
                        return -ENOMEM;
                op->add = true;
                plan_require_elements(table, &(VirtualServerKey) { .addr = address->addr });
        } else if (address->present && address->n_wanted == 0 && address->n_orphans == 0 && options->may_remove) {
                op = PLAN_APPEND(&plan->addresses_removed);
                if (!op)
                        return -ENOMEM;
        } else {
                kernel_table_clear_failure(table, &address->failure);
                kernel_table_collect_address(table, address);
                return 0;
        }
        op->addr = address->addr;
        return 0;
}

/* The guard of an address stays as long as the address, else ports of the host would be open on it. */
static bool element_guards_address(const KernelTable *table, const ElementState *element) {
        const AddressState *address;

        if (element->element.set != FILTER_SET_SERVICE_IPS)
                return false;
        address = kernel_table_address(table, &element->element.addr);
        return address && address->present;
}

/* A source range whose port stays firewalled. */
static bool element_is_exchanged(const KernelTable *table, const ElementState *element) {
        FilterElement firewalled = {
                .set = FILTER_SET_FIREWALLED,
                .protocol = element->element.protocol,
                .port = element->element.port,
                .addr = element->element.addr,
        };
        const ElementState *state = element->element.set == FILTER_SET_SOURCE_RANGES ?
                                            kernel_table_element(table, &firewalled) :
                                            NULL;

        return state && state->n_wanted > 0;
}

/* Removals first, then set by set: the backend puts what is of one set into one message. */
static int filter_op_compare(const void *a, const void *b) {
        const FilterOp *x = a, *y = b;

        if (x->add != y->add)
                return x->add - y->add;
        if (x->element.set != y->element.set)
                return x->element.set - y->element.set;
        return x->element.addr.family - y->element.addr.family;
}

static int plan_element(Plan *plan, KernelTable *table, ElementState *element, const PlanOptions *options) {
        FilterOp *op;

        if (element->n_wanted > 0 && !element->present) {
                op = PLAN_APPEND(&plan->elements_added);
                if (!op)
                        return -ENOMEM;
                op->add = true;
        } else if (element->present && element->n_wanted == 0 && options->may_remove &&
                   !element_guards_address(table, element)) {
                op = element_is_exchanged(table, element) ? PLAN_APPEND(&plan->elements_added) :
                                                            PLAN_APPEND(&plan->elements_removed);
                if (!op)
                        return -ENOMEM;
        } else {
                kernel_table_clear_failure(table, &element->failure);
                kernel_table_collect_element(table, element);
                return 0;
        }
        op->element = element->element;
        return 0;
}

int plan_make(Plan *plan, KernelTable *table, const PlanOptions *options) {
        size_t n = 0;
        void *record;
        int r = 0;

        plan_clear(plan);
        plan->drain_deadline_usec = options->now_usec + options->drain_timeout_usec;
        plan->now_usec = options->now_usec;
        plan->retry_usec = options->retry_usec;
        while (r >= 0 && (options->max_servers == 0 || n++ < options->max_servers) &&
               (record = kernel_table_take(table, DIRTY_SERVERS)))
                r = plan_server(plan, table, record, options);
        while (r >= 0 && (record = kernel_table_take(table, DIRTY_ADDRESSES)))
                r = plan_address(plan, table, record, options);
        while (r >= 0 && (record = kernel_table_take(table, DIRTY_ELEMENTS)))
                r = plan_element(plan, table, record, options);
        if (plan->elements_added.n_items > 0)
                qsort(plan->elements_added.items, plan->elements_added.n_items, sizeof(FilterOp), filter_op_compare);
        if (plan->elements_removed.n_items > 0)
                qsort(plan->elements_removed.items, plan->elements_removed.n_items, sizeof(FilterOp), filter_op_compare);
        return r;
}

void plan_queue_differences(KernelTable *table) {
        AddressState *address;
        ElementState *element;
        ServerState *server;

        for (size_t i = 0; (server = kernel_table_next_server(table, &i));)
                kernel_table_queue_server(table, server);
        for (size_t i = 0; (address = kernel_table_next_address(table, &i));)
                if (address->present != (address->n_wanted > 0))
                        kernel_table_queue_address(table, address);
        for (size_t i = 0; (element = kernel_table_next_element(table, &i));)
                if (element->present != (element->n_wanted > 0))
                        kernel_table_queue_element(table, element);
}
