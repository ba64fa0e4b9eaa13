/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvs-message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <string.h>

/* More than any message here takes. */
#define IPVS_MESSAGE_SIZE 256
#define IPVS_ADDRESS_SIZE 16

_Static_assert(VIRTUAL_SERVER_PERSISTENT == IP_VS_SVC_F_PERSISTENT && VIRTUAL_SERVER_ONE_PACKET == IP_VS_SVC_F_ONEPACKET &&
                       VIRTUAL_SERVER_SCHED1 == IP_VS_SVC_F_SCHED1 && VIRTUAL_SERVER_SCHED2 == IP_VS_SVC_F_SCHED2,
               "flags are the kernel's");
_Static_assert(SCHEDULER_NAME_SIZE == IP_VS_SCHEDNAME_MAXLEN, "names are as long as the kernel's");

/* ---- writing */

static void nlmsg_freep(struct nl_msg **message) {
        nlmsg_free(*message);
}

static struct nl_msg *message_new(uint16_t family, uint8_t command, uint16_t flags) {
        struct nl_msg *message = nlmsg_alloc_size(IPVS_MESSAGE_SIZE);

        if (message && !genlmsg_put(message, 0, 0, family, 0, flags, command, IPVS_GENL_VERSION)) {
                nlmsg_free(message);
                return NULL;
        }
        return message;
}

static int put_key(struct nl_msg *message, const VirtualServerKey *key) {
        NLA_PUT_U16(message, IPVS_SVC_ATTR_AF, key->addr.family);
        if (key->fwmark > 0) {
                NLA_PUT_U32(message, IPVS_SVC_ATTR_FWMARK, key->fwmark);
                return 0;
        }
        NLA_PUT_U16(message, IPVS_SVC_ATTR_PROTOCOL, (uint16_t) protocol_to_ip((Protocol) key->protocol));
        NLA_PUT(message, IPVS_SVC_ATTR_ADDR, IPVS_ADDRESS_SIZE, key->addr.bytes); /* union nf_inet_addr */
        NLA_PUT_U16(message, IPVS_SVC_ATTR_PORT, htons(key->port));
        return 0;

nla_put_failure:
        return -ENOMEM;
}

/* The mask of all bits: flags that are not wanted are reset. Persistence is per client address: /32, /128. */
static int put_service(struct nl_msg *message, const VirtualServer *service, bool whole) {
        struct ip_vs_flags flags = { .flags = service->flags, .mask = ~0U };
        struct nlattr *nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);

        if (!nest || put_key(message, &service->key) < 0)
                return -ENOMEM;
        if (whole) {
                NLA_PUT_STRING(message, IPVS_SVC_ATTR_SCHED_NAME, service->scheduler);
                NLA_PUT(message, IPVS_SVC_ATTR_FLAGS, sizeof flags, &flags);
                NLA_PUT_U32(message, IPVS_SVC_ATTR_TIMEOUT, service->timeout_sec);
                NLA_PUT_U32(message, IPVS_SVC_ATTR_NETMASK, service->key.addr.family == AF_INET ? ~0U : 128);
        }
        (void) nla_nest_end(message, nest);
        return 0;

nla_put_failure:
        return -ENOMEM;
}

static int put_dest(struct nl_msg *message, const RealServer *dest, bool whole) {
        struct nlattr *nest = nla_nest_start(message, IPVS_CMD_ATTR_DEST);

        if (!nest)
                return -ENOMEM;
        NLA_PUT(message, IPVS_DEST_ATTR_ADDR, IPVS_ADDRESS_SIZE, dest->addr.addr.bytes);
        NLA_PUT_U16(message, IPVS_DEST_ATTR_PORT, htons(dest->addr.port));
        NLA_PUT_U16(message, IPVS_DEST_ATTR_ADDR_FAMILY, dest->addr.addr.family);
        if (whole) {
                NLA_PUT_U32(message, IPVS_DEST_ATTR_FWD_METHOD, dest->forward);
                NLA_PUT_U32(message, IPVS_DEST_ATTR_WEIGHT, dest->weight);
                NLA_PUT_U32(message, IPVS_DEST_ATTR_U_THRESH, 0);
                NLA_PUT_U32(message, IPVS_DEST_ATTR_L_THRESH, 0);
        }
        (void) nla_nest_end(message, nest);
        return 0;

nla_put_failure:
        return -ENOMEM;
}

typedef struct IpvsOpType {
        uint8_t command;
        bool dest, whole; /* has a real server; with all its fields */
} IpvsOpType;

