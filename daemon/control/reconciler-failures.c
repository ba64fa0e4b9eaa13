/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of operations that failed, and what their errors say about the kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/reconciler-private.h"

/* Who is at odds with the kernel this often is not read again each time, but left to its delays and the audit. */
#define REREAD_TRIES 3

void reconciler_result_fail(ReconcilerResult *result, int error, const char *what, const char *object) {
        result->n_failed++;
        if (result->error < 0)
                return;
        result->error = error;
        (void) snprintf(result->message, sizeof(result->message), "Failed to %s %s: %s", what, object, strerror(-error));
}

/* EEXIST and ESRCH: somebody else changed it meanwhile. What is there now is what the next plan begins with. */
typedef struct ServerReread {
        KernelTable *table;
        ServerOwner owner;
} ServerReread;

static int server_reread(const VirtualServer *service,
                         const TrafficStats *stats,
                         const RealServerInfo *infos,
                         size_t n_infos,
                         void *userdata) {
        const ServerReread *reread = userdata;
        _cleanup_(freep) RealServer *dests = calloc(n_infos + 1, sizeof(RealServer));

        if (!dests)
                return -ENOMEM;
        for (size_t i = 0; i < n_infos; i++)
                dests[i] = infos[i].server;
        return kernel_table_set_server(reread->table, &service->key, service, dests, n_infos, reread->owner);
}

static void reread_server(const ReconcilerParts *parts, const VirtualServerKey *key) {
        const ServerState *server = kernel_table_server(parts->table, key);
        const AddressState *address = kernel_table_address(parts->table, key ? &key->addr : NULL);
        bool ours = (server && server->present) || (address && address->present);
        ServerReread reread = { parts->table, ours ? SERVER_OWNER_US : SERVER_OWNER_FOREIGN };
        int r = parts->backend->ops->ipvs_read(parts->backend, key, server_reread, &reread);

        if (r == -ESRCH)
                r = kernel_table_set_server(parts->table, key, NULL, NULL, 0, SERVER_OWNER_US);
        if (!ours && r >= 0)
                (void) journal_remove(parts->journal, key);
}

/* Whether the error says that the kernel holds something else than the table knows. */
static bool ipvs_op_is_surprised(const IpvsOp *op) {
        switch (op->kind) {
        case IPVS_OP_ADD_SERVICE:
        case IPVS_OP_ADD_DEST:
                return op->result == -EEXIST || (op->kind == IPVS_OP_ADD_DEST && op->result == -ESRCH);
        case IPVS_OP_SET_SERVICE: /* ENOENT: the scheduler */
                return op->result == -ESRCH;
        case IPVS_OP_SET_DEST:
                return op->result == -ESRCH || op->result == -ENOENT;
        case IPVS_OP_DELETE_DEST: /* it is gone, but with its virtual server */
                return op->result == -ESRCH;
        case IPVS_OP_DELETE_SERVICE:
        case _IPVS_OP_MAX:
                break;
        }
        return false;
}

void reconciler_look_at_failures(const ReconcilerParts *parts, const Plan *plan, ReconcilerResult *result) {
        const VirtualServerKey *last = NULL;
        char text[VIRTUAL_SERVER_STRLEN];

        for (size_t i = 0; i < plan->servers.n_items; i++) {
                const IpvsOp *op = &plan->servers.items[i];
                const ServerState *server;

                if (ipvs_op_failed(op))
                        reconciler_result_fail(result,
                                    op->result,
                                    ipvs_op_kind_to_string(op->kind),
                                    virtual_server_key_format(&op->service.key, text));
                if (op->result >= 0 || (last && memcmp(last, &op->service.key, sizeof(*last)) == 0))
                        continue;
                last = &op->service.key;
                server = kernel_table_server(parts->table, last);
                if (ipvs_op_is_surprised(op) && server && server->failure.n_tries <= REREAD_TRIES)
                        reread_server(parts, last);
        }
}
