/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink channel that nftables and conntrack share: a buffer of messages sent at once, their answers, and
 * dumps. The kernel works on what is sent before send returns, so nothing here waits but for the parts of a dump.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

/* Messages one behind the other; NfnlBuffer {} is empty. */
typedef struct NfnlBuffer {
        uint8_t *bytes; /* owned */
        size_t used, size;
        size_t message; /* where the last one begins */
        uint32_t seq; /* of the last message; they count from 1 in each buffer */
} NfnlBuffer;

void nfnl_buffer_done(NfnlBuffer *buffer);

typedef struct NfnlHeader {
        uint16_t type; /* subsystem << 8 | message */
        uint16_t flags; /* NLM_F_REQUEST is added */
        uint8_t family;
        uint16_t resource; /* host order */
} NfnlHeader;

/*
 * Begins a message and makes room for `size` more bytes in it. -ENOMEM. The message is valid until the next call;
 * what libmnl's mnl_attr_put() adds to it counts once nfnl_buffer_end() is called.
 */
int nfnl_buffer_begin(NfnlBuffer *buffer, const NfnlHeader *header, size_t size, struct nlmsghdr **ret);
void nfnl_buffer_end(NfnlBuffer *buffer);

typedef struct Nfnl Nfnl;

int nfnl_new(Nfnl **ret);
Nfnl *nfnl_free(Nfnl *nfnl);
DEFINE_CLEANUP(Nfnl *, nfnl_free);

/* Errors among the answers to what was sent; `last` answered with or without one. */
typedef struct NfnlResult {
        int first_error; /* 0 or negative errno, as the kernel gave it */
        size_t n_errors;
        bool acknowledged; /* a message with NLM_F_ACK was answered 0 */
} NfnlResult;

/* Sends it all in one piece and collects the answers. Negative only if the channel itself fails. */
int nfnl_send(Nfnl *nfnl, const NfnlBuffer *buffer, NfnlResult *ret);

/* Negative ends the dump with that error. */
typedef int (*NfnlVisitor)(const struct nlmsghdr *message, void *userdata);

/*
 * Sends the one message of `buffer` (NLM_F_DUMP) and visits the answers. -EINTR: the table changed meanwhile, what
 * was seen is not of one moment. Other errors as the kernel, or the visitor, gave them.
 */
int nfnl_dump(Nfnl *nfnl, const NfnlBuffer *buffer, NfnlVisitor visitor, void *userdata);
