/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/health-service.h"

#include <errno.h>
#include <string.h>

uint16_t health_service_port(const ServiceEntry *entry) {
        const Service *object = entry ? service_entry_object(entry) : NULL;

        if (!object || !entry->desired || object->type != SERVICE_TYPE_LOAD_BALANCER ||
            object->external_policy != TRAFFIC_POLICY_LOCAL)
                return 0;
        return object->health_check_node_port;
}

static bool endpoint_counts(const EndpointSlice *slice, const Endpoint *endpoint, const char *node_name) {
        return (endpoint->conditions & ENDPOINT_READY) != 0 && endpoint->node != 0 &&
               strcmp(endpoint_slice_string(slice, endpoint->node), node_name) == 0;
}

static int address_compare(const void *a, const void *b) {
        return ip_addr_compare(a, b);
}

static size_t max_distinct_of_a_family(IpAddr *addrs, size_t n) {
        size_t n_v4 = 0, n_v6 = 0;

        if (n > 0)
                qsort(addrs, n, sizeof(IpAddr), address_compare);
        for (size_t i = 0; i < n; i++) {
                if (i > 0 && ip_addr_equal(&addrs[i], &addrs[i - 1]))
                        continue;
                if (addrs[i].family == AF_INET6)
                        n_v6++;
                else
                        n_v4++;
        }
        return MAX2(n_v4, n_v6); /* a pod of both families is one endpoint, not two */
}

int health_service_count(const ServiceEntry *entry, const char *node_name, size_t *ret) {
        _cleanup_(freep) IpAddr *addrs = NULL;
        size_t n = 0, n_max = 0;

        for (const SliceEntry *s = entry->slices; s; s = s->next_of_service)
                n_max += slice_entry_object(s) ? slice_entry_object(s)->n_endpoints : 0;
        addrs = calloc(n_max + 1, sizeof(IpAddr));
        if (!addrs)
                return -ENOMEM;
        for (const SliceEntry *s = entry->slices; s; s = s->next_of_service) {
                const EndpointSlice *slice = slice_entry_object(s);

                for (size_t i = 0; slice && slice->n_ports > 0 && i < slice->n_endpoints; i++)
                        if (endpoint_counts(slice, &slice->endpoints[i], node_name))
                                addrs[n++] = slice->endpoints[i].addr;
        }
        *ret = max_distinct_of_a_family(addrs, n);
        return 0;
}
