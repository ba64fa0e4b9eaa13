/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvs-message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <string.h>

/* More than any message here takes. */
#define IPVS_MESSAGE_SIZE 256
#define IPVS_ADDRESS_SIZE 16

_Static_assert(VIRTUAL_SERVER_PERSISTENT == IP_VS_SVC_F_PERSISTENT && VIRTUAL_SERVER_ONE_PACKET == IP_VS_SVC_F_ONEPACKET &&
                       VIRTUAL_SERVER_SCHED1 == IP_VS_SVC_F_SCHED1 && VIRTUAL_SERVER_SCHED2 == IP_VS_SVC_F_SCHED2,
               "flags are the kernel's");
_Static_assert(SCHEDULER_NAME_SIZE == IP_VS_SCHEDNAME_MAXLEN, "names are as long as the kernel's");

/* ---- writing */

int ipvs_message_begin(NetlinkBuffer *buffer, uint16_t family, uint8_t command, uint16_t flags, struct nlmsghdr **ret) {
        struct genlmsghdr *header;
        struct nlmsghdr *message;
        int r;

        r = netlink_buffer_begin(buffer, family, flags, IPVS_MESSAGE_SIZE, &message);
        if (r < 0)
                return r;
        header = mnl_nlmsg_put_extra_header(message, sizeof *header);
        header->cmd = command;
        header->version = IPVS_GENL_VERSION;
        *ret = message;
        return 0;
}

/* Always sixteen bytes, as the kernel's union nf_inet_addr. */
static void put_address(struct nlmsghdr *message, uint16_t type, const IpAddr *addr) {
        mnl_attr_put(message, type, IPVS_ADDRESS_SIZE, addr->bytes);
}

static void put_key(struct nlmsghdr *message, const VirtualServerKey *key) {
        mnl_attr_put_u16(message, IPVS_SVC_ATTR_AF, key->addr.family);
        if (key->fwmark > 0) {
                mnl_attr_put_u32(message, IPVS_SVC_ATTR_FWMARK, key->fwmark);
                return;
        }
        mnl_attr_put_u16(message, IPVS_SVC_ATTR_PROTOCOL, (uint16_t) protocol_to_ip((Protocol) key->protocol));
        put_address(message, IPVS_SVC_ATTR_ADDR, &key->addr);
        mnl_attr_put_u16(message, IPVS_SVC_ATTR_PORT, htons(key->port));
}

/* The mask of all bits: flags that are not wanted are reset. Persistence is per client address: /32, /128. */
static void put_service(struct nlmsghdr *message, const VirtualServer *service, bool whole) {
        struct ip_vs_flags flags = { .flags = service->flags, .mask = ~0U };
        struct nlattr *nest = mnl_attr_nest_start(message, IPVS_CMD_ATTR_SERVICE);

        put_key(message, &service->key);
        if (whole) {
                mnl_attr_put_strz(message, IPVS_SVC_ATTR_SCHED_NAME, service->scheduler);
                mnl_attr_put(message, IPVS_SVC_ATTR_FLAGS, sizeof flags, &flags);
                mnl_attr_put_u32(message, IPVS_SVC_ATTR_TIMEOUT, service->timeout_sec);
                mnl_attr_put_u32(message, IPVS_SVC_ATTR_NETMASK, service->key.addr.family == AF_INET ? ~0U : 128);
        }
        mnl_attr_nest_end(message, nest);
}

static void put_dest(struct nlmsghdr *message, const RealServer *dest, bool whole) {
        struct nlattr *nest = mnl_attr_nest_start(message, IPVS_CMD_ATTR_DEST);

        put_address(message, IPVS_DEST_ATTR_ADDR, &dest->addr.addr);
        mnl_attr_put_u16(message, IPVS_DEST_ATTR_PORT, htons(dest->addr.port));
        mnl_attr_put_u16(message, IPVS_DEST_ATTR_ADDR_FAMILY, dest->addr.addr.family);
        if (whole) {
                mnl_attr_put_u32(message, IPVS_DEST_ATTR_FWD_METHOD, dest->forward);
                mnl_attr_put_u32(message, IPVS_DEST_ATTR_WEIGHT, dest->weight);
                mnl_attr_put_u32(message, IPVS_DEST_ATTR_U_THRESH, 0);
                mnl_attr_put_u32(message, IPVS_DEST_ATTR_L_THRESH, 0);
        }
        mnl_attr_nest_end(message, nest);
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
        const IpvsOpType *type;
        struct nlmsghdr *message;
        int r;

        if (op->kind >= _IPVS_OP_MAX)
                return -EINVAL;
        type = &ipvs_op_types[op->kind];
        r = ipvs_message_begin(buffer, family, type->command, 0, &message);
        if (r < 0)
                return r;
        put_service(message, &op->service, type->whole && !type->dest);
        if (type->dest)
                put_dest(message, &op->dest, type->whole);
        netlink_buffer_end(buffer);
        return 0;
}

