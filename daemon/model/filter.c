/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/filter.h"

#include <stdio.h>
#include <string.h>

#include "common/macros.h"
#include "model/service.h"

static const FilterSetType filter_set_table[_FILTER_SET_MAX] = {
        [FILTER_SET_SERVICE_IPS] = { "service_ips" },
        [FILTER_SET_PING_IPS] = { "ping_ips" },
        [FILTER_SET_SERVICE_PORTS] = { "service_ports", .has_port = true },
        [FILTER_SET_HEALTH_PORTS] = { "health_ports", .has_port = true },
        [FILTER_SET_CLUSTER_PORTS] = { "cluster_ports", .has_port = true },
        [FILTER_SET_EXTERNAL_PORTS] = { "external_ports", .has_port = true },
        [FILTER_SET_NO_ENDPOINTS] = { "no_endpoints", .has_port = true },
        [FILTER_SET_LOCAL_ONLY] = { "local_only", .has_port = true },
        [FILTER_SET_FIREWALLED] = { "firewalled", .has_port = true },
        [FILTER_SET_SOURCE_RANGES] = { "source_ranges", .has_port = true, .has_source = true, .interval = true },
        [FILTER_SET_HAIRPIN] = { "hairpin", .has_port = true, .has_source = true },
};

const FilterSetType *filter_set_type(FilterSet set) {
        return &filter_set_table[set];
}

static uint64_t filter_element_hash(const void *key) {
        return hash_bytes(key, sizeof(FilterElement));
}

static bool filter_element_equal(const void *a, const void *b) {
        return memcmp(a, b, sizeof(FilterElement)) == 0;
}

const HashOps filter_element_ops = { .hash = filter_element_hash, .equal = filter_element_equal };

_Static_assert(sizeof(FilterElement) == 1 + 1 + 2 + 2 * sizeof(IpAddr) + 1 + 1,
               "no padding in an element");

const char *filter_element_format(const FilterElement *element, char buf[static FILTER_ELEMENT_STRLEN]) {
        const FilterSetType *type = filter_set_type((FilterSet) element->set);
        const char *protocol = protocol_to_string((Protocol) element->protocol);
        IpNet net = { element->source, element->source_prefix };
        char addr[IP_PORT_STRLEN], source[IP_NET_STRLEN] = "";

        if (type->interval)
                (void) ip_net_format(&net, source);
        else if (type->has_source)
                (void) ip_addr_format(&element->source, source);
        if (type->has_port)
                (void) snprintf(buf,
                                FILTER_ELEMENT_STRLEN,
                                "%s %s/%s%s%s",
                                type->name,
                                ip_port_format(&element->addr, element->port, addr),
                                protocol ? protocol : "?",
                                source[0] ? " " : "",
                                source);
        else
                (void) snprintf(buf, FILTER_ELEMENT_STRLEN, "%s %s", type->name, ip_addr_format(&element->addr, addr));
        return buf;
}

static const char *const detect_local_mode_table[_DETECT_LOCAL_MAX] = {
        [DETECT_LOCAL_CLUSTER_CIDR] = "ClusterCIDR",
        [DETECT_LOCAL_NODE_CIDR] = "NodeCIDR",
        [DETECT_LOCAL_BRIDGE_INTERFACE] = "BridgeInterface",
        [DETECT_LOCAL_INTERFACE_NAME_PREFIX] = "InterfaceNamePrefix",
};

const char *detect_local_mode_to_string(DetectLocalMode mode) {
        return mode >= 0 && mode < _DETECT_LOCAL_MAX ? detect_local_mode_table[mode] : NULL;
}

DetectLocalMode detect_local_mode_from_string(const char *text) {
        for (DetectLocalMode m = 0; m < _DETECT_LOCAL_MAX; m++)
                if (strcmp(text, detect_local_mode_table[m]) == 0)
                        return m;
        return _DETECT_LOCAL_INVALID;
}

static const char *const ping_mode_table[_PING_MAX] = {
        [PING_ALWAYS] = "always",
        [PING_WITH_ENDPOINTS] = "with-endpoints",
        [PING_NEVER] = "never",
};

const char *ping_mode_to_string(PingMode mode) {
        return mode >= 0 && mode < _PING_MAX ? ping_mode_table[mode] : NULL;
}

PingMode ping_mode_from_string(const char *text) {
        for (PingMode m = 0; m < _PING_MAX; m++)
                if (strcmp(text, ping_mode_table[m]) == 0)
                        return m;
        return _PING_INVALID;
}
