/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/scheduler-probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* kube-proxy's own; RFC 5737 keeps the network for documentation */
#define PROBE_ADDRESS "198.51.100.0"
#define PROBE_PORT 20000
#define PROBE_PORTS 16

/* All of Linux 6.x, the commonest first. */
static const char *const scheduler_names[] = {
        "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos",
};

typedef struct Probe {
        KernelBackend *backend;
        Journal *journal;
        KernelTable *table;
} Probe;

static bool probe_finds(const Probe *probe, const char *name) {
        const ServerState *server;

        for (size_t i = 0; (server = kernel_table_next_server(probe->table, &i));)
                if (server->present && strcmp(server->actual.scheduler, name) == 0)
                        return true;
        return false;
}

/* False: it may be there still. Then it is one of ours that nobody wants, and goes when things may go. */
static bool probe_delete(const Probe *probe, IpvsOp *op) {
        int r;

        op->kind = IPVS_OP_DELETE_SERVICE;
        r = probe->backend->ops->ipvs_apply(probe->backend, op, 1);
        if (r >= 0 && !ipvs_op_failed(op))
                return true;
        (void) kernel_table_set_server(probe->table, &op->service.key, &op->service, NULL, 0, SERVER_OWNER_US);
        return false;
}

/*
 * Noted as ours before it is made: if we end in between, the next start takes it away. Two exchanges, for in one the
 * second would delete a virtual server of somebody else that made the first fail.
 */
static int probe_try(const Probe *probe, IpvsOp *op) {
        int made, r = journal_add(probe->journal, &op->service.key);
        bool gone = true;

        if (r < 0)
                return r;
        (void) journal_flush(probe->journal);
        op->kind = IPVS_OP_ADD_SERVICE;
        r = probe->backend->ops->ipvs_apply(probe->backend, op, 1);
        made = r < 0 ? r : op->result;
        if (r < 0 || made >= 0) /* the channel broke: it may have been made */
                gone = probe_delete(probe, op);
        if (gone)
                (void) journal_remove(probe->journal, &op->service.key);
        return made;
}

/* -ENOENT if the kernel has no such scheduler; -EADDRINUSE if every port is somebody's. */
static int probe_make(const Probe *probe, const char *name) {
        IpvsOp op = { .service.key.protocol = PROTOCOL_TCP };
        int r = -EEXIST;

        (void) ip_addr_parse(PROBE_ADDRESS, &op.service.key.addr);
        (void) snprintf(op.service.scheduler, sizeof(op.service.scheduler), "%s", name);
        for (uint16_t i = 0; i < PROBE_PORTS && r == -EEXIST; i++) {
                const ServerState *server;

                op.service.key.port = (uint16_t) (PROBE_PORT + i);
                server = kernel_table_server(probe->table, &op.service.key);
                if (!server || !server->present)
                        r = probe_try(probe, &op);
        }
        return r == -EEXIST ? -EADDRINUSE : r;
}

static void probe_list(const Probe *probe, char list[static SCHEDULER_LIST_SIZE]) {
        size_t n = 0;

        list[0] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(scheduler_names); i++)
                if (probe_finds(probe, scheduler_names[i]) || probe_make(probe, scheduler_names[i]) == 0)
                        n += (size_t) snprintf(list + n, SCHEDULER_LIST_SIZE - n, "%s%s", n > 0 ? " " : "",
                                               scheduler_names[i]);
}

int scheduler_probe(KernelBackend *backend,
                    Journal *journal,
                    KernelTable *table,
                    const char *name,
                    char ret_list[static SCHEDULER_LIST_SIZE]) {
        const Probe probe = { backend, journal, table };
        int r = probe_finds(&probe, name) ? 0 : probe_make(&probe, name);

        if (r == -ENOENT)
                r = probe_make(&probe, name); /* the daemon ends because of it: it is worth a second question */
        if (r != -ENOENT)
                return r;
        probe_list(&probe, ret_list);
        return -ENOPKG;
}
