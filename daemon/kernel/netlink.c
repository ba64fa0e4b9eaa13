/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netlink.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* The kernel fills at most 32 KiB in a part of a dump (net/netlink/af_netlink.c, netlink_recvmsg). */
#define NETLINK_RECEIVE_SIZE (32 * 1024)
/* A part of a dump and its end come in one call. */
#define NETLINK_RECEIVE_MESSAGES 2
/* Replies are small: so many come in one call, each in its part of the same memory. */
#define NETLINK_REPLIES 16
#define NETLINK_REPLY_SIZE (NETLINK_RECEIVE_MESSAGES * NETLINK_RECEIVE_SIZE / NETLINK_REPLIES)
/* Room for the errors of a few thousand messages sent at once; it costs nothing while there are none. */
#define NETLINK_RECEIVE_BUFFER (4 * 1024 * 1024)
/* libnl sets 32 KiB, less than a batch; more than that is asked for when it is needed. */
#define NETLINK_TRANSMIT_BUFFER (208 * 1024)
#define NETLINK_TIMEOUT_SEC 10

typedef struct NetlinkReply {
        NetlinkVisitor visitor;
        void *userdata;
        bool interrupted, done;
        uint32_t seq;
} NetlinkReply;

struct Netlink {
        int protocol;
        struct nl_sock *socket; /* owned; NULL until used */
        uint32_t port_id; /* the same for every socket, if it can be had; 0 before the first */
        uint8_t *received; /* owned, NETLINK_RECEIVE_MESSAGES × NETLINK_RECEIVE_SIZE */
        bool dumping; /* not all of `dump` was received */
        NetlinkReply dump;
};

/* ---- socket */

int netlink_new(int protocol, Netlink **ret) {
        Netlink *netlink = calloc(1, sizeof *netlink);

        if (!netlink)
                return -ENOMEM;
        netlink->protocol = protocol;
        *ret = netlink;
        return 0;
}

static void netlink_close(Netlink *netlink) {
        nl_socket_free(netlink->socket); /* closes it; NULL is fine */
        netlink->socket = NULL;
}

Netlink *netlink_free(Netlink *netlink) {
        if (!netlink)
                return NULL;
        netlink_close(netlink);
        free(netlink->received);
        free(netlink);
        return NULL;
}

static int netlink_fd(const Netlink *netlink) {
        return nl_socket_get_fd(netlink->socket);
}

/* libnl numbers errors in its own way; what the system said is in errno still. */
static int netlink_connect(struct nl_sock *s, int protocol, uint32_t port_id) {
        errno = 0;
        if (port_id > 0) {
                nl_socket_set_local_port(s, port_id);
                if (nl_connect(s, protocol) >= 0)
                        return 0;
                nl_socket_set_local_port(s, 0); /* taken meanwhile: any other */
        }
        if (nl_connect(s, protocol) >= 0)
                return 0;
        return errno > 0 ? -errno : -EIO;
}

static int netlink_configure(struct nl_sock *s) {
        struct timeval timeout = { .tv_sec = NETLINK_TIMEOUT_SEC };
        int fd = nl_socket_get_fd(s), on = 1, receive = NETLINK_RECEIVE_BUFFER, transmit = NETLINK_TRANSMIT_BUFFER;

        /* Errors come without the message they are about: more of them fit. */
        (void) setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive);
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &transmit, sizeof transmit);
        return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ? -errno : 0;
}

static int netlink_open(Netlink *netlink) {
        struct nl_sock *s;
        int r;

        if (!netlink->received)
                netlink->received = malloc(NETLINK_RECEIVE_MESSAGES * NETLINK_RECEIVE_SIZE);
        if (!netlink->received)
                return -ENOMEM;
        if (netlink->socket)
                return 0;
        s = nl_socket_alloc();
        if (!s)
                return -ENOMEM;
        r = netlink_connect(s, netlink->protocol, netlink->port_id);
        if (r >= 0)
                r = netlink_configure(s);
        if (r < 0) {
                nl_socket_free(s);
                return r;
        }
        netlink->socket = s;
        netlink->port_id = nl_socket_get_local_port(s);
        return 0;
}

int netlink_port_id(Netlink *netlink, uint32_t *ret) {
        int r = netlink_open(netlink);

        if (r < 0)
                return r;
        *ret = netlink->port_id;
        return 0;
}

/* What is sent must come in one piece, which SO_SNDBUF bounds; CAP_NET_ADMIN lifts the bound. */
static int netlink_reserve(Netlink *netlink, size_t size) {
        int value;

        if (size > INT32_MAX / 2 - 4096)
                return -EMSGSIZE;
        value = (int) size + 4096;
        if (setsockopt(netlink_fd(netlink), SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof value) < 0)
                return -errno;
        return 0;
}

