/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "common/hash.h"
#include "kernel/nfnetlink.h"

/* CTA_FILTER_ORIG_FLAGS: which fields of the original tuple select; only the protocol's number (kernel 5.8). */
#define CONNTRACK_FILTER_PROTO_NUM (1U << 3)
/* So few that the errors of entries that are gone meanwhile fit in the socket's buffer, and are counted. */
#define CONNTRACK_DELETIONS_PER_SEND 128

struct Conntrack {
        Netlink *nfnl; /* owned */
};

/* One pass: what is looked for, and the deletions found. */
typedef struct ConntrackPass {
        HashMap flows; /* ConntrackFlow, borrowed */
        NetlinkBuffer deletions;
        size_t n_deletions;
} ConntrackPass;

static void conntrack_pass_done(ConntrackPass *pass) {
        hashmap_done(&pass->flows);
        netlink_buffer_done(&pass->deletions);
}

int conntrack_new(Conntrack **ret) {
        _cleanup_(conntrack_freep) Conntrack *conntrack = calloc(1, sizeof *conntrack);
        int r;

        if (!conntrack)
                return -ENOMEM;
        r = netlink_new(NETLINK_NETFILTER, &conntrack->nfnl);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(conntrack);
        return 0;
}

Conntrack *conntrack_free(Conntrack *conntrack) {
        if (!conntrack)
                return NULL;
        (void) netlink_free(conntrack->nfnl);
        free(conntrack);
        return NULL;
}

/* ---- what is looked for */

/* Flows have padding, which must not count. */
static uint64_t conntrack_flow_hash(const void *key) {
        const ConntrackFlow *flow = key;
        uint8_t bytes[2 * (sizeof(IpAddr) + 2)];
        uint8_t *p = bytes;

        p = mempcpy(p, &flow->addr, sizeof flow->addr);
        p = mempcpy(p, &flow->port, sizeof flow->port);
        p = mempcpy(p, &flow->endpoint.addr, sizeof flow->endpoint.addr);
        (void) mempcpy(p, &flow->endpoint.port, sizeof flow->endpoint.port);
        return hash_bytes(bytes, sizeof bytes);
}

static bool conntrack_flow_equal(const void *a, const void *b) {
        const ConntrackFlow *x = a, *y = b;

        return x->port == y->port && x->endpoint.port == y->endpoint.port && ip_addr_equal(&x->addr, &y->addr) &&
               ip_addr_equal(&x->endpoint.addr, &y->endpoint.addr);
}

static const HashOps conntrack_flow_ops = { .hash = conntrack_flow_hash, .equal = conntrack_flow_equal };

static bool conntrack_pass_wants(const ConntrackPass *pass, const IpPort *destination, const IpPort *replier) {
        bool untranslated = ip_port_compare(destination, replier) == 0;
        ConntrackFlow flow = { .port = destination->port, .endpoint = *replier };

        /* Without an address, then with it; translated or not. */
        for (unsigned i = 0; i < 2; i++) {
                if (hashmap_get(&pass->flows, &flow))
                        return true;
                if (untranslated) {
                        flow.endpoint = (IpPort) {};
                        if (hashmap_get(&pass->flows, &flow))
                                return true;
                        flow.endpoint = *replier;
                }
                flow.addr = destination->addr;
        }
        return false;
}

/* ---- entries */

typedef struct ConntrackTuple {
        uint8_t protocol;
        IpPort source, destination;
} ConntrackTuple;

static void conntrack_parse_ip(const struct nlattr *nest, ConntrackTuple *tuple) {
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, nest) {
                const void *bytes = mnl_attr_get_payload(attr);
                size_t size = mnl_attr_get_payload_len(attr);

                switch (mnl_attr_get_type(attr)) {
                case CTA_IP_V4_SRC:
                        (void) ip_addr_from_bytes(AF_INET, bytes, size, &tuple->source.addr);
                        break;
                case CTA_IP_V4_DST:
                        (void) ip_addr_from_bytes(AF_INET, bytes, size, &tuple->destination.addr);
                        break;
                case CTA_IP_V6_SRC:
                        (void) ip_addr_from_bytes(AF_INET6, bytes, size, &tuple->source.addr);
                        break;
                case CTA_IP_V6_DST:
                        (void) ip_addr_from_bytes(AF_INET6, bytes, size, &tuple->destination.addr);
                        break;
                default:
                        break;
                }
        }
}

static void conntrack_parse_protocol(const struct nlattr *nest, ConntrackTuple *tuple) {
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, nest) {
                size_t size = mnl_attr_get_payload_len(attr);

                if (mnl_attr_get_type(attr) == CTA_PROTO_NUM && size >= 1)
                        tuple->protocol = mnl_attr_get_u8(attr);
                else if (mnl_attr_get_type(attr) == CTA_PROTO_SRC_PORT && size >= 2)
                        tuple->source.port = ntohs(mnl_attr_get_u16(attr));
                else if (mnl_attr_get_type(attr) == CTA_PROTO_DST_PORT && size >= 2)
                        tuple->destination.port = ntohs(mnl_attr_get_u16(attr));
        }
}

static void conntrack_parse_tuple(const struct nlattr *nest, ConntrackTuple *ret) {
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, nest) {
                if (mnl_attr_get_type(attr) == CTA_TUPLE_IP)
                        conntrack_parse_ip(attr, ret);
                else if (mnl_attr_get_type(attr) == CTA_TUPLE_PROTO)
                        conntrack_parse_protocol(attr, ret);
        }
}