static const IpvsOpType ipvs_op_types[_IPVS_OP_MAX] = {
        [IPVS_OP_ADD_SERVICE] = { IPVS_CMD_NEW_SERVICE, false, true },
        [IPVS_OP_SET_SERVICE] = { IPVS_CMD_SET_SERVICE, false, true },
        [IPVS_OP_DELETE_SERVICE] = { IPVS_CMD_DEL_SERVICE, false, false },
        [IPVS_OP_ADD_DEST] = { IPVS_CMD_NEW_DEST, true, true },
        [IPVS_OP_SET_DEST] = { IPVS_CMD_SET_DEST, true, true },
        [IPVS_OP_DELETE_DEST] = { IPVS_CMD_DEL_DEST, true, false },
};

int ipvs_message_put_op(NetlinkBuffer *buffer, uint16_t family, const IpvsOp *op) {
        _cleanup_(nlmsg_freep) struct nl_msg *message = NULL;
        const IpvsOpType *type;
        int r;

        if (op->kind >= _IPVS_OP_MAX)
                return -EINVAL;
        type = &ipvs_op_types[op->kind];
        message = message_new(family, type->command, 0);
        if (!message)
                return -ENOMEM;
        r = put_service(message, &op->service, type->whole && !type->dest);
        if (r >= 0 && type->dest)
                r = put_dest(message, &op->dest, type->whole);
        return r < 0 ? r : netlink_buffer_append(buffer, message);
}

int ipvs_message_put_get(NetlinkBuffer *buffer, uint16_t family, uint8_t command, uint16_t flags, const VirtualServerKey *key) {
        _cleanup_(nlmsg_freep) struct nl_msg *message = message_new(family, command, flags);
        VirtualServer service = { .key = *key };
        int r = message ? put_service(message, &service, /* whole= */ false) : -ENOMEM;

        return r < 0 ? r : netlink_buffer_append(buffer, message);
}

int ipvs_message_put_command(NetlinkBuffer *buffer, uint16_t family, uint8_t command, uint16_t flags) {
        _cleanup_(nlmsg_freep) struct nl_msg *message = message_new(family, command, flags);

        return message ? netlink_buffer_append(buffer, message) : -ENOMEM;
}

int ipvs_message_put_timeouts(NetlinkBuffer *buffer, uint16_t family, const IpvsTimeouts *timeouts) {
        _cleanup_(nlmsg_freep) struct nl_msg *message = message_new(family, IPVS_CMD_SET_CONFIG, NLM_F_ACK);

        if (!message)
                return -ENOMEM;
        NLA_PUT_U32(message, IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts->tcp_sec);
        NLA_PUT_U32(message, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts->tcp_fin_sec);
        NLA_PUT_U32(message, IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts->udp_sec);
        return netlink_buffer_append(buffer, message);

nla_put_failure:
        return -ENOMEM;
}

/* ---- reading: the policies refuse what is shorter than its type */

static const struct nla_policy service_policy[IPVS_SVC_ATTR_MAX + 1] = {
        [IPVS_SVC_ATTR_AF] = { .type = NLA_U16 },
        [IPVS_SVC_ATTR_PROTOCOL] = { .type = NLA_U16 },
        [IPVS_SVC_ATTR_ADDR] = { .minlen = 4 },
        [IPVS_SVC_ATTR_PORT] = { .type = NLA_U16 },
        [IPVS_SVC_ATTR_FWMARK] = { .type = NLA_U32 },
        [IPVS_SVC_ATTR_SCHED_NAME] = { .type = NLA_STRING },
        [IPVS_SVC_ATTR_FLAGS] = { .minlen = sizeof(struct ip_vs_flags) },
        [IPVS_SVC_ATTR_TIMEOUT] = { .type = NLA_U32 },
        [IPVS_SVC_ATTR_STATS] = { .type = NLA_NESTED },
        [IPVS_SVC_ATTR_STATS64] = { .type = NLA_NESTED },
};

static const struct nla_policy dest_policy[IPVS_DEST_ATTR_MAX + 1] = {
        [IPVS_DEST_ATTR_ADDR] = { .minlen = 4 },
        [IPVS_DEST_ATTR_PORT] = { .type = NLA_U16 },
        [IPVS_DEST_ATTR_FWD_METHOD] = { .type = NLA_U32 },
        [IPVS_DEST_ATTR_WEIGHT] = { .type = NLA_U32 },
        [IPVS_DEST_ATTR_ACTIVE_CONNS] = { .type = NLA_U32 },
        [IPVS_DEST_ATTR_INACT_CONNS] = { .type = NLA_U32 },
        [IPVS_DEST_ATTR_PERSIST_CONNS] = { .type = NLA_U32 },
        [IPVS_DEST_ATTR_STATS] = { .type = NLA_NESTED },
        [IPVS_DEST_ATTR_ADDR_FAMILY] = { .type = NLA_U16 },
        [IPVS_DEST_ATTR_STATS64] = { .type = NLA_NESTED },
};

