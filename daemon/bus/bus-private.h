/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus room's inside. One connection at a time; whatever belongs to it (slots, peers, questions to polkit) is
 * dropped with it, what the objects say is read from the manager when somebody asks.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/answer.h"
#include "bus/bus.h"
#include "bus/conditions.h"
#include "bus/dump.h"
#include "bus/gate.h"
#include "bus/hold.h"
#include "bus/index.h"
#include "bus/inhibitor.h"
#include "bus/monitor.h"
#include "bus/peers.h"
#include "bus/polkit.h"
#include "bus/service-view.h"
#include "bus/signals.h"
#include "control/drift.h"
#include "control/explain.h"
#include "control/node-drain.h"
#include "control/overrides.h"

/* Somebody who waits for a sync; see resync.c. */
typedef struct ResyncCall ResyncCall;

struct Bus {
        sd_event *event; /* owned reference */
        Manager *manager; /* borrowed */
        char *version, *address; /* owned */
        BusOptions options; /* its strings lead into the above */

        /* connection.c */
        sd_bus *bus; /* owned; NULL between two connections */
        Gate *gate; /* owned; NULL as long as the connection is being made, and over a direct link */
        sd_event_source *reconnect; /* timer */
        sd_event_source *watchdog; /* timer: does the write queue shrink? */
        sd_bus_slot *request; /* of the name */
        uint64_t backoff_usec;
        unsigned n_connections;
        bool has_name;
        uint64_t n_unsent, moved_usec; /* messages in the write queue, and when they last became fewer */
        size_t unsent_bytes; /* about, since the queue was empty */

        Index *index; /* owned: all service ports in order of their ids */
        Signals *signals; /* owned */
        Answers *answers; /* owned */
        Dumps *dumps; /* owned */
        Monitors *monitors; /* owned */
        Holds *holds; /* owned */
        Inhibitor *inhibitor; /* owned */
        Peers *peers; /* owned: of this connection */
        Polkit *polkit; /* owned: of this connection */
        ServiceView view; /* of the object a call is for */
        uint64_t view_turn; /* raised when the view may be outdated */

        ManagerStatus status; /* as shown by properties */
        const char *state, *api_state; /* static: of it */
        const char *interface_name; /* static */
        Condition conditions[_CONDITION_MAX];
        uint64_t counted_usec; /* CLOCK_MONOTONIC: when its counts were taken */
        bool counts_outdated;

        ResyncCall *calls; /* owned list */
        size_t n_calls;
        BusCounters counters; /* without n_denied and n_clients */
};

/* connection.c */
int bus_connection_start(Bus *bus);
void bus_connection_done(Bus *bus);
/* Throws the connection away, `why` is for the log, and begins a new one after a while. */
void bus_connection_lost(Bus *bus, const char *why);

void bus_name_acquired(Bus *bus);
/* Whether so much waits to be sent that nothing more may be answered. */
bool bus_is_clogged(Bus *bus);

/* admission.c: a filter of all messages */
int bus_admit(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* A GateHandler: the sender of what is too long is told, within its budget. */
bool bus_admit_header(const MessageHeader *header, bool is_long, void *userdata);
/* The answer to `m` has so many more bytes, for which so many services, endpoints or the like were looked at. */
void bus_charge(Bus *bus, sd_bus_message *m, size_t n_bytes, size_t n_looks);

/* bus.c: objects and budgets on a connection that was made but not started; also for tests, over a direct link. */
int bus_attach(Bus *bus);

/*
 * For work in parts: a source that calls its handler once for each bus_take_turn(), after what waits on the bus already.
 * (A defer source that is enabled again comes before all others of its priority, always.)
 */
int bus_add_turn(Bus *bus, sd_event_source **ret, sd_event_time_handler_t handler, void *userdata, const char *name);
int bus_take_turn(sd_event_source *turn);

/* Makes `status` and the view say what is true now. */
void bus_refresh(Bus *bus);
/* What is not found is not there, or nobody can tell yet. -EINVAL, or as sd_bus_error_setf(). */
int bus_error_not_found(const Bus *bus, sd_bus_error *error, const char *format, ...) _printf_(3, 4);
uint64_t bus_now(const Bus *bus); /* CLOCK_MONOTONIC, of this event loop turn */
uint64_t bus_real_now(const Bus *bus); /* CLOCK_REALTIME */

/* manager-object.c, service-object.c, log-control.c */
int bus_add_manager_object(Bus *bus);
int bus_add_service_objects(Bus *bus);
int bus_add_log_control(Bus *bus);

/* service-object.c: a{sv} of the properties that are shown in GetManagedObjects */
int bus_append_service_properties(Bus *bus, const DesiredPort *port, const char *path, sd_bus_message *reply);

/* About; of an object in GetManagedObjects, measured on answers of this daemon. */
#define BYTES_MANAGED_OBJECT 1200

/* tree.c: GetManagedObjects, and what is below the parent of all services. 0 = it is neither, 1 = it is dealt with. */
int bus_answer_tree(Bus *bus, sd_bus_message *m, sd_bus_error *error);

/* lists.c: methods of the manager */
int bus_list_services(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_list_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* resync.c: `id` is NULL for the manager's method. Answers when the sync is done. */
int bus_resync(Bus *bus, sd_bus_message *m, const char *id, sd_bus_error *error);
void bus_resync_done(Bus *bus);
