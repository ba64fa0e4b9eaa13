/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages that are sent at once. */
#include <errno.h>
#include <netlink/msg.h>
#include <string.h>

#include "kernel/netlink.h"

void netlink_buffer_done(NetlinkBuffer *buffer) {
        free(buffer->bytes);
        *buffer = (NetlinkBuffer) {};
}

void netlink_buffer_clear(NetlinkBuffer *buffer) {
        buffer->used = buffer->message = 0;
        buffer->seq = 0;
}

static int netlink_buffer_reserve(NetlinkBuffer *buffer, size_t size) {
        size_t needed = buffer->used + size, grown = MAX2(needed, 2 * buffer->size);
        uint8_t *bytes;

        if (needed <= buffer->size)
                return 0;
        bytes = realloc(buffer->bytes, grown);
        if (!bytes)
                return -ENOMEM;
        buffer->bytes = bytes;
        buffer->size = grown;
        return 0;
}

int netlink_buffer_begin(NetlinkBuffer *buffer, uint16_t type, uint16_t flags, size_t size, struct nlmsghdr **ret) {
        struct nlmsghdr *message;
        int r = netlink_buffer_reserve(buffer, NLMSG_HDRLEN + NLMSG_ALIGN(size));

        if (r < 0)
                return r;
        buffer->message = buffer->used;
        message = (void *) (buffer->bytes + buffer->used);
        *message = (struct nlmsghdr) {
                .nlmsg_len = NLMSG_HDRLEN,
                .nlmsg_type = type,
                .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags),
                .nlmsg_seq = ++buffer->seq,
        };
        *ret = message;
        return 0;
}

int netlink_buffer_append(NetlinkBuffer *buffer, struct nl_msg *message) {
        struct nlmsghdr *header = nlmsg_hdr(message);
        size_t size = NLMSG_ALIGN(header->nlmsg_len);
        int r = netlink_buffer_reserve(buffer, size);

        if (r < 0)
                return r;
        header->nlmsg_flags |= NLM_F_REQUEST;
        header->nlmsg_seq = ++buffer->seq;
        buffer->message = buffer->used;
        memcpy(buffer->bytes + buffer->used, header, size); /* libnl pads with zeros */
        buffer->used += size;
        return 0;
}

static struct nlmsghdr *netlink_buffer_last(NetlinkBuffer *buffer) {
        return (void *) (buffer->bytes + buffer->message);
}

void netlink_buffer_end(NetlinkBuffer *buffer) {
        buffer->used = buffer->message + NLMSG_ALIGN(netlink_buffer_last(buffer)->nlmsg_len);
}

void netlink_buffer_acknowledge(NetlinkBuffer *buffer) {
        netlink_buffer_last(buffer)->nlmsg_flags |= NLM_F_ACK;
}
