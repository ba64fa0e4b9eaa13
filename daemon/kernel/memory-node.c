/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel in memory: its version, sysctls, IPVS timeouts, conntrack and the sockets of processes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/memory-private.h"

/* What was flushed is kept for tests that look at it, not for those that run for an hour. */
#define MEMORY_FLOWS_MAX 4096

int memory_get_info(KernelBackend *backend, KernelInfo *ret) {
        int r = memory_begin(backend, "get_info");

        if (r >= 0 && memory_kernel(backend)->ipvs_missing)
                r = -ENOPROTOOPT;
        if (r < 0)
                return r;
        *ret = (KernelInfo) {
                .release_major = 6,
                .release_minor = 1,
                .ipvs_version = 0x010201,
                .connection_table_size = 4096,
                .ipv4_only = memory_kernel(backend)->ipv4_only,
        };
        return 0;
}

int memory_set_timeouts(KernelBackend *backend, const IpvsTimeouts *timeouts) {
        IpvsTimeouts *actual = &memory_kernel(backend)->timeouts;
        int r = memory_begin(backend, "ipvs_set_timeouts");

        if (r < 0)
                return r;
        backend->n_writes++;
        actual->tcp_sec = timeouts->tcp_sec > 0 ? timeouts->tcp_sec : actual->tcp_sec;
        actual->tcp_fin_sec = timeouts->tcp_fin_sec > 0 ? timeouts->tcp_fin_sec : actual->tcp_fin_sec;
        actual->udp_sec = timeouts->udp_sec > 0 ? timeouts->udp_sec : actual->udp_sec;
        return 0;
}

int memory_get_timeouts(KernelBackend *backend, IpvsTimeouts *ret) {
        int r = memory_begin(backend, "ipvs_get_timeouts");

        if (r >= 0)
                *ret = memory_kernel(backend)->timeouts;
        return r;
}

static bool memory_flow_known(const MemoryKernel *kernel, const ConntrackFlow *flow, size_t *ret_n) {
        size_t n = 0;

        for (const MemoryFlow *f = kernel->flushed; f; f = f->next, n++)
                if (ip_addr_equal(&f->flow.addr, &flow->addr) && f->flow.port == flow->port &&
                    ip_port_compare(&f->flow.endpoint, &flow->endpoint) == 0)
                        return true;
        *ret_n = n;
        return false;
}

/* Each flow has one entry. */
int memory_flush_udp(KernelBackend *backend, const ConntrackFlow *flows, size_t n_flows, size_t *ret_deleted) {
        MemoryKernel *kernel = memory_kernel(backend);
        int r = memory_begin(backend, "conntrack_flush_udp");
        size_t n;

        if (r < 0)
                return r;
        for (size_t i = 0; i < n_flows; i++) {
                MemoryFlow *flow;

                if (memory_flow_known(kernel, &flows[i], &n) || n >= MEMORY_FLOWS_MAX)
                        continue;
                flow = malloc(sizeof(MemoryFlow));
                if (!flow)
                        return -ENOMEM;
                *flow = (MemoryFlow) { kernel->flushed, flows[i] };
                kernel->flushed = flow;
        }
        backend->n_writes += n_flows;
        *ret_deleted = n_flows;
        return 0;
}

/* ---- sysctls: those of Linux 6.1 that the daemon may know, with the kernel's own values */

static int memory_sysctl_add(MemoryKernel *kernel, const char *name, const char *value) {
        MemorySysctl *sysctl = calloc(1, sizeof(MemorySysctl));

        if (!sysctl)
                return -ENOMEM;
        sysctl->next = kernel->sysctls;
        kernel->sysctls = sysctl;
        sysctl->name = strdup(name);
        sysctl->value = strdup(value);
        return sysctl->name && sysctl->value ? 0 : -ENOMEM;
}

int memory_node_init(MemoryKernel *kernel) {
        static const char *const defaults[][2] = {
                { "net/ipv4/vs/conntrack", "0" },
                { "net/ipv4/vs/conn_reuse_mode", "1" },
                { "net/ipv4/vs/expire_nodest_conn", "0" },
                { "net/ipv4/vs/expire_quiescent_template", "0" },
                { "net/ipv4/ip_forward", "0" },
                { "net/ipv4/conf/all/arp_ignore", "0" },
                { "net/ipv4/conf/all/arp_announce", "0" },
                { "net/ipv4/conf/all/route_localnet", "0" },
                { "net/ipv6/conf/all/forwarding", "0" },
                { "net/netfilter/nf_conntrack_buckets", "16384" },
                { "net/netfilter/nf_conntrack_max", "65536" },
                { "net/netfilter/nf_conntrack_tcp_be_liberal", "0" },
                { "net/netfilter/nf_conntrack_tcp_timeout_close_wait", "60" },
                { "net/netfilter/nf_conntrack_tcp_timeout_established", "432000" },
                { "net/netfilter/nf_conntrack_udp_timeout", "30" },
                { "net/netfilter/nf_conntrack_udp_timeout_stream", "120" },
        };
        int r = 0;

        kernel->timeouts = (IpvsTimeouts) { 900, 120, 300 };
        for (size_t i = 0; i < ELEMENTSOF(defaults) && r >= 0; i++)
                r = memory_sysctl_add(kernel, defaults[i][0], defaults[i][1]);
        return r;
}