static int netlink_sendto(Netlink *netlink, const NetlinkBuffer *buffer) {
        return nl_sendto(netlink->socket, buffer->bytes, buffer->used) < 0 ? -errno : 0;
}

static int netlink_transmit(Netlink *netlink, const NetlinkBuffer *buffer) {
        int r;

        r = netlink_open(netlink);
        if (r >= 0)
                r = netlink_sendto(netlink, buffer);
        if (r != -EMSGSIZE)
                return r;
        r = netlink_reserve(netlink, buffer->used);
        return r < 0 ? r : netlink_sendto(netlink, buffer);
}

int netlink_resolve(Netlink *netlink, const char *family) {
        int r = netlink_open(netlink);

        if (r < 0)
                return r;
        r = genl_ctrl_resolve(netlink->socket, family);
        if (r >= 0)
                return r;
        netlink_close(netlink); /* an answer that comes still must not be taken for the one to the next */
        return r == -NLE_OBJ_NOTFOUND ? -ENOENT : r == -NLE_NOMEM ? -ENOMEM : -EIO;
}

static int netlink_message_error(const struct nlmsghdr *message) {
        const struct nlmsgerr *error = nlmsg_data(message);

        if (nlmsg_datalen(message) < (int) sizeof error->error)
                return -EBADMSG;
        return error->error;
}

/* ---- answers */

static void netlink_answers(const void *bytes, size_t size, NetlinkAnswer answer, void *userdata) {
        struct nlmsghdr *message = (void *) (uintptr_t) bytes; /* nlmsg_next() knows no const */
        int left = (int) size;

        for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left))
                if (message->nlmsg_type == NLMSG_ERROR)
                        answer(message->nlmsg_seq, netlink_message_error(message), userdata);
}

int netlink_send(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkAnswer answer, void *userdata) {
        bool lost = false;
        int r;

        r = netlink_transmit(netlink, buffer);
        if (r < 0)
                return r;
        for (;;) {
                ssize_t n = recv(netlink_fd(netlink), netlink->received, NETLINK_RECEIVE_SIZE, MSG_DONTWAIT);

                if (n >= 0)
                        netlink_answers(netlink->received, (size_t) n, answer, userdata);
                else if (errno == EAGAIN)
                        return lost ? -ENOBUFS : 0;
                else if (errno == ENOBUFS)
                        lost = true;
                else if (errno != EINTR) {
                        r = -errno;
                        netlink_close(netlink);
                        return r;
                }
        }
}

/* ---- replies to many */

static int netlink_visit(const void *bytes, size_t size, NetlinkVisitor visitor, void *userdata) {
        struct nlmsghdr *message = (void *) (uintptr_t) bytes; /* nlmsg_next() knows no const */
        int left = (int) size, r = 0;

        for (; r >= 0 && nlmsg_ok(message, left); message = nlmsg_next(message, &left))
                if (message->nlmsg_type >= NLMSG_MIN_TYPE)
                        r = visitor(message, userdata);
        return MIN2(r, 0);
}

/* What is there already: how many datagrams; -EAGAIN if there is none, -ENOBUFS if one was lost or cut. */
static int netlink_collect(Netlink *netlink, NetlinkVisitor visitor, void *userdata) {
        struct mmsghdr headers[NETLINK_REPLIES] = {};
        struct iovec parts[NETLINK_REPLIES];
        int n, r = 0;

        for (size_t i = 0; i < NETLINK_REPLIES; i++) {
                parts[i] = (struct iovec) { netlink->received + i * NETLINK_REPLY_SIZE, NETLINK_REPLY_SIZE };
                headers[i].msg_hdr = (struct msghdr) { .msg_iov = &parts[i], .msg_iovlen = 1 };
        }
        n = recvmmsg(netlink_fd(netlink), headers, NETLINK_REPLIES, MSG_DONTWAIT, NULL);
        if (n < 0)
                return -errno;
        for (int i = 0; i < n && r >= 0; i++) {
                r = netlink_visit(parts[i].iov_base, headers[i].msg_len, visitor, userdata);
                if (r >= 0 && headers[i].msg_hdr.msg_flags & MSG_TRUNC)
                        r = -ENOBUFS;
        }
        return r < 0 ? r : n;
}