int ipvs_message_put_get(NetlinkBuffer *buffer, uint16_t family, uint8_t command, uint16_t flags, const VirtualServerKey *key) {
        VirtualServer service = { .key = *key };
        struct nlmsghdr *message;
        int r;

        r = ipvs_message_begin(buffer, family, command, flags, &message);
        if (r < 0)
                return r;
        put_service(message, &service, /* whole= */ false);
        netlink_buffer_end(buffer);
        return 0;
}

/* ---- reading */

static uint64_t attr_number(const struct nlattr *attr) {
        const void *payload = mnl_attr_get_payload(attr);
        uint64_t u64;
        uint32_t u32;
        uint16_t u16;

        switch (mnl_attr_get_payload_len(attr)) {
        case sizeof u64:
                memcpy(&u64, payload, sizeof u64);
                return u64;
        case sizeof u32:
                memcpy(&u32, payload, sizeof u32);
                return u32;
        case sizeof u16:
                memcpy(&u16, payload, sizeof u16);
                return u16;
        default:
                return 0;
        }
}

/* The numbers of attributes are the same in both kinds, their sizes are not. */
static void parse_stats(const struct nlattr *nest, TrafficStats *stats) {
        uint64_t *const fields[__IPVS_STATS_ATTR_MAX] = {
                [IPVS_STATS_ATTR_CONNS] = &stats->connections, [IPVS_STATS_ATTR_INPKTS] = &stats->in_packets,
                [IPVS_STATS_ATTR_OUTPKTS] = &stats->out_packets, [IPVS_STATS_ATTR_INBYTES] = &stats->in_bytes,
                [IPVS_STATS_ATTR_OUTBYTES] = &stats->out_bytes, [IPVS_STATS_ATTR_CPS] = &stats->cps,
                [IPVS_STATS_ATTR_INPPS] = &stats->in_pps, [IPVS_STATS_ATTR_OUTPPS] = &stats->out_pps,
                [IPVS_STATS_ATTR_INBPS] = &stats->in_bps, [IPVS_STATS_ATTR_OUTBPS] = &stats->out_bps,
        };
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, nest) {
                uint16_t type = mnl_attr_get_type(attr);

                if (type < ELEMENTSOF(fields) && fields[type])
                        *fields[type] = attr_number(attr);
        }
}

static const struct nlattr *find_nest(const struct nlmsghdr *message, uint16_t type) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
                if (mnl_attr_get_type(attr) == type)
                        return attr;
        return NULL;
}

/* What a message about a virtual server says, before it is one. */
typedef struct ServiceFields {
        int family, ip_protocol;
        uint8_t address[IPVS_ADDRESS_SIZE];
        bool has_address, has_stats64;
} ServiceFields;

static void parse_address(const struct nlattr *attr, uint8_t address[static IPVS_ADDRESS_SIZE]) {
        memcpy(address, mnl_attr_get_payload(attr), MIN2((size_t) mnl_attr_get_payload_len(attr), (size_t) IPVS_ADDRESS_SIZE));
}

static void parse_flags(const struct nlattr *attr, uint32_t *flags) {
        struct ip_vs_flags both;

        if (mnl_attr_get_payload_len(attr) < sizeof both)
                return;
        memcpy(&both, mnl_attr_get_payload(attr), sizeof both);
        *flags = both.flags & ~(uint32_t) IP_VS_SVC_F_HASHED;
}

static void parse_service_attr(const struct nlattr *attr, ServiceFields *fields, VirtualServer *server, TrafficStats *stats) {
        switch (mnl_attr_get_type(attr)) {
        case IPVS_SVC_ATTR_AF:
                fields->family = (int) attr_number(attr);
                break;
        case IPVS_SVC_ATTR_PROTOCOL:
                fields->ip_protocol = (int) attr_number(attr);
                break;
        case IPVS_SVC_ATTR_ADDR:
                parse_address(attr, fields->address);
                fields->has_address = true;
                break;
        case IPVS_SVC_ATTR_PORT:
                server->key.port = ntohs((uint16_t) attr_number(attr));
                break;
        case IPVS_SVC_ATTR_FWMARK:
                server->key.fwmark = (uint32_t) attr_number(attr);
                break;
        case IPVS_SVC_ATTR_SCHED_NAME:
                memcpy(server->scheduler,
                       mnl_attr_get_payload(attr),
                       MIN2((size_t) mnl_attr_get_payload_len(attr), sizeof server->scheduler - 1));
                break;
        case IPVS_SVC_ATTR_FLAGS:
                parse_flags(attr, &server->flags);
                break;
        case IPVS_SVC_ATTR_TIMEOUT:
                server->timeout_sec = (uint32_t) attr_number(attr);
                break;
        case IPVS_SVC_ATTR_STATS:
                if (!fields->has_stats64)
                        parse_stats(attr, stats);
                break;
        case IPVS_SVC_ATTR_STATS64:
                fields->has_stats64 = true;
                parse_stats(attr, stats);
                break;
        default:
                break;
        }
}

