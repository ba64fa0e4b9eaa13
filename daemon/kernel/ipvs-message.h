/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the generic netlink family IPVS (<linux/ip_vs.h>), written and read. Pure. */
#pragma once

#include "kernel/backend.h"
#include "kernel/netlink.h"

/* A command without attributes. -ENOMEM. */
int ipvs_message_put_command(NetlinkBuffer *buffer, uint16_t family, uint8_t command, uint16_t flags);

/* -ENOMEM, -EINVAL for an operation that is none. */
int ipvs_message_put_op(NetlinkBuffer *buffer, uint16_t family, const IpvsOp *op);

/* What selects one virtual server, for IPVS_CMD_GET_SERVICE and IPVS_CMD_GET_DEST. -ENOMEM. */
int ipvs_message_put_get(NetlinkBuffer *buffer, uint16_t family, uint8_t command, uint16_t flags, const VirtualServerKey *key);

/* IPVS_CMD_SET_CONFIG; asks for an answer. -ENOMEM. */
int ipvs_message_put_timeouts(NetlinkBuffer *buffer, uint16_t family, const IpvsTimeouts *timeouts);

/*
 * 1 = read, 0 = of a protocol or family that nobody here knows: to be left out. -EBADMSG. Kernels before 4.1 have
 * counters of 32 bits; both kinds are understood.
 */
int ipvs_message_parse_service(const struct nlmsghdr *message, VirtualServer *ret, TrafficStats *ret_stats);
/* `family`: of the virtual server, where the kernel does not say that of the real one (before 3.18). */
int ipvs_message_parse_dest(const struct nlmsghdr *message, int family, RealServerInfo *ret);
/* Answers to IPVS_CMD_GET_INFO (fills what is of IPVS) and IPVS_CMD_GET_CONFIG. -EBADMSG. */
int ipvs_message_parse_info(const struct nlmsghdr *message, KernelInfo *ret);
int ipvs_message_parse_timeouts(const struct nlmsghdr *message, IpvsTimeouts *ret);
