/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Kubernetes Service, reduced to what a node proxy reads (kube-proxy's list, docs: reference §3.4). A plain
 * value made by a decoder, then owned by the store and never changed again. Nothing here interprets the fields:
 * which services are proxied and how is decided in proxy/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/macros.h"

typedef enum Protocol {
        PROTOCOL_TCP,
        PROTOCOL_UDP,
        PROTOCOL_SCTP,
        _PROTOCOL_MAX,
        _PROTOCOL_INVALID = -22,
} Protocol;

/* "tcp", "udp", "sctp"; NULL for none */
const char *protocol_to_string(Protocol protocol);
/* "TCP", … as Kubernetes writes it */
const char *protocol_to_kube(Protocol protocol);
/* Takes either case. */
Protocol protocol_from_string(const char *text);
/* IPPROTO_TCP, … */
int protocol_to_ip(Protocol protocol);
Protocol protocol_from_ip(int ip_protocol);

typedef enum ServiceType {
        SERVICE_TYPE_CLUSTER_IP,
        SERVICE_TYPE_NODE_PORT,
        SERVICE_TYPE_LOAD_BALANCER,
        SERVICE_TYPE_EXTERNAL_NAME,
        _SERVICE_TYPE_MAX,
        _SERVICE_TYPE_INVALID = -22,
} ServiceType;

/* "cluster-ip", … as the D-Bus interface says it */
const char *service_type_to_string(ServiceType type);
/* Takes "ClusterIP", … as Kubernetes writes it. */
ServiceType service_type_from_kube(const char *text);

typedef enum TrafficPolicy {
        TRAFFIC_POLICY_CLUSTER,
        TRAFFIC_POLICY_LOCAL,
        _TRAFFIC_POLICY_MAX,
        _TRAFFIC_POLICY_INVALID = -22,
} TrafficPolicy;

/* "Cluster", "Local" */
const char *traffic_policy_to_string(TrafficPolicy policy);
TrafficPolicy traffic_policy_from_string(const char *text);

typedef struct ServicePort {
        char *name; /* owned; "" for the unnamed port */
        Protocol protocol;
        uint16_t port;
        uint16_t node_port; /* 0 = none */
} ServicePort;

typedef struct Service {
        char *namespace; /* owned, like all below */
        char *name;
        char *uid; /* "" if the source has none */
        uint64_t created_usec; /* metadata.creationTimestamp; 0 if unknown (then it counts as the oldest) */
        ServiceType type;

        bool other_proxy; /* label service.kubernetes.io/service-proxy-name is there, with any value */
        bool headless_label; /* label service.kubernetes.io/headless is there */

        IpAddr *cluster_ips; /* spec.clusterIPs, else clusterIP; "None" and "" give none */
        size_t n_cluster_ips;
        ServicePort *ports;
        size_t n_ports;
        IpAddr *external_ips;
        size_t n_external_ips;
        IpAddr *load_balancer_ips; /* status.loadBalancer.ingress[].ip with ipMode VIP or none */
        size_t n_load_balancer_ips;
        IpNet *source_ranges; /* spec.loadBalancerSourceRanges that could be read */
        size_t n_source_ranges;
        bool has_source_ranges; /* there were some, readable or not: then an unreadable list admits nobody */

        uint32_t affinity_timeout_sec; /* sessionAffinity ClientIP: 1 to 86400; 0 = none */
        TrafficPolicy internal_policy;
        TrafficPolicy external_policy;
        uint16_t health_check_node_port; /* 0 = none */
} Service;

/* An empty Service with copies of the names. -ENOMEM. */
int service_new(const char *namespace, const char *name, Service **ret);
Service *service_free(Service *service);
DEFINE_CLEANUP(Service *, service_free);

/* Whether all fields but uid are equal, in order: an update that says nothing new. */
bool service_equal(const Service *a, const Service *b);
