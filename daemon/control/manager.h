/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's middle: owns the store, the desired state, the kernel table and the backend, and drives them from the
 * event loop. Sources put objects into its store; bus and web read from here. It knows neither D-Bus nor HTTP nor
 * the API server's protocol.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macros.h"
#include "control/yield.h"
#include "kernel/backend.h"
#include "model/api-state.h"
#include "model/store.h"
#include "proxy/desired.h"
#include "proxy/kernel-table.h"

typedef struct Manager Manager;

typedef enum ManagerState {
        MANAGER_STATE_STARTING, /* the kernel is read */
        MANAGER_STATE_SYNCING, /* the first complete pass is not done */
        MANAGER_STATE_RUNNING,
        MANAGER_STATE_DEGRADED, /* something could not be programmed and is retried */
        MANAGER_STATE_HELD,
        MANAGER_STATE_DRAINING,
        MANAGER_STATE_STOPPING,
        _MANAGER_STATE_MAX,
        _MANAGER_STATE_INVALID = -22,
} ManagerState;

/* "starting", … */
const char *manager_state_to_string(ManagerState state);

/* Limits and timeouts of connection tracking (reference §4.9); 0 leaves what the kernel has. */
typedef struct ConntrackOptions {
        uint32_t max_per_core; /* entries for each CPU; 0: the limit is left, whatever `min` says */
        uint32_t min; /* entries at least */
        uint64_t tcp_established_sec, tcp_close_wait_sec, udp_sec, udp_stream_sec;
        bool tcp_be_liberal;
} ConntrackOptions;

/* Everything is copied by manager_new(). */
typedef struct ManagerOptions {
        const char *node_name;
        const char *scheduler; /* "" = rr */
        IpAddr bind_address; /* replaces the detected node IP; none or unspecified: detect */
        const IpNet *node_port_nets; /* node ports only on addresses in these */
        size_t n_node_port_nets;
        bool node_port_primary; /* and on the node IPs */
        bool node_port_all; /* and on every address of the host; so is none of the three */
        const IpNet *exclude_cidrs; /* virtual servers in these are ours only if we made them */
        size_t n_exclude_cidrs;
        FilterConfig filter;
        IpvsTimeouts timeouts;
        bool watch_nodes; /* the source puts all Nodes of the cluster: their addresses are no service's */
        bool node_hints; /* endpoints may be for single nodes: gate PreferSameTrafficDistribution */
        bool strict_arp;
        ConntrackOptions conntrack;
        uint64_t min_sync_usec; /* at least this between two syncs */
        uint64_t sync_usec; /* between two full comparisons with the kernel */
        uint64_t drain_timeout_usec;
        uint64_t drain_look_usec; /* between two looks at connections that end; 0 = 5 s */
        /* For tests: virtual servers that one turn reads, and one filter set, from the start on; 0 = as many as 2 ms allow. */
        size_t look_servers;
        uint64_t retry_usec; /* after the first failure of something, then longer and longer; 0 = 1 s */
        const char *state_directory; /* NULL: nothing is kept */
        bool dry_run; /* the backend only reads: nothing is kept either */
        bool needs_source[_OBJECT_SOURCE_MAX]; /* whose lists must be complete before anything is removed */
} ManagerOptions;

/* Takes the backend in every case. No I/O. -ENOMEM. */
int manager_new(sd_event *event, KernelBackend *backend, const ManagerOptions *options, Manager **ret);
/*
 * New options for a running manager: what they change is computed and programmed with the next sync. Node name and
 * state directory stay as they were. -ENOMEM: all is as it was.
 */
int manager_reconfigure(Manager *manager, const ManagerOptions *options);
/*
 * Whether the kernel has what the options name, found out by trying. -ENOPKG: it has no such scheduler, and
 * *ret_problem is a sentence, owned by the caller. Nothing to be told before the first look at the kernel.
 */
int manager_check_options(Manager *manager, const ManagerOptions *options, char **ret_problem);
/* Leaves the kernel as it is. */
Manager *manager_free(Manager *manager);
DEFINE_CLEANUP(Manager *, manager_free);

/*
 * Reads and adopts what the kernel holds, sets sysctls, makes device and table, and begins to listen; where there is much
 * to read the first turns go on with it. A failure that no retry can help (no permission, no memory, no such scheduler)
 * is logged and returned, or ends the event loop where it is found later. Any other (no IPVS, no nftables, a device of the
 * same name) is the manager's `error` in state MANAGER_STATE_DEGRADED, and is retried: until then nothing is written.
 */
int manager_start(Manager *manager);