int ipvs_message_parse_service(const struct nlmsghdr *message, VirtualServer *ret, TrafficStats *ret_stats) {
        const struct nlattr *nest = find_nest(message, IPVS_CMD_ATTR_SERVICE), *attr;
        ServiceFields fields = {};
        VirtualServer server = {};
        TrafficStats stats = {};
        Protocol protocol;

        if (!nest)
                return -EBADMSG;
        mnl_attr_for_each_nested(attr, nest)
                parse_service_attr(attr, &fields, &server, &stats);
        if (fields.family != AF_INET && fields.family != AF_INET6)
                return 0;
        server.key.addr.family = (uint8_t) fields.family;
        if (server.key.fwmark == 0) {
                protocol = protocol_from_ip(fields.ip_protocol);
                if (protocol < 0)
                        return 0;
                if (!fields.has_address)
                        return -EBADMSG;
                server.key.protocol = (uint8_t) protocol;
                memcpy(server.key.addr.bytes, fields.address, ip_addr_size(&server.key.addr));
        }
        if (!(server.flags & VIRTUAL_SERVER_PERSISTENT))
                server.timeout_sec = 0;
        *ret = server;
        *ret_stats = stats;
        return 1;
}

typedef struct DestFields {
        int family;
        uint8_t address[IPVS_ADDRESS_SIZE];
        bool has_address, has_stats64;
} DestFields;

static void parse_dest_attr(const struct nlattr *attr, DestFields *fields, RealServerInfo *info) {
        switch (mnl_attr_get_type(attr)) {
        case IPVS_DEST_ATTR_ADDR_FAMILY:
                fields->family = (int) attr_number(attr);
                break;
        case IPVS_DEST_ATTR_ADDR:
                parse_address(attr, fields->address);
                fields->has_address = true;
                break;
        case IPVS_DEST_ATTR_PORT:
                info->server.addr.port = ntohs((uint16_t) attr_number(attr));
                break;
        case IPVS_DEST_ATTR_FWD_METHOD:
                info->server.forward = (uint8_t) (attr_number(attr) & IP_VS_CONN_F_FWD_MASK);
                break;
        case IPVS_DEST_ATTR_WEIGHT:
                info->server.weight = (uint32_t) attr_number(attr);
                break;
        case IPVS_DEST_ATTR_ACTIVE_CONNS:
                info->active = (uint32_t) attr_number(attr);
                break;
        case IPVS_DEST_ATTR_INACT_CONNS:
                info->inactive = (uint32_t) attr_number(attr);
                break;
        case IPVS_DEST_ATTR_PERSIST_CONNS:
                info->persistent = (uint32_t) attr_number(attr);
                break;
        case IPVS_DEST_ATTR_STATS:
                if (!fields->has_stats64)
                        parse_stats(attr, &info->stats);
                break;
        case IPVS_DEST_ATTR_STATS64:
                fields->has_stats64 = true;
                parse_stats(attr, &info->stats);
                break;
        default:
                break;
        }
}

int ipvs_message_parse_dest(const struct nlmsghdr *message, int family, RealServerInfo *ret) {
        const struct nlattr *nest = find_nest(message, IPVS_CMD_ATTR_DEST), *attr;
        DestFields fields = { .family = family };
        RealServerInfo info = {};

        if (!nest)
                return -EBADMSG;
        mnl_attr_for_each_nested(attr, nest)
                parse_dest_attr(attr, &fields, &info);
        if (!fields.has_address)
                return -EBADMSG;
        if (fields.family != AF_INET && fields.family != AF_INET6)
                return 0;
        info.server.addr.addr.family = (uint8_t) fields.family;
        memcpy(info.server.addr.addr.bytes, fields.address, ip_addr_size(&info.server.addr.addr));
        *ret = info;
        return 1;
}
