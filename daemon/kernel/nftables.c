/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nftables-private.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "common/hash.h"
#include "kernel/nfnetlink.h"
#include "kernel/nft-element.h"
#include "kernel/nft-state.h"
#include "kernel/nft-text.h"
#include "kernel/ruleset-set.h"
#include "kernel/ruleset.h"

/* An attribute's length has 16 bits: as many elements as are sure to fit in a list. */
#define NFT_ELEMENTS_PER_MESSAGE 400
#define NFT_ELEMENT_SIZE (2 * (2 * sizeof(struct nlattr) + NFT_KEY_MAX) + sizeof(struct nlattr))

int nftables_new(Nftables **ret) {
        _cleanup_(nftables_freep) Nftables *nft = calloc(1, sizeof *nft);
        int r;

        if (!nft)
                return -ENOMEM;
        r = netlink_new(NETLINK_NETFILTER, &nft->nfnl);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(nft);
        return 0;
}

Nftables *nftables_free(Nftables *nft) {
        if (!nft)
                return NULL;
        (void) netlink_free(nft->nfnl);
        free(nft);
        return NULL;
}

int nftables_port_id(Nftables *nft, uint32_t *ret) {
        return netlink_port_id(nft->nfnl, ret);
}

pid_t nftables_text_process(const Nftables *nft) {
        return nft->text_process;
}

/* ---- transactions over netlink */

static int nft_put_batch(NetlinkBuffer *buffer, uint16_t type) {
        struct nlmsghdr *message;
        int r;

        r = nfnl_buffer_begin(
                buffer, &(NfnlHeader) { .type = type, .resource = NFNL_SUBSYS_NFTABLES }, 0, &message);
        if (r >= 0)
                netlink_buffer_end(buffer);
        return r;
}

NfnlHeader nft_header(uint16_t type, uint16_t flags) {
        return (NfnlHeader) { .type = (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | type),
                              .flags = flags,
                              .family = NFPROTO_INET };
}

/* `buffer` is begun and has its messages, the last one with NLM_F_ACK. */
static int nft_commit(Nftables *nft, NetlinkBuffer *buffer) {
        NfnlResult result = { .first_error = -EINTR };
        int r;

        r = nft_put_batch(buffer, NFNL_MSG_BATCH_END);
        /* -EINTR: a signal was pending, the kernel has undone it all (nfnetlink_rcv_batch) */
        for (unsigned i = 0; r >= 0 && i < NFT_TRIES && result.first_error == -EINTR; i++)
                r = nfnl_send(nft->nfnl, buffer, &result);
        if (r >= 0 && result.first_error >= 0 && !result.acknowledged)
                r = -EPROTO;
        if (r < 0) {
                nft_generation_lost(&nft->generation);
                return r;
        }
        nft_generation_committed(&nft->generation, result.first_error);
        return result.first_error;
}

/* ---- messages about the table */

static int nft_put_table(NetlinkBuffer *buffer, uint16_t type, uint16_t flags) {
        NfnlHeader header = nft_header(type, flags);
        struct nlmsghdr *message;
        int r;

        r = nfnl_buffer_begin(buffer, &header, 64, &message);
        if (r < 0)
                return r;
        mnl_attr_put_strz(message, NFTA_TABLE_NAME, KERNEL_TABLE_NAME);
        if (type == NFT_MSG_NEWTABLE)
                mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, 0); /* wakes it */
        netlink_buffer_end(buffer);
        return 0;
}

static int nft_put_marker(NetlinkBuffer *buffer, const char *name) {
        NfnlHeader header = nft_header(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
        struct nlmsghdr *message;
        int r;

        r = nfnl_buffer_begin(buffer, &header, 128, &message);
        if (r < 0)
                return r;
        mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, KERNEL_TABLE_NAME);
        mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
        netlink_buffer_end(buffer);
        return 0;
}

/* ---- elements */

