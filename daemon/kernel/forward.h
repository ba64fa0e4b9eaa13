/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether somebody's packet filter drops what nobody accepts of forwarded packets: a base chain of nftables (those of
 * iptables-nft among them) at the hook "forward" with the policy drop. Answers from pods pass there. Only reads.
 */
#pragma once

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct Forward Forward;

/* Opens nothing; the first look does. */
int forward_new(Forward **ret);
Forward *forward_free(Forward *forward);
DEFINE_CLEANUP(Forward *, forward_free);

/* Contract of KernelBackendOps.forward_drop. */
int forward_find_drop(Forward *forward, char ret_chain[static FORWARD_CHAIN_SIZE]);
