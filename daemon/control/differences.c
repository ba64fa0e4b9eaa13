/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/differences.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/manager-private.h"

typedef struct Teller {
        DifferenceVisitor visitor;
        void *userdata;
} Teller;

static int tell(const Teller *teller, const char *action, const char *kind, const char *object, const char *detail) {
        return teller->visitor(&(Difference) { action, kind, object, detail }, teller->userdata);
}

static int tell_dest(const Teller *teller,
                     const char *action,
                     const ServerState *server,
                     const IpPort *addr,
                     const char *detail) {
        char object[VIRTUAL_SERVER_STRLEN + IP_PORT_STRLEN + 8], name[VIRTUAL_SERVER_STRLEN], address[IP_PORT_STRLEN];

        (void) snprintf(object,
                        sizeof(object),
                        "%s -> %s",
                        virtual_server_key_format(&server->key, name),
                        ip_port_format(&addr->addr, addr->port, address));
        return tell(teller, action, "real-server", object, detail);
}

static int difference_wanted_dests(const ServerState *server, const Teller *teller) {
        const DestList *wanted = server->claims->dests;
        char detail[64];
        int r = 0;

        for (size_t i = 0; r >= 0 && i < wanted->n_servers; i++) {
                const RealServer *want = &wanted->servers[i];
                const RealServerState *have = server->present ? server_state_find_dest(server, &want->addr) : NULL;

                if (have && have->server.weight == want->weight)
                        continue;
                if (have)
                        (void) snprintf(detail,
                                        sizeof(detail),
                                        "weight %" PRIu32 ", wanted %" PRIu32,
                                        have->server.weight,
                                        want->weight);
                else
                        (void) snprintf(detail, sizeof(detail), "weight %" PRIu32, want->weight);
                r = tell_dest(teller, have ? "change" : "add", server, &want->addr, detail);
        }
        return r;
}

static int difference_present_dests(const ServerState *server, const Teller *teller) {
        const DestList *wanted = server->claims ? server->claims->dests : NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < server->n_dests; i++)
                if (!(wanted && dest_list_has(wanted, &server->dests[i].server.addr)) && server->dests[i].drain_usec == 0)
                        r = tell_dest(teller, "drain", server, &server->dests[i].server.addr, "");
        return r;
}

int differences_of_server(const ServerState *server, DifferenceVisitor visitor, void *userdata) {
        const Teller teller = { visitor, userdata };
        char name[VIRTUAL_SERVER_STRLEN];
        int r = 0;

        if (server->present && server->owner == SERVER_OWNER_FOREIGN)
                return 0;
        (void) virtual_server_key_format(&server->key, name);
        if (server->claims && !server->present)
                r = tell(&teller, "add", "virtual-server", name, server->claims->wanted.scheduler);
        else if (server->claims && !virtual_server_equal(&server->actual, &server->claims->wanted))
                r = tell(&teller, "change", "virtual-server", name, server->claims->wanted.scheduler);
        else if (!server->claims && server->present)
                r = tell(&teller, "drain", "virtual-server", name, "");
        if (r >= 0 && server->claims)
                r = difference_wanted_dests(server, &teller);
        return r >= 0 && server->present ? difference_present_dests(server, &teller) : r;
}

/* ---- of everything, as the kernel is now */

typedef struct Comparison {
        Teller teller;
        const Manager *manager;
        AdoptParts parts;
        RealServerState *dests; /* owned; of the virtual server that is looked at */
        size_t n_allocated;
} Comparison;

static int tell_element(const Teller *teller, const char *action, const FilterElement *element) {
        char object[IP_PORT_STRLEN + 64], address[IP_PORT_STRLEN];

        (void) snprintf(object,
                        sizeof(object),
                        "%s %s",
                        filter_set_type((FilterSet) element->set)->name,
                        ip_port_format(&element->addr, element->port, address));
        return tell(teller, action, "filter-element", object, "");
}

static int compare_element(const FilterElement *found, void *userdata) {
        const Comparison *comparison = userdata;
        ElementState *element = kernel_table_element(comparison->manager->table, found);

        if (element)
                element->seen = true;
        return element && element->n_wanted > 0 ? 0 : tell_element(&comparison->teller, "remove", found);
}

