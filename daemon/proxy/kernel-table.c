/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/kernel-table-private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static uint64_t address_hash(const void *key) {
        return hash_bytes(key, sizeof(IpAddr));
}

static bool address_equal(const void *a, const void *b) {
        return ip_addr_equal(a, b);
}

static const HashOps address_ops = { .hash = address_hash, .equal = address_equal };

int kernel_table_new(KernelTable **ret) {
        KernelTable *table = calloc(1, sizeof(KernelTable));

        if (!table)
                return -ENOMEM;
        table->addresses.ops = &address_ops;
        table->elements.ops = &filter_element_ops;
        table->servers.ops = &virtual_server_key_ops;
        *ret = table;
        return 0;
}

void server_state_free(ServerState *server) {
        free(server->dests);
        free(server);
}

KernelTable *kernel_table_free(KernelTable *table) {
        ServerState *server;
        void *record;

        if (!table)
                return NULL;
        for (size_t i = 0; (server = hashmap_next(&table->servers, &i));)
                server_state_free(server);
        for (size_t i = 0; (record = hashmap_next(&table->addresses, &i));)
                free(record);
        for (size_t i = 0; (record = hashmap_next(&table->elements, &i));)
                free(record);
        hashmap_done(&table->addresses);
        hashmap_done(&table->elements);
        hashmap_done(&table->servers);
        free(table);
        return NULL;
}

/* ---- records, found or made */

static AddressState *kernel_table_ensure_address(KernelTable *table, const IpAddr *addr) {
        AddressState *address = hashmap_get(&table->addresses, addr);

        if (address)
                return address;
        address = calloc(1, sizeof(AddressState));
        if (!address)
                return NULL;
        address->addr = *addr;
        if (hashmap_put(&table->addresses, &address->addr, address) < 0) {
                free(address);
                return NULL;
        }
        return address;
}

static ElementState *kernel_table_ensure_element(KernelTable *table, const FilterElement *element) {
        ElementState *state = hashmap_get(&table->elements, element);

        if (state)
                return state;
        state = calloc(1, sizeof(ElementState));
        if (!state)
                return NULL;
        state->element = *element;
        if (hashmap_put(&table->elements, &state->element, state) < 0) {
                free(state);
                return NULL;
        }
        return state;
}

ServerState *kernel_table_ensure_server(KernelTable *table, const VirtualServerKey *key) {
        ServerState *server = hashmap_get(&table->servers, key);

        if (server)
                return server;
        server = calloc(1, sizeof(ServerState));
        if (!server)
                return NULL;
        server->key = *key;
        if (hashmap_put(&table->servers, &server->key, server) < 0) {
                free(server);
                return NULL;
        }
        return server;
}

/* ---- wishes */

int kernel_table_want_address(KernelTable *table, const IpAddr *addr, AddressState **ret) {
        AddressState *address = kernel_table_ensure_address(table, addr);

        if (!address)
                return -ENOMEM;
        if (address->n_wanted++ == 0)
                kernel_table_queue_address(table, address);
        *ret = address;
        return 0;
}

void kernel_table_unwant_address(KernelTable *table, AddressState *address) {
        if (--address->n_wanted == 0)
                kernel_table_queue_address(table, address);
}

int kernel_table_want_element(KernelTable *table, const FilterElement *element, ElementState **ret) {
        ElementState *state = kernel_table_ensure_element(table, element);

        if (!state)
                return -ENOMEM;
        if (state->n_wanted++ == 0)
                kernel_table_queue_element(table, state);
        *ret = state;
        return 0;
}

void kernel_table_unwant_element(KernelTable *table, ElementState *element) {
        if (--element->n_wanted == 0)
                kernel_table_queue_element(table, element);
}

/* ---- what the kernel holds */

int kernel_table_set_address(KernelTable *table, const IpAddr *addr, bool present) {
        AddressState *address = present ? kernel_table_ensure_address(table, addr) :
                                          hashmap_get(&table->addresses, addr);

        if (!address)
                return present ? -ENOMEM : 0;
        address->present = present;
        kernel_table_clear_failure(table, &address->failure);
        if (present != (address->n_wanted > 0))
                kernel_table_queue_address(table, address);
        else
                kernel_table_collect_address(table, address);
        return 0;
}

int kernel_table_set_element(KernelTable *table, const FilterElement *element, bool present) {
        ElementState *state = present ? kernel_table_ensure_element(table, element) :
                                        hashmap_get(&table->elements, element);

        if (!state)
                return present ? -ENOMEM : 0;
        state->present = present;
        kernel_table_clear_failure(table, &state->failure);
        if (present != (state->n_wanted > 0))
                kernel_table_queue_element(table, state);
        else
                kernel_table_collect_element(table, state);
        return 0;
}