static void nft_put_key(struct nlmsghdr *message, uint16_t type, const uint8_t *bytes, size_t size) {
        struct nlattr *nest = mnl_attr_nest_start(message, type);

        mnl_attr_put(message, NFTA_DATA_VALUE, size, bytes);
        mnl_attr_nest_end(message, nest);
}

static int nft_put_element(struct nlmsghdr *message, const FilterElement *element) {
        struct nlattr *nest;
        NftKey key;
        int r;

        r = nft_key_from_element(element, &key);
        if (r < 0)
                return r;
        nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
        nft_put_key(message, NFTA_SET_ELEM_KEY, key.first, key.size);
        if (filter_set_type((FilterSet) element->set)->interval)
                nft_put_key(message, NFTA_SET_ELEM_KEY_END, key.last, key.size);
        mnl_attr_nest_end(message, nest);
        return 0;
}

/* How many operations from the first on do the same to the same set. */
static size_t nft_run_length(const FilterOp *ops, size_t n_ops) {
        size_t n = 1;

        while (n < n_ops && n < NFT_ELEMENTS_PER_MESSAGE && ops[n].add == ops->add &&
               ops[n].element.set == ops->element.set &&
               ops[n].element.addr.family == ops->element.addr.family)
                n++;
        return n;
}

static int nft_put_run(NetlinkBuffer *buffer, const FilterOp *ops, size_t n_ops, bool last) {
        NfnlHeader header = nft_header(ops->add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
                                       (ops->add ? NLM_F_CREATE : 0) | (last ? NLM_F_ACK : 0));
        char name[RULESET_SET_NAME_SIZE];
        struct nlmsghdr *message;
        struct nlattr *list;
        int r;

        r = ruleset_set_name(&ops->element, name);
        if (r >= 0)
                r = nfnl_buffer_begin(buffer, &header, 128 + n_ops * NFT_ELEMENT_SIZE, &message);
        if (r < 0)
                return r;
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, KERNEL_TABLE_NAME);
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
        list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
        for (size_t i = 0; i < n_ops && r >= 0; i++)
                r = nft_put_element(message, &ops[i].element);
        mnl_attr_nest_end(message, list);
        netlink_buffer_end(buffer);
        return r;
}

static int nft_put_ops(NetlinkBuffer *buffer, const FilterOp *ops, size_t n_ops, bool acknowledge, uint64_t *n_messages) {
        int r = 0;

        for (size_t i = 0, n; i < n_ops && r >= 0; i += n) {
                n = nft_run_length(ops + i, n_ops - i);
                r = nft_put_run(buffer, ops + i, n, acknowledge && i + n == n_ops);
                ++*n_messages;
        }
        return r;
}

int nftables_apply(Nftables *nft, const FilterOp *ops, size_t n_ops, uint64_t *n_writes) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        uint64_t n_messages = 0;
        int r;

        if (n_ops == 0)
                return 0;
        r = nft_put_batch(&buffer, NFNL_MSG_BATCH_BEGIN);
        if (r >= 0)
                r = nft_put_ops(&buffer, ops, n_ops, /* acknowledge= */ true, &n_messages);
        if (r >= 0)
                r = nft_commit(nft, &buffer);
        if (r >= 0)
                *n_writes += n_messages;
        return r;
}

/* ---- what is known */

/* Of elements and rules all is known if the number is the expected one, and followed from here on; 0 = it is not known. */
static void nft_know(Nftables *nft, const char *rules, uint32_t expected) {
        NftGeneration *generation = &nft->generation;
        uint32_t number;

        nft_generation_lost(generation);
        if (expected > 0 && nft_generation_get(nft->nfnl, &number) >= 0 && number == expected)
                generation->known = number;
        generation->rules = hash_bytes(rules, strlen(rules));
}

int nftables_is_unchanged(Nftables *nft, const FilterConfig *config) {
        _cleanup_(freep) char *rules = NULL;
        uint32_t number;
        int r;

        if (nft->generation.known == 0)
                return 0;
        r = ruleset_format(config, &rules);
        if (r >= 0)
                r = nft_generation_get(nft->nfnl, &number);
        return r < 0 ? r : nft_generation_is_known(&nft->generation, number, hash_bytes(rules, strlen(rules)));
}

