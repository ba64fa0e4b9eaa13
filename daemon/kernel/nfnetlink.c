/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nfnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* The kernel fills at most 32 KiB in a part of a dump (net/netlink/af_netlink.c, netlink_recvmsg). */
#define NFNL_RECEIVE_SIZE (64 * 1024)
#define NFNL_TIMEOUT_SEC 10

struct Nfnl {
        struct mnl_socket *socket; /* owned; NULL until used */
        size_t send_size; /* what the socket takes in one piece */
        uint8_t *received; /* owned, NFNL_RECEIVE_SIZE */
};

void nfnl_buffer_done(NfnlBuffer *buffer) {
        free(buffer->bytes);
        *buffer = (NfnlBuffer) {};
}

int nfnl_buffer_begin(NfnlBuffer *buffer, const NfnlHeader *header, size_t size, struct nlmsghdr **ret) {
        size_t needed = buffer->used + MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct nfgenmsg)) + size;
        struct nlmsghdr *message;
        struct nfgenmsg *nfg;

        if (needed > buffer->size) {
                size_t grown = MAX2(needed, 2 * buffer->size);
                uint8_t *bytes = realloc(buffer->bytes, grown);

                if (!bytes)
                        return -ENOMEM;
                buffer->bytes = bytes;
                buffer->size = grown;
        }
        buffer->message = buffer->used;
        message = mnl_nlmsg_put_header(buffer->bytes + buffer->used);
        message->nlmsg_type = header->type;
        message->nlmsg_flags = NLM_F_REQUEST | header->flags;
        message->nlmsg_seq = ++buffer->seq;
        nfg = mnl_nlmsg_put_extra_header(message, sizeof *nfg);
        nfg->nfgen_family = header->family;
        nfg->version = NFNETLINK_V0;
        nfg->res_id = htons(header->resource);
        *ret = message;
        return 0;
}

void nfnl_buffer_end(NfnlBuffer *buffer) {
        const struct nlmsghdr *message = (const void *) (buffer->bytes + buffer->message);

        buffer->used = buffer->message + NLMSG_ALIGN(message->nlmsg_len);
}

int nfnl_new(Nfnl **ret) {
        Nfnl *nfnl = calloc(1, sizeof *nfnl);

        if (!nfnl)
                return -ENOMEM;
        *ret = nfnl;
        return 0;
}

Nfnl *nfnl_free(Nfnl *nfnl) {
        if (!nfnl)
                return NULL;
        if (nfnl->socket)
                (void) mnl_socket_close(nfnl->socket);
        free(nfnl->received);
        free(nfnl);
        return NULL;
}

static int nfnl_open(Nfnl *nfnl) {
        struct timeval timeout = { .tv_sec = NFNL_TIMEOUT_SEC };
        struct mnl_socket *s;
        int on = 1;

        if (!nfnl->received)
                nfnl->received = malloc(NFNL_RECEIVE_SIZE);
        if (!nfnl->received)
                return -ENOMEM;
        if (nfnl->socket)
                return 0;
        s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
        if (!s)
                return -errno;
        /* Errors come without the message they are about: more of them fit. */
        (void) mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &on, sizeof on);
        if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
            mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
                int r = -errno;

                (void) mnl_socket_close(s);
                return r;
        }
        nfnl->socket = s;
        nfnl->send_size = 0;
        return 0;
}

/* A transaction must come in one piece, which SO_SNDBUF bounds; CAP_NET_ADMIN lifts the bound. */
static int nfnl_reserve(Nfnl *nfnl, size_t size) {
        int value;

        if (size <= nfnl->send_size)
                return 0;
        if (size > INT32_MAX / 2 - 4096)
                return -EMSGSIZE;
        value = (int) size + 4096;
        if (setsockopt(mnl_socket_get_fd(nfnl->socket), SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof value) < 0)
                return -errno;
        nfnl->send_size = size;
        return 0;
}

/* What an earlier exchange left behind is not for this one. */
static void nfnl_drain(Nfnl *nfnl) {
        while (recv(mnl_socket_get_fd(nfnl->socket), nfnl->received, NFNL_RECEIVE_SIZE, MSG_DONTWAIT) >= 0 ||
               errno == ENOBUFS || errno == EINTR)
                ;
}

