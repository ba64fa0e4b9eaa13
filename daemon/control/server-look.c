/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/server-look.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"

void server_look_cancel(ServerLook *look) {
        free(look->servers);
        free(look->dests);
        *look = (ServerLook) {};
}

/* ---- the list */

static int server_look_list(const VirtualServer *server, void *userdata) {
        ServerLook *look = userdata;

        if (look->n_servers == look->n_allocated) {
                size_t n = MAX2(look->n_allocated * 2, (size_t) 64);
                VirtualServer *bigger = reallocarray(look->servers, n, sizeof(VirtualServer));

                if (!bigger)
                        return -ENOMEM;
                look->servers = bigger;
                look->n_allocated = n;
        }
        look->servers[look->n_servers++] = *server;
        return 0;
}

void server_look_begin(ServerLook *look, const AdoptParts *parts) {
        ServerState *server;

        server_look_cancel(look);
        for (size_t i = 0; (server = kernel_table_next_server(parts->table, &i));)
                server->looked_at = false;
        look->running = true;
}

static int server_look_list_some(ServerLook *look, const AdoptParts *parts) {
        bool begin = look->n_parts++ == 0;
        int r = parts->backend->ops->ipvs_list(parts->backend, begin, server_look_list, look);

        if (r >= 0)
                look->listed = r == 0;
        return r;
}

/* ---- one of them */

typedef struct ServerVisit {
        ServerLook *look;
        const AdoptParts *parts;
        const VirtualServer *found;
} ServerVisit;

/* Whether the table knew it so already: then nothing is queued. */
static bool server_is_known(const ServerState *server, const VirtualServer *found, const RealServer *dests, size_t n_dests) {
        if (!server || !server->present || server->n_dests != n_dests || !virtual_server_equal(&server->actual, found))
                return false;
        for (size_t i = 0; i < n_dests; i++) {
                const RealServerState *dest = server_state_find_dest(server, &dests[i].addr);

                if (!dest || dest->server.weight != dests[i].weight || dest->server.forward != dests[i].forward)
                        return false;
        }
        return true;
}

static void note_server(const AdoptParts *parts, const ServerState *known, const VirtualServer *found) {
        char text[VIRTUAL_SERVER_STRLEN];
        bool present = known && known->present;

        drift_log_note(parts->drift,
                       present && virtual_server_equal(&known->actual, found) ? DRIFT_KIND_REAL_SERVER :
                                                                               DRIFT_KIND_VIRTUAL_SERVER,
                       present ? DRIFT_ACTION_CHANGED : DRIFT_ACTION_UNEXPECTED,
                       virtual_server_key_format(&found->key, text));
}

static void adopt_deadlines(const AdoptParts *parts, ServerState *server) {
        for (size_t i = 0; i < server->n_dests; i++)
                if (server->dests[i].drain_usec == 0 && server->dests[i].server.weight == 0)
                        server->dests[i].drain_usec =
                                journal_deadline(parts->journal, &server->key, &server->dests[i].server.addr);
}

static int server_look_reserve(ServerLook *look, size_t n) {
        RealServer *bigger;

        if (n <= look->n_dests_allocated)
                return 0;
        bigger = reallocarray(look->dests, n, sizeof(RealServer));
        if (!bigger)
                return -ENOMEM;
        look->dests = bigger;
        look->n_dests_allocated = n;
        return 0;
}

