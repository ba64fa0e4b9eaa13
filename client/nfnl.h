/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netlink socket to netfilter, for takeover and doctor: dumps, single requests and batches that
 * happen as a whole or not at all. Calls block, each for a few seconds at most. Logs nothing.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "common/macros.h"

typedef struct Nfnl Nfnl;

/* -EPERM comes with the first request, not here. */
int nfnl_open(Nfnl **ret);
Nfnl *nfnl_close(Nfnl *nfnl);
DEFINE_CLEANUP(Nfnl *, nfnl_close);

/* Writes attributes behind the header of a message. */
typedef void (*NfnlFill)(struct nlmsghdr *message, const void *userdata);
/* One message of an answer, its attributes behind nfgenmsg. A negative errno ends the dump with it.
 */
typedef int (*NfnlRead)(const struct nlmsghdr *message, uint8_t family, void *userdata);

/* `type` is subsystem << 8 | message. -EINTR: what is read changed meanwhile; begin again. */
int nfnl_dump(Nfnl *nfnl,
              uint16_t type,
              uint8_t family,
              NfnlFill fill,
              const void *fill_data,
              NfnlRead read,
              void *userdata);

/* One request, its answer (`read` may be NULL) and its acknowledgement. */
int nfnl_request(Nfnl *nfnl,
                 uint16_t type,
                 uint8_t family,
                 NfnlFill fill,
                 const void *fill_data,
                 NfnlRead read,
                 void *userdata);

/* A transaction of nf_tables: grows as needed. */
typedef struct NfnlBatch NfnlBatch;
/* `generation` is what the ruleset was read at; a ruleset that changed since is -ERESTART. */
int nfnl_batch_new(uint32_t generation, NfnlBatch **ret);
NfnlBatch *nfnl_batch_free(NfnlBatch *batch);
DEFINE_CLEANUP(NfnlBatch *, nfnl_batch_free);
int nfnl_batch_add(
        NfnlBatch *batch, uint16_t message, uint8_t family, NfnlFill fill, const void *fill_data);
/* 0, or the first error of the kernel: then nothing has happened. */
int nfnl_batch_commit(Nfnl *nfnl, NfnlBatch *batch);
