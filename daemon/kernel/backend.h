/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one seam to the kernel: IPVS, addresses on kube-ipvs0, the nftables table, conntrack, sysctls and the
 * notifications of what others change. Two implementations: kernel_backend_new() speaks netlink,
 * memory_backend_new() keeps tables in memory and can fail at any operation.
 *
 * Calls block for one bounded exchange with the kernel (never for the network), log nothing, and return
 * negative errno as the kernel gave it: -ESRCH and -ENOENT stay apart. A call that fails has changed nothing,
 * or says in each operation's `result` what it changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macros.h"
#include "model/kernel-ops.h"

#define KERNEL_DEVICE_NAME "kube-ipvs0"
#define KERNEL_TABLE_NAME "ipvsproxy"

/* ---- IPVS */

/* A virtual server as read; `dests` in the kernel's order, valid during the call. Negative return ends the dump. */
typedef int (*IpvsVisitor)(const VirtualServer *service,
                           const TrafficStats *stats,
                           const RealServerInfo *dests,
                           size_t n_dests,
                           void *userdata);

/* A virtual server alone, and the real servers of one; as above. */
typedef int (*VirtualServerVisitor)(const VirtualServer *service, void *userdata);
typedef int (*RealServersVisitor)(const RealServerInfo *dests, size_t n_dests, void *userdata);

typedef struct IpvsTimeouts {
        uint32_t tcp_sec, tcp_fin_sec, udp_sec; /* 0 = leave */
} IpvsTimeouts;

/* ---- addresses */

typedef struct AddressInfo {
        IpAddr addr;
        uint8_t prefix;
        bool on_device; /* on kube-ipvs0 */
        int ifindex;
} AddressInfo;

typedef int (*AddressVisitor)(const AddressInfo *address, void *userdata);

/* ---- nftables */

/* See filter_dump(). */
#define FILTER_DUMP_PARTS (2U * _FILTER_SET_MAX)
typedef int (*FilterVisitor)(const FilterElement *element, void *userdata);

/* ---- conntrack */

/*
 * Entries of protocol UDP whose original destination is addr:port (`addr.family` 0: any address, for node ports)
 * and whose replies come from `endpoint` (family 0: that were not translated at all, replies from addr:port).
 */
typedef struct ConntrackFlow {
        IpAddr addr;
        uint16_t port;
        IpPort endpoint;
} ConntrackFlow;

/* ---- sockets */

/* A socket of this host that waits for connections, or for datagrams. */
typedef struct ListenerInfo {
        IpAddr addr; /* unspecified: every address of the family, and those of IPv4 too unless v6_only */
        uint8_t protocol; /* Protocol */
        uint16_t port; /* host order */
        bool v6_only;
        uint32_t uid; /* whose */
        uint32_t inode; /* of the socket, as in /proc/PID/fd */
} ListenerInfo;

typedef int (*ListenerVisitor)(const ListenerInfo *listener, void *userdata);

/* ---- packet filters of others */

/* Room for "ip filter FORWARD", cut short where it is longer. */
#define FORWARD_CHAIN_SIZE 80

/* ---- notifications */

/* What somebody (also this process) changed. Delivered from the event loop, never from within a call. */
typedef enum KernelEvent {
        KERNEL_EVENT_ADDRESS, /* an address appeared or went on another device than kube-ipvs0 */
        KERNEL_EVENT_DEVICE, /* kube-ipvs0 was deleted, renamed, or one of its addresses removed by somebody else */
        KERNEL_EVENT_FILTER, /* our table was changed or deleted by somebody else */
        KERNEL_EVENT_OVERRUN, /* notifications were lost: look at everything */
        _KERNEL_EVENT_MAX,
} KernelEvent;

typedef void (*KernelEventHandler)(KernelEvent event, void *userdata);

typedef struct KernelInfo {
        unsigned release_major, release_minor; /* of the kernel */
        uint32_t ipvs_version; /* 0x010201 = 1.2.1 */
        uint32_t connection_table_size;
        bool ipv4_only; /* booted with ipv6.disable=1, or built without IPv6 */
} KernelInfo;

typedef struct KernelBackend KernelBackend;

