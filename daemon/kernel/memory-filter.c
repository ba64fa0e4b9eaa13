/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel in memory: addresses, and the nftables table as a set of elements. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/memory-private.h"

enum {
        MEMORY_HOST_IFINDEX = 2,
        MEMORY_DEVICE_IFINDEX = 3,
};

static uint64_t memory_address_hash(const void *key) {
        return hash_bytes(key, sizeof(IpAddr));
}

static bool memory_address_equal(const void *a, const void *b) {
        return ip_addr_equal(a, b);
}

const HashOps memory_address_ops = { .hash = memory_address_hash, .equal = memory_address_equal };

/* ---- addresses */

static int memory_address_put(HashMap *map, const IpAddr *addr, uint8_t prefix) {
        MemoryAddress *address = malloc(sizeof(MemoryAddress));

        if (!address)
                return -ENOMEM;
        *address = (MemoryAddress) { *addr, prefix };
        if (hashmap_put(map, &address->addr, address) < 0) {
                free(address);
                return -ENOMEM;
        }
        return 0;
}

/* Two devices may have the same address. */
int memory_address_change(MemoryKernel *kernel, const AddressOp *op) {
        if (!kernel->has_device)
                return -ENODEV;
        if (!op->add)
                free(hashmap_remove(&kernel->addresses, &op->addr));
        else if (!hashmap_get(&kernel->addresses, &op->addr))
                return memory_address_put(&kernel->addresses, &op->addr, op->addr.family == AF_INET ? 32 : 128);
        return 0;
}

int memory_host_change(MemoryKernel *kernel, const IpAddr *addr, uint8_t prefix, bool add) {
        bool there = hashmap_get(&kernel->host, addr) != NULL;

        if (add)
                return there ? -EEXIST : memory_address_put(&kernel->host, addr, prefix);
        free(hashmap_remove(&kernel->host, addr));
        return there ? 0 : -EADDRNOTAVAIL;
}

void memory_address_clear(HashMap *map) {
        MemoryAddress *address;

        for (size_t i = 0; (address = hashmap_next(map, &i));)
                free(address);
        hashmap_done(map);
}

int memory_device_ensure(KernelBackend *backend) {
        MemoryKernel *kernel = memory_kernel(backend);
        int r = memory_begin(backend, "device_ensure");

        if (r < 0 || kernel->has_device)
                return r;
        kernel->has_device = true;
        backend->n_writes++;
        return 1;
}

int memory_device_remove(KernelBackend *backend) {
        MemoryKernel *kernel = memory_kernel(backend);
        int r = memory_begin(backend, "device_remove");

        if (r < 0 || !kernel->has_device)
                return r;
        kernel->has_device = false;
        memory_address_clear(&kernel->addresses);
        backend->n_writes++;
        return 0;
}

/* The guard comes before the address, else ports of the host are open on it (DESIGN §6). */
static void memory_check_address(MemoryKernel *kernel, const IpAddr *addr) {
        FilterElement guard = { .set = FILTER_SET_SERVICE_IPS, .addr = *addr };
        char text[IP_ADDR_STRLEN];

        if (kernel->ruleset && !hashmap_get(&kernel->elements, &guard))
                memory_breach(kernel, "address %s: it is not in service_ips", ip_addr_format(addr, text));
}

int memory_address_apply(KernelBackend *backend, AddressOp *ops, size_t n_ops) {
        MemoryKernel *kernel = memory_kernel(backend);

        for (size_t i = 0; i < n_ops; i++) {
                ops[i].result = memory_begin(backend, "address_apply");
                backend->n_writes++;
                if (ops[i].result < 0)
                        continue;
                if (ops[i].add)
                        memory_check_address(kernel, &ops[i].addr);
                ops[i].result = memory_address_change(kernel, &ops[i]);
        }
        return 0;
}

static int memory_address_visit(const HashMap *map, bool on_device, int fault, AddressVisitor visitor, void *userdata) {
        size_t left = memory_dump_size(fault, map->n_entries);
        const MemoryAddress *address;
        int r = 0;

        for (size_t i = 0; r >= 0 && left-- > 0 && (address = hashmap_next(map, &i));) {
                AddressInfo info = {
                        .addr = address->addr,
                        .prefix = address->prefix,
                        .on_device = on_device,
                        .ifindex = on_device ? MEMORY_DEVICE_IFINDEX : MEMORY_HOST_IFINDEX,
                };

                r = visitor(&info, userdata);
        }
        return MIN2(r, 0);
}

int memory_address_dump(KernelBackend *backend, AddressVisitor visitor, void *userdata) {
        MemoryKernel *kernel = memory_kernel(backend);
        int fault = memory_begin(backend, "address_dump");
        int r = memory_address_visit(&kernel->host, /* on_device= */ false, fault, visitor, userdata);

        if (r >= 0)
                r = memory_address_visit(&kernel->addresses, /* on_device= */ true, fault, visitor, userdata);
        return r < 0 ? r : fault;
}

/* ---- the table */

