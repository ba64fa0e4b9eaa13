/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPVS by generic netlink. Operations go out in batches bounded in bytes, of which only the last message asks for an
 * answer: the kernel answers errors by itself, by sequence number. Contracts of KernelBackendOps. Logs nothing.
 */
#pragma once

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct Ipvs Ipvs;

/* Opens nothing; the first call does. -ENOMEM. */
int ipvs_new(Ipvs **ret);
Ipvs *ipvs_free(Ipvs *ipvs);
DEFINE_CLEANUP(Ipvs *, ipvs_free);

/* All of them: -ENOPROTOOPT where the kernel has no IPVS, after asking for it (which loads the module). */
int ipvs_get_info(Ipvs *ipvs, KernelInfo *ret);
int ipvs_apply(Ipvs *ipvs, IpvsOp *ops, size_t n_ops, uint64_t *n_writes);
int ipvs_dump(Ipvs *ipvs, IpvsVisitor visitor, void *userdata);
int ipvs_list(Ipvs *ipvs, bool begin, VirtualServerVisitor visitor, void *userdata);
int ipvs_read_dests(Ipvs *ipvs, const VirtualServerKey *key, RealServersVisitor visitor, void *userdata);
int ipvs_read(Ipvs *ipvs, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata);
int ipvs_read_many(Ipvs *ipvs, const VirtualServerKey *keys, size_t n_keys, IpvsVisitor visitor, void *userdata);
int ipvs_set_timeouts(Ipvs *ipvs, const IpvsTimeouts *timeouts, uint64_t *n_writes);
int ipvs_get_timeouts(Ipvs *ipvs, IpvsTimeouts *ret);
