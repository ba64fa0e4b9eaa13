/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a Service and its slices to what the kernel should hold: claims on virtual servers, addresses on kube-ipvs0
 * and elements of the nftables sets (reference §3.4, §3.7, §4.2, §4.5; DESIGN §6). One service is computed at a
 * time and entered in the kernel table; what is equal to before causes no work there. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"
#include "model/override.h"
#include "model/store.h"
#include "proxy/endpoints.h"
#include "proxy/kernel-table.h"

/* What of configuration and node the rules depend on. All pointers are borrowed. */
typedef struct ProxyConfig {
        Topology topology;
        char scheduler[SCHEDULER_NAME_SIZE];
        uint32_t scheduler_flags; /* VIRTUAL_SERVER_SCHED1, … that go with the scheduler */
        const IpAddr *node_port_addresses; /* where node ports are served */
        size_t n_node_port_addresses;
        uint64_t generation, now_usec; /* what is written on ports computed now */
        const IpAddr *host_addresses; /* sorted; of the node's other devices: only cluster IPs are bound although here */
        size_t n_host_addresses;
        const NodeSet *cluster_nodes; /* whose addresses are no service's; NULL = they are not watched */
        const OverrideSet *overrides; /* weights of single endpoints over what the rules say; NULL = none */
        bool ipv4_only; /* the kernel has no IPv6: what services have of it is left out (reference §3.2) */
        bool ping_by_endpoints; /* PING_WITH_ENDPOINTS: else nobody asks for FILTER_SET_PING_IPS, and it stays empty */
        IpAddr node_ips[2]; /* the node's IPv4 and IPv6 address, or none: who is meant by a source range with it */
} ProxyConfig;

typedef enum AddressKind {
        ADDRESS_KIND_CLUSTER_IP,
        ADDRESS_KIND_EXTERNAL_IP,
        ADDRESS_KIND_LOAD_BALANCER_IP,
        ADDRESS_KIND_NODE_PORT,
        _ADDRESS_KIND_MAX,
} AddressKind;

/* "cluster-ip", "external-ip", "load-balancer-ip", "node-port" */
const char *address_kind_to_string(AddressKind kind);

/* Why an address of a service is not served. */
typedef enum RefusalReason {
        REFUSAL_NONE,
        REFUSAL_CONFLICT, /* an older Service has the same address, port and protocol */
        REFUSAL_FOREIGN, /* a virtual server that is not ours has them */
        REFUSAL_LOOPBACK,
        REFUSAL_MULTICAST,
        REFUSAL_UNSPECIFIED,
        REFUSAL_LINK_LOCAL,
        REFUSAL_NODE_ADDRESS, /* another node of the cluster has it */
        REFUSAL_TOO_MANY, /* ports times external addresses of one Service are more than SERVICE_SERVERS_MAX */
        _REFUSAL_MAX,
} RefusalReason;

/* CamelCase tokens: "Conflict", … ; "" for none */
const char *refusal_reason_to_string(RefusalReason reason);

/* Virtual servers on external and load-balancer addresses of one Service: whoever may write one must not fill the node. */
#define SERVICE_SERVERS_MAX 65536

typedef struct DesiredService DesiredService;

/* A wish for one virtual server of a port. */
typedef struct PortServer {
        ServerClaim claim; /* first */
        DesiredService *service; /* borrowed */
        AddressKind kind;
        bool bound; /* its address belongs on kube-ipvs0 */
        bool stands_in; /* policy Local: the cluster's real servers in the place of local ones */
        bool firewalled; /* a load-balancer IP under source ranges */
} PortServer;

typedef struct DesiredPort {
        char *id; /* owned: "namespace/name:port", "namespace/name" for the unnamed port */
        const char *name; /* end of `id`; "" for the unnamed port */
        DesiredService *service; /* borrowed */
        PortServer *servers; /* owned */
        uint32_t n_servers;
        uint32_t n_endpoints, n_ready, n_local; /* over both families */
        uint32_t n_used; /* real servers chosen for the cluster addresses, over both families */
        Protocol protocol;
        uint16_t port, node_port;
        uint64_t generation; /* of the sync that computed it as it is */
        uint64_t programmed_usec; /* when, CLOCK_REALTIME */
} DesiredPort;

typedef struct RefusedAddress {
        IpAddr addr;
        RefusalReason reason;
} RefusedAddress;

struct DesiredService {
        ServiceEntry *entry; /* borrowed */
        ServiceType type;
        TrafficPolicy internal_policy, external_policy;
        uint32_t affinity_timeout_sec;
        DesiredPort *ports; /* owned */
        size_t n_ports;
        RefusedAddress *refused; /* owned: addresses no claim was made for; NULL if there is none */
        size_t n_refused;
        ElementState **elements; /* owned; what it wants in the table, in order of making */
        AddressState **addresses; /* owned; the same */
        uint32_t n_elements, n_elements_allocated, n_addresses, n_addresses_allocated;

        uint16_t health_check_node_port; /* type LoadBalancer with external policy Local, else 0 (reference §5.2) */
        bool no_local[2]; /* a policy Local finds no local endpoint, but others: internal, external (§3.7) */
        uint32_t n_local_ready; /* distinct addresses of local ready endpoints; counted where there is a health check */
};

typedef struct Desired Desired;

/* What changed with an update, for the log. `before` or `after` is NULL for an added or a removed port. */
typedef void (*DesiredObserver)(const DesiredPort *before, const DesiredPort *after, void *userdata);

/* `store` and `table` are borrowed and must outlive it. */
int desired_new(Store *store, KernelTable *table, Desired **ret);
/* Takes every wish back and clears `desired` of all entries. */
Desired *desired_free(Desired *desired);
DEFINE_CLEANUP(Desired *, desired_free);

/* Called for each port of each update. */
void desired_set_observer(Desired *desired, DesiredObserver observer, void *userdata);

/*
 * Computes one service anew. On -ENOMEM its old wishes stay. A service that lost or won a claim by it is marked
 * dirty in the store.
 */
int desired_update(Desired *desired, const ProxyConfig *config, ServiceEntry *entry);

/* NULL if there is no such port. */
DesiredPort *desired_find(const Desired *desired, const char *id);
DesiredPort *desired_next(const Desired *desired, size_t *i);
size_t desired_n_ports(const Desired *desired);
/* The port that holds the virtual server, and which of its servers that is; NULL if none does. Both borrowed. */
const DesiredPort *desired_port_at(const KernelTable *table, const VirtualServerKey *key, const PortServer **ret_server);
/* A walk over the services with a health_check_node_port, few among many; see hashmap_next(). */
const DesiredService *desired_next_health_check(const Desired *desired, size_t *i);
/* Services whose no_local is set, for the metric: internal, external. */
size_t desired_n_no_local(const Desired *desired, bool external);

/* Why the server is not served, or REFUSAL_NONE. */
RefusalReason port_server_refusal(const PortServer *server);
