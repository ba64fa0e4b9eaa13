/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's inside, for the files of this folder that are part of it.
 */
#pragma once

#include "control/adopt.h"
#include "control/drain.h"
#include "control/drift.h"
#include "control/failure-log.h"
#include "control/filter-look.h"
#include "control/journal.h"
#include "control/manager.h"
#include "control/measure.h"
#include "control/node-drain.h"
#include "control/node-ports.h"
#include "control/node-view.h"
#include "control/overrides.h"
#include "control/reconciler.h"
#include "control/refusal-log.h"
#include "control/server-look.h"
#include "control/source-texts.h"
#include "control/statistics.h"

/* Copies of what ManagerOptions points to; all owned. */
typedef struct OwnedOptions {
        char *node_name, *scheduler, *state_directory, *local_interface;
        IpNet *node_port_nets, *exclude_cidrs, *local_cidrs;
} OwnedOptions;

/* -ENOMEM; what was copied is for owned_options_done(), as always. */
int owned_options_copy(OwnedOptions *owned, const ManagerOptions *from, ManagerOptions *ret);
void owned_options_done(OwnedOptions *owned);

/* Somebody who waits for a sync. */
typedef struct ResyncTicket {
        struct ResyncTicket *next;
        uint64_t id;
        uint64_t generation; /* of the sync that answers it */
        ResyncDone done;
        void *userdata;
} ResyncTicket;

typedef struct ManagerListenerEntry {
        struct ManagerListenerEntry *next;
        ManagerListener listener;
        void *userdata;
} ManagerListenerEntry;

typedef struct PortObserverEntry {
        struct PortObserverEntry *next;
        DesiredObserver observer;
        void *userdata;
} PortObserverEntry;

/* What has to be read from the kernel again before the next turn. */
enum {
        LOOK_ADDRESSES = 1,
        LOOK_FILTER = 2,
        LOOK_SERVERS = 4,
        LOOK_NODE = 8, /* sysctls and timeouts */
        LOOK_SOCKETS = 16, /* of processes in the way of node ports */
        LOOK_KERNEL = LOOK_ADDRESSES | LOOK_FILTER | LOOK_SERVERS,
        LOOK_ALL = LOOK_KERNEL | LOOK_NODE | LOOK_SOCKETS,
};

/* overrides.c */
typedef struct ManagerOverrides {
        OverrideSet *set; /* owned */
        sd_event_source *timer; /* until the first of them ends */
        OverrideListener listener;
        void *userdata;
} ManagerOverrides;

#define MANAGER_MESSAGE_SIZE 192
#define SCHEDULER_DEFAULT "rr"

struct Manager {
        sd_event *event; /* owned reference */
        KernelBackend *backend; /* owned, like all below */
        OwnedOptions owned;
        ManagerOptions options; /* its pointers lead into `owned` */
        KernelInfo info;
        Store *store;
        KernelTable *table;
        Desired *desired;
        Journal *journal;
        Drain *drain;
        Statistics *statistics;
        Reconciler *reconciler;
        HostAddresses host;
        NodeView view;
        bool told_no_node_ip;
        Measure measure;

        sd_event_source *turn; /* defer: one turn of work */
        sd_event_source *delay; /* timer: until the next sync may begin */
        Yield *yield; /* HTTP and bus go first for a moment */
        sd_event_source *retry; /* timer: after failures */
        sd_event_source *audit; /* timer: full comparison */
        sd_event_source *drain_timer;
        sd_event_source *node_wait; /* timer: how long the first sync waits for the Node */
        sd_event_source *notify; /* defer: tells listeners and tickets */

        ManagerState state;
        ApiState api_state;
        SourceTexts sources;
        uint64_t last_api_event_usec;
        unsigned look; /* LOOK_… before the next turn */
        unsigned adopt_left; /* LOOK_…: the parts of the first look that are still to be read, while it goes on */
        DriftCounts adopt_counts; /* of the others */
        FilterLook filter_look; /* those of LOOK_FILTER and LOOK_SERVERS, which take several turns; one runs at a time */
        ServerLook server_look;
        bool auditing; /* the looks are those of an audit */
        uint64_t look_cpu_usec; /* what they took since it began, without what they waited for */
        unsigned look_later; /* LOOK_… with the next retry of `whole` */
        Failure whole; /* what cannot be told of one object of the table */
        bool whole_failed; /* in the running sync */
        bool watching; /* notifications come */
        bool filter_told; /* one said that the table was changed, which was not looked at since */
        bool adopted; /* the kernel was looked at as a whole: there may be turns */
        bool in_doubt; /* answers were lost: what differs in the kernel may be our own doing, it is read before all else */
        FailureLog failure_log;
        DriftLog drift;
        RefusalLog refusals;
        unsigned missing; /* LOOK_…: what the kernel lacks, as was told */
        bool started;
        bool node_waited;
        bool had_journal;
        bool first_sync_told;
        bool removals_allowed; /* every needed list was complete once, and all of it computed */
        bool sync_running;
        bool held; /* nothing is begun or gone on with */
        bool sync_broken; /* the kernel could not be read or written to at all */