/* The deletion names the entry by what the dump said of it, as it stands. */
static int conntrack_pass_delete(ConntrackPass *pass, const struct nlmsghdr *entry) {
        const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(entry);
        NfnlHeader header = { .type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
                              .family = nfg->nfgen_family };
        const struct nlattr *attr;
        struct nlmsghdr *message;
        int r;

        r = nfnl_buffer_begin(&pass->deletions, &header, mnl_nlmsg_get_payload_len(entry), &message);
        if (r < 0)
                return r;
        mnl_attr_for_each(attr, entry, sizeof *nfg)
                if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG || mnl_attr_get_type(attr) == CTA_ID ||
                    mnl_attr_get_type(attr) == CTA_ZONE)
                        mnl_attr_put(message, attr->nla_type, mnl_attr_get_payload_len(attr), mnl_attr_get_payload(attr));
        netlink_buffer_end(&pass->deletions);
        pass->n_deletions++;
        return 0;
}

static int conntrack_pass_visit(const struct nlmsghdr *entry, void *userdata) {
        ConntrackPass *pass = userdata;
        ConntrackTuple original = {}, reply = {};
        const struct nlattr *attr;

        mnl_attr_for_each(attr, entry, sizeof(struct nfgenmsg)) {
                if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG)
                        conntrack_parse_tuple(attr, &original);
                else if (mnl_attr_get_type(attr) == CTA_TUPLE_REPLY)
                        conntrack_parse_tuple(attr, &reply);
        }
        if (original.protocol != IPPROTO_UDP || reply.protocol != IPPROTO_UDP ||
            !conntrack_pass_wants(pass, &original.destination, &reply.source))
                return 0;
        return conntrack_pass_delete(pass, entry);
}

static int conntrack_dump(Conntrack *conntrack, uint8_t family, ConntrackPass *pass) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        NfnlHeader header = { .type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
                              .flags = NLM_F_DUMP,
                              .family = family };
        struct nlattr *nest, *inner;
        struct nlmsghdr *message;
        int r;

        r = nfnl_buffer_begin(&buffer, &header, 256, &message);
        if (r < 0)
                return r;
        nest = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
        inner = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
        mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
        mnl_attr_nest_end(message, inner);
        mnl_attr_nest_end(message, nest);
        nest = mnl_attr_nest_start(message, CTA_FILTER);
        mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, CONNTRACK_FILTER_PROTO_NUM);
        mnl_attr_nest_end(message, nest);
        netlink_buffer_end(&buffer);
        r = netlink_dump(conntrack->nfnl, &buffer, conntrack_pass_visit, pass);
        /* Not of one moment: nothing to be done about a table that changes with every packet. */
        return r == -EINTR ? 0 : r;
}

/* In pieces of bounded size. An entry that is gone is not counted; other errors end it. */
static int conntrack_delete(Conntrack *conntrack, ConntrackPass *pass, size_t *ret_deleted) {
        size_t offset = 0, n_deleted = 0;

        while (offset < pass->deletions.used) {
                NetlinkBuffer piece = { .bytes = pass->deletions.bytes + offset };
                NfnlResult result;
                size_t n = 0;
                int r;

                while (offset < pass->deletions.used && n < CONNTRACK_DELETIONS_PER_SEND) {
                        const struct nlmsghdr *message = (const void *) (pass->deletions.bytes + offset);

                        piece.used += NLMSG_ALIGN(message->nlmsg_len);
                        offset += NLMSG_ALIGN(message->nlmsg_len);
                        n++;
                }
                r = nfnl_send(conntrack->nfnl, &piece, &result);
                if (r >= 0 && result.first_error < 0 && result.first_error != -ENOENT)
                        r = result.first_error;
                if (r < 0)
                        return r;
                n_deleted += n - MIN2(n, result.n_errors);
        }
        *ret_deleted = n_deleted;
        return 0;
}

static bool conntrack_flow_may_have(const ConntrackFlow *flow, uint8_t family) {
        return (flow->addr.family == 0 || flow->addr.family == family) &&
               (flow->endpoint.addr.family == 0 || flow->endpoint.addr.family == family);
}

/* The kernel selects by protocol only within a family: each entry is still seen once. */
static int conntrack_dump_families(Conntrack *conntrack, const ConntrackFlow *flows, size_t n_flows, ConntrackPass *pass) {
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        int r = 0;

        for (size_t f = 0; f < ELEMENTSOF(families) && r >= 0; f++)
                for (size_t i = 0; i < n_flows; i++)
                        if (conntrack_flow_may_have(&flows[i], families[f])) {
                                r = conntrack_dump(conntrack, families[f], pass);
                                break;
                        }
        return r;
}

int conntrack_flush_udp(Conntrack *conntrack, const ConntrackFlow *flows, size_t n_flows, size_t *ret_deleted) {
        _cleanup_(conntrack_pass_done) ConntrackPass pass = { .flows.ops = &conntrack_flow_ops };
        int r = 0;

        if (n_flows == 0) {
                *ret_deleted = 0;
                return 0;
        }
        for (size_t i = 0; i < n_flows && r >= 0; i++)
                r = hashmap_put(&pass.flows, &flows[i], (void *) (uintptr_t) &flows[i]);
        if (r >= 0)
                r = conntrack_dump_families(conntrack, flows, n_flows, &pass);
        if (r >= 0)
                r = conntrack_delete(conntrack, &pass, ret_deleted);
        return r;
}