static int server_visit(const RealServerInfo *infos, size_t n_infos, void *userdata) {
        const ServerVisit *visit = userdata;
        const AdoptParts *parts = visit->parts;
        const VirtualServer *found = visit->found;
        ServerState *server = kernel_table_server(parts->table, &found->key);
        ServerOwner owner = server && server->present ? server->owner /* decided before */ :
                                                        adopt_owner_of(parts, &found->key);
        int r = server_look_reserve(visit->look, n_infos);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n_infos; i++)
                visit->look->dests[i] = infos[i].server;
        if (!server_is_known(server, found, visit->look->dests, n_infos)) {
                if (owner == SERVER_OWNER_US)
                        note_server(parts, server, found);
                r = kernel_table_set_server(parts->table, &found->key, found, visit->look->dests, n_infos, owner);
                if (r < 0)
                        return r;
                server = kernel_table_server(parts->table, &found->key);
                adopt_deadlines(parts, server);
        }
        server->looked_at = true; /* also if nothing is new about it */
        return owner == SERVER_OWNER_US ? journal_add(parts->journal, &found->key) : 0;
}

static int server_look_at(ServerLook *look, const AdoptParts *parts, const VirtualServer *found) {
        const ServerState *server = kernel_table_server(parts->table, &found->key);
        ServerVisit visit = { look, parts, found };
        int r;

        if (server && server->looked_at)
                return 0; /* written to since it was listed */
        r = parts->backend->ops->ipvs_read_dests(parts->backend, &found->key, server_visit, &visit);
        return r == -ESRCH ? 0 : r; /* gone since it was listed: the table knows that if it was us */
}

/* ---- those that are gone */

static int ignore_dests(const RealServerInfo *infos, size_t n_infos, void *userdata) {
        return 0;
}

/* A list in steps may leave out what was there all the time. */
static bool server_is_gone(const AdoptParts *parts, const VirtualServerKey *key) {
        return parts->backend->ops->ipvs_read_dests(parts->backend, key, ignore_dests, NULL) == -ESRCH;
}

/* A walk must not free: they are looked up again one by one. */
static int server_look_at_missing(const AdoptParts *parts) {
        _cleanup_(freep) VirtualServerKey *gone = NULL;
        size_t n = 0, n_max = kernel_table_n_servers(parts->table);
        ServerState *server;
        int r = 0;

        gone = calloc(n_max + 1, sizeof(VirtualServerKey));
        if (!gone)
                return -ENOMEM;
        for (size_t i = 0; (server = kernel_table_next_server(parts->table, &i));)
                if (server->present && !server->looked_at)
                        gone[n++] = server->key;
        for (size_t i = 0; i < n && r >= 0; i++) {
                char text[VIRTUAL_SERVER_STRLEN];

                if (!server_is_gone(parts, &gone[i]))
                        continue;
                if (kernel_table_server(parts->table, &gone[i])->owner == SERVER_OWNER_US)
                        drift_log_note(parts->drift,
                                       DRIFT_KIND_VIRTUAL_SERVER,
                                       DRIFT_ACTION_MISSING,
                                       virtual_server_key_format(&gone[i], text));
                r = kernel_table_set_server(parts->table, &gone[i], NULL, NULL, 0, SERVER_OWNER_US);
        }
        return r;
}

/* ---- steps */

typedef struct LookBudget {
        uint64_t begun_usec, usec;
        size_t n_left; /* steps; 0 = any number */
} LookBudget;

/* After a step: whether another one has to wait. */
static bool look_budget_is_spent(LookBudget *budget) {
        if (budget->n_left > 0 && --budget->n_left == 0)
                return true;
        return clock_now_usec(CLOCK_MONOTONIC) - budget->begun_usec >= budget->usec;
}

int server_look_step(ServerLook *look, const AdoptParts *parts, size_t n_max, uint64_t usec) {
        LookBudget budget = { clock_now_usec(CLOCK_MONOTONIC), usec, n_max };
        int r = 0;

        while (r >= 0 && (!look->listed || look->position < look->n_servers)) {
                r = look->listed ? server_look_at(look, parts, &look->servers[look->position++]) :
                                   server_look_list_some(look, parts);
                if (r >= 0 && (!look->listed || look->position < look->n_servers) && look_budget_is_spent(&budget))
                        return 1;
        }
        if (r >= 0)
                r = server_look_at_missing(parts);
        server_look_cancel(look);
        return r;
}
