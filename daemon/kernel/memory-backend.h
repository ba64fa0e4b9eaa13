/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel in memory, for tests: behaves as the real one as far as the backend's contract goes (EEXIST, ESRCH,
 * the order of operations, destinations gone with their service), checks what no kernel would tell (an IPVS
 * service whose filter elements are missing), and fails where it is told to.
 */
#pragma once

#include "kernel/backend.h"

int memory_backend_new(KernelBackend **ret);

/* The n-th operation from now (1 = the next) of any kind fails with `error` (negative); 0 turns it off. */
void memory_backend_fail_nth(KernelBackend *backend, uint64_t n, int error);
/* Every n-th operation fails. */
void memory_backend_fail_every(KernelBackend *backend, uint64_t n, int error);
/* Operations done so far. */
uint64_t memory_backend_n_operations(const KernelBackend *backend);

/* Changes behind the daemon's back; events are delivered when the loop runs next. */
int memory_backend_foreign_ipvs(KernelBackend *backend, IpvsOp *op);
int memory_backend_add_host_address(KernelBackend *backend, const char *address, uint8_t prefix);
int memory_backend_remove_host_address(KernelBackend *backend, const char *address);
int memory_backend_delete_device(KernelBackend *backend);
int memory_backend_flush_filter(KernelBackend *backend);
void memory_backend_set_connections(KernelBackend *backend,
                                    const VirtualServerKey *service,
                                    const IpPort *dest,
                                    uint32_t active,
                                    uint32_t inactive);

/*
 * The whole state as text, sorted, one object a line ("vs 10.0.0.1:80/TCP rr 0x0 0", "  rs 10.1.0.1:8080 w1",
 * "addr 10.0.0.1", "filter service_ips 10.0.0.1", "flushed 10.0.0.2:53 -> 10.1.0.1:53"); owned by the caller.
 */
char *memory_backend_to_string(const KernelBackend *backend);
