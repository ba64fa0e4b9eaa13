/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one nftables table of ours, `inet ipvsproxy`; nothing outside of it is ever read into or written. The rules
 * (ruleset.h) go through libnftables, which compiles text (nft-text.h); elements go over netlink directly: one message for many,
 * in one transaction, with the kernel's own error. Logs nothing above debug.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct Nftables Nftables;

/* Opens nothing; each call opens what it needs. */
int nftables_new(Nftables **ret);
Nftables *nftables_free(Nftables *nft);
DEFINE_CLEANUP(Nftables *, nftables_free);

/*
 * Contracts of KernelBackendOps: filter_ensure (0 = the same table is there, 1 = made), filter_apply, filter_dump.
 * The messages that change something are added to *n_writes. A table whose rules or chains somebody changed is not
 * the same.
 *
 * nftables_apply() in the order of `ops`. Adding what is there is fine, deleting what is not is -ENOENT, as is a
 * missing table. Ranges of one address and port that overlap are -EEXIST (-ENOTEMPTY
 * in older kernels): give the wider alone.
 * nftables_is_unchanged() is right as long as each dump was followed by nftables_ensure().
 * nftables_dump() leaves out elements that only somebody else can have made (a range that is no prefix).
 */
int nftables_ensure(Nftables *nft,
                    const FilterConfig *config,
                    const FilterElement *elements,
                    size_t n_elements,
                    uint64_t *n_writes);
int nftables_apply(Nftables *nft, const FilterOp *ops, size_t n_ops, uint64_t *n_writes);
int nftables_is_unchanged(Nftables *nft, const FilterConfig *config);
int nftables_dump(Nftables *nft, unsigned part, FilterVisitor visitor, void *userdata);

/*
 * By which notifications tell what is our own doing: the socket (see netlink_port_id()), and the process that the last
 * nftables_ensure() made the table in; 0 = it made none.
 */
int nftables_port_id(Nftables *nft, uint32_t *ret);
pid_t nftables_text_process(const Nftables *nft);

/* For --cleanup: deletes the table; 0 also where there is none. */
int nftables_remove(Nftables *nft);