/* Where sources put their objects. A list that was completed is to be told with manager_source_synced(). */
Store *manager_store(Manager *manager);
/* For sources of objects that may keep the loop busy for long; borrowed, lives as long as the manager. */
Yield *manager_yield(Manager *manager);
void manager_source_synced(Manager *manager);
/* `event_usec`: CLOCK_REALTIME of the last thing heard from the API server, 0 = nothing new */
void manager_set_api_state(Manager *manager, ApiState state, uint64_t event_usec);
/* Copied; long texts are cut. */
void manager_set_source_report(Manager *manager, const SourceReport *report);

const Desired *manager_desired(const Manager *manager);
const KernelTable *manager_table(const Manager *manager);

/* ---- status, by value */

/* Without any of these nothing is programmed. */
enum {
        KERNEL_LACKS_IPVS = 1,
        KERNEL_LACKS_NFTABLES = 2,
        KERNEL_LACKS_DUMMY = 4,
};

typedef struct ManagerStatus {
        ManagerState state;
        ApiState api_state;
        uint64_t last_api_event_usec; /* CLOCK_REALTIME, like all but durations; 0 = never */
        uint64_t generation; /* of the last sync that is in the kernel */
        uint32_t n_pending; /* services waiting to be computed */
        uint32_t n_services; /* service ports */
        uint32_t n_endpoints; /* of all service ports */
        uint32_t n_virtual_servers; /* ours, in the kernel */
        uint64_t last_sync_usec, last_sync_duration_usec;
        uint64_t n_syncs, n_sync_errors;
        uint64_t n_operations, n_operation_failures; /* in the kernel, over all syncs */
        uint64_t n_drift; /* repairs of what others changed */
        uint64_t n_refused; /* virtual servers wanted by a service and not given to it */
        uint64_t n_node_port_conflicts; /* sockets of processes in the way of node ports */
        const char *forward_chain; /* of somebody that drops forwarded packets which no rule accepts; "" = none */
        const char *drain_state; /* "off", "draining", "done": of the node, see node-drain.h */
        uint64_t drain_deadline_usec; /* 0 = none */
        uint64_t drain_connections; /* left, as last counted */
        uint64_t n_draining; /* real servers at weight 0 with connections */
        bool kernel_known; /* it was read as a whole: there is what is needed */
        unsigned kernel_lacks; /* KERNEL_LACKS_… */
        SourceReport sources; /* valid until the next change */
        const char *error; /* the first failing object and why; "" if all is well. Valid until the next change. */
        const char *node_name; /* valid as long as the manager */
} ManagerStatus;

void manager_status(const Manager *manager, ManagerStatus *ret);
/* The same without what has to be counted over all services: n_endpoints, n_virtual_servers and n_refused are 0. */
void manager_status_brief(const Manager *manager, ManagerStatus *ret);
/* What somebody else changed and was repaired; see control/drift.h. Valid as long as the manager. */
const struct DriftLog *manager_drift(const Manager *manager);
/* As read by manager_start(); all 0 before. Valid as long as the manager. */
const KernelInfo *manager_kernel_info(const Manager *manager);

/* Called once an event loop turn in which a sync ended or the state changed; several listeners may be added. */
typedef void (*ManagerListener)(Manager *manager, void *userdata);
int manager_add_listener(Manager *manager, ManagerListener listener, void *userdata);

/*
 * Called for each port of each service that is computed, as desired_set_observer() says: neither pointer is valid
 * afterwards, and the desired state is just changing, so it must not be read or walked from within.
 */
int manager_add_port_observer(Manager *manager, DesiredObserver observer, void *userdata);

/* Takes listeners and observers with this userdata away; not from within one of them. */
void manager_remove_observers(Manager *manager, const void *userdata);

/* ---- commands */

enum {
        RESYNC_AUDIT = 1, /* read the kernel again first */
        RESYNC_NO_WAIT = 2, /* `done` is called with the current generation at once */
};

/* While held, changes are collected and nothing is programmed; a sync that runs stops between two turns. */
void manager_set_held(Manager *manager, bool held);

/* `error`: 0, or the negative errno of the first failure; `message` says of what. */
typedef void (*ResyncDone)(uint64_t generation, int error, const char *message, void *userdata);

/*
 * Everything is computed and compared again; `done` (never from within this call) when that is in the kernel. Calls
 * before the sync begins share it. `*ret_ticket` is for manager_resync_cancel(). -ENOMEM.
 */
int manager_resync(Manager *manager, uint64_t flags, ResyncDone done, void *userdata, uint64_t *ret_ticket);
/* The same for one service; what others need done is done too, as always. */
int manager_resync_port(Manager *manager,
                        const DesiredPort *port,
                        uint64_t flags,
                        ResyncDone done,
                        void *userdata,
                        uint64_t *ret_ticket);
/* `done` will not be called. */
void manager_resync_cancel(Manager *manager, uint64_t ticket);
