/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel in memory, for tests: behaves as the real one as far as the backend's contract goes (EEXIST, ESRCH,
 * the order of operations, destinations gone with their service), notes what no kernel would tell (an IPVS
 * service whose filter elements are missing), and fails where it is told to.
 */
#pragma once

#include "kernel/backend.h"

int memory_backend_new(KernelBackend **ret);
/* Another backend, with a count of writes of its own, for the same kernel: a daemon that starts again. -ENOMEM. */
int memory_backend_share(KernelBackend *backend, KernelBackend **ret);

/*
 * The n-th operation from now (1 = the next) of any kind fails with `error` (negative); 0 turns it off. -EPIPE in
 * the middle of ipvs_apply() is a channel that breaks: the operation is done, its answer and those behind are lost.
 * -ESRCH, -ENOENT and -EEXIST there are made true: somebody deleted the virtual or real server, or added it; -ENOENT of
 * filter_apply() too: the table is gone. A dump that fails has visited half of its objects.
 */
void memory_backend_fail_nth(KernelBackend *backend, uint64_t n, int error);
/* Every n-th operation fails; 0 turns it off. */
void memory_backend_fail_every(KernelBackend *backend, uint64_t n, int error);
/* The member of KernelBackendOps that last failed by one of these two, "" if none did since memory_backend_fail_nth(). */
const char *memory_backend_failed(const KernelBackend *backend);
/* Every IPVS operation on this virtual server fails; NULL turns it off. */
void memory_backend_fail_server(KernelBackend *backend, const VirtualServerKey *key, int error);
/* Operations done so far: each IPVS and address operation, each transaction, dump, read and sysctl is one. */
uint64_t memory_backend_n_operations(const KernelBackend *backend);
/* Calls `hook` before the n-th operation from now: somebody else is quicker. NULL turns it off. */
void memory_backend_hook_nth(KernelBackend *backend,
                             uint64_t n,
                             void (*hook)(KernelBackend *backend, void *userdata),
                             void *userdata);
/* As long as it is missing every IPVS operation is -ENOPROTOOPT; at first it is there. */
void memory_backend_set_ipvs_missing(KernelBackend *backend, bool missing);

/* A kernel without IPv6: refuses what is of that family with -EAFNOSUPPORT. At first it has both. */
void memory_backend_set_ipv4_only(KernelBackend *backend, bool ipv4_only);
/* This scheduler alone is there, a string that lives on; NULL: all that Linux has, as at first. */
void memory_backend_set_scheduler(KernelBackend *backend, const char *name);

/* Changes behind the daemon's back; events are delivered when the loop runs next. They never fail by a fault. */
int memory_backend_foreign_ipvs(KernelBackend *backend, IpvsOp *op);
/* On kube-ipvs0. */
int memory_backend_foreign_address(KernelBackend *backend, const AddressOp *op);
int memory_backend_foreign_element(KernelBackend *backend, const FilterOp *op);
int memory_backend_add_host_address(KernelBackend *backend, const char *address, uint8_t prefix);
int memory_backend_remove_host_address(KernelBackend *backend, const char *address);
int memory_backend_delete_device(KernelBackend *backend);
int memory_backend_flush_filter(KernelBackend *backend);
void memory_backend_emit(KernelBackend *backend, KernelEvent event);
void memory_backend_set_connections(KernelBackend *backend,
                                    const VirtualServerKey *service,
                                    const IpPort *dest,
                                    uint32_t active,
                                    uint32_t inactive);

/* A process begins to listen, or ends to. No kernel tells of it. -ENOMEM; -ENOENT. */
int memory_backend_add_listener(KernelBackend *backend, const ListenerInfo *listener);
int memory_backend_remove_listener(KernelBackend *backend, const ListenerInfo *listener);

/* Somebody's chain that drops forwarded packets, "ip filter FORWARD"; "" takes it away. */
void memory_backend_set_forward_drop(KernelBackend *backend, const char *chain);

/*
 * The whole state as text, sorted, one object a line ("vs 10.0.0.1:80/TCP rr 0x0 0", "  rs 10.1.0.1:8080 w1",
 * "addr 10.0.0.1", "filter service_ips 10.0.0.1", "flushed 10.0.0.2:53 -> 10.1.0.1:53"); owned by the caller.
 * The addresses of the host are not in it, of what was flushed each once.
 */
char *memory_backend_to_string(const KernelBackend *backend);

/*
 * The first operation that left packets without what has to be there before them, "" if none did: a virtual server
 * without its service_ports, an address on kube-ipvs0 without its guard. Valid until the next operation.
 */
const char *memory_backend_breach(const KernelBackend *backend);