/* What two configurations differ in, as text. NULL on OOM. */
static char *memory_ruleset(const FilterConfig *config) {
        char *text = NULL, net[IP_NET_STRLEN];
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        if (!stream)
                return NULL;
        fprintf(stream,
                "%#x %d %d %d %s",
                config->mark,
                config->masquerade_all,
                (int) config->ping,
                (int) config->detect_local,
                config->local_interface ? config->local_interface : "");
        for (size_t i = 0; i < config->n_local_cidrs; i++)
                fprintf(stream, " %s", ip_net_format(&config->local_cidrs[i], net));
        if (fclose(stream) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

void memory_filter_clear(MemoryKernel *kernel) {
        FilterElement *element;

        for (size_t i = 0; (element = hashmap_next(&kernel->elements, &i));)
                free(element);
        hashmap_done(&kernel->elements);
        free(kernel->ruleset);
        kernel->ruleset = NULL;
        kernel->n_filter_changes++;
}

int memory_element_change(MemoryKernel *kernel, const FilterOp *op) {
        FilterElement *element = hashmap_get(&kernel->elements, &op->element);

        if (!kernel->ruleset || (!op->add && !element))
                return -ENOENT;
        kernel->n_filter_changes++;
        if (!op->add) {
                free(hashmap_remove(&kernel->elements, &op->element));
                return 0;
        }
        if (element)
                return 0;
        element = malloc(sizeof(FilterElement));
        if (!element)
                return -ENOMEM;
        *element = op->element;
        if (hashmap_put(&kernel->elements, element, element) < 0) {
                free(element);
                return -ENOMEM;
        }
        return 0;
}

int memory_filter_ensure(KernelBackend *backend,
                         const FilterConfig *config,
                         const FilterElement *elements,
                         size_t n_elements) {
        MemoryKernel *kernel = memory_kernel(backend);
        _cleanup_(freep) char *ruleset = memory_ruleset(config);
        int r = memory_begin(backend, "filter_ensure");

        if (!ruleset)
                return -ENOMEM;
        if (r < 0)
                return r;
        if (kernel->ruleset && strcmp(kernel->ruleset, ruleset) == 0) {
                kernel->filter_known = kernel->filter_read == kernel->n_filter_changes + 1 ? kernel->filter_read : 0;
                return 0;
        }
        memory_filter_clear(kernel);
        kernel->ruleset = TAKE_PTR(ruleset);
        for (size_t i = 0; i < n_elements && r >= 0; i++)
                r = memory_element_change(kernel, &(FilterOp) { .element = elements[i], .add = true });
        if (r < 0)
                return r;
        backend->n_writes++;
        return 1;
}

int memory_filter_is_unchanged(KernelBackend *backend, const FilterConfig *config) {
        MemoryKernel *kernel = memory_kernel(backend);
        _cleanup_(freep) char *ruleset = memory_ruleset(config);
        int r = memory_begin(backend, "filter_is_unchanged");

        if (!ruleset)
                return -ENOMEM;
        return r < 0 ? r :
                       kernel->ruleset && strcmp(kernel->ruleset, ruleset) == 0 &&
                               kernel->filter_known == kernel->n_filter_changes + 1;
}

int memory_filter_remove(KernelBackend *backend) {
        MemoryKernel *kernel = memory_kernel(backend);
        int r = memory_begin(backend, "filter_remove");

        if (r < 0 || !kernel->ruleset)
                return r;
        memory_filter_clear(kernel);
        backend->n_writes++;
        return 0;
}

/* Whether the whole transaction can be done, as the kernel sees it: an element may be added and deleted again. */
static int memory_filter_check(const MemoryKernel *kernel, const FilterOp *ops, size_t n_ops) {
        if (!kernel->ruleset)
                return -ENOENT;
        for (size_t i = 0; i < n_ops; i++) {
                bool there = hashmap_get(&kernel->elements, &ops[i].element) != NULL;

                for (size_t k = 0; k < i && !ops[i].add && !there; k++)
                        if (filter_element_ops.equal(&ops[k].element, &ops[i].element))
                                there = ops[k].add;
                if (!ops[i].add && !there)
                        return -ENOENT;
        }
        return 0;
}

static void memory_check_element(MemoryKernel *kernel, const FilterOp *op) {
        char text[IP_ADDR_STRLEN];

        if (op->add || op->element.set != FILTER_SET_SERVICE_IPS)
                return;
        if (hashmap_get(&kernel->addresses, &op->element.addr))
                memory_breach(kernel,
                              "address %s: its guard was taken away before it",
                              ip_addr_format(&op->element.addr, text));
}

int memory_filter_apply(KernelBackend *backend, const FilterOp *ops, size_t n_ops) {
        MemoryKernel *kernel = memory_kernel(backend);
        int r = memory_begin(backend, "filter_apply");
        bool known;

        if (r == -ENOENT)
                (void) memory_backend_flush_filter(backend);
        if (r >= 0)
                r = memory_filter_check(kernel, ops, n_ops);
        if (r < 0)
                return r;
        known = kernel->filter_known == kernel->n_filter_changes + 1;
        for (size_t i = 0; i < n_ops && r >= 0; i++) {
                memory_check_element(kernel, &ops[i]);
                r = memory_element_change(kernel, &ops[i]);
        }
        if (known)
                kernel->filter_known = kernel->n_filter_changes + 1;
        backend->n_writes += n_ops > 0;
        return r;
}

static bool memory_element_is_of(const FilterElement *element, unsigned part) {
        return element->set == filter_dump_set(part) && element->addr.family == filter_dump_family(part);
}

int memory_filter_dump(KernelBackend *backend, unsigned part, FilterVisitor visitor, void *userdata) {
        MemoryKernel *kernel = memory_kernel(backend);
        const FilterElement *element;
        int fault = memory_begin(backend, "filter_dump"), r = 0;
        size_t left = memory_dump_size(fault, kernel->elements.n_entries);

        if (fault >= 0 && !kernel->ruleset)
                return -ENOENT;
        if (part == 0) {
                kernel->filter_known = 0;
                kernel->filter_read = kernel->n_filter_changes + 1;
        }
        for (size_t i = 0; r >= 0 && left-- > 0 && (element = hashmap_next(&kernel->elements, &i));)
                r = memory_element_is_of(element, part) ? visitor(element, userdata) : 0;
        return r < 0 ? r : fault;
}