typedef struct KernelBackendOps {
        KernelBackend *(*free)(KernelBackend *backend);

        /* -ENOPROTOOPT where the kernel has no IPVS. */
        int (*get_info)(KernelBackend *backend, KernelInfo *ret);

        /*
         * In order, in few sends. 0 when every operation has an answer (look at `result`), else the error of the
         * channel. A failed operation does not stop those behind it.
         */
        int (*ipvs_apply)(KernelBackend *backend, IpvsOp *ops, size_t n_ops);
        /* All virtual servers with their real servers, consistent: an interrupted dump is begun again (-EAGAIN after some). */
        int (*ipvs_dump)(KernelBackend *backend, IpvsVisitor visitor, void *userdata);
        /*
         * The same in pieces, for who must not be away for long: some virtual servers, from the first on or behind those
         * that it gave last; 1 = there are more. Where some come or go meanwhile others may be left out or told twice. On -errno
         * it is begun again, …
         */
        int (*ipvs_list)(KernelBackend *backend, bool begin, VirtualServerVisitor visitor, void *userdata);
        /* … then the real servers of each, in one call of the visitor; -ESRCH: the virtual server is not there any more. */
        int (*ipvs_read_dests)(KernelBackend *backend,
                               const VirtualServerKey *key,
                               RealServersVisitor visitor,
                               void *userdata);
        /* One of them; -ESRCH if there is none. */
        int (*ipvs_read)(KernelBackend *backend, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata);
        /*
         * Several of them in few calls of the kernel, for their counters and connections: of one that has counted nothing
         * the real servers are not asked for. One that is not there, or whose answer was lost, is left out.
         */
        int (*ipvs_read_many)(KernelBackend *backend,
                              const VirtualServerKey *keys,
                              size_t n_keys,
                              IpvsVisitor visitor,
                              void *userdata);
        int (*ipvs_set_timeouts)(KernelBackend *backend, const IpvsTimeouts *timeouts);
        int (*ipvs_get_timeouts)(KernelBackend *backend, IpvsTimeouts *ret);

        /* Makes kube-ipvs0 (type dummy, left down, NOARP). 1 = made it, 0 = was there, -EEXIST: of another type. */
        int (*device_ensure)(KernelBackend *backend);
        /* For --cleanup: with all its addresses. 0 also where there is none; -EEXIST: of another type, left alone. */
        int (*device_remove)(KernelBackend *backend);
        int (*address_apply)(KernelBackend *backend, AddressOp *ops, size_t n_ops);
        /* Every address of the host, of both families. */
        int (*address_dump)(KernelBackend *backend, AddressVisitor visitor, void *userdata);

        /*
         * Makes the table, with the rules of `config` and empty sets. Where the same table (made by this version
         * from an equal configuration) is there, nothing is written and its elements stay: 0. 1 = made anew, in one
         * transaction with `elements`, so that no packet sees it half-made.
         */
        int (*filter_ensure)(KernelBackend *backend,
                             const FilterConfig *config,
                             const FilterElement *elements,
                             size_t n_elements);
        /*
         * 1 = nothing was changed but by filter_apply() since filter_dump() and then filter_ensure() with this configuration:
         * both would say what is known. 0 = that cannot be told. Cheap, however much there is.
         */
        int (*filter_is_unchanged)(KernelBackend *backend, const FilterConfig *config);
        /* For --cleanup; 0 also where there is none. */
        int (*filter_remove)(KernelBackend *backend);
        /* All in one transaction; on failure none is applied. */
        int (*filter_apply)(KernelBackend *backend, const FilterOp *ops, size_t n_ops);
        /*
         * The elements of one set in one family: parts 0 to FILTER_DUMP_PARTS - 1, in that order. -ENOENT where there is
         * no table.
         */
        int (*filter_dump)(KernelBackend *backend, unsigned part, FilterVisitor visitor, void *userdata);

        /* One pass over the table for all flows. Counts what it deleted. */
        int (*conntrack_flush_udp)(KernelBackend *backend,
                                   const ConntrackFlow *flows,
                                   size_t n_flows,
                                   size_t *ret_deleted);

        /* All of both families; of a protocol that the kernel cannot list, none. A socket may be visited twice. */
        int (*listener_dump)(KernelBackend *backend, ListenerVisitor visitor, void *userdata);

        /* 1 = somebody's chain has the policy to drop forwarded packets, and its name; 0 = none has, and "". */
        int (*forward_drop)(KernelBackend *backend, char ret_chain[static FORWARD_CHAIN_SIZE]);

        /* Below /proc/sys: "net/ipv4/vs/conntrack". Value without newline, owned by the caller. */
        int (*sysctl_read)(KernelBackend *backend, const char *name, char **ret_value);
        int (*sysctl_write)(KernelBackend *backend, const char *name, const char *value);

        /* At most once; the handler's events have `priority`. */
        int (*watch)(KernelBackend *backend,
                     sd_event *event,
                     int64_t priority,
                     KernelEventHandler handler,
                     void *userdata);
} KernelBackendOps;

/* The head of every implementation's own struct. */
struct KernelBackend {
        const KernelBackendOps *ops;
        uint64_t n_writes; /* messages sent so far that change something: 0 after a start with nothing to do */
};

static inline KernelBackend *kernel_backend_free(KernelBackend *backend) {
        return backend ? backend->ops->free(backend) : NULL;
}
DEFINE_CLEANUP(KernelBackend *, kernel_backend_free);

/* What a part of filter_dump() is of. */
static inline FilterSet filter_dump_set(unsigned part) {
        return (FilterSet) (part / 2);
}

static inline int filter_dump_family(unsigned part) {
        return part % 2 == 0 ? AF_INET : AF_INET6;
}

/* All parts. */
static inline int kernel_backend_dump_filter(KernelBackend *backend, FilterVisitor visitor, void *userdata) {
        int r = 0;

        for (unsigned part = 0; part < FILTER_DUMP_PARTS && r >= 0; part++)
                r = backend->ops->filter_dump(backend, part, visitor, userdata);
        return r;
}

/* Netlink. Opens nothing before the first call of a kind. */
int kernel_backend_new(KernelBackend **ret);
