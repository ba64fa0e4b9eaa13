/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvs.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "kernel/ipvs-message.h"
#include "kernel/ipvs-private.h"

/* Less than any default of SO_SNDBUF, and so few messages that all their errors fit in the receive buffer. */
#define IPVS_BATCH_SIZE (64 * 1024)
#define IPVS_BATCH_MESSAGES 512

/* There where the kernel has IPv6, also without a single address; kube-proxy goes by it too. */
#define IPV6_ADDRESSES "/proc/net/if_inet6"

int ipvs_new(Ipvs **ret) {
        _cleanup_(ipvs_freep) Ipvs *ipvs = calloc(1, sizeof(Ipvs));
        int r;

        if (!ipvs)
                return -ENOMEM;
        ipvs->sockopt = (IpvsSockopt) IPVS_SOCKOPT_INIT;
        r = netlink_new(NETLINK_GENERIC, &ipvs->netlink);
        if (r >= 0)
                r = netlink_new(NETLINK_GENERIC, &ipvs->list);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ipvs);
        return 0;
}

Ipvs *ipvs_free(Ipvs *ipvs) {
        if (!ipvs)
                return NULL;
        ipvs_sockopt_done(&ipvs->sockopt);
        netlink_buffer_done(&ipvs->buffer);
        (void) netlink_free(ipvs->list);
        (void) netlink_free(ipvs->netlink);
        free(ipvs);
        return NULL;
}

/* ---- the family */

/* Asking for a family that is not there loads the module with its alias, in the kernel. */
int ipvs_resolve(Ipvs *ipvs) {
        int r;

        if (ipvs->family > 0)
                return 0;
        r = netlink_resolve(ipvs->netlink, IPVS_GENL_NAME);
        if (r < 0)
                return r == -ENOENT ? -ENOPROTOOPT : r;
        ipvs->family = (uint16_t) r;
        return 0;
}

/* ---- writing */

/* The operations of one batch; a message's sequence number is its place in it, from 1. */
typedef struct IpvsBatch {
        IpvsOp *ops;
        size_t n_ops;
        bool acknowledged;
} IpvsBatch;

static void ipvs_batch_answer(uint32_t seq, int error, void *userdata) {
        IpvsBatch *batch = userdata;

        if (seq == 0 || seq > batch->n_ops)
                return;
        batch->ops[seq - 1].result = error;
        batch->acknowledged = batch->acknowledged || seq == batch->n_ops;
}

/* Fills the buffer; how many of the operations are in it. */
static int ipvs_batch_fill(Ipvs *ipvs, const IpvsOp *ops, size_t n_ops, size_t *ret_n) {
        size_t n = 0;
        int r;

        netlink_buffer_clear(&ipvs->buffer);
        while (n < n_ops && n < IPVS_BATCH_MESSAGES && ipvs->buffer.used < IPVS_BATCH_SIZE) {
                r = ipvs_message_put_op(&ipvs->buffer, ipvs->family, &ops[n]);
                if (r < 0)
                        return r;
                n++;
        }
        netlink_buffer_acknowledge(&ipvs->buffer);
        *ret_n = n;
        return 0;
}

/* What has no answer was done: the kernel works through all of a send, unless it says otherwise. */
static int ipvs_batch_send(Ipvs *ipvs, IpvsOp *ops, size_t n_ops) {
        IpvsBatch batch = { .ops = ops, .n_ops = n_ops };
        int r;

        for (size_t i = 0; i < n_ops; i++)
                ops[i].result = 0;
        r = netlink_send(ipvs->netlink, &ipvs->buffer, ipvs_batch_answer, &batch);
        if (r >= 0 && !batch.acknowledged)
                r = -EPROTO;
        return r;
}

static void ipvs_cancel(IpvsOp *ops, size_t n_ops) {
        for (size_t i = 0; i < n_ops; i++)
                ops[i].result = -ECANCELED;
}

/* Numbers of families change when the module goes and comes again; nothing else makes every message ENOENT. */
static bool ipvs_family_is_stale(const IpvsOp *ops, size_t n_ops) {
        for (size_t i = 0; i < n_ops; i++)
                if (ops[i].result != -ENOENT)
                        return false;
        return true;
}

int ipvs_apply(Ipvs *ipvs, IpvsOp *ops, size_t n_ops, uint64_t *n_writes) {
        size_t n = 0;
        int r;

        r = ipvs_resolve(ipvs);
        for (size_t i = 0; i < n_ops; i += n) {
                if (r >= 0)
                        r = ipvs_batch_fill(ipvs, ops + i, n_ops - i, &n);
                if (r >= 0) {
                        *n_writes += n;
                        r = ipvs_batch_send(ipvs, ops + i, n);
                }
                if (r < 0) {
                        ipvs_cancel(ops + i, n_ops - i);
                        break;
                }
        }
        if (r >= 0 && n_ops > 0 && ipvs_family_is_stale(ops, n_ops))
                ipvs->family = 0; /* asked anew by the next call */
        return r;
}

/* ---- settings */

/* A command without attributes and its one reply. */
static int ipvs_ask(Ipvs *ipvs, uint8_t command, NetlinkVisitor visitor, void *userdata) {
        int r = ipvs_resolve(ipvs);

        if (r < 0)
                return r;
        netlink_buffer_clear(&ipvs->buffer);
        r = ipvs_message_put_command(&ipvs->buffer, ipvs->family, command, NLM_F_ACK);
        return r < 0 ? r : netlink_call(ipvs->netlink, &ipvs->buffer, visitor, userdata);
}

static int visit_info(const struct nlmsghdr *message, void *userdata) {
        return ipvs_message_parse_info(message, userdata);
}

int ipvs_get_info(Ipvs *ipvs, KernelInfo *ret) {
        KernelInfo info = {};
        struct utsname name;
        int r;

        r = ipvs_ask(ipvs, IPVS_CMD_GET_INFO, visit_info, &info);
        if (r < 0)
                return r;
        if (uname(&name) < 0)
                return -errno;
        if (sscanf(name.release, "%u.%u", &info.release_major, &info.release_minor) != 2)
                return -EBADMSG;
        info.ipv4_only = access(IPV6_ADDRESSES, F_OK) < 0 && errno == ENOENT;
        *ret = info;
        return 0;
}

static void note_answer(uint32_t seq, int error, void *userdata) {
        *(int *) userdata = error;
}

int ipvs_set_timeouts(Ipvs *ipvs, const IpvsTimeouts *timeouts, uint64_t *n_writes) {
        int r, answer = -EPROTO;

        r = ipvs_resolve(ipvs);
        if (r < 0)
                return r;
        netlink_buffer_clear(&ipvs->buffer);
        r = ipvs_message_put_timeouts(&ipvs->buffer, ipvs->family, timeouts);
        if (r < 0)
                return r;
        ++*n_writes;
        r = netlink_send(ipvs->netlink, &ipvs->buffer, note_answer, &answer);
        return r < 0 ? r : answer;
}

static int visit_timeouts(const struct nlmsghdr *message, void *userdata) {
        return ipvs_message_parse_timeouts(message, userdata);
}

int ipvs_get_timeouts(Ipvs *ipvs, IpvsTimeouts *ret) {
        IpvsTimeouts timeouts = {};
        int r = ipvs_ask(ipvs, IPVS_CMD_GET_CONFIG, visit_timeouts, &timeouts);

        if (r >= 0)
                *ret = timeouts;
        return r;
}
