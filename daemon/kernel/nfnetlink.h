/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nftables and conntrack add to netlink: the header of their messages, and the result of a transaction. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "kernel/netlink.h"

typedef struct NfnlHeader {
        uint16_t type; /* subsystem << 8 | message */
        uint16_t flags; /* NLM_F_REQUEST is added */
        uint8_t family;
        uint16_t resource; /* host order */
} NfnlHeader;

/* netlink_buffer_begin() with that header in the message. */
int nfnl_buffer_begin(NetlinkBuffer *buffer, const NfnlHeader *header, size_t size, struct nlmsghdr **ret);

/* Errors among the answers to what was sent; `last` answered with or without one. */
typedef struct NfnlResult {
        int first_error; /* 0 or negative errno, as the kernel gave it */
        size_t n_errors;
        bool acknowledged; /* a message with NLM_F_ACK was answered 0 */
} NfnlResult;

/* Sends it all in one piece and collects the answers. Negative only if the channel itself fails. */
int nfnl_send(Netlink *netlink, const NetlinkBuffer *buffer, NfnlResult *ret);
