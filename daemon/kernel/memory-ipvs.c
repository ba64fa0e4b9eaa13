/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel in memory: virtual servers, with the errors of net/netfilter/ipvs/ip_vs_ctl.c. */
#include <errno.h>
#include <string.h>

#include "kernel/memory-private.h"

static bool memory_knows_scheduler(const MemoryKernel *kernel, const char *name) {
        static const char *const names[] = { "rr",  "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
                                             "sh",  "sed", "nq", "fo",  "ovf",  "mh", "twos" };

        if (kernel->scheduler)
                return strcmp(name, kernel->scheduler) == 0;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

void memory_backend_set_scheduler(KernelBackend *backend, const char *name) {
        memory_kernel(backend)->scheduler = name;
}

RealServerInfo *memory_ipvs_find_dest(const MemoryServer *server, const IpPort *addr) {
        for (size_t i = 0; i < server->n_dests; i++)
                if (ip_port_compare(&server->dests[i].server.addr, addr) == 0)
                        return &server->dests[i];
        return NULL;
}

static void memory_server_free(MemoryServer *server) {
        free(server->dests);
        free(server);
}

void memory_ipvs_done(MemoryKernel *kernel) {
        MemoryServer *server;

        for (size_t i = 0; (server = hashmap_next(&kernel->servers, &i));)
                memory_server_free(server);
        hashmap_done(&kernel->servers);
}

/* ---- one operation */

static int memory_add_service(MemoryKernel *kernel, const VirtualServer *service) {
        MemoryServer *server;

        server = calloc(1, sizeof(MemoryServer));
        if (!server)
                return -ENOMEM;
        server->service = *service;
        if (hashmap_put(&kernel->servers, &server->service.key, server) < 0) {
                memory_server_free(server);
                return -ENOMEM;
        }
        return 0;
}

static int memory_add_dest(MemoryServer *server, const RealServer *dest) {
        RealServerInfo *bigger = reallocarray(server->dests, server->n_dests + 1, sizeof(RealServerInfo));

        if (!bigger)
                return -ENOMEM;
        server->dests = bigger;
        server->dests[server->n_dests++] = (RealServerInfo) { .server = *dest };
        return 0;
}

static void memory_delete_dest(MemoryServer *server, RealServerInfo *dest) {
        size_t i = (size_t) (dest - server->dests);

        memmove(dest, dest + 1, (server->n_dests - i - 1) * sizeof(RealServerInfo));
        server->n_dests--;
}

static int memory_change_service(MemoryKernel *kernel, MemoryServer *server, const IpvsOp *op) {
        if (op->kind == IPVS_OP_DELETE_SERVICE) {
                if (!server)
                        return -ESRCH;
                (void) hashmap_remove(&kernel->servers, &op->service.key);
                memory_server_free(server);
                return 0;
        }
        if (op->kind == IPVS_OP_ADD_SERVICE && server)
                return -EEXIST;
        if (op->kind == IPVS_OP_SET_SERVICE && !server)
                return -ESRCH;
        if (!memory_knows_scheduler(kernel, op->service.scheduler))
                return -ENOENT;
        if (!server)
                return memory_add_service(kernel, &op->service);
        server->service = op->service;
        return 0;
}

static int memory_change_dest(MemoryServer *server, const IpvsOp *op) {
        RealServerInfo *dest;

        if (!server)
                return -ESRCH;
        dest = memory_ipvs_find_dest(server, &op->dest.addr);
        if (op->kind == IPVS_OP_ADD_DEST)
                return dest ? -EEXIST : memory_add_dest(server, &op->dest);
        if (!dest)
                return -ENOENT;
        if (op->kind == IPVS_OP_DELETE_DEST)
                memory_delete_dest(server, dest);
        else
                dest->server = op->dest;
        return 0;
}

int memory_ipvs_change(MemoryKernel *kernel, const IpvsOp *op) {
        MemoryServer *server = hashmap_get(&kernel->servers, &op->service.key);

        switch (op->kind) {
        case IPVS_OP_ADD_SERVICE:
        case IPVS_OP_SET_SERVICE:
        case IPVS_OP_DELETE_SERVICE:
                return memory_change_service(kernel, server, op);
        case IPVS_OP_ADD_DEST:
        case IPVS_OP_SET_DEST:
        case IPVS_OP_DELETE_DEST:
                return memory_change_dest(server, op);
        case _IPVS_OP_MAX:
                break;
        }
        return -EINVAL;
}

/* ---- the backend's calls */

/* Where Kubernetes takes node ports from. */
#define MEMORY_NODE_PORT_FIRST 30000

/* 198.51.100.0/24 is nobody's: what is tried there is no service. */
static bool memory_is_documentation(const IpAddr *addr) {
        static const uint8_t net[] = { 198, 51, 100 };

        return addr->family == AF_INET && memcmp(addr->bytes, net, sizeof(net)) == 0;
}

/*
 * DESIGN §7: filter sets first. An address of the host is no service address: others are served on it too. It may have
 * gone a moment ago; then it is known by the port. Where somebody took the whole table away nothing is in it.
 */
static void memory_check_op(MemoryKernel *kernel, const IpvsOp *op) {
        const VirtualServerKey *key = &op->service.key;
        FilterElement element = {
                .set = FILTER_SET_SERVICE_PORTS,
                .protocol = key->protocol,
                .port = key->port,
                .addr = key->addr,
        };
        char text[VIRTUAL_SERVER_STRLEN];

        if ((op->kind != IPVS_OP_ADD_SERVICE && op->kind != IPVS_OP_ADD_DEST) || !kernel->ruleset ||
            key->port >= MEMORY_NODE_PORT_FIRST || memory_is_documentation(&key->addr))
                return;
        if (!hashmap_get(&kernel->host, &key->addr) && !hashmap_get(&kernel->elements, &element))
                memory_breach(kernel,
                              "%s %s: it is not in service_ports",
                              ipvs_op_kind_to_string(op->kind),
                              virtual_server_key_format(key, text));
}

static int memory_ipvs_fault(KernelBackend *backend, const char *operation, const VirtualServerKey *key) {
        MemoryKernel *kernel = memory_kernel(backend);
        int r = memory_begin(backend, operation);

        if (r < 0)
                return r;
        if (kernel->ipvs_missing)
                return -ENOPROTOOPT;
        if (key && key->addr.family == AF_INET6 && kernel->ipv4_only)
                return -EAFNOSUPPORT;
        if (key && kernel->fail_key_error < 0 && memcmp(key, &kernel->fail_key, sizeof(*key)) == 0)
                return kernel->fail_key_error;
        return 0;
}

/*
 * An error that says something about what the kernel holds is made true: somebody else was quicker. What is deleted
 * then stays deleted, what is added is there. Returns the error that follows.
 */
static int memory_make_true(MemoryKernel *kernel, const IpvsOp *op, int error) {
        IpvsOp other = *op;

        if (error == -ESRCH)
                other.kind = IPVS_OP_DELETE_SERVICE;
        else if (error == -ENOENT && (op->kind == IPVS_OP_SET_DEST || op->kind == IPVS_OP_DELETE_DEST))
                other.kind = IPVS_OP_DELETE_DEST;
        else if (error != -EEXIST || op->kind != IPVS_OP_ADD_DEST)
                return error;
        (void) memory_ipvs_change(kernel, &other);
        return memory_ipvs_change(kernel, op);
}

int memory_ipvs_apply(KernelBackend *backend, IpvsOp *ops, size_t n_ops) {
        MemoryKernel *kernel = memory_kernel(backend);

        if (kernel->ipvs_missing)
                return -ENOPROTOOPT;
        for (size_t i = 0; i < n_ops; i++) {
                int r = memory_ipvs_fault(backend, "ipvs_apply", &ops[i].service.key);

                backend->n_writes++;
                if (r == 0 || r == -EPIPE) {
                        memory_check_op(kernel, &ops[i]);
                        ops[i].result = memory_ipvs_change(kernel, &ops[i]);
                } else {
                        ops[i].result = memory_make_true(kernel, &ops[i], r);
                }
                if (r == -EPIPE) {
                        for (size_t k = i; k < n_ops; k++)
                                ops[k].result = -ECANCELED;
                        return r;
                }
        }
        return 0;
}

/* A copy, because the visitor may change the kernel by another call. */
static int memory_visit_dests(const MemoryServer *server, RealServersVisitor visitor, void *userdata) {
        _cleanup_(freep) RealServerInfo *dests = calloc(server->n_dests + 1, sizeof(RealServerInfo));

        if (!dests)
                return -ENOMEM;
        if (server->n_dests > 0)
                memcpy(dests, server->dests, server->n_dests * sizeof(RealServerInfo));
        return visitor(dests, server->n_dests, userdata);
}

static int memory_visit(const MemoryServer *server, IpvsVisitor visitor, void *userdata) {
        _cleanup_(freep) RealServerInfo *dests = calloc(server->n_dests + 1, sizeof(RealServerInfo));
        VirtualServer service = server->service;
        TrafficStats stats = {};

        if (!dests)
                return -ENOMEM;
        for (size_t i = 0; i < server->n_dests; i++) {
                dests[i] = server->dests[i];
                stats.connections += dests[i].stats.connections;
        }
        return visitor(&service, &stats, dests, server->n_dests, userdata);
}

int memory_ipvs_dump(KernelBackend *backend, IpvsVisitor visitor, void *userdata) {
        MemoryKernel *kernel = memory_kernel(backend);
        const MemoryServer *server;
        int fault = memory_ipvs_fault(backend, "ipvs_dump", NULL), r = 0;
        size_t left = memory_dump_size(fault, kernel->servers.n_entries);

        for (size_t i = 0; r >= 0 && left-- > 0 && (server = hashmap_next(&kernel->servers, &i));)
                r = memory_visit(server, visitor, userdata);
        return r < 0 ? r : fault;
}

static int memory_list_begin(MemoryBackend *memory) {
        const MemoryServer *server;

        free(memory->list);
        memory->n_list = memory->list_position = 0;
        memory->list = calloc(memory->kernel->servers.n_entries + 1, sizeof(VirtualServer));
        if (!memory->list)
                return -ENOMEM;
        for (size_t i = 0; (server = hashmap_next(&memory->kernel->servers, &i));)
                memory->list[memory->n_list++] = server->service;
        return 0;
}

/* A few at a time. */
#define LIST_STEP 2

int memory_ipvs_list(KernelBackend *backend, bool begin, VirtualServerVisitor visitor, void *userdata) {
        MemoryBackend *memory = memory_backend(backend);
        int fault = memory_ipvs_fault(backend, "ipvs_list", NULL), r = begin ? memory_list_begin(memory) : 0;
        size_t left = memory_dump_size(fault, LIST_STEP);

        while (r >= 0 && left-- > 0 && memory->list_position < memory->n_list)
                r = visitor(&memory->list[memory->list_position++], userdata);
        if (r < 0 || fault < 0)
                return r < 0 ? r : fault;
        return memory->list_position < memory->n_list;
}

/* That it is gone is no failure, but an answer, which must not be a lie: it may be somebody else's. */
static int memory_ipvs_read_fault(KernelBackend *backend, const char *operation) {
        int r = memory_ipvs_fault(backend, operation, NULL);

        return r == -ESRCH ? -EAGAIN : r;
}

int memory_ipvs_read_dests(KernelBackend *backend,
                           const VirtualServerKey *key,
                           RealServersVisitor visitor,
                           void *userdata) {
        const MemoryServer *server;
        int r = memory_ipvs_read_fault(backend, "ipvs_read_dests");

        if (r < 0)
                return r;
        server = hashmap_get(&memory_kernel(backend)->servers, key);
        return server ? MIN2(memory_visit_dests(server, visitor, userdata), 0) : -ESRCH;
}

int memory_ipvs_read(KernelBackend *backend, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata) {
        const MemoryServer *server;
        int r = memory_ipvs_read_fault(backend, "ipvs_read");

        if (r < 0)
                return r;
        server = hashmap_get(&memory_kernel(backend)->servers, key);
        return server ? MIN2(memory_visit(server, visitor, userdata), 0) : -ESRCH;
}

int memory_ipvs_read_many(KernelBackend *backend,
                          const VirtualServerKey *keys,
                          size_t n_keys,
                          IpvsVisitor visitor,
                          void *userdata) {
        int r = memory_ipvs_read_fault(backend, "ipvs_read_many");

        for (size_t i = 0; r >= 0 && i < n_keys; i++) {
                const MemoryServer *server = hashmap_get(&memory_kernel(backend)->servers, &keys[i]);

                r = server ? memory_visit(server, visitor, userdata) : 0;
        }
        return MIN2(r, 0);
}
