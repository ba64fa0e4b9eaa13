/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side in plain values: IPVS virtual servers, their real servers and statistics. What the desired
 * state says and what a kernel dump says have the same form, so that they can be compared field by field.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/hash.h"
#include "model/service.h"

/* IP_VS_SCHEDNAME_MAXLEN of <linux/ip_vs.h>, with the NUL */
#define SCHEDULER_NAME_SIZE 16

/* What the kernel looks a virtual server up by. All bytes are significant; make it with designators. */
typedef struct VirtualServerKey {
        uint32_t fwmark; /* 0: keyed by the fields below; else by mark and addr.family alone */
        uint16_t port; /* host order */
        uint8_t protocol; /* Protocol */
        IpAddr addr;
} VirtualServerKey;

/* Flags as in <linux/ip_vs.h> IP_VS_SVC_F_*; the kernel's own HASHED bit (2) is never in here. */
enum {
        VIRTUAL_SERVER_PERSISTENT = 0x1,
        VIRTUAL_SERVER_ONE_PACKET = 0x4,
        VIRTUAL_SERVER_SCHED1 = 0x8, /* sh-fallback, mh-fallback */
        VIRTUAL_SERVER_SCHED2 = 0x10, /* sh-port, mh-port */
};

typedef struct VirtualServer {
        VirtualServerKey key;
        char scheduler[SCHEDULER_NAME_SIZE];
        uint32_t flags;
        uint32_t timeout_sec; /* of persistence; 0 when not persistent (the kernel's default is not compared) */
} VirtualServer;

/* Masquerading (NAT) is the one forwarding method in use; IP_VS_CONN_F_* of <linux/ip_vs.h>. */
enum {
        FORWARD_MASQUERADE = 0,
};

typedef struct RealServer {
        IpPort addr;
        uint32_t weight;
        uint8_t forward; /* FORWARD_… */
} RealServer;

typedef struct TrafficStats {
        uint64_t connections, in_packets, out_packets, in_bytes, out_bytes; /* since the object was made */
        uint64_t cps, in_pps, out_pps, in_bps, out_bps; /* per second, by the kernel's estimator */
} TrafficStats;

/* A real server as the kernel reports it. */
typedef struct RealServerInfo {
        RealServer server;
        uint32_t active, inactive, persistent; /* connections */
        TrafficStats stats;
} RealServerInfo;

/* Keys are VirtualServerKey. */
extern const HashOps virtual_server_key_ops;

/* By family, address, protocol, port, mark: a stable order for lists. */
int virtual_server_key_compare(const VirtualServerKey *a, const VirtualServerKey *b);

/* "10.0.0.1:80/TCP" as kube-proxy's log writes it */
#define VIRTUAL_SERVER_STRLEN (IP_PORT_STRLEN + 8)
const char *virtual_server_key_format(const VirtualServerKey *key, char buf[static VIRTUAL_SERVER_STRLEN]);

/* Scheduler, flags and timeout; not the key. */
bool virtual_server_equal(const VirtualServer *a, const VirtualServer *b);

/* For qsort and merges: by address and port. */
int real_server_compare(const void *a, const void *b);
