/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the table in the kernel is the one we made. Its rules are ours if it has a chain whose name carries two
 * numbers: that of the text the table was made from, and that of what the kernel says its chains and rules are.
 * Who flushes a chain, adds a rule or takes one away changes the second; a new version or configuration the first.
 */
#pragma once

#include <stdint.h>

#include "kernel/nfnetlink.h"

#define NFT_MARKER_NAME_SIZE 64

typedef enum NftTableState {
        NFT_TABLE_ABSENT,
        NFT_TABLE_DORMANT, /* there, but no packet sees it */
        NFT_TABLE_OTHER, /* not made by us from this text, or changed since */
        NFT_TABLE_SAME,
} NftTableState;

/*
 * Reads the table's flags, chains and rules. Returns NftTableState, and unless the table is absent the marker that
 * one with these rules, made from `text`, has to have. -EAGAIN: it would not hold still.
 */
int nft_state_read(Netlink *nfnl, const char *text, char ret_marker[static NFT_MARKER_NAME_SIZE]);
