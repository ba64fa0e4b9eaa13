/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the nftables table `inet ipvsproxy` is told, in plain values: elements of its sets. The rules never change
 * while the daemon runs (kernel/nftables.c writes them out), only elements do. One set here is two in the kernel,
 * one a family. Node ports stand here with each address that serves them, like any other port: one family of a service
 * may have endpoints and the other none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/hash.h"

typedef enum FilterSet {
        /* addr: guarded: what is no service port of it is refused */
        FILTER_SET_SERVICE_IPS,
        /* addr: guarded addresses of which a port has endpoints; they answer ping under PING_WITH_ENDPOINTS */
        FILTER_SET_PING_IPS,
        /* addr . protocol . port: all service ports but node ports */
        FILTER_SET_SERVICE_PORTS,
        /* addr . tcp . port: health check node ports, which the node answers on addresses of their service too */
        FILTER_SET_HEALTH_PORTS,
        /* addr . protocol . port: cluster addresses; masqueraded if masqueradeAll, or not from a local pod */
        FILTER_SET_CLUSTER_PORTS,
        /* addr . protocol . port: external, load-balancer and node addresses, policy Cluster; masqueraded always */
        FILTER_SET_EXTERNAL_PORTS,
        /* addr . protocol . port: no endpoint at all: refused at once */
        FILTER_SET_NO_ENDPOINTS,
        /*
         * addr . protocol . port: policy Local without a local endpoint: traffic from outside is dropped, the node's
         * own and its pods' is masqueraded and goes to the cluster's endpoints
         */
        FILTER_SET_LOCAL_ONLY,
        /* addr . protocol . port: only sources in SOURCE_RANGES pass */
        FILTER_SET_FIREWALLED,
        /* addr . protocol . port . source/prefix; those of one port do not overlap, the kernel would refuse it */
        FILTER_SET_SOURCE_RANGES,
        /* endpoint addr . protocol . endpoint port . the same addr as source: a pod that reaches itself */
        FILTER_SET_HAIRPIN,
        _FILTER_SET_MAX,
} FilterSet;

/* One element. Fields that the set does not have are zero; all bytes are significant. */
typedef struct FilterElement {
        uint8_t set; /* FilterSet */
        uint8_t protocol; /* Protocol */
        uint16_t port; /* host order */
        IpAddr addr;
        IpAddr source;
        uint8_t source_prefix; /* of SOURCE_RANGES */
        uint8_t reserved; /* 0; makes the padding explicit */
} FilterElement;

/* Which fields a set's elements have, in this order: addr (all of them), protocol . port, source */
typedef struct FilterSetType {
        const char *name; /* in the kernel, with "4" or "6" behind it */
        bool has_port, has_source;
        bool interval; /* source is a prefix */
} FilterSetType;

const FilterSetType *filter_set_type(FilterSet set);

/* Keys are FilterElement. */
extern const HashOps filter_element_ops;

/* "service_ips 10.0.0.1", "service_ports 10.0.0.1:80/tcp", "source_ranges 10.0.0.1:80/tcp 10.0.0.0/8"; for people */
#define FILTER_ELEMENT_STRLEN (24 + IP_PORT_STRLEN + 8 + IP_NET_STRLEN)
const char *filter_element_format(const FilterElement *element, char buf[static FILTER_ELEMENT_STRLEN]);

/* How pods of this node are told from everything else (reference §3.8). */
typedef enum DetectLocalMode {
        DETECT_LOCAL_CLUSTER_CIDR,
        DETECT_LOCAL_NODE_CIDR,
        DETECT_LOCAL_BRIDGE_INTERFACE,
        DETECT_LOCAL_INTERFACE_NAME_PREFIX,
        _DETECT_LOCAL_MAX,
        _DETECT_LOCAL_INVALID = -22,
} DetectLocalMode;

/* "ClusterCIDR", … */
const char *detect_local_mode_to_string(DetectLocalMode mode);
DetectLocalMode detect_local_mode_from_string(const char *text);

typedef enum PingMode {
        PING_ALWAYS,
        PING_WITH_ENDPOINTS, /* addresses in PING_IPS answer; the set may stay empty under the other modes */
        PING_NEVER,
        _PING_MAX,
        _PING_INVALID = -22,
} PingMode;

const char *ping_mode_to_string(PingMode mode);
PingMode ping_mode_from_string(const char *text);

/* What the rules are made of. Strings and arrays are borrowed. */
typedef struct FilterConfig {
        uint32_t mark; /* one bit, e.g. 0x4000 */
        bool masquerade_all;
        PingMode ping;
        DetectLocalMode detect_local;
        const IpNet *local_cidrs; /* both families; a family without one has no detector */
        size_t n_local_cidrs;
        const char *local_interface; /* bridge, or prefix */
} FilterConfig;
