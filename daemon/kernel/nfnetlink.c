/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nfnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

int nfnl_buffer_begin(NetlinkBuffer *buffer, const NfnlHeader *header, size_t size, struct nlmsghdr **ret) {
        struct nlmsghdr *message;
        struct nfgenmsg *nfg;
        int r;

        r = netlink_buffer_begin(
                buffer, header->type, header->flags, MNL_ALIGN(sizeof(struct nfgenmsg)) + size, &message);
        if (r < 0)
                return r;
        nfg = mnl_nlmsg_put_extra_header(message, sizeof *nfg);
        nfg->nfgen_family = header->family;
        nfg->version = NFNETLINK_V0;
        nfg->res_id = htons(header->resource);
        *ret = message;
        return 0;
}

static void nfnl_answer(uint32_t seq, int error, void *userdata) {
        NfnlResult *result = userdata;

        if (error == 0) {
                result->acknowledged = true;
                return;
        }
        result->n_errors++;
        if (result->first_error == 0)
                result->first_error = error;
}

int nfnl_send(Netlink *netlink, const NetlinkBuffer *buffer, NfnlResult *ret) {
        NfnlResult result = {};
        int r;

        r = netlink_send(netlink, buffer, nfnl_answer, &result);
        if (r < 0 && r != -ENOBUFS) /* more errors than fit: the first ones are there */
                return r;
        *ret = result;
        return 0;
}