static int compare_elements(Comparison *comparison) {
        ElementState *element;
        int r = kernel_backend_dump_filter(comparison->manager->backend, compare_element, comparison);

        if (r == -ENOENT)
                r = tell(&comparison->teller, "add", "filter-table", "inet " KERNEL_TABLE_NAME, "");
        for (size_t i = 0; (element = kernel_table_next_element(comparison->manager->table, &i));) {
                if (r >= 0 && element->n_wanted > 0 && !element->seen)
                        r = tell_element(&comparison->teller, "add", &element->element);
                element->seen = false;
        }
        return r;
}

static int comparison_reserve(Comparison *comparison, size_t n) {
        RealServerState *bigger;

        if (n <= comparison->n_allocated)
                return 0;
        bigger = reallocarray(comparison->dests, n, sizeof(RealServerState));
        if (!bigger)
                return -ENOMEM;
        comparison->dests = bigger;
        comparison->n_allocated = n;
        return 0;
}

/* What is known of it, with what was read in the place of what was known. */
static int compare_server(const VirtualServer *service,
                          const TrafficStats *stats,
                          const RealServerInfo *infos,
                          size_t n_infos,
                          void *userdata) {
        Comparison *comparison = userdata;
        ServerState *known = kernel_table_server(comparison->manager->table, &service->key), now = {};
        ServerOwner owner = known && known->present ? known->owner : adopt_owner_of(&comparison->parts, &service->key);
        int r;

        if (known)
                known->seen = true;
        if (owner == SERVER_OWNER_FOREIGN)
                return 0;
        r = comparison_reserve(comparison, n_infos);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_infos; i++) {
                const RealServerState *dest = known ? server_state_find_dest(known, &infos[i].server.addr) : NULL;

                comparison->dests[i] = (RealServerState) { infos[i].server, dest ? dest->drain_usec : 0 };
        }
        if (n_infos > 0)
                qsort(comparison->dests, n_infos, sizeof(RealServerState), real_server_compare);
        now.key = service->key;
        now.claims = known ? known->claims : NULL;
        now.present = true;
        now.actual = *service;
        now.dests = comparison->dests;
        now.n_dests = n_infos;
        return differences_of_server(&now, comparison->teller.visitor, comparison->teller.userdata);
}

static int compare_servers(Comparison *comparison) {
        KernelBackend *backend = comparison->manager->backend;
        ServerState *server;
        int r = backend->ops->ipvs_dump(backend, compare_server, comparison);

        for (size_t i = 0; (server = kernel_table_next_server(comparison->manager->table, &i));) {
                const ServerState gone = { .key = server->key, .claims = server->claims };

                if (r >= 0 && !server->seen)
                        r = differences_of_server(&gone, comparison->teller.visitor, comparison->teller.userdata);
                server->seen = false;
        }
        return r;
}

static int tell_address(const Teller *teller, const char *action, const IpAddr *addr) {
        char text[IP_ADDR_STRLEN];

        return tell(teller, action, "address", ip_addr_format(addr, text), "");
}

/* One with virtual servers that nobody claims goes after them. */
static int compare_address(const AddressInfo *info, void *userdata) {
        const Comparison *comparison = userdata;
        AddressState *address = kernel_table_address(comparison->manager->table, &info->addr);

        if (!info->on_device || ip_addr_is_link_local(&info->addr))
                return 0;
        if (address)
                address->seen = true;
        return address && (address->n_wanted > 0 || address->n_servers > 0) ?
                       0 :
                       tell_address(&comparison->teller, "remove", &info->addr);
}

static int compare_addresses(Comparison *comparison) {
        KernelBackend *backend = comparison->manager->backend;
        AddressState *address;
        int r = backend->ops->address_dump(backend, compare_address, comparison);

        for (size_t i = 0; (address = kernel_table_next_address(comparison->manager->table, &i));) {
                if (r >= 0 && address->n_wanted > 0 && !address->seen)
                        r = tell_address(&comparison->teller, "add", &address->addr);
                address->seen = false;
        }
        return r;
}

int differences_visit(Manager *manager, DifferenceVisitor visitor, void *userdata) {
        Comparison comparison = {
                .teller = { visitor, userdata },
                .manager = manager,
                .parts = manager_adopt_parts(manager),
        };
        int r = compare_elements(&comparison);

        if (r >= 0)
                r = compare_servers(&comparison);
        if (r >= 0)
                r = compare_addresses(&comparison);
        free(comparison.dests);
        return r;
}
