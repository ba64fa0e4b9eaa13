/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend that speaks to the kernel: each call is one of the folder's other files. */
#include <errno.h>

#include "kernel/address.h"
#include "kernel/backend.h"
#include "kernel/conntrack.h"
#include "kernel/forward.h"
#include "kernel/ipvs.h"
#include "kernel/listeners.h"
#include "kernel/monitor.h"
#include "kernel/nftables.h"
#include "kernel/sysctl.h"

/* After so many addresses the notifications about them are read, before they fill the socket. */
#define BACKEND_PUMP_EVERY 512

typedef struct NetlinkBackend {
        KernelBackend head; /* first */
        Ipvs *ipvs; /* owned, like all below */
        Addresses *addresses;
        Nftables *nftables;
        Conntrack *conntrack;
        Listeners *listeners;
        Forward *forward;
        Monitor *monitor; /* NULL unless watched */
} NetlinkBackend;

static NetlinkBackend *netlink_backend(KernelBackend *backend) {
        return (NetlinkBackend *) (void *) backend;
}

static KernelBackend *backend_free(KernelBackend *backend) {
        NetlinkBackend *b = netlink_backend(backend);

        (void) monitor_free(b->monitor);
        (void) forward_free(b->forward);
        (void) listeners_free(b->listeners);
        (void) conntrack_free(b->conntrack);
        (void) nftables_free(b->nftables);
        (void) addresses_free(b->addresses);
        (void) ipvs_free(b->ipvs);
        free(b);
        return NULL;
}

/* ---- IPVS */

static int backend_get_info(KernelBackend *backend, KernelInfo *ret) {
        return ipvs_get_info(netlink_backend(backend)->ipvs, ret);
}

static int backend_ipvs_apply(KernelBackend *backend, IpvsOp *ops, size_t n_ops) {
        return ipvs_apply(netlink_backend(backend)->ipvs, ops, n_ops, &backend->n_writes);
}

static int backend_ipvs_dump(KernelBackend *backend, IpvsVisitor visitor, void *userdata) {
        return ipvs_dump(netlink_backend(backend)->ipvs, visitor, userdata);
}

static int backend_ipvs_list(KernelBackend *backend, bool begin, VirtualServerVisitor visitor, void *userdata) {
        return ipvs_list(netlink_backend(backend)->ipvs, begin, visitor, userdata);
}

static int backend_ipvs_read_dests(KernelBackend *backend,
                                   const VirtualServerKey *key,
                                   RealServersVisitor visitor,
                                   void *userdata) {
        return ipvs_read_dests(netlink_backend(backend)->ipvs, key, visitor, userdata);
}

static int backend_ipvs_read(KernelBackend *backend, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata) {
        return ipvs_read(netlink_backend(backend)->ipvs, key, visitor, userdata);
}

static int backend_ipvs_read_many(KernelBackend *backend,
                                  const VirtualServerKey *keys,
                                  size_t n_keys,
                                  IpvsVisitor visitor,
                                  void *userdata) {
        return ipvs_read_many(netlink_backend(backend)->ipvs, keys, n_keys, visitor, userdata);
}

static int backend_ipvs_set_timeouts(KernelBackend *backend, const IpvsTimeouts *timeouts) {
        return ipvs_set_timeouts(netlink_backend(backend)->ipvs, timeouts, &backend->n_writes);
}

static int backend_ipvs_get_timeouts(KernelBackend *backend, IpvsTimeouts *ret) {
        return ipvs_get_timeouts(netlink_backend(backend)->ipvs, ret);
}

/* ---- addresses */

static void backend_tell_device(NetlinkBackend *b) {
        if (b->monitor)
                monitor_set_device(b->monitor, addresses_device(b->addresses));
}

static int backend_device_ensure(KernelBackend *backend) {
        NetlinkBackend *b = netlink_backend(backend);
        int r = addresses_ensure_device(b->addresses, &backend->n_writes);

        backend_tell_device(b);
        return r;
}

static int backend_device_remove(KernelBackend *backend) {
        NetlinkBackend *b = netlink_backend(backend);
        int r = addresses_remove_device(b->addresses, &backend->n_writes);

        backend_tell_device(b);
        return r;
}

static int backend_address_apply(KernelBackend *backend, AddressOp *ops, size_t n_ops) {
        NetlinkBackend *b = netlink_backend(backend);
        int r = 0;

        for (size_t i = 0; i < n_ops; i += BACKEND_PUMP_EVERY) {
                size_t n = MIN2(n_ops - i, (size_t) BACKEND_PUMP_EVERY);

                if (r >= 0)
                        r = addresses_apply(b->addresses, ops + i, n, &backend->n_writes);
                else
                        for (size_t k = i; k < i + n; k++)
                                ops[k].result = r;
                if (b->monitor)
                        monitor_pump(b->monitor, ops + i, n);
        }
        return r;
}

static int backend_address_dump(KernelBackend *backend, AddressVisitor visitor, void *userdata) {
        NetlinkBackend *b = netlink_backend(backend);
        int r = addresses_dump(b->addresses, visitor, userdata);

        backend_tell_device(b);
        return r;
}

/* ---- the rest */

