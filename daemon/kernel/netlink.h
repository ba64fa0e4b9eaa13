/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One netlink socket of any protocol: a buffer of messages sent at once, their answers by sequence number, and dumps.
 * The kernel works on what is sent before send returns, so nothing here waits but for the parts of a dump. Errors
 * are the kernel's own numbers: libnl's sockets are used, but not its receive functions, for they fold ENOENT and
 * ESRCH together and wait for one answer after the other.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

/* Messages one behind the other; NetlinkBuffer {} is empty. */
typedef struct NetlinkBuffer {
        uint8_t *bytes; /* owned */
        size_t used, size;
        size_t message; /* where the last one begins */
        uint32_t seq; /* of the last message; they count from 1 in each buffer */
} NetlinkBuffer;

void netlink_buffer_done(NetlinkBuffer *buffer);
/* Empty again, with its memory. */
void netlink_buffer_clear(NetlinkBuffer *buffer);

/*
 * Begins a message and makes room for `size` more bytes in it. NLM_F_REQUEST is added to `flags`. -ENOMEM. The message
 * is valid until the next call; what libmnl's mnl_attr_put() adds to it counts once netlink_buffer_end() is called.
 */
int netlink_buffer_begin(NetlinkBuffer *buffer, uint16_t type, uint16_t flags, size_t size, struct nlmsghdr **ret);
void netlink_buffer_end(NetlinkBuffer *buffer);
/* Adds a message that libnl built: NLM_F_REQUEST and the sequence number are filled in, the rest copied. -ENOMEM. */
struct nl_msg;
int netlink_buffer_append(NetlinkBuffer *buffer, struct nl_msg *message);
/* The last message asks for an answer, also if all is well. */
void netlink_buffer_acknowledge(NetlinkBuffer *buffer);

typedef struct Netlink Netlink;

/* `protocol`: NETLINK_ROUTE, … Opens nothing before the first exchange. -ENOMEM. */
int netlink_new(int protocol, Netlink **ret);
Netlink *netlink_free(Netlink *netlink);
DEFINE_CLEANUP(Netlink *, netlink_free);

/* The address of the socket, by which notifications name who caused them. -errno where it cannot be opened. */
int netlink_port_id(Netlink *netlink, uint32_t *ret);

/*
 * The number of a generic netlink family; asking for one that is not there makes the kernel load the module with its
 * alias. -ENOENT: it has none; any other error says nothing about that.
 */
int netlink_resolve(Netlink *netlink, const char *family);

/* An answer to a message: 0 or the kernel's -errno. */
typedef void (*NetlinkAnswer)(uint32_t seq, int error, void *userdata);
/* Any other message; negative ends the exchange with that error. */
typedef int (*NetlinkVisitor)(const struct nlmsghdr *message, void *userdata);

/*
 * Sends it all in one piece and collects the answers: one for each message that failed, or that asked for it. Negative
 * only if the channel itself fails; -ENOBUFS: done, but some of the answers were lost.
 */
int netlink_send(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkAnswer answer, void *userdata);

/* Sends the one message of `buffer`, visits what it is answered, and returns its error. */
int netlink_call(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata);

/*
 * Sends requests that are no dumps in one piece, and visits the replies to all of them; one that fails has none. Nothing
 * is waited for. -ENOBUFS: some replies were lost. Other errors are the channel's or the visitor's.
 */
int netlink_ask(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata);

/*
 * The same as netlink_call() for a message with NLM_F_DUMP. -EINTR: the table changed meanwhile, what was seen is not of
 * one moment. Other errors as the kernel, or the visitor, gave them.
 */
int netlink_dump(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata);

/*
 * The same in steps, for dumps that take the kernel long; nothing else goes over the channel meanwhile. One that was not
 * received to its end is given up. netlink_dump_next() waits for a part: 1 = there are more, 0 = that was the last of them,
 * and errors as above, after which there is no more. -ESTALE: there is none.
 */
int netlink_dump_begin(Netlink *netlink, const NetlinkBuffer *buffer);
int netlink_dump_next(Netlink *netlink, NetlinkVisitor visitor, void *userdata);