static const struct nla_policy command_policy[IPVS_CMD_ATTR_MAX + 1] = {
        [IPVS_CMD_ATTR_SERVICE] = { .type = NLA_NESTED },
        [IPVS_CMD_ATTR_DEST] = { .type = NLA_NESTED },
        [IPVS_CMD_ATTR_TIMEOUT_TCP] = { .type = NLA_U32 },
        [IPVS_CMD_ATTR_TIMEOUT_TCP_FIN] = { .type = NLA_U32 },
        [IPVS_CMD_ATTR_TIMEOUT_UDP] = { .type = NLA_U32 },
};

static const struct nla_policy info_policy[IPVS_INFO_ATTR_MAX + 1] = {
        [IPVS_INFO_ATTR_VERSION] = { .type = NLA_U32 },
        [IPVS_INFO_ATTR_CONN_TAB_SIZE] = { .type = NLA_U32 },
};

/* libnl takes a message that is not const, and does not change it. */
static int parse_message(const struct nlmsghdr *message, struct nlattr **attrs, int max, const struct nla_policy *policy) {
        return genlmsg_parse((void *) (uintptr_t) message, 0, attrs, max, policy) < 0 ? -EBADMSG : 0;
}

static uint16_t attr_u16(struct nlattr *attr) {
        return attr ? nla_get_u16(attr) : 0;
}

static uint32_t attr_u32(struct nlattr *attr) {
        return attr ? nla_get_u32(attr) : 0;
}

/* 64 bits, or 32 in kernels before 4.1. */
static uint64_t attr_counter(struct nlattr *attr) {
        if (!attr)
                return 0;
        return nla_len(attr) >= (int) sizeof(uint64_t) ? nla_get_u64(attr) :
               nla_len(attr) >= (int) sizeof(uint32_t) ? nla_get_u32(attr) :
                                                         0;
}

/* The numbers of attributes are the same in both kinds, their sizes are not. */
static void parse_stats(struct nlattr *stats64, struct nlattr *stats32, TrafficStats *ret) {
        struct nlattr *nest = stats64 ? stats64 : stats32, *attrs[IPVS_STATS_ATTR_MAX + 1] = {};

        if (!nest || nla_parse_nested(attrs, IPVS_STATS_ATTR_MAX, nest, NULL) < 0)
                return;
        *ret = (TrafficStats) {
                .connections = attr_counter(attrs[IPVS_STATS_ATTR_CONNS]),
                .in_packets = attr_counter(attrs[IPVS_STATS_ATTR_INPKTS]),
                .out_packets = attr_counter(attrs[IPVS_STATS_ATTR_OUTPKTS]),
                .in_bytes = attr_counter(attrs[IPVS_STATS_ATTR_INBYTES]),
                .out_bytes = attr_counter(attrs[IPVS_STATS_ATTR_OUTBYTES]),
                .cps = attr_counter(attrs[IPVS_STATS_ATTR_CPS]),
                .in_pps = attr_counter(attrs[IPVS_STATS_ATTR_INPPS]),
                .out_pps = attr_counter(attrs[IPVS_STATS_ATTR_OUTPPS]),
                .in_bps = attr_counter(attrs[IPVS_STATS_ATTR_INBPS]),
                .out_bps = attr_counter(attrs[IPVS_STATS_ATTR_OUTBPS]),
        };
}

static int parse_address(struct nlattr *attr, int family, IpAddr *ret) {
        return attr ? ip_addr_from_bytes(family, nla_data(attr), (size_t) nla_len(attr), ret) : -EBADMSG;
}

/* 1 = read, 0 = not a protocol of ours */
static int parse_key(struct nlattr **attrs, int family, VirtualServerKey *ret) {
        VirtualServerKey key = { .fwmark = attr_u32(attrs[IPVS_SVC_ATTR_FWMARK]) };
        Protocol protocol;

        key.addr.family = (uint8_t) family;
        if (key.fwmark == 0) {
                protocol = protocol_from_ip(attr_u16(attrs[IPVS_SVC_ATTR_PROTOCOL]));
                if (protocol < 0)
                        return 0;
                if (parse_address(attrs[IPVS_SVC_ATTR_ADDR], family, &key.addr) < 0)
                        return -EBADMSG;
                key.protocol = (uint8_t) protocol;
                key.port = ntohs(attr_u16(attrs[IPVS_SVC_ATTR_PORT]));
        }
        *ret = key;
        return 1;
}

