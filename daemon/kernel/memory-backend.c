/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/memory-backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "kernel/memory-private.h"

/* ---- faults */

int memory_begin(KernelBackend *backend, const char *operation) {
        MemoryKernel *kernel = memory_kernel(backend);
        uint64_t n = ++kernel->n_operations;
        int r = 0;

        if (kernel->hook && n == kernel->hook_at)
                kernel->hook(backend, kernel->hook_userdata);
        if (n == kernel->fail_at)
                r = kernel->fail_error;
        else if (kernel->fail_every > 0 && n % kernel->fail_every == 0)
                r = kernel->fail_every_error;
        if (r < 0)
                kernel->failed = operation;
        return r;
}

size_t memory_dump_size(int fault, size_t n_objects) {
        return fault < 0 ? n_objects / 2 : n_objects;
}

const char *memory_backend_failed(const KernelBackend *backend) {
        const char *failed = memory_kernel(backend)->failed;

        return failed ? failed : "";
}

void memory_breach(MemoryKernel *kernel, const char *format, ...) {
        va_list args;

        if (kernel->breach[0])
                return;
        va_start(args, format);
        (void) vsnprintf(kernel->breach, sizeof(kernel->breach), format, args);
        va_end(args);
}

const char *memory_backend_breach(const KernelBackend *backend) {
        return memory_kernel(backend)->breach;
}

void memory_backend_fail_nth(KernelBackend *backend, uint64_t n, int error) {
        MemoryKernel *kernel = memory_kernel(backend);

        kernel->fail_at = n > 0 ? kernel->n_operations + n : 0;
        kernel->fail_error = error;
        kernel->failed = NULL;
}

void memory_backend_fail_every(KernelBackend *backend, uint64_t n, int error) {
        MemoryKernel *kernel = memory_kernel(backend);

        kernel->fail_every = n;
        kernel->fail_every_error = error;
}

void memory_backend_fail_server(KernelBackend *backend, const VirtualServerKey *key, int error) {
        MemoryKernel *kernel = memory_kernel(backend);

        kernel->fail_key_error = key ? error : 0;
        if (key)
                kernel->fail_key = *key;
}

uint64_t memory_backend_n_operations(const KernelBackend *backend) {
        return memory_kernel(backend)->n_operations;
}

void memory_backend_hook_nth(KernelBackend *backend,
                             uint64_t n,
                             void (*hook)(KernelBackend *backend, void *userdata),
                             void *userdata) {
        MemoryKernel *kernel = memory_kernel(backend);

        kernel->hook_at = kernel->n_operations + n;
        kernel->hook = hook;
        kernel->hook_userdata = userdata;
}

void memory_backend_set_ipv4_only(KernelBackend *backend, bool ipv4_only) {
        memory_kernel(backend)->ipv4_only = ipv4_only;
}

void memory_backend_set_ipvs_missing(KernelBackend *backend, bool missing) {
        memory_kernel(backend)->ipvs_missing = missing;
}

/* ---- changes by others */

void memory_backend_emit(KernelBackend *backend, KernelEvent event) {
        for (MemoryBackend *b = memory_kernel(backend)->backends; b; b = b->next) {
                if (!b->source)
                        continue;
                b->pending |= 1U << event;
                (void) sd_event_source_set_enabled(b->source, SD_EVENT_ONESHOT);
        }
}

int memory_backend_foreign_ipvs(KernelBackend *backend, IpvsOp *op) {
        return op->result = memory_ipvs_change(memory_kernel(backend), op);
}

int memory_backend_foreign_address(KernelBackend *backend, const AddressOp *op) {
        int r = memory_address_change(memory_kernel(backend), op);

        if (r >= 0)
                memory_backend_emit(backend, KERNEL_EVENT_DEVICE);
        return r;
}

int memory_backend_foreign_element(KernelBackend *backend, const FilterOp *op) {
        int r = memory_element_change(memory_kernel(backend), op);

        if (r >= 0)
                memory_backend_emit(backend, KERNEL_EVENT_FILTER);
        return r;
}

static int memory_host_address(KernelBackend *backend, const char *address, uint8_t prefix, bool add) {
        IpAddr addr;
        int r;

        r = ip_addr_parse(address, &addr);
        if (r >= 0)
                r = memory_host_change(memory_kernel(backend), &addr, prefix, add);
        if (r >= 0)
                memory_backend_emit(backend, KERNEL_EVENT_ADDRESS);
        return r;
}

int memory_backend_add_host_address(KernelBackend *backend, const char *address, uint8_t prefix) {
        return memory_host_address(backend, address, prefix, /* add= */ true);
}

int memory_backend_remove_host_address(KernelBackend *backend, const char *address) {
        return memory_host_address(backend, address, 0, /* add= */ false);
}

int memory_backend_delete_device(KernelBackend *backend) {
        MemoryKernel *kernel = memory_kernel(backend);

        if (!kernel->has_device)
                return -ENODEV;
        kernel->has_device = false;
        memory_address_clear(&kernel->addresses);
        memory_backend_emit(backend, KERNEL_EVENT_DEVICE);
        return 0;
}

