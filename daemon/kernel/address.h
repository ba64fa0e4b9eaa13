/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device kube-ipvs0 and its addresses, by rtnetlink in batches; the addresses of the host's other devices are read
 * alone. Contracts of KernelBackendOps. Logs nothing.
 */
#pragma once

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct Addresses Addresses;

/* Opens nothing; the first call does. -ENOMEM. */
int addresses_new(Addresses **ret);
Addresses *addresses_free(Addresses *addresses);
DEFINE_CLEANUP(Addresses *, addresses_free);

/*
 * Made as kube-proxy makes it: a dummy is <BROADCAST,NOARP> by itself and stays down, for addresses are local either
 * way (reference §4.2).
 */
int addresses_ensure_device(Addresses *addresses, uint64_t *n_writes);
/* With all its addresses; 0 also where there is none, -EEXIST where it is of another type. */
int addresses_remove_device(Addresses *addresses, uint64_t *n_writes);
/* 0 where it is not there. As addresses_ensure_device() or addresses_dump() last saw it. */
int addresses_device(const Addresses *addresses);
/* -ENODEV in each `result` where there is no device. */
int addresses_apply(Addresses *addresses, AddressOp *ops, size_t n_ops, uint64_t *n_writes);
int addresses_dump(Addresses *addresses, AddressVisitor visitor, void *userdata);

/* By which notifications tell what is our own doing: see netlink_port_id(). */
int addresses_port_id(Addresses *addresses, uint32_t *ret);