static MemorySysctl *memory_sysctl_find(const MemoryKernel *kernel, const char *name) {
        MemorySysctl *sysctl = kernel->sysctls;

        while (sysctl && strcmp(sysctl->name, name) != 0)
                sysctl = sysctl->next;
        return sysctl;
}

int memory_sysctl_read(KernelBackend *backend, const char *name, char **ret_value) {
        const MemorySysctl *sysctl = memory_sysctl_find(memory_kernel(backend), name);
        int r = memory_begin(backend, "sysctl_read");
        char *value;

        if (r < 0)
                return r;
        if (!sysctl)
                return -ENOENT;
        value = strdup(sysctl->value);
        if (!value)
                return -ENOMEM;
        *ret_value = value;
        return 0;
}

int memory_sysctl_write(KernelBackend *backend, const char *name, const char *value) {
        MemorySysctl *sysctl = memory_sysctl_find(memory_kernel(backend), name);
        int r = memory_begin(backend, "sysctl_write");
        char *copy;

        if (r < 0)
                return r;
        if (!sysctl)
                return -ENOENT;
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(sysctl->value);
        sysctl->value = copy;
        backend->n_writes++;
        return 0;
}

/* ---- sockets */

static bool memory_listener_is(const ListenerInfo *a, const ListenerInfo *b) {
        return a->protocol == b->protocol && a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

int memory_backend_add_listener(KernelBackend *backend, const ListenerInfo *listener) {
        MemoryKernel *kernel = memory_kernel(backend);
        MemoryListener *item = malloc(sizeof(MemoryListener));

        if (!item)
                return -ENOMEM;
        *item = (MemoryListener) { kernel->listeners, *listener };
        kernel->listeners = item;
        return 0;
}

int memory_backend_remove_listener(KernelBackend *backend, const ListenerInfo *listener) {
        for (MemoryListener **p = &memory_kernel(backend)->listeners; *p; p = &(*p)->next)
                if (memory_listener_is(&(*p)->info, listener)) {
                        MemoryListener *item = *p;

                        *p = item->next;
                        free(item);
                        return 0;
                }
        return -ENOENT;
}

int memory_listener_dump(KernelBackend *backend, ListenerVisitor visitor, void *userdata) {
        const MemoryListener *listeners = memory_kernel(backend)->listeners;
        int fault = memory_begin(backend, "listener_dump"), r = 0;
        size_t left = 0;

        for (const MemoryListener *l = listeners; l; l = l->next)
                left++;
        left = memory_dump_size(fault, left);
        for (const MemoryListener *l = listeners; left-- > 0 && r >= 0; l = l->next)
                r = visitor(&l->info, userdata);
        return r < 0 ? r : fault;
}

/* ---- packet filters of others */

void memory_backend_set_forward_drop(KernelBackend *backend, const char *chain) {
        (void) snprintf(memory_kernel(backend)->forward_chain, FORWARD_CHAIN_SIZE, "%s", chain);
}

int memory_forward_drop(KernelBackend *backend, char ret_chain[static FORWARD_CHAIN_SIZE]) {
        int r = memory_begin(backend, "forward_drop");

        if (r < 0)
                return r;
        memcpy(ret_chain, memory_kernel(backend)->forward_chain, FORWARD_CHAIN_SIZE);
        return ret_chain[0] != '\0';
}

void memory_node_done(MemoryKernel *kernel) {
        while (kernel->sysctls) {
                MemorySysctl *sysctl = kernel->sysctls;

                kernel->sysctls = sysctl->next;
                free(sysctl->name);
                free(sysctl->value);
                free(sysctl);
        }
        while (kernel->flushed) {
                MemoryFlow *flow = kernel->flushed;

                kernel->flushed = flow->next;
                free(flow);
        }
        while (kernel->listeners) {
                MemoryListener *listener = kernel->listeners;

                kernel->listeners = listener->next;
                free(listener);
        }
}
