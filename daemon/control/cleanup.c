/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/cleanup.h"

#include <errno.h>

#include "common/hash.h"
#include "common/log.h"
#include "control/adopt.h"
#include "control/journal.h"
#include "control/node-setup.h"

typedef struct Cleanup {
        KernelBackend *backend;
        const ManagerOptions *options;
        Journal *journal; /* owned */
        KernelTable *table; /* owned: the addresses of the device */
        IpvsOp *ops; /* owned: the deletions */
        size_t n_ops, n_allocated;
} Cleanup;

static void cleanup_done(Cleanup *cleanup) {
        (void) journal_free(cleanup->journal);
        (void) kernel_table_free(cleanup->table);
        free(cleanup->ops);
}

static int cleanup_visit_address(const AddressInfo *address, void *userdata) {
        Cleanup *cleanup = userdata;

        return address->on_device ? kernel_table_set_address(cleanup->table, &address->addr, true) : 0;
}

static int cleanup_visit_server(const VirtualServer *service,
                                const TrafficStats *stats,
                                const RealServerInfo *dests,
                                size_t n_dests,
                                void *userdata) {
        Cleanup *cleanup = userdata;
        AdoptParts parts = {
                .table = cleanup->table,
                .journal = cleanup->journal,
                .exclude_cidrs = cleanup->options->exclude_cidrs,
                .n_exclude_cidrs = cleanup->options->n_exclude_cidrs,
        };

        if (adopt_owner_of(&parts, &service->key) == SERVER_OWNER_FOREIGN)
                return 0;
        if (cleanup->n_ops == cleanup->n_allocated) {
                size_t n = MAX2(cleanup->n_allocated * 2, (size_t) 64);
                IpvsOp *bigger = reallocarray(cleanup->ops, n, sizeof(IpvsOp));

                if (!bigger)
                        return -ENOMEM;
                cleanup->ops = bigger;
                cleanup->n_allocated = n;
        }
        cleanup->ops[cleanup->n_ops++] = (IpvsOp) { .kind = IPVS_OP_DELETE_SERVICE, .service = { .key = service->key } };
        return 0;
}

static int cleanup_remove_servers(Cleanup *cleanup) {
        KernelBackend *backend = cleanup->backend;
        size_t n_removed = 0;
        int r, first = 0;

        r = backend->ops->ipvs_dump(backend, cleanup_visit_server, cleanup);
        if (r == -ENOPROTOOPT)
                return 0;
        if (r >= 0 && cleanup->n_ops > 0)
                r = backend->ops->ipvs_apply(backend, cleanup->ops, cleanup->n_ops);
        if (r < 0)
                return log_error_errno(r, "Failed to remove the virtual servers: %m");
        for (size_t i = 0; i < cleanup->n_ops; i++) {
                char text[VIRTUAL_SERVER_STRLEN];

                r = cleanup->ops[i].result;
                n_removed += r >= 0;
                if (r < 0 && r != -ESRCH)
                        first = log_error_errno(r,
                                                "Failed to remove the virtual server %s: %m",
                                                virtual_server_key_format(&cleanup->ops[i].service.key, text));
        }
        log_info("Removed %zu virtual servers", n_removed);
        return first;
}

static int cleanup_read(Cleanup *cleanup) {
        size_t n_bad = 0;
        int r;

        r = journal_new(cleanup->options->state_directory,
                        cleanup->options->dry_run ? JOURNAL_READ_ONLY : JOURNAL_READ_WRITE,
                        &cleanup->journal);
        if (r >= 0)
                r = kernel_table_new(&cleanup->table);
        if (r < 0)
                return log_oom();
        r = journal_load(cleanup->journal, &n_bad);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to read the ownership journal, only what is on " KERNEL_DEVICE_NAME " is removed: %m");
        r = cleanup->backend->ops->address_dump(cleanup->backend, cleanup_visit_address, cleanup);
        return r < 0 ? log_error_errno(r, "Failed to read the addresses of " KERNEL_DEVICE_NAME ": %m") : 0;
}

int cleanup_run(KernelBackend *backend, const ManagerOptions *options) {
        _cleanup_(cleanup_done) Cleanup cleanup = { .backend = backend, .options = options };
        int r, first;

        first = cleanup_read(&cleanup);
        if (first < 0)
                return first;
        first = cleanup_remove_servers(&cleanup);
        r = backend->ops->device_remove(backend);
        if (r < 0) {
                (void) log_error_errno(r, "Failed to remove the device " KERNEL_DEVICE_NAME ": %m");
                first = first < 0 ? first : r;
        }
        r = backend->ops->filter_remove(backend);
        if (r < 0) {
                (void) log_error_errno(r, "Failed to remove the nftables table inet " KERNEL_TABLE_NAME ": %m");
                first = first < 0 ? first : r;
        }
        r = node_setup_undo(backend, options->dry_run ? NULL : options->state_directory);
        first = first < 0 ? first : MIN2(r, 0);
        if (first >= 0) {
                first = journal_erase(cleanup.journal);
                if (first < 0)
                        (void) log_error_errno(first, "Failed to remove the ownership journal: %m");
        }
        return first;
}
