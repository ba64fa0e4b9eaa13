/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/desired.h"

#include <errno.h>
#include <string.h>

#include "proxy/desired-private.h"

struct Desired {
        Store *store; /* borrowed */
        KernelTable *table; /* borrowed */
        HashMap ports; /* id → DesiredPort, owned by its service */
        HashMap health_checks; /* key of the entry → DesiredService */
        const ServiceEntry *updating; /* borrowed; the service that is computed just now */
        size_t n_no_local[2];
        DesiredObserver observer;
        void *userdata;
};

static const char *const address_kind_table[_ADDRESS_KIND_MAX] = {
        [ADDRESS_KIND_CLUSTER_IP] = "cluster-ip",
        [ADDRESS_KIND_EXTERNAL_IP] = "external-ip",
        [ADDRESS_KIND_LOAD_BALANCER_IP] = "load-balancer-ip",
        [ADDRESS_KIND_NODE_PORT] = "node-port",
};

const char *address_kind_to_string(AddressKind kind) {
        return kind < _ADDRESS_KIND_MAX ? address_kind_table[kind] : NULL;
}

static const char *const refusal_reason_table[_REFUSAL_MAX] = {
        [REFUSAL_NONE] = "",
        [REFUSAL_CONFLICT] = "Conflict",
        [REFUSAL_FOREIGN] = "ForeignVirtualServer",
        [REFUSAL_LOOPBACK] = "LoopbackAddress",
        [REFUSAL_MULTICAST] = "MulticastAddress",
        [REFUSAL_UNSPECIFIED] = "UnspecifiedAddress",
        [REFUSAL_LINK_LOCAL] = "LinkLocalAddress",
        [REFUSAL_NODE_ADDRESS] = "NodeAddress",
        [REFUSAL_TOO_MANY] = "TooManyAddresses",
};

const char *refusal_reason_to_string(RefusalReason reason) {
        return reason < _REFUSAL_MAX ? refusal_reason_table[reason] : NULL;
}

RefusalReason port_server_refusal(const PortServer *server) {
        const ServerState *state = server->claim.server;

        if (!state || state->claims != &server->claim)
                return REFUSAL_CONFLICT;
        if (state->present && state->owner == SERVER_OWNER_FOREIGN)
                return REFUSAL_FOREIGN;
        return REFUSAL_NONE;
}

/* ---- entering and taking back */

/*
 * A claim whose luck changed has other elements and addresses to wish for: its service is computed again. Those of the
 * service that is computed just now look at their luck afterwards.
 */
static void on_claims_changed(const ServerState *server, void *userdata) {
        Desired *desired = userdata;

        for (const ServerClaim *c = server->claims; c; c = c->next) {
                const PortServer *claimant = (const PortServer *) (const void *) c;

                if (claimant->service->entry != desired->updating && c->held != server_claim_holds(c))
                        store_mark_dirty(desired->store, claimant->service->entry);
        }
}

static int desired_enter_claims(Desired *desired, DesiredService *service) {
        for (size_t i = 0; service && i < service->n_ports; i++)
                for (size_t k = 0; k < service->ports[i].n_servers; k++) {
                        int r = kernel_table_claim(desired->table, &service->ports[i].servers[k].claim);

                        if (r < 0)
                                return r;
                }
        return 0;
}

static void desired_release_claims(Desired *desired, DesiredService *service) {
        for (size_t i = 0; service && i < service->n_ports; i++)
                for (size_t k = 0; k < service->ports[i].n_servers; k++)
                        kernel_table_release(desired->table, &service->ports[i].servers[k].claim);
}

/* Whatever is listed as of this service. */
static void desired_unindex(Desired *desired, const DesiredService *service) {
        for (size_t i = 0; i < service->n_ports; i++)
                if (hashmap_get(&desired->ports, service->ports[i].id) == &service->ports[i])
                        (void) hashmap_remove(&desired->ports, service->ports[i].id);
        if (hashmap_get(&desired->health_checks, service->entry->key) == service)
                (void) hashmap_remove(&desired->health_checks, service->entry->key);
}

/* Lists the ports of `service` in the place of those of `old`; on failure the old ones are listed. -ENOMEM. */
static int desired_index(Desired *desired, DesiredService *old, DesiredService *service) {
        int r = 0;

        for (size_t i = 0; service && i < service->n_ports && r >= 0; i++)
                r = hashmap_put(&desired->ports, service->ports[i].id, &service->ports[i]);
        if (r >= 0 && service && service->health_check_node_port > 0)
                r = hashmap_put(&desired->health_checks, service->entry->key, service);
        if (r < 0) {
                desired_unindex(desired, service);
                (void) desired_index(desired, NULL, old); /* as many entries as there were: no memory is needed */
                return r;
        }
        if (old)
                desired_unindex(desired, old);
        return 0;
}

/* The port of that name; ports of two states of a service mostly stand at the same place. */
static const DesiredPort *desired_service_port(const DesiredService *service, const DesiredPort *like, size_t place) {
        if (service && place < service->n_ports && strcmp(service->ports[place].id, like->id) == 0)
                return &service->ports[place];
        for (size_t i = 0; service && i < service->n_ports; i++)
                if (strcmp(service->ports[i].id, like->id) == 0)
                        return &service->ports[i];
        return NULL;
}

static void desired_observe(Desired *desired, const DesiredService *before, const DesiredService *after) {
        if (!desired->observer)
                return;
        for (size_t i = 0; before && i < before->n_ports; i++)
                if (!desired_service_port(after, &before->ports[i], i))
                        desired->observer(&before->ports[i], NULL, desired->userdata);
        for (size_t i = 0; after && i < after->n_ports; i++)
                desired->observer(desired_service_port(before, &after->ports[i], i),
                                  &after->ports[i],
                                  desired->userdata);
}

