/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/port-view.h"

#include <errno.h>
#include <string.h>

#include "control/manager-private.h"

#define SERVERS_READ_MAX 64

static const char *const port_state_table[_PORT_STATE_MAX] = {
        [PORT_STATE_PENDING] = "pending", [PORT_STATE_SYNCED] = "synced",     [PORT_STATE_DEGRADED] = "degraded",
        [PORT_STATE_REFUSED] = "refused", [PORT_STATE_REMOVING] = "removing",
};

const char *port_state_to_string(PortState state) {
        return state >= 0 && state < _PORT_STATE_MAX ? port_state_table[state] : NULL;
}

/* Whether the kernel holds what the claim wants; real servers that drain do not count. */
static bool server_is_synced(const ServerState *server) {
        const ServerClaim *claim = server->claims;

        if (!server->present || !virtual_server_equal(&server->actual, &claim->wanted))
                return false;
        for (size_t i = 0; i < claim->dests->n_servers; i++) {
                const RealServerState *dest = server_state_find_dest(server, &claim->dests->servers[i].addr);

                if (!dest || dest->server.weight != claim->dests->servers[i].weight)
                        return false;
        }
        return true;
}

/* What goes with the virtual servers of a service: its addresses and filter elements. */
static void service_extras_state(const DesiredService *service, bool *synced, bool *failed) {
        for (size_t i = 0; i < service->n_addresses; i++) {
                *synced = *synced && service->addresses[i]->present;
                *failed = *failed || service->addresses[i]->failure.error < 0;
        }
        for (size_t i = 0; i < service->n_elements; i++) {
                *synced = *synced && service->elements[i]->present;
                *failed = *failed || service->elements[i]->failure.error < 0;
        }
}

PortState port_view_state(const Manager *manager, const DesiredPort *port, const char **ret_reason) {
        RefusalReason refusal = REFUSAL_NONE;
        bool synced = true, failed = false;

        service_extras_state(port->service, &synced, &failed);

        for (size_t i = 0; i < port->n_servers; i++) {
                RefusalReason reason = port_server_refusal(&port->servers[i]);

                if (reason != REFUSAL_NONE) {
                        refusal = refusal == REFUSAL_NONE ? reason : refusal;
                        continue;
                }
                failed = failed || port->servers[i].claim.server->failure.error < 0;
                synced = synced && server_is_synced(port->servers[i].claim.server);
        }
        if (refusal == REFUSAL_NONE && port->service->n_refused > 0)
                refusal = port->service->refused[0].reason;
        *ret_reason = failed && !synced               ? "KernelError" :
                      refusal != REFUSAL_NONE          ? refusal_reason_to_string(refusal) :
                      port_view_listener(manager, port) ? "NodePortInUse" :
                                                         "";
        if (failed && !synced)
                return PORT_STATE_DEGRADED;
        if (refusal != REFUSAL_NONE)
                return PORT_STATE_REFUSED;
        return synced && !port->service->entry->dirty ? PORT_STATE_SYNCED : PORT_STATE_PENDING;
}

/* ---- endpoints */

typedef struct EndpointTable {
        EndpointRow *rows; /* owned; sorted while it is built from the slices, then appended to */
        size_t n_rows, n_sorted, n_allocated;
} EndpointTable;

static EndpointRow *endpoint_table_append(EndpointTable *table) {
        if (table->n_rows == table->n_allocated) {
                size_t n = MAX2(table->n_allocated * 2, (size_t) 16);
                EndpointRow *bigger = reallocarray(table->rows, n, sizeof(EndpointRow));

                if (!bigger)
                        return NULL;
                table->rows = bigger;
                table->n_allocated = n;
        }
        table->rows[table->n_rows] = (EndpointRow) { .state = "", .node = "", .zone = "", .pod = "" };
        return &table->rows[table->n_rows++];
}

static const char *endpoint_state(const Endpoint *endpoint) {
        if (endpoint->conditions & ENDPOINT_TERMINATING)
                return endpoint->conditions & ENDPOINT_SERVING ? "serving" : "terminating";
        return endpoint->conditions & ENDPOINT_READY ? "ready" : "not-ready";
}