static int backend_filter_ensure(KernelBackend *backend,
                                 const FilterConfig *config,
                                 const FilterElement *elements,
                                 size_t n_elements) {
        NetlinkBackend *b = netlink_backend(backend);
        int r = nftables_ensure(b->nftables, config, elements, n_elements, &backend->n_writes);
        pid_t process = nftables_text_process(b->nftables);

        if (b->monitor && process > 0)
                monitor_pump_filter(b->monitor, process);
        return r;
}

static int backend_filter_is_unchanged(KernelBackend *backend, const FilterConfig *config) {
        return nftables_is_unchanged(netlink_backend(backend)->nftables, config);
}

static int backend_filter_remove(KernelBackend *backend) {
        int r = nftables_remove(netlink_backend(backend)->nftables);

        if (r >= 0)
                backend->n_writes++;
        return r;
}

static int backend_filter_apply(KernelBackend *backend, const FilterOp *ops, size_t n_ops) {
        return nftables_apply(netlink_backend(backend)->nftables, ops, n_ops, &backend->n_writes);
}

static int backend_filter_dump(KernelBackend *backend, unsigned part, FilterVisitor visitor, void *userdata) {
        return nftables_dump(netlink_backend(backend)->nftables, part, visitor, userdata);
}

static int backend_conntrack_flush_udp(KernelBackend *backend,
                                       const ConntrackFlow *flows,
                                       size_t n_flows,
                                       size_t *ret_deleted) {
        int r = conntrack_flush_udp(netlink_backend(backend)->conntrack, flows, n_flows, ret_deleted);

        if (r >= 0)
                backend->n_writes += *ret_deleted;
        return r;
}

static int backend_listener_dump(KernelBackend *backend, ListenerVisitor visitor, void *userdata) {
        return listeners_dump(netlink_backend(backend)->listeners, visitor, userdata);
}

static int backend_forward_drop(KernelBackend *backend, char ret_chain[static FORWARD_CHAIN_SIZE]) {
        return forward_find_drop(netlink_backend(backend)->forward, ret_chain);
}

static int backend_sysctl_read(KernelBackend *backend, const char *name, char **ret_value) {
        return sysctl_read(name, ret_value);
}

static int backend_sysctl_write(KernelBackend *backend, const char *name, const char *value) {
        int r = sysctl_write(name, value);

        if (r >= 0)
                backend->n_writes++;
        return r;
}

static int backend_watch(KernelBackend *backend,
                         sd_event *event,
                         int64_t priority,
                         KernelEventHandler handler,
                         void *userdata) {
        NetlinkBackend *b = netlink_backend(backend);
        MonitorOptions options = {
                .event = event,
                .priority = priority,
                .handler = handler,
                .userdata = userdata,
        };
        int r;

        if (b->monitor)
                return -EBUSY;
        r = addresses_port_id(b->addresses, &options.address_port_id);
        if (r >= 0)
                r = nftables_port_id(b->nftables, &options.filter_port_id);
        if (r >= 0)
                r = monitor_new(&options, &b->monitor);
        if (r >= 0)
                backend_tell_device(b);
        return r;
}

static const KernelBackendOps netlink_backend_ops = {
        .free = backend_free,
        .get_info = backend_get_info,
        .ipvs_apply = backend_ipvs_apply,
        .ipvs_dump = backend_ipvs_dump,
        .ipvs_list = backend_ipvs_list,
        .ipvs_read_dests = backend_ipvs_read_dests,
        .ipvs_read = backend_ipvs_read,
        .ipvs_read_many = backend_ipvs_read_many,
        .ipvs_set_timeouts = backend_ipvs_set_timeouts,
        .ipvs_get_timeouts = backend_ipvs_get_timeouts,
        .device_ensure = backend_device_ensure,
        .device_remove = backend_device_remove,
        .address_apply = backend_address_apply,
        .address_dump = backend_address_dump,
        .filter_ensure = backend_filter_ensure,
        .filter_is_unchanged = backend_filter_is_unchanged,
        .filter_remove = backend_filter_remove,
        .filter_apply = backend_filter_apply,
        .filter_dump = backend_filter_dump,
        .conntrack_flush_udp = backend_conntrack_flush_udp,
        .listener_dump = backend_listener_dump,
        .forward_drop = backend_forward_drop,
        .sysctl_read = backend_sysctl_read,
        .sysctl_write = backend_sysctl_write,
        .watch = backend_watch,
};

int kernel_backend_new(KernelBackend **ret) {
        NetlinkBackend *b = calloc(1, sizeof(NetlinkBackend));
        int r;

        if (!b)
                return -ENOMEM;
        b->head.ops = &netlink_backend_ops;
        r = ipvs_new(&b->ipvs);
        if (r >= 0)
                r = addresses_new(&b->addresses);
        if (r >= 0)
                r = nftables_new(&b->nftables);
        if (r >= 0)
                r = conntrack_new(&b->conntrack);
        if (r >= 0)
                r = listeners_new(&b->listeners);
        if (r >= 0)
                r = forward_new(&b->forward);
        if (r < 0) {
                (void) backend_free(&b->head);
                return r;
        }
        *ret = &b->head;
        return 0;
}