/* ---- the table */

/* One transaction: elements if there are any, the marker, and the table is at work. */
static int nft_finish(Nftables *nft, const char *marker, const FilterElement *elements, size_t n_elements, uint64_t *n_writes) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        uint64_t n_messages = 0;
        int r;

        r = nft_put_batch(&buffer, NFNL_MSG_BATCH_BEGIN);
        for (size_t i = 0; i < n_elements && r >= 0;) {
                FilterOp ops[NFT_ELEMENTS_PER_MESSAGE];
                size_t n = 0;

                while (i < n_elements && n < ELEMENTSOF(ops))
                        ops[n++] = (FilterOp) { .element = elements[i++], .add = true };
                r = nft_put_ops(&buffer, ops, n, /* acknowledge= */ false, &n_messages);
        }
        if (r >= 0)
                r = nft_put_table(&buffer, NFT_MSG_NEWTABLE, 0);
        if (r >= 0)
                r = nft_put_marker(&buffer, marker);
        if (r >= 0)
                r = nft_commit(nft, &buffer);
        if (r >= 0)
                *n_writes += n_messages + 2;
        return r;
}

/* Of nft_make(). */
#define NFT_MAKE_TRANSACTIONS 2

/*
 * Where no table is at work, it is made asleep and without elements, and wakes with all of them: libnftables needs
 * more than a kilobyte of memory for an element. One that is at work cannot be exchanged in two steps.
 */
static int nft_make(Nftables *nft,
                    const FilterConfig *config,
                    const char *rules,
                    bool at_work,
                    const FilterElement *elements,
                    size_t n_elements,
                    uint64_t *n_writes) {
        _cleanup_(freep) char *text = NULL;
        char marker[NFT_MARKER_NAME_SIZE];
        int r;

        r = at_work ? ruleset_format_replacement(config, elements, n_elements, &text) :
                      ruleset_format_dormant(config, &text);
        if (r >= 0)
                r = nft_text_run(text, &nft->text_process);
        if (r < 0)
                return r;
        ++*n_writes;
        /* If we die here it is dormant, or without marker, and made once more by the next call. */
        r = nft_state_read(nft->nfnl, rules, marker);
        if (r < 0)
                return r;
        if (r == NFT_TABLE_ABSENT)
                return -ESTALE;
        return nft_finish(nft, marker, elements, at_work ? 0 : n_elements, n_writes);
}

int nftables_ensure(Nftables *nft,
                    const FilterConfig *config,
                    const FilterElement *elements,
                    size_t n_elements,
                    uint64_t *n_writes) {
        _cleanup_(freep) char *rules = NULL;
        char marker[NFT_MARKER_NAME_SIZE];
        uint32_t before;
        int r;

        nft->text_process = 0;
        r = ruleset_format(config, &rules);
        if (r < 0)
                return r;
        r = nft_state_read(nft->nfnl, rules, marker);
        if (r < 0)
                return r;
        if (r == NFT_TABLE_SAME) {
                nft_know(nft, rules, nft->generation.read);
                return 0;
        }
        if (nft_generation_get(nft->nfnl, &before) < 0)
                before = 0;
        r = nft_make(nft, config, rules, r == NFT_TABLE_OTHER, elements, n_elements, n_writes);
        nft_know(nft, rules, r >= 0 && before > 0 ? nft_generation_after(before, NFT_MAKE_TRANSACTIONS) : 0);
        return r < 0 ? r : 1;
}

int nftables_remove(Nftables *nft) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        int r;

        r = nft_put_batch(&buffer, NFNL_MSG_BATCH_BEGIN);
        if (r >= 0)
                r = nft_put_table(&buffer, NFT_MSG_DELTABLE, NLM_F_ACK);
        if (r >= 0)
                r = nft_commit(nft, &buffer);
        return r == -ENOENT ? 0 : r;
}
