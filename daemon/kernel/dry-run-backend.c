/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/dry-run-backend.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>

#include "kernel/ruleset-set.h"

typedef struct DryRunBackend {
        KernelBackend head; /* first */
        KernelBackend *inner; /* owned */
        FILE *out;
        uint64_t n_changes;
} DryRunBackend;

static DryRunBackend *dry_run(KernelBackend *backend) {
        return (DryRunBackend *) (void *) backend;
}

static KernelBackend *inner(KernelBackend *backend) {
        return dry_run(backend)->inner;
}

_printf_(2, 3) static void dry_run_print(KernelBackend *backend, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vfprintf(dry_run(backend)->out, format, args);
        va_end(args);
        (void) fputc('\n', dry_run(backend)->out);
        dry_run(backend)->n_changes++;
}

static KernelBackend *dry_run_free(KernelBackend *backend) {
        (void) kernel_backend_free(inner(backend));
        free(backend);
        return NULL;
}

/* ---- what is read goes through */

static int dry_run_get_info(KernelBackend *backend, KernelInfo *ret) {
        return inner(backend)->ops->get_info(inner(backend), ret);
}

static int dry_run_ipvs_dump(KernelBackend *backend, IpvsVisitor visitor, void *userdata) {
        return inner(backend)->ops->ipvs_dump(inner(backend), visitor, userdata);
}

static int dry_run_ipvs_list(KernelBackend *backend, bool begin, VirtualServerVisitor visitor, void *userdata) {
        return inner(backend)->ops->ipvs_list(inner(backend), begin, visitor, userdata);
}

static int dry_run_ipvs_read_dests(KernelBackend *backend,
                                   const VirtualServerKey *key,
                                   RealServersVisitor visitor,
                                   void *userdata) {
        return inner(backend)->ops->ipvs_read_dests(inner(backend), key, visitor, userdata);
}

static int dry_run_ipvs_read(KernelBackend *backend, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata) {
        return inner(backend)->ops->ipvs_read(inner(backend), key, visitor, userdata);
}

static int dry_run_ipvs_read_many(KernelBackend *backend,
                                  const VirtualServerKey *keys,
                                  size_t n_keys,
                                  IpvsVisitor visitor,
                                  void *userdata) {
        return inner(backend)->ops->ipvs_read_many(inner(backend), keys, n_keys, visitor, userdata);
}

static int dry_run_ipvs_get_timeouts(KernelBackend *backend, IpvsTimeouts *ret) {
        return inner(backend)->ops->ipvs_get_timeouts(inner(backend), ret);
}

static int dry_run_address_dump(KernelBackend *backend, AddressVisitor visitor, void *userdata) {
        return inner(backend)->ops->address_dump(inner(backend), visitor, userdata);
}

static int dry_run_filter_is_unchanged(KernelBackend *backend, const FilterConfig *config) {
        return inner(backend)->ops->filter_is_unchanged(inner(backend), config);
}

static int dry_run_filter_dump(KernelBackend *backend, unsigned part, FilterVisitor visitor, void *userdata) {
        return inner(backend)->ops->filter_dump(inner(backend), part, visitor, userdata);
}

static int dry_run_listener_dump(KernelBackend *backend, ListenerVisitor visitor, void *userdata) {
        return inner(backend)->ops->listener_dump(inner(backend), visitor, userdata);
}

static int dry_run_forward_drop(KernelBackend *backend, char ret_chain[static FORWARD_CHAIN_SIZE]) {
        return inner(backend)->ops->forward_drop(inner(backend), ret_chain);
}

static int dry_run_sysctl_read(KernelBackend *backend, const char *name, char **ret_value) {
        return inner(backend)->ops->sysctl_read(inner(backend), name, ret_value);
}

/* What others do meanwhile is not followed: one look is what was asked for. */
static int dry_run_watch(KernelBackend *backend,
                         sd_event *event,
                         int64_t priority,
                         KernelEventHandler handler,
                         void *userdata) {
        return 0;
}

