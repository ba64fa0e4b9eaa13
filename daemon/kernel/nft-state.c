/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft-state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h> /* before its kernel twin */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/backend.h"

#define NFT_MARKER_PREFIX "made-"
#define NFT_STATE_TRIES 8

typedef struct NftState {
        uint64_t hash;
        bool present, dormant;
        char marker[NFT_MARKER_NAME_SIZE]; /* as found; "" without */
} NftState;

/* FNV-1a: must come out the same in another process, and nobody gains by a collision in his own kernel. */
static uint64_t nft_state_hash(uint64_t hash, const void *bytes, size_t size) {
        const uint8_t *p = bytes;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
        return hash;
}

static const uint64_t nft_state_seed = UINT64_C(0xcbf29ce484222325);

static bool nft_attr_is(const struct nlattr *attr, const char *text) {
        size_t size = mnl_attr_get_payload_len(attr);

        return size == strlen(text) + 1 && memcmp(mnl_attr_get_payload(attr), text, size) == 0;
}

static void nft_state_add(NftState *state, const struct nlattr *attr) {
        uint16_t type = mnl_attr_get_type(attr);

        state->hash = nft_state_hash(state->hash, &type, sizeof type);
        state->hash = nft_state_hash(state->hash, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

/* Returns whether the chain is the marker. */
static bool nft_state_see_marker(NftState *state, const struct nlattr *name) {
        size_t size = mnl_attr_get_payload_len(name);
        const char *text = mnl_attr_get_payload(name);

        if (size == 0 || size > sizeof state->marker || text[size - 1] != '\0' ||
            strncmp(text, NFT_MARKER_PREFIX, strlen(NFT_MARKER_PREFIX)) != 0)
                return false;
        memcpy(state->marker, text, size);
        return true;
}

static int nft_state_visit_table(const struct nlmsghdr *message, void *userdata) {
        NftState *state = userdata;
        const struct nlattr *attr;
        bool ours = false, dormant = false;

        mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
                if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME)
                        ours = nft_attr_is(attr, KERNEL_TABLE_NAME);
                else if (mnl_attr_get_type(attr) == NFTA_TABLE_FLAGS &&
                         mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
                        dormant = ntohl(mnl_attr_get_u32(attr)) & NFT_TABLE_F_DORMANT;
        }
        if (!ours)
                return 0;
        state->present = true;
        state->dormant = dormant;
        return 0;
}

static int nft_state_visit_chain(const struct nlmsghdr *message, void *userdata) {
        NftState *state = userdata;
        const struct nlattr *attr, *name = NULL;
        bool ours = false;

        mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
                if (mnl_attr_get_type(attr) == NFTA_CHAIN_TABLE)
                        ours = nft_attr_is(attr, KERNEL_TABLE_NAME);
                else if (mnl_attr_get_type(attr) == NFTA_CHAIN_NAME)
                        name = attr;
        }
        if (!ours || !name)
                return 0;
        if (nft_state_see_marker(state, name))
                return 0;
        mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
                switch (mnl_attr_get_type(attr)) {
                case NFTA_CHAIN_NAME:
                case NFTA_CHAIN_HOOK:
                case NFTA_CHAIN_POLICY:
                case NFTA_CHAIN_TYPE:
                case NFTA_CHAIN_FLAGS:
                        nft_state_add(state, attr);
                        break;
                default: /* handle, use count, counters */
                        break;
                }
        }
        return 0;
}

static int nft_state_visit_rule(const struct nlmsghdr *message, void *userdata) {
        NftState *state = userdata;
        const struct nlattr *attr;
        bool ours = false;

        mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
                if (mnl_attr_get_type(attr) == NFTA_RULE_TABLE)
                        ours = nft_attr_is(attr, KERNEL_TABLE_NAME);
        if (!ours)
                return 0;
        mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
                if (mnl_attr_get_type(attr) == NFTA_RULE_CHAIN ||
                    mnl_attr_get_type(attr) == NFTA_RULE_EXPRESSIONS)
                        nft_state_add(state, attr);
        return 0;
}

static int nft_state_dump(Netlink *nfnl, uint16_t type, uint16_t table_attr, NetlinkVisitor visitor, NftState *state) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        struct nlmsghdr *message;
        int r;

        r = nfnl_buffer_begin(&buffer,
                              &(NfnlHeader) { .type = (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | type),
                                              .flags = NLM_F_DUMP,
                                              .family = NFPROTO_INET },
                              64,
                              &message);
        if (r < 0)
                return r;
        mnl_attr_put_strz(message, table_attr, KERNEL_TABLE_NAME);
        netlink_buffer_end(&buffer);
        return netlink_dump(nfnl, &buffer, visitor, state);
}

static int nft_state_read_once(Netlink *nfnl, NftState *state) {
        int r;

        *state = (NftState) { .hash = nft_state_seed };
        r = nft_state_dump(nfnl, NFT_MSG_GETTABLE, NFTA_TABLE_NAME, nft_state_visit_table, state);
        if (r < 0 || !state->present)
                return r;
        r = nft_state_dump(nfnl, NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, nft_state_visit_chain, state);
        if (r < 0)
                return r;
        return nft_state_dump(nfnl, NFT_MSG_GETRULE, NFTA_RULE_TABLE, nft_state_visit_rule, state);
}

int nft_state_read(Netlink *nfnl, const char *text, char ret_marker[static NFT_MARKER_NAME_SIZE]) {
        NftState state;
        int r = -EINTR;

        for (unsigned i = 0; i < NFT_STATE_TRIES && r == -EINTR; i++)
                r = nft_state_read_once(nfnl, &state);
        if (r < 0)
                return r == -EINTR ? -EAGAIN : r;
        if (!state.present)
                return NFT_TABLE_ABSENT;
        (void) snprintf(ret_marker,
                        NFT_MARKER_NAME_SIZE,
                        NFT_MARKER_PREFIX "%016" PRIx64 "-%016" PRIx64,
                        nft_state_hash(nft_state_seed, text, strlen(text)),
                        state.hash);
        if (state.dormant)
                return NFT_TABLE_DORMANT;
        return strcmp(ret_marker, state.marker) == 0 ? NFT_TABLE_SAME : NFT_TABLE_OTHER;
}
