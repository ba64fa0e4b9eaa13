/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds a virtual server: the claims of service ports on it, the oldest first. */
#include "proxy/kernel-table-private.h"

#include <errno.h>
#include <string.h>

void kernel_table_set_observer(KernelTable *table, ClaimObserver observer, void *userdata) {
        table->observer = observer;
        table->userdata = userdata;
}

void kernel_table_observe(const KernelTable *table, const ServerState *server) {
        if (table->observer && server->claims)
                table->observer(server, table->userdata);
}

static bool server_claim_before(const ServerClaim *a, const ServerClaim *b) {
        if (a->age_usec != b->age_usec)
                return a->age_usec < b->age_usec;
        return strcmp(a->age_tie, b->age_tie) < 0;
}

/* Whether both want the same of the kernel. */
static bool server_claim_equal(const ServerClaim *a, const ServerClaim *b) {
        return virtual_server_equal(&a->wanted, &b->wanted) && dest_list_equal(a->dests, b->dests);
}

bool server_state_is_counted(const ServerState *server) {
        return server->present && server->owner == SERVER_OWNER_US;
}

/* A virtual server that is counted on its address lost its last claim, or got its first. */
static void kernel_table_count_orphan(KernelTable *table, const ServerState *server, bool orphan) {
        AddressState *address = server_state_is_counted(server) ? hashmap_get(&table->addresses, &server->key.addr) : NULL;

        if (!address)
                return;
        address->n_orphans += orphan ? 1U : -1U;
        if (address->n_orphans == 0)
                kernel_table_queue_address(table, address);
}

int kernel_table_claim(KernelTable *table, ServerClaim *claim) {
        ServerState *server = kernel_table_ensure_server(table, &claim->wanted.key);
        ServerClaim **p;

        if (!server)
                return -ENOMEM;
        if (!server->claims)
                kernel_table_count_orphan(table, server, /* orphan= */ false);
        for (p = &server->claims; *p && server_claim_before(*p, claim);)
                p = &(*p)->next;
        claim->next = *p;
        claim->server = server;
        *p = claim;
        if (server->claims != claim)
                return 0;
        if (!claim->next || !server_claim_equal(claim, claim->next))
                kernel_table_queue_server(table, server);
        kernel_table_observe(table, server);
        return 0;
}

void kernel_table_release(KernelTable *table, ServerClaim *claim) {
        ServerState *server = claim->server;
        bool held;
        ServerClaim **p;

        if (!server)
                return;
        held = server->claims == claim;
        for (p = &server->claims; *p != claim;)
                p = &(*p)->next;
        *p = claim->next;
        claim->next = NULL;
        claim->server = NULL;
        if (!held)
                return;
        if (!server->claims)
                kernel_table_count_orphan(table, server, /* orphan= */ true);
        kernel_table_queue_server(table, server);
        kernel_table_observe(table, server);
}

bool server_claim_holds(const ServerClaim *claim) {
        return claim->server && claim->server->claims == claim &&
               !(claim->server->present && claim->server->owner == SERVER_OWNER_FOREIGN);
}