static int nfnl_transmit(Nfnl *nfnl, const NfnlBuffer *buffer) {
        int r;

        r = nfnl_open(nfnl);
        if (r >= 0)
                r = nfnl_reserve(nfnl, buffer->used);
        if (r < 0)
                return r;
        nfnl_drain(nfnl);
        if (mnl_socket_sendto(nfnl->socket, buffer->bytes, buffer->used) < 0)
                return -errno;
        return 0;
}

static int nfnl_message_error(const struct nlmsghdr *message) {
        const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

        if (mnl_nlmsg_get_payload_len(message) < sizeof error->error)
                return -EBADMSG;
        return error->error;
}

static void nfnl_result_add(NfnlResult *result, const void *bytes, size_t size) {
        const struct nlmsghdr *message = bytes;
        int left = (int) size;

        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
                int error;

                if (message->nlmsg_type != NLMSG_ERROR)
                        continue;
                error = nfnl_message_error(message);
                if (error == 0) {
                        result->acknowledged = true;
                        continue;
                }
                result->n_errors++;
                if (result->first_error == 0)
                        result->first_error = error;
        }
}

int nfnl_send(Nfnl *nfnl, const NfnlBuffer *buffer, NfnlResult *ret) {
        NfnlResult result = {};
        int r;

        r = nfnl_transmit(nfnl, buffer);
        if (r < 0)
                return r;
        for (;;) {
                ssize_t n = recv(
                        mnl_socket_get_fd(nfnl->socket), nfnl->received, NFNL_RECEIVE_SIZE, MSG_DONTWAIT);

                if (n >= 0)
                        nfnl_result_add(&result, nfnl->received, (size_t) n);
                else if (errno == EAGAIN)
                        break;
                else if (errno != ENOBUFS && errno != EINTR) /* more errors than fit: the first ones are there */
                        return -errno;
        }
        *ret = result;
        return 0;
}

typedef struct NfnlDump {
        NfnlVisitor visitor;
        void *userdata;
        bool interrupted, done;
        uint32_t seq;
} NfnlDump;

static int nfnl_dump_part(NfnlDump *dump, const void *bytes, size_t size) {
        const struct nlmsghdr *message = bytes;
        int left = (int) size, r = 0;

        for (; r >= 0 && !dump->done && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
                if (message->nlmsg_seq != dump->seq)
                        continue;
                if (message->nlmsg_flags & NLM_F_DUMP_INTR)
                        dump->interrupted = true;
                if (message->nlmsg_type == NLMSG_DONE) {
                        dump->done = true;
                        if (mnl_nlmsg_get_payload_len(message) >= sizeof(int))
                                r = MIN2(0, *(const int *) mnl_nlmsg_get_payload(message));
                } else if (message->nlmsg_type == NLMSG_ERROR) {
                        dump->done = true;
                        r = nfnl_message_error(message);
                } else if (message->nlmsg_type >= NLMSG_MIN_TYPE) {
                        r = dump->visitor(message, dump->userdata);
                }
        }
        return r;
}

int nfnl_dump(Nfnl *nfnl, const NfnlBuffer *buffer, NfnlVisitor visitor, void *userdata) {
        NfnlDump dump = { .visitor = visitor, .userdata = userdata, .seq = buffer->seq };
        int r;

        r = nfnl_transmit(nfnl, buffer);
        while (r >= 0 && !dump.done) {
                ssize_t n = recv(mnl_socket_get_fd(nfnl->socket), nfnl->received, NFNL_RECEIVE_SIZE, 0);

                if (n >= 0)
                        r = nfnl_dump_part(&dump, nfnl->received, (size_t) n);
                else if (errno != EINTR)
                        r = errno == EAGAIN ? -ETIMEDOUT : -errno;
        }
        if (r < 0 && !dump.done && nfnl->socket) {
                /* The rest of this dump must not be taken for the answer to something else. */
                (void) mnl_socket_close(TAKE_PTR(nfnl->socket));
        }
        if (r < 0)
                return r;
        return dump.interrupted ? -EINTR : 0;
}