/* ---- what is written is printed */

static void dry_run_print_ipvs(KernelBackend *backend, const IpvsOp *op) {
        static const char signs[_IPVS_OP_MAX] = {
                [IPVS_OP_ADD_SERVICE] = '+', [IPVS_OP_SET_SERVICE] = '~', [IPVS_OP_DELETE_SERVICE] = '-',
                [IPVS_OP_ADD_DEST] = '+',    [IPVS_OP_SET_DEST] = '~',    [IPVS_OP_DELETE_DEST] = '-',
        };
        char server[VIRTUAL_SERVER_STRLEN], dest[IP_PORT_STRLEN];

        (void) virtual_server_key_format(&op->service.key, server);
        (void) ip_port_format(&op->dest.addr.addr, op->dest.addr.port, dest);
        switch (op->kind) {
        case IPVS_OP_ADD_SERVICE:
        case IPVS_OP_SET_SERVICE:
                dry_run_print(backend,
                              "%c virtual server %s scheduler %s flags 0x%" PRIx32 " persistence %" PRIu32 "s",
                              signs[op->kind],
                              server,
                              op->service.scheduler,
                              op->service.flags,
                              op->service.timeout_sec);
                break;
        case IPVS_OP_DELETE_SERVICE:
                dry_run_print(backend, "- virtual server %s", server);
                break;
        case IPVS_OP_ADD_DEST:
        case IPVS_OP_SET_DEST:
                dry_run_print(backend,
                              "%c real server %s of %s weight %" PRIu32,
                              signs[op->kind],
                              dest,
                              server,
                              op->dest.weight);
                break;
        case IPVS_OP_DELETE_DEST:
                dry_run_print(backend, "- real server %s of %s", dest, server);
                break;
        case _IPVS_OP_MAX:
                break;
        }
}

static int dry_run_ipvs_apply(KernelBackend *backend, IpvsOp *ops, size_t n_ops) {
        for (size_t i = 0; i < n_ops; i++) {
                dry_run_print_ipvs(backend, &ops[i]);
                ops[i].result = 0;
        }
        return 0;
}

static int dry_run_ipvs_set_timeouts(KernelBackend *backend, const IpvsTimeouts *timeouts) {
        dry_run_print(backend,
                      "~ IPVS timeouts tcp %" PRIu32 "s tcpfin %" PRIu32 "s udp %" PRIu32 "s (0: as it is)",
                      timeouts->tcp_sec,
                      timeouts->tcp_fin_sec,
                      timeouts->udp_sec);
        return 0;
}

static int dry_run_device_ensure(KernelBackend *backend) {
        if (if_nametoindex(KERNEL_DEVICE_NAME) > 0)
                return 0;
        dry_run_print(backend, "+ device " KERNEL_DEVICE_NAME);
        return 1;
}

static int dry_run_device_remove(KernelBackend *backend) {
        if (if_nametoindex(KERNEL_DEVICE_NAME) > 0)
                dry_run_print(backend, "- device " KERNEL_DEVICE_NAME);
        return 0;
}

static int dry_run_address_apply(KernelBackend *backend, AddressOp *ops, size_t n_ops) {
        char text[IP_ADDR_STRLEN];

        for (size_t i = 0; i < n_ops; i++) {
                dry_run_print(backend, "%c address %s", ops[i].add ? '+' : '-', ip_addr_format(&ops[i].addr, text));
                ops[i].result = 0;
        }
        return 0;
}

static int dry_run_count(const FilterElement *element, void *userdata) {
        return 0;
}

/* Whether its rules are the same cannot be told without making it; elements are compared as always. */
static int dry_run_filter_ensure(KernelBackend *backend,
                                 const FilterConfig *config,
                                 const FilterElement *elements,
                                 size_t n_elements) {
        int r = inner(backend)->ops->filter_dump(inner(backend), 0, dry_run_count, NULL);

        if (r != -ENOENT)
                return r;
        dry_run_print(backend, "+ table inet " KERNEL_TABLE_NAME);
        return 1;
}

