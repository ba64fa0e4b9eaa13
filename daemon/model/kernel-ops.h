/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be done to the kernel, as values: proxy/plan.c makes arrays of these, kernel/backend.h applies them and
 * writes each one's result.
 */
#pragma once

#include <stdbool.h>

#include "model/filter.h"
#include "model/virtual-server.h"

typedef enum IpvsOpKind {
        IPVS_OP_ADD_SERVICE,
        IPVS_OP_SET_SERVICE,
        IPVS_OP_DELETE_SERVICE,
        IPVS_OP_ADD_DEST,
        IPVS_OP_SET_DEST,
        IPVS_OP_DELETE_DEST,
        _IPVS_OP_MAX,
} IpvsOpKind;

/* "add virtual server", … for messages */
const char *ipvs_op_kind_to_string(IpvsOpKind kind);

typedef struct IpvsOp {
        IpvsOpKind kind;
        VirtualServer service; /* of the destination operations only the key counts */
        RealServer dest;
        int result; /* out: 0, or the kernel's -errno; -ECANCELED where the channel broke before an answer */
} IpvsOp;

/* Whether it failed; a removal that finds nothing to remove did not (ip_vs_ctl.c: ESRCH, of a real server ENOENT too). */
bool ipvs_op_failed(const IpvsOp *op);

typedef struct AddressOp {
        IpAddr addr;
        bool add; /* else remove */
        int result; /* out: 0; already there, or already gone, is 0 */
} AddressOp;

typedef struct FilterOp {
        FilterElement element;
        bool add; /* else delete */
        int result; /* for who applies them one by one; a transaction has one result for all */
} FilterOp;