int memory_backend_flush_filter(KernelBackend *backend) {
        MemoryKernel *kernel = memory_kernel(backend);

        if (!kernel->ruleset)
                return -ENOENT;
        memory_filter_clear(kernel);
        memory_backend_emit(backend, KERNEL_EVENT_FILTER);
        return 0;
}

void memory_backend_set_connections(KernelBackend *backend,
                                    const VirtualServerKey *service,
                                    const IpPort *dest,
                                    uint32_t active,
                                    uint32_t inactive) {
        const MemoryServer *server = hashmap_get(&memory_kernel(backend)->servers, service);
        RealServerInfo *info = server ? memory_ipvs_find_dest(server, dest) : NULL;

        if (!info)
                return;
        if (active > info->active)
                info->stats.connections += active - info->active;
        info->active = active;
        info->inactive = inactive;
}

/* ---- events */

static int on_memory_event(sd_event_source *source, void *userdata) {
        MemoryBackend *backend = userdata;
        unsigned pending = backend->pending;

        backend->pending = 0;
        for (KernelEvent event = 0; event < _KERNEL_EVENT_MAX; event++)
                if (pending & 1U << event)
                        backend->handler(event, backend->userdata);
        return 0;
}

static int memory_watch(KernelBackend *backend,
                        sd_event *event,
                        int64_t priority,
                        KernelEventHandler handler,
                        void *userdata) {
        MemoryBackend *memory = memory_backend(backend);
        int r;

        r = memory_begin(backend, "watch");
        if (r >= 0)
                r = sd_event_add_defer(event, &memory->source, on_memory_event, memory);
        if (r >= 0)
                r = sd_event_source_set_enabled(memory->source, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(memory->source, priority);
        memory->handler = handler;
        memory->userdata = userdata;
        return MIN2(r, 0);
}

/* ---- life */

static void memory_kernel_unref(MemoryKernel *kernel) {
        if (!kernel || --kernel->n_ref > 0)
                return;
        memory_ipvs_done(kernel);
        memory_address_clear(&kernel->addresses);
        memory_address_clear(&kernel->host);
        memory_filter_clear(kernel);
        memory_node_done(kernel);
        free(kernel);
}

static KernelBackend *memory_free(KernelBackend *backend) {
        MemoryBackend *memory = memory_backend(backend), **p;

        for (p = &memory->kernel->backends; *p && *p != memory;)
                p = &(*p)->next;
        if (*p)
                *p = memory->next;
        (void) sd_event_source_disable_unref(memory->source);
        free(memory->list);
        memory_kernel_unref(memory->kernel);
        free(memory);
        return NULL;
}

static const KernelBackendOps memory_backend_ops = {
        .free = memory_free,
        .get_info = memory_get_info,
        .ipvs_apply = memory_ipvs_apply,
        .ipvs_dump = memory_ipvs_dump,
        .ipvs_list = memory_ipvs_list,
        .ipvs_read_dests = memory_ipvs_read_dests,
        .ipvs_read = memory_ipvs_read,
        .ipvs_read_many = memory_ipvs_read_many,
        .ipvs_set_timeouts = memory_set_timeouts,
        .ipvs_get_timeouts = memory_get_timeouts,
        .device_ensure = memory_device_ensure,
        .device_remove = memory_device_remove,
        .address_apply = memory_address_apply,
        .address_dump = memory_address_dump,
        .filter_ensure = memory_filter_ensure,
        .filter_is_unchanged = memory_filter_is_unchanged,
        .filter_remove = memory_filter_remove,
        .filter_apply = memory_filter_apply,
        .filter_dump = memory_filter_dump,
        .conntrack_flush_udp = memory_flush_udp,
        .listener_dump = memory_listener_dump,
        .forward_drop = memory_forward_drop,
        .sysctl_read = memory_sysctl_read,
        .sysctl_write = memory_sysctl_write,
        .watch = memory_watch,
};

static int memory_backend_new_for(MemoryKernel *kernel, KernelBackend **ret) {
        MemoryBackend *memory = calloc(1, sizeof(MemoryBackend));

        if (!memory)
                return -ENOMEM;
        memory->head.ops = &memory_backend_ops;
        memory->kernel = kernel;
        memory->next = kernel->backends;
        kernel->backends = memory;
        kernel->n_ref++;
        *ret = &memory->head;
        return 0;
}

int memory_backend_share(KernelBackend *backend, KernelBackend **ret) {
        memory_kernel(backend)->filter_read = memory_kernel(backend)->filter_known = 0; /* who comes knows nothing */
        return memory_backend_new_for(memory_kernel(backend), ret);
}

int memory_backend_new(KernelBackend **ret) {
        MemoryKernel *kernel = calloc(1, sizeof(MemoryKernel));
        int r;

        if (!kernel)
                return -ENOMEM;
        kernel->n_ref = 1;
        kernel->servers.ops = &virtual_server_key_ops;
        kernel->addresses.ops = &memory_address_ops;
        kernel->host.ops = &memory_address_ops;
        kernel->elements.ops = &filter_element_ops;
        r = memory_node_init(kernel);
        if (r >= 0)
                r = memory_backend_new_for(kernel, ret);
        memory_kernel_unref(kernel); /* the backend has its own */
        return r;
}
