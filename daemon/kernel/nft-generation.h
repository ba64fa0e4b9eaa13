/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number that nf_tables counts its transactions with (net/netfilter/nf_tables_api.c: base_seq, one more with each
 * commit, by whomever; never 0). Who knows a table as it was at one number, and adds his own transactions, knows it as
 * it is: that spares reading a hundred thousand elements that nobody touched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/netlink.h"

/* `{}`: nothing is known. */
typedef struct NftGeneration {
        uint32_t read; /* when reading the elements began; 0 = never */
        uint32_t known; /* the number at which the kernel is as we know it; 0 = none */
        uint64_t rules; /* what the rules were made from then, as a hash */
} NftGeneration;

/* The kernel's number. -errno as netlink_call(). */
int nft_generation_get(Netlink *nfnl, uint32_t *ret);

/* What it is after so many transactions. */
uint32_t nft_generation_after(uint32_t number, unsigned n_transactions);

/* A transaction of ours ended: 0, or the error that the kernel refused all of it with. */
void nft_generation_committed(NftGeneration *generation, int error);
/* Nobody can say whether it was done. */
void nft_generation_lost(NftGeneration *generation);
/* The kernel's number is `number` now: whether all is as it is known, with rules made from `rules`. */
bool nft_generation_is_known(const NftGeneration *generation, uint32_t number, uint64_t rules);
