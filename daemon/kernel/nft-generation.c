/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft-generation.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h> /* before its kernel twin */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/nfnetlink.h"

static int nft_generation_visit(const struct nlmsghdr *message, void *userdata) {
        const struct nlattr *attr;
        uint32_t *number = userdata;

        mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
                if (mnl_attr_get_type(attr) == NFTA_GEN_ID && mnl_attr_get_payload_len(attr) == sizeof(*number))
                        *number = ntohl(mnl_attr_get_u32(attr));
        return 0;
}

int nft_generation_get(Netlink *nfnl, uint32_t *ret) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        NfnlHeader header = { .type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, .flags = NLM_F_ACK };
        struct nlmsghdr *message;
        uint32_t number = 0;
        int r;

        r = nfnl_buffer_begin(&buffer, &header, 0, &message);
        if (r < 0)
                return r;
        netlink_buffer_end(&buffer);
        r = netlink_call(nfnl, &buffer, nft_generation_visit, &number);
        if (r < 0)
                return r;
        if (number == 0)
                return -EBADMSG;
        *ret = number;
        return 0;
}

uint32_t nft_generation_after(uint32_t number, unsigned n_transactions) {
        while (n_transactions-- > 0)
                if (++number == 0)
                        number = 1;
        return number;
}

void nft_generation_committed(NftGeneration *generation, int error) {
        if (error >= 0 && generation->known > 0)
                generation->known = nft_generation_after(generation->known, 1);
}

void nft_generation_lost(NftGeneration *generation) {
        generation->known = generation->read = 0;
}

bool nft_generation_is_known(const NftGeneration *generation, uint32_t number, uint64_t rules) {
        return generation->known != 0 && generation->known == number && generation->rules == rules;
}
