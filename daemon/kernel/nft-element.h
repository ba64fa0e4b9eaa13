/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An element of our sets as nf_tables keeps it: the fields one behind the other, each in network order and padded to
 * whole registers of four bytes; a range has a second key with the last address. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/filter.h"

/* IPv6 address, protocol, port, IPv6 address */
#define NFT_KEY_MAX (16 + 4 + 4 + 16)

typedef struct NftKey {
        uint8_t first[NFT_KEY_MAX], last[NFT_KEY_MAX]; /* `last` counts in interval sets only */
        size_t size;
} NftKey;

/* -EINVAL: no such set or protocol, no address where there is one in the set, a prefix that is too long. */
int nft_key_from_element(const FilterElement *element, NftKey *ret);

/* `family` of the set. -EINVAL where it is no element as the function above makes them. */
int nft_key_to_element(const NftKey *key, FilterSet set, int family, FilterElement *ret);