        uint64_t generation; /* last sync that ended */
        uint64_t sync_ended_usec; /* CLOCK_BOOTTIME */
        uint64_t last_sync_usec, last_sync_duration_usec; /* CLOCK_REALTIME and length */
        uint64_t n_syncs, n_sync_errors;
        size_t sync_changed, sync_failed;
        uint64_t n_operations, n_operation_failures; /* over all syncs */
        int sync_error;
        char sync_message[MANAGER_MESSAGE_SIZE], error[MANAGER_MESSAGE_SIZE];

        ResyncTicket *tickets;
        uint64_t last_ticket;
        ManagerListenerEntry *listeners;
        PortObserverEntry *port_observers;
        ManagerOverrides overrides;
        NodeDrain node_drain;
        NodePorts node_ports;
        char forward_chain[FORWARD_CHAIN_SIZE]; /* of somebody, with the policy to drop; "" = none */
        uint64_t n_cluster_nodes_seen; /* store_n_changes() of them that the desired state follows */
};

AdoptParts manager_adopt_parts(Manager *manager);
uint64_t manager_now(const Manager *manager); /* CLOCK_BOOTTIME */
uint64_t manager_real_now(const Manager *manager); /* CLOCK_REALTIME */

/*
 * look.c. All write what failed into `message`, and leave what is to be looked at again in `look_later`. 1 = not all was
 * read: call it again in the next turn; -errno. manager_adopt() sets `adopted` when all of it is known.
 */
int manager_adopt(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]);
/* The next of the parts that `look` says, and what does not grow with the cluster. */
int manager_look_at_kernel(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]);
/* Elements or virtual servers are being read, in steps. */
bool manager_is_reading(const Manager *manager);
/* The next step of that. */
int manager_go_on_looking(Manager *manager, char message[static MANAGER_MESSAGE_SIZE]);
/* -ENOPKG: the kernel lacks it; 0 also where that cannot be told. After the first look. */
int manager_probe_scheduler(Manager *manager, const char *scheduler, char message[static MANAGER_MESSAGE_SIZE]);

/* sync.c: one turn of work, and what lets others go first. */
int manager_on_turn(sd_event_source *source, void *userdata);
void manager_on_yield(bool yield, void *userdata);
bool manager_has_work(const Manager *manager);

/* wake.c: the looks of an audit are over; the next one is not too soon. */
void manager_end_audit(Manager *manager);
/* Something may have to be done. */
void manager_wake(Manager *manager);
/* Creates the event sources. */
int manager_wake_start(Manager *manager);
/* One of these timers, from now on. */
int manager_arm(sd_event_source *timer, uint64_t delay_usec);
/* Real servers drain: their connections are looked at soon, and then now and again until none is left. */
void manager_watch_drains(Manager *manager);
/* Asks for notifications, once it succeeds. -errno; the work goes on without. */
int manager_watch(Manager *manager);
/* After sync_usec changed. */
void manager_arm_audit(Manager *manager);
/* Asks for another look at the kernel, then wakes. */
void manager_look(Manager *manager, unsigned what);
/* The view and the filter's CIDRs follow Node, options and host addresses; marks dirty what depends on it. -ENOMEM. */
int manager_update_view(Manager *manager);
/* look.c: marks dirty what depends on the addresses of hosts. */
void manager_host_changed(Manager *manager);
/* Listeners and tickets, from the event loop. */
void manager_notify_soon(Manager *manager);

/* node-drain.c: goes on with a drain that was begun before a restart. -errno. */
int manager_node_drain_start(Manager *manager);

/* overrides.c: reads what was kept. -ENOMEM and the like. */
int manager_overrides_start(Manager *manager);
void manager_overrides_done(Manager *manager);
