/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cluster in a few lines of text, and what the node would program for it as text: for the tests of the pure part.
 *
 *   service ns/name type=LoadBalancer ip=10.0.0.1,fd00::1 port=http/TCP/80/30080,dns/UDP/53 ext=50.0.0.1 lb=1.2.3.4
 *           ranges=10.0.0.0/8 affinity=10800 itp=Local etp=Local hc=30000 created=5 proxy headless
 *   slice ns/name svc=name port=http/TCP/8080 ep=10.1.0.1@node1,10.1.0.2@node2~t%zone1+zone2&node1
 *   remove service ns/name
 *   remove slice ns/name
 *   node zone=z1
 *   nodes n2=172.16.1.11,fd00:1::11 n3=172.16.1.12      (all Nodes of the cluster)
 *   host 172.16.1.10,fd00:1::10
 *
 * An endpoint is addr@node~condition%zone hints&node hints; its condition is r ready (if not said), n not ready,
 * t serving and terminating, x terminating alone. Ports are name/protocol/number/node port; the name may be empty.
 */
#pragma once

#include "proxy/desired.h"
#include "proxy/plan.h"

/* This node, and the node port address it has at first. */
#define WORLD_NODE "testnode"
#define WORLD_NODE_IP "100.101.102.103"

typedef struct World {
        Store *store;
        KernelTable *table;
        Desired *desired;
        ProxyConfig config;
        char *zone; /* owned */
        IpAddr *host; /* owned; host and node port addresses */
        unsigned n_updates; /* services computed so far */
} World;

void world_init(World *world);
void world_done(World *world);

/* Does one line, or several of them; "" and NULL do nothing. Asserts that it can be read. */
void world_do(World *world, const char *lines);
/* Computes what is dirty. */
void world_run(World *world);

/*
 * All that is wanted, sorted, owned by the caller:
 *
 *   vs 10.0.0.1:80/TCP > 10.1.0.1:8080 10.1.0.2:8080 : bound guarded ping service cluster
 *   hairpin 10.1.0.1:8080/tcp
 *   range 1.2.3.4:80/tcp 10.0.0.0/8
 *   refused ns/name 127.0.0.1 LoopbackAddress
 *   refused ns/name:http 10.0.0.1:80/TCP Conflict
 *   health ns/name 30000 2
 *   answers 10.0.0.1:30000/tcp      (health_ports)
 *   no-local internal 1 external 1
 *
 * Behind the colon: bound to kube-ipvs0, and the filter sets that hold address or port: guarded (service_ips), ping,
 * service (ports), cluster, external, no-endpoints, local-only, firewalled. Scheduler other than rr, flags and timeout
 * stand behind the port. What belongs to no virtual server is a line with "stray".
 */
char *world_text(World *world);

/* Does the lines, computes and compares; `name` is said where it differs. The state stays for the next one. */
void world_expect(World *world, const char *name, const char *lines, const char *expected);

/* The same, of a fresh world each. */
typedef struct WorldCase {
        const char *name;
        const char *lines;
        const char *expected;
} WorldCase;
void world_run_cases(const WorldCase *cases, size_t n_cases);

/*
 * Plans until nothing is queued; every operation succeeds. Returns what was done to virtual servers, addresses and
 * conntrack, in order, owned by the caller: "add virtual server 10.0.0.1:80/TCP", "change real server 10.0.0.1:80/TCP
 * 10.1.0.1:80 weight 0", "bind 10.0.0.1", "flush 10.0.0.1:53/UDP 10.1.0.1:53", "flush 10.0.0.1:53/UDP untranslated".
 * A timeout of 0 lets real servers leave at once.
 */
char *world_program(World *world, uint64_t drain_timeout_usec);
/* Does the lines, programs and compares. */
void world_expect_plan(World *world, const char *name, const char *lines, uint64_t drain_timeout_usec, const char *expected);

IpAddr world_addr(const char *text);