static int dry_run_filter_remove(KernelBackend *backend) {
        if (inner(backend)->ops->filter_dump(inner(backend), 0, dry_run_count, NULL) != -ENOENT)
                dry_run_print(backend, "- table inet " KERNEL_TABLE_NAME);
        return 0;
}

static int dry_run_filter_apply(KernelBackend *backend, const FilterOp *ops, size_t n_ops) {
        char set[RULESET_SET_NAME_SIZE];

        for (size_t i = 0; i < n_ops; i++) {
                int r = ruleset_set_name(&ops[i].element, set);

                if (r < 0)
                        return r;
                (void) fprintf(dry_run(backend)->out, "%c element %s { ", ops[i].add ? '+' : '-', set);
                ruleset_print_element(dry_run(backend)->out, &ops[i].element);
                dry_run_print(backend, " }");
        }
        return 0;
}

static int dry_run_conntrack_flush_udp(KernelBackend *backend,
                                       const ConntrackFlow *flows,
                                       size_t n_flows,
                                       size_t *ret_deleted) {
        char addr[IP_PORT_STRLEN], endpoint[IP_PORT_STRLEN];

        for (size_t i = 0; i < n_flows; i++)
                dry_run_print(backend,
                              "- conntrack entries udp %s -> %s",
                              ip_port_format(&flows[i].addr, flows[i].port, addr),
                              ip_port_format(&flows[i].endpoint.addr, flows[i].endpoint.port, endpoint));
        *ret_deleted = 0;
        return 0;
}

static int dry_run_sysctl_write(KernelBackend *backend, const char *name, const char *value) {
        dry_run_print(backend, "~ sysctl %s = %s", name, value);
        return 0;
}

static const KernelBackendOps dry_run_ops = {
        .free = dry_run_free,
        .get_info = dry_run_get_info,
        .ipvs_apply = dry_run_ipvs_apply,
        .ipvs_dump = dry_run_ipvs_dump,
        .ipvs_list = dry_run_ipvs_list,
        .ipvs_read_dests = dry_run_ipvs_read_dests,
        .ipvs_read = dry_run_ipvs_read,
        .ipvs_read_many = dry_run_ipvs_read_many,
        .ipvs_set_timeouts = dry_run_ipvs_set_timeouts,
        .ipvs_get_timeouts = dry_run_ipvs_get_timeouts,
        .device_ensure = dry_run_device_ensure,
        .device_remove = dry_run_device_remove,
        .address_apply = dry_run_address_apply,
        .address_dump = dry_run_address_dump,
        .filter_ensure = dry_run_filter_ensure,
        .filter_is_unchanged = dry_run_filter_is_unchanged,
        .filter_remove = dry_run_filter_remove,
        .filter_apply = dry_run_filter_apply,
        .filter_dump = dry_run_filter_dump,
        .conntrack_flush_udp = dry_run_conntrack_flush_udp,
        .listener_dump = dry_run_listener_dump,
        .forward_drop = dry_run_forward_drop,
        .sysctl_read = dry_run_sysctl_read,
        .sysctl_write = dry_run_sysctl_write,
        .watch = dry_run_watch,
};

int dry_run_backend_new(KernelBackend *wrapped, FILE *out, KernelBackend **ret) {
        DryRunBackend *backend = calloc(1, sizeof(DryRunBackend));

        if (!backend) {
                (void) kernel_backend_free(wrapped);
                return -ENOMEM;
        }
        *backend = (DryRunBackend) { .head = { .ops = &dry_run_ops }, .inner = wrapped, .out = out };
        *ret = &backend->head;
        return 0;
}

uint64_t dry_run_backend_n_changes(const KernelBackend *backend) {
        return ((const DryRunBackend *) (const void *) backend)->n_changes;
}
