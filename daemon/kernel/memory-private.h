/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the kernel in memory, for its files. */
#pragma once

#include "common/hash.h"
#include "kernel/memory-backend.h"

typedef struct MemoryBackend MemoryBackend;

typedef struct MemoryServer {
        VirtualServer service;
        RealServerInfo *dests; /* owned; in the order they were added */
        size_t n_dests;
} MemoryServer;

typedef struct MemoryAddress {
        IpAddr addr;
        uint8_t prefix;
} MemoryAddress;

typedef struct MemorySysctl {
        struct MemorySysctl *next;
        char *name, *value; /* owned */
} MemorySysctl;

typedef struct MemoryListener {
        struct MemoryListener *next;
        ListenerInfo info;
} MemoryListener;

typedef struct MemoryFlow {
        struct MemoryFlow *next;
        ConntrackFlow flow;
} MemoryFlow;

typedef struct MemoryKernel {
        unsigned n_ref;
        MemoryBackend *backends; /* borrowed: to deliver events to */

        bool ipvs_missing, ipv4_only;
        const char *scheduler; /* the only one there is; NULL = all of Linux */
        HashMap servers; /* VirtualServerKey → MemoryServer, owned */
        IpvsTimeouts timeouts;
        bool has_device;
        HashMap addresses; /* of kube-ipvs0: IpAddr → MemoryAddress, owned */
        HashMap host; /* of the other devices: likewise */
        char *ruleset; /* owned: what the table was made from; NULL = there is none */
        HashMap elements; /* FilterElement, owned */
        uint64_t n_filter_changes; /* by whomever */
        uint64_t filter_read, filter_known; /* n_filter_changes + 1 at a dump, and when all is as is known; 0 = never */
        MemorySysctl *sysctls; /* owned */
        MemoryFlow *flushed; /* owned */
        MemoryListener *listeners; /* owned */
        char forward_chain[FORWARD_CHAIN_SIZE]; /* "" = nobody drops */

        uint64_t n_operations;
        uint64_t fail_at, fail_every; /* counts of n_operations; 0 = off */
        int fail_error, fail_every_error;
        const char *failed; /* name of the operation that a fault hit last; NULL = none */
        VirtualServerKey fail_key;
        int fail_key_error; /* 0 = off */
        uint64_t hook_at;
        void (*hook)(KernelBackend *backend, void *userdata);
        void *hook_userdata;
        char breach[192];
} MemoryKernel;

struct MemoryBackend {
        KernelBackend head; /* first */
        MemoryKernel *kernel; /* owned reference */
        MemoryBackend *next;
        sd_event_source *source; /* owned; NULL unless watched */
        unsigned pending; /* 1 << KernelEvent */
        VirtualServer *list; /* owned; what ipvs_list() gives: all there was when it began */
        size_t n_list, list_position;
        KernelEventHandler handler;
        void *userdata;
};

static inline MemoryBackend *memory_backend(KernelBackend *backend) {
        return (MemoryBackend *) (void *) backend;
}

static inline MemoryKernel *memory_kernel(const KernelBackend *backend) {
        return ((const MemoryBackend *) (const void *) backend)->kernel;
}

/* Counts one operation, of this member of KernelBackendOps; 0, or what it has to fail with. */
int memory_begin(KernelBackend *backend, const char *operation);
/* How many of its objects a dump visits: one that fails has told of some before, as netlink does. */
size_t memory_dump_size(int fault, size_t n_objects);
void memory_breach(MemoryKernel *kernel, const char *format, ...) _printf_(2, 3);

/* memory-ipvs.c */
int memory_ipvs_change(MemoryKernel *kernel, const IpvsOp *op);
int memory_ipvs_apply(KernelBackend *backend, IpvsOp *ops, size_t n_ops);
int memory_ipvs_dump(KernelBackend *backend, IpvsVisitor visitor, void *userdata);
int memory_ipvs_list(KernelBackend *backend, bool begin, VirtualServerVisitor visitor, void *userdata);
int memory_ipvs_read_dests(KernelBackend *backend,
                           const VirtualServerKey *key,
                           RealServersVisitor visitor,
                           void *userdata);
int memory_ipvs_read(KernelBackend *backend, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata);
int memory_ipvs_read_many(KernelBackend *backend,
                          const VirtualServerKey *keys,
                          size_t n_keys,
                          IpvsVisitor visitor,
                          void *userdata);
void memory_ipvs_done(MemoryKernel *kernel);
RealServerInfo *memory_ipvs_find_dest(const MemoryServer *server, const IpPort *addr);

/* memory-filter.c: addresses and the table */
extern const HashOps memory_address_ops;
int memory_address_change(MemoryKernel *kernel, const AddressOp *op);
int memory_host_change(MemoryKernel *kernel, const IpAddr *addr, uint8_t prefix, bool add);
/* `map` is one of the two. */
void memory_address_clear(HashMap *map);
int memory_device_ensure(KernelBackend *backend);
int memory_device_remove(KernelBackend *backend);
int memory_address_apply(KernelBackend *backend, AddressOp *ops, size_t n_ops);
int memory_address_dump(KernelBackend *backend, AddressVisitor visitor, void *userdata);
int memory_element_change(MemoryKernel *kernel, const FilterOp *op);
void memory_filter_clear(MemoryKernel *kernel);
int memory_filter_ensure(KernelBackend *backend,
                         const FilterConfig *config,
                         const FilterElement *elements,
                         size_t n_elements);
int memory_filter_is_unchanged(KernelBackend *backend, const FilterConfig *config);
int memory_filter_remove(KernelBackend *backend);
int memory_filter_apply(KernelBackend *backend, const FilterOp *ops, size_t n_ops);
int memory_filter_dump(KernelBackend *backend, unsigned part, FilterVisitor visitor, void *userdata);

/* memory-node.c: sysctls, timeouts, conntrack, sockets and other filters */
int memory_node_init(MemoryKernel *kernel);
void memory_node_done(MemoryKernel *kernel);
int memory_get_info(KernelBackend *backend, KernelInfo *ret);
int memory_set_timeouts(KernelBackend *backend, const IpvsTimeouts *timeouts);
int memory_get_timeouts(KernelBackend *backend, IpvsTimeouts *ret);
int memory_flush_udp(KernelBackend *backend, const ConntrackFlow *flows, size_t n_flows, size_t *ret_deleted);
int memory_listener_dump(KernelBackend *backend, ListenerVisitor visitor, void *userdata);
int memory_forward_drop(KernelBackend *backend, char ret_chain[static FORWARD_CHAIN_SIZE]);
int memory_sysctl_read(KernelBackend *backend, const char *name, char **ret_value);
int memory_sysctl_write(KernelBackend *backend, const char *name, const char *value);
