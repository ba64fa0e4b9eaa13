/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manager over the kernel in memory, for the tests of control/: a node with one address, a folder for the journal,
 * Services and EndpointSlices made of few words, and a loop that runs until nothing is left to do.
 */
#pragma once

#include "tests/unit/test.h"

#include "control/manager.h"
#include "kernel/memory-backend.h"

#define CONTROL_NODE "k8s01"
#define CONTROL_NODE_IP "172.16.1.10"

typedef struct Control {
        sd_event *event;
        KernelBackend *hand; /* the operator's: reads and breaks the kernel, and keeps it while no manager runs */
        KernelBackend *backend; /* the manager's; borrowed, for n_writes */
        Manager *manager; /* NULL while stopped */
        ManagerOptions options; /* of the next start */
        char directory[32];
} Control;

typedef struct PortSpec {
        const char *name;
        Protocol protocol;
        uint16_t port, node_port, target;
} PortSpec;

/* What a Service is in a test: "namespace/name", one address, and up to four ports. */
typedef struct ServiceSpec {
        const char *key, *cluster_ip, *external_ip;
        PortSpec ports[4];
        uint32_t affinity_sec;
        uint64_t created_usec;
} ServiceSpec;

/* A small retry period, no minimum between syncs, and a journal. */
void control_init(Control *control);
void control_done(Control *control);

/* Makes a manager and starts it; lists are not complete. */
void control_start(Control *control);
/*
 * The manager's backend works through `ops` from here on, a copy of what it had, which the caller changes and which lasts as
 * long as `control`; returns what it had.
 */
const KernelBackendOps *control_override(Control *control, KernelBackendOps *ops);
/* As a crash would: nothing is written any more. */
void control_stop(Control *control);

/* Both lists of the API server, complete, with what was put since control_list_begin(). */
void control_list_begin(Control *control);
void control_list_end(Control *control);

/* Runs the loop until nothing is ready. */
void control_settle(Control *control);
/* Runs so many turns of it at most, as far as something is ready: in the midst of work. */
void control_run(Control *control, unsigned n_turns);
/* Runs it for that long. */
void control_run_for(Control *control, uint64_t usec);
/* Runs it until `done` says so, at most ten seconds. */
void control_wait(Control *control, bool (*done)(Control *control));

/* Has the kernel read as a whole; it is when the loop has settled. */
void control_begin_audit(Control *control);

void control_put_service(Control *control, const ServiceSpec *spec);
void control_remove_service(Control *control, const char *key);
/* `n` ready endpoints first, first + 1, … behind every port of the service, in one slice. */
void control_put_endpoints(Control *control, const ServiceSpec *spec, const char *first, unsigned n);
void control_remove_endpoints(Control *control, const ServiceSpec *spec);

/* The ten proxied services of the founding cluster with two endpoints each (none: two without). */
#define FOUNDING_SERVICES 9
extern const ServiceSpec founding_services[FOUNDING_SERVICES];
void control_put_founding_cluster(Control *control);

/* Lines of memory_backend_to_string() that begin with one of the words, e.g. "vs |  rs |addr "; owned by the caller. */
char *control_kernel(const Control *control, const char *const *prefixes);
void control_assert_kernel(const Control *control, const char *expected);
/* That and no element besides: everything the kernel holds. */
char *control_kernel_all(const Control *control);

VirtualServerKey control_key(const char *ip, uint16_t port, Protocol protocol);
IpPort control_port(const char *ip, uint16_t port);
