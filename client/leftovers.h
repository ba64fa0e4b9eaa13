/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kube-proxy leaves behind in the packet filter: chains and rules that iptables-nft or its
 * nftables mode made, ipsets (reference §4.5, §4.6, §4.11). Only names kube-proxy is known to use
 * count; what the kubelet (KUBE-MARK-MASQ, KUBE-MARK-DROP, KUBE-FIREWALL, KUBE-KUBELET-CANARY,
 * KUBE-IPTABLES-HINT), kube-router or anybody else makes is never touched. Needs CAP_NET_ADMIN.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

typedef enum LeftoverKind {
        LEFTOVER_RULE,  /* in a chain of somebody else, jumps to one of the chains */
        LEFTOVER_CHAIN, /* with all its rules */
        LEFTOVER_TABLE, /* with all that is in it */
        LEFTOVER_SET,   /* an ipset */
        _LEFTOVER_KIND_MAX,
} LeftoverKind;

/* "rule", … */
const char *leftover_kind_to_string(LeftoverKind kind);

#define LEFTOVER_NAME_MAX 128

typedef struct Leftover {
        LeftoverKind kind;
        uint8_t family;                 /* NFPROTO_…; 0 for sets */
        char table[LEFTOVER_NAME_MAX];  /* "" for sets */
        char name[LEFTOVER_NAME_MAX];   /* of the chain, table or set; a rule: of the chain it is in
                                         */
        char target[LEFTOVER_NAME_MAX]; /* of a rule: the chain it jumps to */
        uint64_t handle;                /* of a rule */
} Leftover;

typedef struct Leftovers {
        Leftover *items; /* owned; rules, then chains, tables and sets */
        size_t n_items;
        uint32_t generation; /* of the ruleset when it was read */
        /* A chain that nobody but its owner may change jumps to one of kube-proxy's: "" = none. */
        char obstacle[LEFTOVER_NAME_MAX * 3];
        char legacy[64]; /* tables of iptables-legacy with such chains: "ip nat, ip6 filter" */
} Leftovers;

/* Are these names kube-proxy's? */
bool leftover_is_chain(const char *name);
bool leftover_is_set(const char *name);

/* Reads all of it. -EPERM without the capability. */
int leftovers_read(Leftovers *ret);
void leftovers_done(Leftovers *leftovers);

/*
 * Removes them: rules, chains and tables in one transaction, then the sets. -EBUSY with an obstacle
 * or if a set is in use. -ERESTART: the ruleset is no longer what was read; read it again.
 */
int leftovers_remove(const Leftovers *leftovers);
