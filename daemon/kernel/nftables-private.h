/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of Nftables, for its two files: what is written (nftables.c) and what is read (nftables-dump.c). */
#pragma once

#include "kernel/nfnetlink.h"
#include "kernel/nft-generation.h"
#include "kernel/nftables.h"

struct Nftables {
        Netlink *nfnl; /* owned */
        NftGeneration generation;
        pid_t text_process; /* see nftables_text_process() */
};

/* What is read or written meanwhile may have changed: then it is begun again. */
#define NFT_TRIES 8

/* Of a message of nf_tables about our table. */
NfnlHeader nft_header(uint16_t type, uint16_t flags);
