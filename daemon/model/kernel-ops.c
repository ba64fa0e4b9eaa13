/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/kernel-ops.h"

#include <errno.h>
#include <stddef.h>

static const char *const ipvs_op_kind_table[_IPVS_OP_MAX] = {
        [IPVS_OP_ADD_SERVICE] = "add virtual server",
        [IPVS_OP_SET_SERVICE] = "change virtual server",
        [IPVS_OP_DELETE_SERVICE] = "delete virtual server",
        [IPVS_OP_ADD_DEST] = "add real server",
        [IPVS_OP_SET_DEST] = "change real server",
        [IPVS_OP_DELETE_DEST] = "delete real server",
};

const char *ipvs_op_kind_to_string(IpvsOpKind kind) {
        return kind < _IPVS_OP_MAX ? ipvs_op_kind_table[kind] : NULL;
}

bool ipvs_op_failed(const IpvsOp *op) {
        if (op->result >= 0)
                return false;
        if (op->kind == IPVS_OP_DELETE_SERVICE)
                return op->result != -ESRCH;
        return op->kind != IPVS_OP_DELETE_DEST || (op->result != -ESRCH && op->result != -ENOENT);
}