/* Counts the server on its address while it is present and ours. */
static int server_state_set_present(KernelTable *table, ServerState *server, bool present, ServerOwner owner) {
        bool counted = server_state_is_counted(server);
        bool counts = present && owner == SERVER_OWNER_US;
        bool was_foreign = server->present && server->owner == SERVER_OWNER_FOREIGN;
        AddressState *address;

        if (counts && !counted) {
                address = kernel_table_ensure_address(table, &server->key.addr);
                if (!address)
                        return -ENOMEM;
                address->n_orphans += !server->claims;
                if (address->n_servers++ == 0 && address->n_wanted > 0 && !address->present)
                        kernel_table_queue_address(table, address);
        } else if (!counts && counted) {
                address = hashmap_get(&table->addresses, &server->key.addr);
                assert(address && address->n_servers > 0);
                address->n_servers--;
                address->n_orphans -= !server->claims;
                if (address->n_orphans == 0)
                        kernel_table_queue_address(table, address);
        }
        server->present = present;
        server->owner = owner;
        if (was_foreign != (present && owner == SERVER_OWNER_FOREIGN))
                kernel_table_observe(table, server);
        return 0;
}

RealServerState *server_state_find_dest(const ServerState *server, const IpPort *addr) {
        RealServer key = { .addr = *addr };

        return server->n_dests > 0 ?
                       bsearch(&key, server->dests, server->n_dests, sizeof(RealServerState), real_server_compare) :
                       NULL;
}

/* The deadline that an equal real server had, else 0. */
static uint64_t server_state_deadline(const ServerState *server, const RealServer *dest) {
        const RealServerState *found = server_state_find_dest(server, &dest->addr);

        return found ? found->drain_usec : 0;
}

int server_state_put_dest(ServerState *server, const RealServer *dest, uint64_t drain_usec) {
        RealServerState *found = server_state_find_dest(server, &dest->addr), *bigger;
        size_t i;

        if (found) {
                *found = (RealServerState) { .server = *dest, .drain_usec = drain_usec };
                return 0;
        }
        bigger = reallocarray(server->dests, server->n_dests + 1, sizeof(RealServerState));
        if (!bigger)
                return -ENOMEM;
        server->dests = bigger;
        for (i = server->n_dests; i > 0 && real_server_compare(&bigger[i - 1], dest) > 0; i--)
                bigger[i] = bigger[i - 1];
        bigger[i] = (RealServerState) { .server = *dest, .drain_usec = drain_usec };
        server->n_dests++;
        return 0;
}

void server_state_remove_dest(ServerState *server, const IpPort *addr) {
        RealServerState *found = server_state_find_dest(server, addr);
        size_t i;

        if (!found)
                return;
        i = (size_t) (found - server->dests);
        memmove(found, found + 1, (server->n_dests - i - 1) * sizeof(RealServerState));
        server->n_dests--;
}

static int server_state_copy_dests(ServerState *server, const RealServer *dests, size_t n_dests) {
        RealServerState *copy = NULL;

        if (n_dests > 0) {
                copy = calloc(n_dests, sizeof(RealServerState));
                if (!copy)
                        return -ENOMEM;
                for (size_t i = 0; i < n_dests; i++)
                        copy[i] = (RealServerState) {
                                .server = dests[i],
                                .drain_usec = server_state_deadline(server, &dests[i]),
                        };
                qsort(copy, n_dests, sizeof(RealServerState), real_server_compare);
        }
        free(server->dests);
        server->dests = copy;
        server->n_dests = n_dests;
        return 0;
}

int server_state_set(KernelTable *table, ServerState *server, const VirtualServer *actual) {
        int r = server_state_set_present(table, server, actual != NULL, SERVER_OWNER_US);

        if (r < 0)
                return r;
        if (actual) {
                server->actual = *actual;
        } else {
                free(server->dests);
                server->dests = NULL;
                server->n_dests = 0;
        }
        return 0;
}

int server_state_set_owner(KernelTable *table, ServerState *server, ServerOwner owner) {
        return server_state_set_present(table, server, server->present, owner);
}

int kernel_table_set_server(KernelTable *table,
                            const VirtualServerKey *key,
                            const VirtualServer *actual,
                            const RealServer *dests,
                            size_t n_dests,
                            ServerOwner owner) {
        ServerState *server = actual ? kernel_table_ensure_server(table, key) :
                                       hashmap_get(&table->servers, key);
        int r;

        if (!server)
                return actual ? -ENOMEM : 0;
        r = server_state_copy_dests(server, dests, actual ? n_dests : 0);
        if (r < 0)
                return r;
        r = server_state_set_present(table, server, actual != NULL, owner);
        if (r < 0)
                return r;
        if (actual)
                server->actual = *actual;
        server->looked_at = true;
        kernel_table_queue_server(table, server);
        return 0;
}

/* ---- reading */

ServerState *kernel_table_server(const KernelTable *table, const VirtualServerKey *key) {
        return hashmap_get(&table->servers, key);
}

AddressState *kernel_table_address(const KernelTable *table, const IpAddr *addr) {
        return hashmap_get(&table->addresses, addr);
}

ElementState *kernel_table_element(const KernelTable *table, const FilterElement *element) {
        return hashmap_get(&table->elements, element);
}

ServerState *kernel_table_next_server(const KernelTable *table, size_t *i) {
        return hashmap_next(&table->servers, i);
}

AddressState *kernel_table_next_address(const KernelTable *table, size_t *i) {
        return hashmap_next(&table->addresses, i);
}

ElementState *kernel_table_next_element(const KernelTable *table, size_t *i) {
        return hashmap_next(&table->elements, i);
}

size_t kernel_table_n_servers(const KernelTable *table) {
        return table->servers.n_entries;
}