static int endpoint_table_fill(EndpointTable *table, const Manager *manager, const DesiredPort *port) {
        int families[] = { AF_INET, AF_INET6 }, r;

        for (size_t f = 0; f < ELEMENTSOF(families); f++) {
                _cleanup_(endpoint_refs_done) EndpointRefs refs = {};

                r = endpoints_collect(port->service->entry,
                                      port->name,
                                      port->protocol,
                                      families[f],
                                      &manager->view.config.topology,
                                      &refs);
                for (size_t i = 0; r >= 0 && i < refs.n_refs; i++) {
                        const EndpointRef *ref = &refs.refs[i];
                        EndpointRow *row = endpoint_table_append(table);

                        if (!row)
                                return -ENOMEM;
                        row->addr = ref->addr;
                        row->state = endpoint_state(ref->endpoint);
                        row->node = endpoint_slice_string(ref->slice, ref->endpoint->node);
                        row->zone = endpoint_slice_string(ref->slice, ref->endpoint->zone);
                        row->pod = endpoint_slice_string(ref->slice, ref->endpoint->pod);
                        row->local = ref->local;
                }
                if (r < 0)
                        return r;
        }
        table->n_sorted = table->n_rows;
        return 0;
}

static int endpoint_row_compare(const void *a, const void *b) {
        return ip_port_compare(&((const EndpointRow *) a)->addr, &((const EndpointRow *) b)->addr);
}

static EndpointRow *endpoint_table_find(EndpointTable *table, const IpPort *addr) {
        EndpointRow key = { .addr = *addr }, *row;

        row = table->n_sorted > 0 ?
                      bsearch(&key, table->rows, table->n_sorted, sizeof(EndpointRow), endpoint_row_compare) :
                      NULL;
        for (size_t i = table->n_sorted; !row && i < table->n_rows; i++)
                if (ip_port_compare(&table->rows[i].addr, addr) == 0)
                        row = &table->rows[i];
        return row;
}

typedef struct EndpointVisit {
        const Manager *manager;
        const ServerState *server;
        EndpointTable *table;
} EndpointVisit;

static uint64_t deadline_to_real(const Manager *manager, uint64_t boot_usec) {
        uint64_t now = manager_now(manager);

        return manager_real_now(manager) + (boot_usec > now ? boot_usec - now : 0);
}

static int endpoint_visit_one(const EndpointVisit *visit, const RealServer *real, uint32_t active, uint32_t inactive) {
        const RealServerState *dest = server_state_find_dest(visit->server, &real->addr);
        EndpointRow *row = endpoint_table_find(visit->table, &real->addr);

        if (!row) {
                row = endpoint_table_append(visit->table);
                if (!row)
                        return -ENOMEM;
                row->addr = real->addr;
                row->state = "removed";
        }
        row->weight = MAX2(row->weight, real->weight);
        row->active += active;
        row->inactive += inactive;
        if (dest && dest->drain_usec > 0) {
                row->state = "draining";
                row->drain_deadline_usec = deadline_to_real(visit->manager, dest->drain_usec);
        }
        return 0;
}

static int endpoint_visit(const VirtualServer *service,
                          const TrafficStats *stats,
                          const RealServerInfo *infos,
                          size_t n_infos,
                          void *userdata) {
        int r = 0;

        for (size_t i = 0; i < n_infos && r >= 0; i++)
                r = endpoint_visit_one(userdata, &infos[i].server, infos[i].active, infos[i].inactive);
        return r;
}

/* As known without asking the kernel. */
static int endpoint_visit_known(const EndpointVisit *visit) {
        int r = 0;

        for (size_t i = 0; i < visit->server->n_dests && r >= 0; i++)
                r = endpoint_visit_one(visit, &visit->server->dests[i].server, 0, 0);
        return r;
}

/* The first SERVERS_READ_MAX virtual servers are asked about connections: one Service may have very many. */
static int endpoint_table_visit(EndpointTable *table, Manager *manager, const DesiredPort *port, bool read) {
        unsigned n_read = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < port->n_servers; i++) {
                EndpointVisit visit = { manager, port->servers[i].claim.server, table };

                if (port_server_refusal(&port->servers[i]) != REFUSAL_NONE || !visit.server->present)
                        continue;
                if (read && n_read++ < SERVERS_READ_MAX)
                        r = manager->backend->ops->ipvs_read(
                                manager->backend, &visit.server->key, endpoint_visit, &visit);
                else
                        r = endpoint_visit_known(&visit);
                if (r == -ESRCH)
                        r = 0; /* gone behind our back: the audit finds it */
        }
        return r;
}

