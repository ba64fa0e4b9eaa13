/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the kernel into the kernel table: at start, after somebody else changed something, and at each audit. What is
 * found is entered as known and queued where it differs from the wish; the next turn repairs it. Decides who owns a
 * virtual server (DESIGN §7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/drift.h"
#include "control/journal.h"
#include "kernel/backend.h"
#include "proxy/kernel-table.h"

typedef struct AdoptParts {
        KernelTable *table;
        KernelBackend *backend;
        Journal *journal;
        DriftLog *drift; /* what was not as the table knew it is noted there */
        const FilterConfig *filter;
        bool filter_told; /* the kernel said that others changed the table: it is read whatever its number is */
        const IpNet *exclude_cidrs; /* foreign unless the journal says that we made it */
        size_t n_exclude_cidrs;
} AdoptParts;

typedef struct HostAddresses {
        IpAddr *addrs; /* owned; sorted, of all devices but kube-ipvs0, without loopback and IPv6 link-local */
        size_t n_addrs;
        IpAddr *shared; /* owned; those of `addrs` that kube-ipvs0 has too: no node ports there (reference §3.9) */
        size_t n_shared;
} HostAddresses;

/* Of a virtual server that the table does not know: on an address of kube-ipvs0, or in the journal. */
ServerOwner adopt_owner_of(const AdoptParts *parts, const VirtualServerKey *key);

void host_addresses_done(HostAddresses *addresses);

/*
 * Makes sure of the device first. -errno, `ret_host` is untouched then. Elements and then virtual servers come after them:
 * filter-look.h, server-look.h.
 */
int adopt_addresses(const AdoptParts *parts, HostAddresses *ret_host);

/*
 * Where no journal was found: virtual servers that a service wants and that stand on this host's own addresses (node
 * ports, of kube-proxy or of us before /run was lost) become ours. Returns how many.
 */
size_t adopt_claimed_servers(const AdoptParts *parts, const HostAddresses *host);
