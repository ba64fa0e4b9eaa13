/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/nfnl.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define ANSWER_SEC 5
#define BUFFER_SIZE ((size_t) 64 << 10)
#define MESSAGE_MAX ((size_t) 8 << 10)

struct Nfnl {
        struct mnl_socket *socket; /* owned */
        uint32_t sequence;
        char buf[BUFFER_SIZE];
};

struct NfnlBatch {
        char *buf; /* owned */
        size_t size, allocated;
        size_t last; /* where the last message begins */
        uint32_t n_messages;
};

int nfnl_open(Nfnl **ret) {
        const struct timeval timeout = { .tv_sec = ANSWER_SEC };
        _cleanup_(nfnl_closep) Nfnl *nfnl = calloc(1, sizeof(*nfnl));

        if (!nfnl)
                return -ENOMEM;
        nfnl->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
        if (!nfnl->socket || mnl_socket_bind(nfnl->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
            setsockopt(mnl_socket_get_fd(nfnl->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
                       sizeof(timeout)) < 0)
                return -errno;
        nfnl->sequence = (uint32_t) time(NULL);
        *ret = TAKE_PTR(nfnl);
        return 0;
}

Nfnl *nfnl_close(Nfnl *nfnl) {
        if (!nfnl)
                return NULL;
        if (nfnl->socket)
                (void) mnl_socket_close(nfnl->socket);
        free(nfnl);
        return NULL;
}

static struct nlmsghdr *message_put(
        void *buf, uint16_t type, uint16_t flags, uint8_t family, uint16_t res, uint32_t sequence) {
        struct nlmsghdr *message = mnl_nlmsg_put_header(buf);
        struct nfgenmsg *head;

        message->nlmsg_type = type;
        message->nlmsg_flags = flags;
        message->nlmsg_seq = sequence;
        head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
        head->nfgen_family = family;
        head->version = NFNETLINK_V0;
        head->res_id = htobe16(res);
        return message;
}

static int message_error(const struct nlmsghdr *message) {
        const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

        return mnl_nlmsg_get_payload_len(message) < sizeof(*error) ? -EBADMSG : error->error;
}

/* 1 = the answer is complete */
static int message_take(const struct nlmsghdr *message, NfnlRead read, void *userdata) {
        const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_flags & NLM_F_DUMP_INTR)
                return -EINTR;
        if (message->nlmsg_type == NLMSG_ERROR) {
                int r = message_error(message);

                return r < 0 ? r : 1;
        }
        if (message->nlmsg_type == NLMSG_DONE)
                return 1;
        if (message->nlmsg_type < NLMSG_MIN_TYPE || !read)
                return 0;
        if (mnl_nlmsg_get_payload_len(message) < sizeof(*head))
                return -EBADMSG;
        return read(message, head->nfgen_family, userdata);
}

/* Until the answer to our last message is complete. */
static int answer_read(Nfnl *nfnl, NfnlRead read, void *userdata) {
        int r = 0;

        while (r == 0) {
                ssize_t got = mnl_socket_recvfrom(nfnl->socket, nfnl->buf, sizeof(nfnl->buf));
                const struct nlmsghdr *message = (const struct nlmsghdr *) (const void *) nfnl->buf;
                int n = (int) got;

                if (got < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                for (; r == 0 && mnl_nlmsg_ok(message, n); message = mnl_nlmsg_next(message, &n))
                        if (message->nlmsg_seq == nfnl->sequence)
                                r = message_take(message, read, userdata);
        }
        return r < 0 ? r : 0;
}

static int transact(Nfnl *nfnl,
                    uint16_t type,
                    uint16_t flags,
                    uint8_t family,
                    NfnlFill fill,
                    const void *fill_data,
                    NfnlRead read,
                    void *userdata) {
        struct nlmsghdr *message =
                message_put(nfnl->buf, type, NLM_F_REQUEST | flags, family, 0, ++nfnl->sequence);

        if (fill)
                fill(message, fill_data);
        if (mnl_socket_sendto(nfnl->socket, message, message->nlmsg_len) < 0)
                return -errno;
        return answer_read(nfnl, read, userdata);
}

int nfnl_dump(Nfnl *nfnl,
              uint16_t type,
              uint8_t family,
              NfnlFill fill,
              const void *fill_data,
              NfnlRead read,
              void *userdata) {
        return transact(nfnl, type, NLM_F_DUMP, family, fill, fill_data, read, userdata);
}

int nfnl_request(Nfnl *nfnl,
                 uint16_t type,
                 uint8_t family,
                 NfnlFill fill,
                 const void *fill_data,
                 NfnlRead read,
                 void *userdata) {
        return transact(nfnl, type, NLM_F_ACK, family, fill, fill_data, read, userdata);
}

static int batch_reserve(NfnlBatch *batch) {
        size_t size = MAX2(batch->allocated * 2, BUFFER_SIZE);
        char *grown;

        if (batch->allocated - batch->size >= MESSAGE_MAX)
                return 0;
        grown = realloc(batch->buf, size);
        if (!grown)
                return -ENOMEM;
        batch->buf = grown;
        batch->allocated = size;
        return 0;
}

/* Sequence numbers are set when the batch is sent; here they count from 0. */
static int batch_put(NfnlBatch *batch,
                     uint16_t type,
                     uint16_t flags,
                     uint8_t family,
                     uint16_t res,
                     NfnlFill fill,
                     const void *fill_data) {
        struct nlmsghdr *message;
        int r = batch_reserve(batch);

        if (r < 0)
                return r;
        batch->last = batch->size;
        message = message_put(batch->buf + batch->size, type, NLM_F_REQUEST | flags, family, res,
                              batch->n_messages++);
        if (fill)
                fill(message, fill_data);
        batch->size += MNL_ALIGN(message->nlmsg_len);
        return 0;
}

static void fill_generation(struct nlmsghdr *message, const void *userdata) {
        mnl_attr_put_u32(message, NFNL_BATCH_GENID, htobe32(*(const uint32_t *) userdata));
}

int nfnl_batch_new(uint32_t generation, NfnlBatch **ret) {
        _cleanup_(nfnl_batch_freep) NfnlBatch *batch = calloc(1, sizeof(*batch));
        int r;

        if (!batch)
                return -ENOMEM;
        r = batch_put(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES,
                      fill_generation, &generation);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(batch);
        return 0;
}

NfnlBatch *nfnl_batch_free(NfnlBatch *batch) {
        if (!batch)
                return NULL;
        free(batch->buf);
        free(batch);
        return NULL;
}

int nfnl_batch_add(
        NfnlBatch *batch, uint16_t message, uint8_t family, NfnlFill fill, const void *fill_data) {
        return batch_put(batch, (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | message), 0, family, 0,
                         fill, fill_data);
}

/*
 * Only the last message asks for an acknowledgement, because those of a large batch would not fit
 * into the socket; errors come unasked, all after the commit, and before that acknowledgement.
 */
static int batch_answers_read(Nfnl *nfnl, uint32_t first, uint32_t last) {
        for (;;) {
                ssize_t got = mnl_socket_recvfrom(nfnl->socket, nfnl->buf, sizeof(nfnl->buf));
                const struct nlmsghdr *message = (const struct nlmsghdr *) (const void *) nfnl->buf;
                int left = (int) got;

                if (got < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
                        int r = message->nlmsg_type == NLMSG_ERROR ? message_error(message) : 0;

                        /* An error with the number of the beginning is one of the whole. */
                        if (r < 0 && message->nlmsg_seq >= first && message->nlmsg_seq <= last)
                                return r;
                        if (message->nlmsg_type == NLMSG_ERROR && message->nlmsg_seq == last)
                                return 0;
                }
        }
}

int nfnl_batch_commit(Nfnl *nfnl, NfnlBatch *batch) {
        uint32_t first = nfnl->sequence + 1, last = first + batch->n_messages - 1;
        struct nlmsghdr *asks = (struct nlmsghdr *) (void *) (batch->buf + batch->last);
        int size, r;

        asks->nlmsg_flags |= NLM_F_ACK;
        r = batch_put(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, NULL, NULL);
        if (r < 0)
                return r;
        size = (int) batch->size;
        for (struct nlmsghdr *message = (struct nlmsghdr *) (void *) batch->buf; size > 0;
             message = mnl_nlmsg_next(message, &size))
                message->nlmsg_seq += first;
        nfnl->sequence = first + batch->n_messages;
        size = (int) batch->size * 2;
        /* The kernel counts a message with its overhead. */
        (void) setsockopt(mnl_socket_get_fd(nfnl->socket), SOL_SOCKET, SO_SNDBUFFORCE, &size,
                          sizeof(size));
        if (mnl_socket_sendto(nfnl->socket, batch->buf, batch->size) < 0)
                return -errno;
        return batch_answers_read(nfnl, first, last);
}