static int port_view_rows(Manager *manager, const DesiredPort *port, bool read, EndpointRow **ret, size_t *ret_n) {
        const OverrideSet *overrides = manager->overrides.set;
        EndpointTable table = {};
        int r;

        r = endpoint_table_fill(&table, manager, port);
        if (r >= 0)
                r = endpoint_table_visit(&table, manager, port, read);
        if (r < 0) {
                free(table.rows);
                return r;
        }
        if (table.n_rows > 0)
                qsort(table.rows, table.n_rows, sizeof(EndpointRow), endpoint_row_compare);
        for (size_t i = 0; override_set_of(overrides, port->id) && i < table.n_rows; i++)
                table.rows[i].override = override_set_find(overrides, port->id, &table.rows[i].addr);
        *ret = table.rows;
        *ret_n = table.n_rows;
        return 0;
}

int port_view_endpoints(Manager *manager, const DesiredPort *port, EndpointRow **ret, size_t *ret_n) {
        return port_view_rows(manager, port, /* read= */ true, ret, ret_n);
}

int port_view_known_endpoints(Manager *manager, const DesiredPort *port, EndpointRow **ret, size_t *ret_n) {
        return port_view_rows(manager, port, /* read= */ false, ret, ret_n);
}

/* ---- statistics */

static int manager_refresh_statistics(Manager *manager, uint64_t *ret_usec) {
        int r;

        if (manager->generation == 0)
                return -EAGAIN;
        r = statistics_refresh(manager->statistics, manager_now(manager), manager_real_now(manager));
        if (r < 0)
                return r;
        *ret_usec = statistics_time(manager->statistics);
        return 0;
}

/* Of a Service with very many addresses the first SERVERS_READ_MAX count. */
int port_view_statistics(Manager *manager, const DesiredPort *port, PortStatistics *ret, uint64_t *ret_usec) {
        ServerSample sum = {};
        unsigned n_read = 0;

        if (manager->generation == 0)
                return -EAGAIN;
        for (size_t i = 0; i < port->n_servers && n_read < SERVERS_READ_MAX; i++) {
                const ServerState *server = port->servers[i].claim.server;
                const ServerSample *sample;
                int r;

                if (port_server_refusal(&port->servers[i]) != REFUSAL_NONE || !server->present)
                        continue;
                r = statistics_read(manager->statistics, &server->key, manager_now(manager), &sample);
                if (r < 0 && r != -ESRCH)
                        return r;
                if (r >= 0)
                        server_sample_add(&sum, sample);
                n_read++;
        }
        *ret = (PortStatistics) { sum.traffic, sum.active, sum.inactive };
        *ret_usec = manager_real_now(manager);
        return 0;
}

int manager_read_server(Manager *manager, const VirtualServerKey *key, const ServerSample **ret) {
        if (manager->generation == 0)
                return -EAGAIN;
        return statistics_read(manager->statistics, key, manager_now(manager), ret);
}

void manager_prefetch_servers(Manager *manager, const VirtualServerKey *keys, size_t n_keys) {
        if (manager->generation > 0)
                statistics_prefetch(manager->statistics, keys, n_keys, manager_now(manager));
}

void manager_end_reading(Manager *manager, uint64_t since_usec) {
        statistics_end_round(manager->statistics, since_usec);
}

const ServerSample *manager_server_statistics(const Manager *manager, const VirtualServerKey *key) {
        return statistics_get(manager->statistics, key);
}

int manager_statistics(Manager *manager, PortStatistics *ret, uint64_t *ret_usec) {
        const ServerSample *total;
        int r = manager_refresh_statistics(manager, ret_usec);

        if (r < 0)
                return r;
        total = statistics_total(manager->statistics);
        *ret = (PortStatistics) { total->traffic, total->active, total->inactive };
        return 0;
}

int manager_reset_statistics(Manager *manager) {
        uint64_t usec;
        int r = manager_refresh_statistics(manager, &usec);

        if (r >= 0)
                statistics_reset(manager->statistics);
        return r;
}

bool manager_node_port_addresses(const Manager *manager, const IpAddr **ret, size_t *ret_n) {
        const ManagerOptions *options = &manager->options;

        *ret = manager->view.config.node_port_addresses;
        *ret_n = manager->view.config.n_node_port_addresses;
        return options->node_port_all || (options->n_node_port_nets == 0 && !options->node_port_primary);
}