/* Out of the table and freed; not listed any more. */
static void desired_drop(Desired *desired, DesiredService *service) {
        if (!service)
                return;
        desired_release_claims(desired, service);
        desired_service_withdraw_wishes(service, desired->table);
        desired_service_free(service);
}

/*
 * In the place of the old one. First come all new claims, then the old ones go, so that no server is without a claim in
 * between, and only then it is seen which of the new ones hold: a Service that was made anew is younger than its old
 * claims. Wishes of the old one still count, so that what both want is never queued.
 */
static int desired_enter(Desired *desired, const ProxyConfig *config, DesiredService *old, DesiredService *service) {
        int r = service ? desired_enter_claims(desired, service) : 0;

        if (r < 0)
                return r;
        desired_release_claims(desired, old);
        if (service)
                r = desired_service_enter_wishes(service, desired->table, config);
        if (r >= 0)
                r = desired_index(desired, old, service);
        if (r < 0)
                (void) desired_enter_claims(desired, old); /* the servers are all there still: no memory is needed */
        return r;
}

static void desired_count(Desired *desired, const DesiredService *old, const DesiredService *service) {
        for (size_t i = 0; i < ELEMENTSOF(desired->n_no_local); i++) {
                desired->n_no_local[i] -= old && old->no_local[i];
                desired->n_no_local[i] += service && service->no_local[i];
        }
}

static bool port_server_equal(const PortServer *a, const PortServer *b) {
        return a->kind == b->kind && virtual_server_key_compare(&a->claim.wanted.key, &b->claim.wanted.key) == 0 &&
               virtual_server_equal(&a->claim.wanted, &b->claim.wanted) &&
               dest_list_equal(a->claim.dests, b->claim.dests);
}

static bool desired_port_equal(const DesiredPort *a, const DesiredPort *b) {
        if (a->protocol != b->protocol || a->port != b->port || a->node_port != b->node_port ||
            a->n_endpoints != b->n_endpoints || a->n_ready != b->n_ready || a->n_local != b->n_local ||
            a->n_used != b->n_used || a->n_servers != b->n_servers)
                return false;
        for (size_t i = 0; i < a->n_servers; i++)
                if (!port_server_equal(&a->servers[i], &b->servers[i]))
                        return false;
        return true;
}

/* A port that is what it was keeps the generation that programmed it. */
static void desired_keep_generations(const DesiredService *before, DesiredService *after) {
        for (size_t i = 0; after && i < after->n_ports; i++) {
                const DesiredPort *port = desired_service_port(before, &after->ports[i], i);

                if (port && desired_port_equal(port, &after->ports[i])) {
                        after->ports[i].generation = port->generation;
                        after->ports[i].programmed_usec = port->programmed_usec;
                }
        }
}

int desired_update(Desired *desired, const ProxyConfig *config, ServiceEntry *entry) {
        DesiredService *old = entry->desired, *service;
        int r;

        desired->updating = entry;
        r = desired_service_build(config, desired->table, entry, &service);
        if (r >= 0)
                r = desired_enter(desired, config, old, service);
        if (r < 0) {
                desired_drop(desired, service);
                desired->updating = NULL;
                return r;
        }
        desired_keep_generations(old, service);
        desired_observe(desired, old, service);
        desired_count(desired, old, service);
        desired_drop(desired, old);
        desired->updating = NULL;
        entry->desired = service;
        return 0;
}

/* ---- reading */

DesiredPort *desired_find(const Desired *desired, const char *id) {
        return hashmap_get(&desired->ports, id);
}

DesiredPort *desired_next(const Desired *desired, size_t *i) {
        return hashmap_next(&desired->ports, i);
}

const DesiredPort *desired_port_at(const KernelTable *table, const VirtualServerKey *key, const PortServer **ret_server) {
        const ServerState *server = kernel_table_server(table, key);
        const PortServer *holder;

        if (!server || !server->claims)
                return NULL;
        holder = (const PortServer *) (const void *) server->claims;
        for (size_t i = 0; i < holder->service->n_ports; i++) {
                const DesiredPort *port = &holder->service->ports[i];

                if (holder >= port->servers && holder < port->servers + port->n_servers) {
                        *ret_server = holder;
                        return port;
                }
        }
        return NULL;
}

size_t desired_n_ports(const Desired *desired) {
        return desired->ports.n_entries;
}

const DesiredService *desired_next_health_check(const Desired *desired, size_t *i) {
        return hashmap_next(&desired->health_checks, i);
}

size_t desired_n_no_local(const Desired *desired, bool external) {
        return desired->n_no_local[external];
}

void desired_set_observer(Desired *desired, DesiredObserver observer, void *userdata) {
        desired->observer = observer;
        desired->userdata = userdata;
}

int desired_new(Store *store, KernelTable *table, Desired **ret) {
        Desired *desired = calloc(1, sizeof(Desired));

        if (!desired)
                return -ENOMEM;
        desired->store = store;
        desired->table = table;
        desired->ports.ops = &hash_ops_string;
        desired->health_checks.ops = &hash_ops_string;
        kernel_table_set_observer(table, on_claims_changed, desired);
        *ret = desired;
        return 0;
}

Desired *desired_free(Desired *desired) {
        ServiceEntry *entry;

        if (!desired)
                return NULL;
        kernel_table_set_observer(desired->table, NULL, NULL);
        for (size_t i = 0; (entry = store_next(desired->store, &i));) {
                desired_drop(desired, entry->desired);
                entry->desired = NULL;
        }
        hashmap_done(&desired->ports);
        hashmap_done(&desired->health_checks);
        free(desired);
        return NULL;
}
