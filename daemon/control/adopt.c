/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/adopt.h"

#include <errno.h>
#include <string.h>

/* ---- addresses */

void host_addresses_done(HostAddresses *addresses) {
        free(addresses->addrs);
        free(addresses->shared);
        *addresses = (HostAddresses) {};
}

typedef struct AddressWalk {
        const AdoptParts *parts;
        HostAddresses host;
        size_t n_allocated;
} AddressWalk;

static int address_walk_host(AddressWalk *walk, const IpAddr *addr) {
        if (ip_addr_is_loopback(addr) || (addr->family == AF_INET6 && ip_addr_is_link_local(addr)))
                return 0;
        if (walk->host.n_addrs == walk->n_allocated) {
                size_t n = MAX2(walk->n_allocated * 2, (size_t) 16);
                IpAddr *bigger = reallocarray(walk->host.addrs, n, sizeof(IpAddr));

                if (!bigger)
                        return -ENOMEM;
                walk->host.addrs = bigger;
                walk->n_allocated = n;
        }
        walk->host.addrs[walk->host.n_addrs++] = *addr;
        return 0;
}

static void note_address(const AdoptParts *parts, DriftAction action, const IpAddr *addr) {
        char text[IP_ADDR_STRLEN];

        drift_log_note(parts->drift, DRIFT_KIND_ADDRESS, action, ip_addr_format(addr, text));
}

static int address_walk_visit(const AddressInfo *info, void *userdata) {
        AddressWalk *walk = userdata;
        AddressState *address;
        int r;

        if (!info->on_device)
                return address_walk_host(walk, &info->addr);
        if (ip_addr_is_link_local(&info->addr))
                return 0; /* the kernel's own, of a device that was set up */
        address = kernel_table_address(walk->parts->table, &info->addr);
        if (!address || !address->present) {
                note_address(walk->parts, DRIFT_ACTION_UNEXPECTED, &info->addr);
                r = kernel_table_set_address(walk->parts->table, &info->addr, true);
                if (r < 0)
                        return r;
                address = kernel_table_address(walk->parts->table, &info->addr);
        }
        address->seen = true;
        return 0;
}

static int address_compare(const void *a, const void *b) {
        return ip_addr_compare(a, b);
}

/* Those of kube-ipvs0 that are gone; kernel_table_set_address() may free and is not for a walk. */
static void adopt_missing_addresses(const AdoptParts *parts) {
        AddressState *address;

        for (size_t i = 0; (address = kernel_table_next_address(parts->table, &i));) {
                if (address->present && !address->seen) {
                        note_address(parts, DRIFT_ACTION_MISSING, &address->addr);
                        address->present = false;
                        kernel_table_queue_address(parts->table, address);
                }
                address->seen = false;
        }
}

static int host_addresses_find_shared(HostAddresses *host, const KernelTable *table) {
        if (host->n_addrs == 0)
                return 0;
        host->shared = calloc(host->n_addrs, sizeof(IpAddr));
        if (!host->shared)
                return -ENOMEM;
        for (size_t i = 0; i < host->n_addrs; i++) {
                const AddressState *address = kernel_table_address(table, &host->addrs[i]);

                if (address && address->present)
                        host->shared[host->n_shared++] = host->addrs[i];
        }
        return 0;
}

int adopt_addresses(const AdoptParts *parts, HostAddresses *ret_host) {
        AddressWalk walk = { .parts = parts };
        int r;

        r = parts->backend->ops->device_ensure(parts->backend);
        if (r < 0)
                return r;
        if (r > 0)
                drift_log_note(parts->drift, DRIFT_KIND_DEVICE, DRIFT_ACTION_MISSING, KERNEL_DEVICE_NAME);
        r = parts->backend->ops->address_dump(parts->backend, address_walk_visit, &walk);
        if (r >= 0) {
                adopt_missing_addresses(parts);
                r = host_addresses_find_shared(&walk.host, parts->table);
        }
        if (r < 0) {
                host_addresses_done(&walk.host);
                return r;
        }
        if (walk.host.n_addrs > 0)
                qsort(walk.host.addrs, walk.host.n_addrs, sizeof(IpAddr), address_compare);
        host_addresses_done(ret_host);
        *ret_host = walk.host;
        return 0;
}

/* ---- virtual servers */

ServerOwner adopt_owner_of(const AdoptParts *parts, const VirtualServerKey *key) {
        const AddressState *address = kernel_table_address(parts->table, &key->addr);

        if (key->fwmark > 0)
                return SERVER_OWNER_FOREIGN;
        /* Also in excluded CIDRs: a service is programmed there as anywhere (reference §3.10), and after a restart too. */
        if (journal_owns(parts->journal, key))
                return SERVER_OWNER_US;
        for (size_t i = 0; i < parts->n_exclude_cidrs; i++)
                if (ip_net_contains(&parts->exclude_cidrs[i], &key->addr))
                        return SERVER_OWNER_FOREIGN;
        return address && address->present ? SERVER_OWNER_US : SERVER_OWNER_FOREIGN;
}

static bool host_has_address(const HostAddresses *host, const IpAddr *addr) {
        return host->n_addrs > 0 && bsearch(addr, host->addrs, host->n_addrs, sizeof(IpAddr), address_compare);
}

size_t adopt_claimed_servers(const AdoptParts *parts, const HostAddresses *host) {
        ServerState *server;
        size_t n = 0;

        for (size_t i = 0; (server = kernel_table_next_server(parts->table, &i));) {
                if (!server->present || server->owner != SERVER_OWNER_FOREIGN || !server->claims ||
                    !host_has_address(host, &server->key.addr))
                        continue;
                if (server_state_set_owner(parts->table, server, SERVER_OWNER_US) < 0 ||
                    journal_add(parts->journal, &server->key) < 0)
                        continue;
                kernel_table_queue_server(parts->table, server);
                n++;
        }
        return n;
}
