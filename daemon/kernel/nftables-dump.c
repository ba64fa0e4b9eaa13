/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The elements of the sets, read set by set. */
#include "kernel/nftables-private.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/nft-element.h"
#include "kernel/ruleset-set.h"

typedef struct NftSetDump {
        FilterSet set;
        int family;
        FilterElement *elements; /* owned */
        size_t n_elements, n_allocated;
} NftSetDump;

static inline void nft_set_dump_done(NftSetDump *dump) {
        free(dump->elements);
}

static bool nft_get_key(const struct nlattr *nest, uint8_t bytes[static NFT_KEY_MAX], size_t *ret_size) {
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, nest) {
                size_t size = mnl_attr_get_payload_len(attr);

                if (mnl_attr_get_type(attr) != NFTA_DATA_VALUE)
                        continue;
                if (size > NFT_KEY_MAX)
                        return false;
                memcpy(bytes, mnl_attr_get_payload(attr), size);
                *ret_size = size;
                return true;
        }
        return false;
}

static int nft_set_dump_append(NftSetDump *dump, const FilterElement *element) {
        if (dump->n_elements == dump->n_allocated) {
                size_t n = MAX2((size_t) 64, 2 * dump->n_allocated);
                FilterElement *elements = reallocarray(dump->elements, n, sizeof *elements);

                if (!elements)
                        return -ENOMEM;
                dump->elements = elements;
                dump->n_allocated = n;
        }
        dump->elements[dump->n_elements++] = *element;
        return 0;
}

static int nft_set_dump_element(NftSetDump *dump, const struct nlattr *nest) {
        const struct nlattr *attr;
        bool has_first = false, has_last = false;
        FilterElement element;
        size_t last_size = 0;
        NftKey key = {};

        mnl_attr_for_each_nested(attr, nest) {
                if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_KEY)
                        has_first = nft_get_key(attr, key.first, &key.size);
                else if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_KEY_END)
                        has_last = nft_get_key(attr, key.last, &last_size);
        }
        if (!has_last || last_size != key.size)
                memcpy(key.last, key.first, sizeof key.last);
        if (!has_first || nft_key_to_element(&key, dump->set, dump->family, &element) < 0)
                return 0; /* somebody else's */
        return nft_set_dump_append(dump, &element);
}

static int nft_set_dump_visit(const struct nlmsghdr *message, void *userdata) {
        const struct nlattr *attr, *nest;
        int r = 0;

        mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
                if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
                        continue;
                mnl_attr_for_each_nested(nest, attr) {
                        r = nft_set_dump_element(userdata, nest);
                        if (r < 0)
                                return r;
                }
        }
        return r;
}

static int nft_dump_set_once(Nftables *nft, NftSetDump *dump) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        FilterElement any = { .set = (uint8_t) dump->set, .addr.family = (uint8_t) dump->family };
        NfnlHeader header = nft_header(NFT_MSG_GETSETELEM, NLM_F_DUMP);
        char name[RULESET_SET_NAME_SIZE];
        struct nlmsghdr *message;
        int r;

        dump->n_elements = 0;
        r = ruleset_set_name(&any, name);
        if (r >= 0)
                r = nfnl_buffer_begin(&buffer, &header, 128, &message);
        if (r < 0)
                return r;
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, KERNEL_TABLE_NAME);
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
        netlink_buffer_end(&buffer);
        return netlink_dump(nft->nfnl, &buffer, nft_set_dump_visit, dump);
}

static int nft_dump_set(Nftables *nft, FilterSet set, int family, FilterVisitor visitor, void *userdata) {
        _cleanup_(nft_set_dump_done) NftSetDump dump = { .set = set, .family = family };
        int r = -EINTR;

        for (unsigned i = 0; i < NFT_TRIES && r == -EINTR; i++)
                r = nft_dump_set_once(nft, &dump);
        if (r == -EINTR)
                return -EAGAIN;
        for (size_t i = 0; i < dump.n_elements && r >= 0; i++)
                r = visitor(&dump.elements[i], userdata);
        return r;
}

/* The number that holds for all parts is that of before the first: whoever changes something later makes it another. */
int nftables_dump(Nftables *nft, unsigned part, FilterVisitor visitor, void *userdata) {
        uint32_t number;

        if (part == 0) {
                nft_generation_lost(&nft->generation);
                if (nft_generation_get(nft->nfnl, &number) >= 0)
                        nft->generation.read = number; /* else they are read all the same */
        }
        return nft_dump_set(nft, filter_dump_set(part), filter_dump_family(part), visitor, userdata);
}
