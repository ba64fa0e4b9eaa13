/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nfnetlink.h"

struct Forward {
        Netlink *nfnl; /* owned */
};

int forward_new(Forward **ret) {
        _cleanup_(forward_freep) Forward *forward = calloc(1, sizeof *forward);
        int r;

        if (!forward)
                return -ENOMEM;
        r = netlink_new(NETLINK_NETFILTER, &forward->nfnl);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(forward);
        return 0;
}

Forward *forward_free(Forward *forward) {
        if (!forward)
                return NULL;
        (void) netlink_free(forward->nfnl);
        free(forward);
        return NULL;
}

static const char *family_name(uint8_t family) {
        return family == NFPROTO_IPV4 ? "ip" : family == NFPROTO_IPV6 ? "ip6" : family == NFPROTO_INET ? "inet" : NULL;
}

typedef struct ChainView {
        const char *table, *name; /* NULL = not said */
        bool forwards, drops;
} ChainView;

static bool hook_is_forward(const struct nlattr *hook) {
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, hook)
                if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM && mnl_attr_get_payload_len(attr) >= sizeof(uint32_t))
                        return ntohl(mnl_attr_get_u32(attr)) == NF_INET_FORWARD;
        return false;
}

static void chain_view_read(ChainView *view, const struct nlattr *attr) {
        switch (mnl_attr_get_type(attr)) {
        case NFTA_CHAIN_TABLE:
                if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                        view->table = mnl_attr_get_str(attr);
                break;
        case NFTA_CHAIN_NAME:
                if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                        view->name = mnl_attr_get_str(attr);
                break;
        case NFTA_CHAIN_HOOK:
                view->forwards = hook_is_forward(attr);
                break;
        case NFTA_CHAIN_POLICY:
                view->drops = mnl_attr_get_payload_len(attr) >= sizeof(uint32_t) &&
                              ntohl(mnl_attr_get_u32(attr)) == NF_DROP;
                break;
        default: /* nothing else is asked about a chain */
                break;
        }
}

/* The first one is enough. Its names are somebody's: only what can be printed anywhere is taken over. */
static int visit_chain(const struct nlmsghdr *message, void *userdata) {
        const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
        char *chain = userdata;
        const struct nlattr *attr;
        ChainView view = {};

        if (mnl_nlmsg_get_payload_len(message) < sizeof *header || chain[0] || !family_name(header->nfgen_family))
                return 0;
        mnl_attr_for_each(attr, message, sizeof *header)
                chain_view_read(&view, attr);
        if (!view.forwards || !view.drops || !view.table || !view.name)
                return 0;
        (void) snprintf(chain, FORWARD_CHAIN_SIZE, "%s %s %s", family_name(header->nfgen_family), view.table, view.name);
        for (char *p = chain; *p; p++)
                if (*p < ' ' || *p > '~')
                        *p = '?';
        return 0;
}

int forward_find_drop(Forward *forward, char ret_chain[static FORWARD_CHAIN_SIZE]) {
        const NfnlHeader header = {
                .type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN,
                .flags = NLM_F_DUMP,
                .family = NFPROTO_UNSPEC,
        };
        char chain[FORWARD_CHAIN_SIZE] = "";
        NetlinkBuffer buffer = {};
        struct nlmsghdr *message;
        int r;

        r = nfnl_buffer_begin(&buffer, &header, 0, &message);
        if (r >= 0) {
                netlink_buffer_end(&buffer);
                r = netlink_dump(forward->nfnl, &buffer, visit_chain, chain);
        }
        netlink_buffer_done(&buffer);
        if (r < 0 && r != -EINTR) /* what changes just now is seen by the next look */
                return r;
        memcpy(ret_chain, chain, sizeof(chain));
        return chain[0] != '\0';
}