int netlink_ask(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata) {
        bool lost = false;
        int r;

        r = netlink_transmit(netlink, buffer);
        while (r >= 0 || r == -EINTR || r == -ENOBUFS) {
                r = netlink_collect(netlink, visitor, userdata);
                lost = lost || r == -ENOBUFS;
        }
        if (r == -EAGAIN)
                return lost ? -ENOBUFS : 0;
        netlink_close(netlink); /* the rest must not be taken for the answer to the next */
        return r;
}

/* ---- replies and dumps */

static int netlink_reply_message(NetlinkReply *reply, const struct nlmsghdr *message) {
        if (message->nlmsg_seq != reply->seq)
                return 0;
        if (message->nlmsg_flags & NLM_F_DUMP_INTR)
                reply->interrupted = true;
        if (message->nlmsg_type == NLMSG_DONE) {
                reply->done = true;
                return nlmsg_datalen(message) >= (int) sizeof(int) ? MIN2(0, *(const int *) nlmsg_data(message)) : 0;
        }
        if (message->nlmsg_type == NLMSG_ERROR) {
                reply->done = true;
                return netlink_message_error(message);
        }
        return message->nlmsg_type >= NLMSG_MIN_TYPE ? reply->visitor(message, reply->userdata) : 0;
}

static int netlink_reply_part(NetlinkReply *reply, const void *bytes, size_t size) {
        struct nlmsghdr *message = (void *) (uintptr_t) bytes; /* nlmsg_next() knows no const */
        int left = (int) size, r = 0;

        for (; r >= 0 && !reply->done && nlmsg_ok(message, left); message = nlmsg_next(message, &left))
                r = netlink_reply_message(reply, message);
        return r;
}

/* At least one datagram, and what is there already. */
static int netlink_reply_receive(Netlink *netlink, NetlinkReply *reply) {
        struct mmsghdr headers[NETLINK_RECEIVE_MESSAGES] = {};
        struct iovec parts[NETLINK_RECEIVE_MESSAGES];
        int n, r = 0;

        for (size_t i = 0; i < NETLINK_RECEIVE_MESSAGES; i++) {
                parts[i] = (struct iovec) { netlink->received + i * NETLINK_RECEIVE_SIZE, NETLINK_RECEIVE_SIZE };
                headers[i].msg_hdr = (struct msghdr) { .msg_iov = &parts[i], .msg_iovlen = 1 };
        }
        n = recvmmsg(netlink_fd(netlink), headers, NETLINK_RECEIVE_MESSAGES, MSG_WAITFORONE, NULL);
        if (n < 0)
                return errno == EINTR ? 0 : errno == EAGAIN ? -ETIMEDOUT : -errno;
        for (int i = 0; i < n && r >= 0; i++)
                r = netlink_reply_part(reply, parts[i].iov_base, headers[i].msg_len);
        return r;
}

static int netlink_exchange(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkReply *reply) {
        int r;

        reply->seq = buffer->seq;
        r = netlink_transmit(netlink, buffer);
        while (r >= 0 && !reply->done)
                r = netlink_reply_receive(netlink, reply);
        if (r < 0 && !reply->done)
                netlink_close(netlink); /* the rest must not be taken for the answer to the next */
        return r;
}

int netlink_call(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata) {
        NetlinkReply reply = { .visitor = visitor, .userdata = userdata };

        return netlink_exchange(netlink, buffer, &reply);
}

int netlink_dump_begin(Netlink *netlink, const NetlinkBuffer *buffer) {
        int r;

        if (netlink->dumping)
                netlink_close(netlink); /* what is left of it must not be taken for this one */
        netlink->dump = (NetlinkReply) { .seq = buffer->seq };
        r = netlink_transmit(netlink, buffer);
        if (r < 0)
                netlink_close(netlink);
        netlink->dumping = r >= 0;
        return r;
}

int netlink_dump_next(Netlink *netlink, NetlinkVisitor visitor, void *userdata) {
        NetlinkReply *reply = &netlink->dump;
        int r;

        if (!netlink->dumping)
                return -ESTALE;
        reply->visitor = visitor;
        reply->userdata = userdata;
        r = netlink_reply_receive(netlink, reply);
        if (r >= 0 && !reply->done)
                return 1;
        netlink->dumping = false;
        if (r < 0 && !reply->done)
                netlink_close(netlink);
        return r < 0 ? r : reply->interrupted ? -EINTR : 0;
}

int netlink_dump(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata) {
        int r = netlink_dump_begin(netlink, buffer);

        if (r < 0)
                return r;
        do
                r = netlink_dump_next(netlink, visitor, userdata);
        while (r > 0);
        return r;
}