int ipvs_message_parse_service(const struct nlmsghdr *message, VirtualServer *ret, TrafficStats *ret_stats) {
        struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1] = {}, *attrs[IPVS_SVC_ATTR_MAX + 1] = {};
        VirtualServer server = {};
        TrafficStats stats = {};
        struct ip_vs_flags flags = {};
        int family, r;

        if (parse_message(message, outer, IPVS_CMD_ATTR_MAX, command_policy) < 0 || !outer[IPVS_CMD_ATTR_SERVICE] ||
            nla_parse_nested(attrs, IPVS_SVC_ATTR_MAX, outer[IPVS_CMD_ATTR_SERVICE], service_policy) < 0)
                return -EBADMSG;
        family = attr_u16(attrs[IPVS_SVC_ATTR_AF]);
        if (family != AF_INET && family != AF_INET6)
                return 0;
        r = parse_key(attrs, family, &server.key);
        if (r <= 0)
                return r;
        if (attrs[IPVS_SVC_ATTR_SCHED_NAME])
                (void) nla_strlcpy(server.scheduler, attrs[IPVS_SVC_ATTR_SCHED_NAME], sizeof server.scheduler);
        if (attrs[IPVS_SVC_ATTR_FLAGS])
                memcpy(&flags, nla_data(attrs[IPVS_SVC_ATTR_FLAGS]), sizeof flags);
        server.flags = flags.flags & ~(uint32_t) IP_VS_SVC_F_HASHED;
        if (server.flags & VIRTUAL_SERVER_PERSISTENT)
                server.timeout_sec = attr_u32(attrs[IPVS_SVC_ATTR_TIMEOUT]);
        parse_stats(attrs[IPVS_SVC_ATTR_STATS64], attrs[IPVS_SVC_ATTR_STATS], &stats);
        *ret = server;
        *ret_stats = stats;
        return 1;
}

int ipvs_message_parse_dest(const struct nlmsghdr *message, int family, RealServerInfo *ret) {
        struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1] = {}, *attrs[IPVS_DEST_ATTR_MAX + 1] = {};
        RealServerInfo info = {};

        if (parse_message(message, outer, IPVS_CMD_ATTR_MAX, command_policy) < 0 || !outer[IPVS_CMD_ATTR_DEST] ||
            nla_parse_nested(attrs, IPVS_DEST_ATTR_MAX, outer[IPVS_CMD_ATTR_DEST], dest_policy) < 0)
                return -EBADMSG;
        if (attrs[IPVS_DEST_ATTR_ADDR_FAMILY])
                family = attr_u16(attrs[IPVS_DEST_ATTR_ADDR_FAMILY]);
        if (family != AF_INET && family != AF_INET6)
                return 0;
        if (parse_address(attrs[IPVS_DEST_ATTR_ADDR], family, &info.server.addr.addr) < 0)
                return -EBADMSG;
        info.server.addr.port = ntohs(attr_u16(attrs[IPVS_DEST_ATTR_PORT]));
        info.server.forward = (uint8_t) (attr_u32(attrs[IPVS_DEST_ATTR_FWD_METHOD]) & IP_VS_CONN_F_FWD_MASK);
        info.server.weight = attr_u32(attrs[IPVS_DEST_ATTR_WEIGHT]);
        info.active = attr_u32(attrs[IPVS_DEST_ATTR_ACTIVE_CONNS]);
        info.inactive = attr_u32(attrs[IPVS_DEST_ATTR_INACT_CONNS]);
        info.persistent = attr_u32(attrs[IPVS_DEST_ATTR_PERSIST_CONNS]);
        parse_stats(attrs[IPVS_DEST_ATTR_STATS64], attrs[IPVS_DEST_ATTR_STATS], &info.stats);
        *ret = info;
        return 1;
}

int ipvs_message_parse_info(const struct nlmsghdr *message, KernelInfo *ret) {
        struct nlattr *attrs[IPVS_INFO_ATTR_MAX + 1] = {};

        if (parse_message(message, attrs, IPVS_INFO_ATTR_MAX, info_policy) < 0)
                return -EBADMSG;
        ret->ipvs_version = attr_u32(attrs[IPVS_INFO_ATTR_VERSION]);
        ret->connection_table_size = attr_u32(attrs[IPVS_INFO_ATTR_CONN_TAB_SIZE]);
        return 0;
}

int ipvs_message_parse_timeouts(const struct nlmsghdr *message, IpvsTimeouts *ret) {
        struct nlattr *attrs[IPVS_CMD_ATTR_MAX + 1] = {};

        if (parse_message(message, attrs, IPVS_CMD_ATTR_MAX, command_policy) < 0)
                return -EBADMSG;
        ret->tcp_sec = attr_u32(attrs[IPVS_CMD_ATTR_TIMEOUT_TCP]);
        ret->tcp_fin_sec = attr_u32(attrs[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN]);
        ret->udp_sec = attr_u32(attrs[IPVS_CMD_ATTR_TIMEOUT_UDP]);
        return 0;
}
