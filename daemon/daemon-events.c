/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon-events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/hash.h"
#include "control/port-view.h"
#include "control/priorities.h"

#define SWEEP_FIRST_USEC (5 * USEC_PER_SEC) /* what passes by itself at a start is no Event */
#define SWEEP_USEC (30 * USEC_PER_SEC)
#define PORTS_PER_TURN 256
/* Of more ports in trouble the first are told of; metrics and the client have them all. */
#define TOLD_MAX 512

/* A port in trouble that an Event was told of. */
typedef struct Told {
        PortState state;
        const char *reason; /* static */
        unsigned sweep; /* that saw it last */
        char id[];
} Told;

struct DaemonEvents {
        Manager *manager; /* borrowed */
        ApiServer *api; /* borrowed */
        sd_event_source *timer; /* owned */
        HashMap told; /* id → Told, owned */
        size_t position; /* of the sweep */
        unsigned sweep;
        bool sweeping, changed;
};

/* ---- texts */

static const char *refusal_explain(RefusalReason reason) {
        switch (reason) {
        case REFUSAL_CONFLICT:
                return "an older Service has the same address, port and protocol; change one of them";
        case REFUSAL_FOREIGN:
                return "a virtual server that ipvsproxyd did not make is in the way; see ipvsadm -Ln there";
        case REFUSAL_LOOPBACK:
        case REFUSAL_MULTICAST:
        case REFUSAL_UNSPECIFIED:
        case REFUSAL_LINK_LOCAL:
                return "such an address is never served; take it out of the Service";
        case REFUSAL_NODE_ADDRESS:
                return "another node of the cluster has it; take it out of the Service";
        case REFUSAL_TOO_MANY:
                return "its ports times its external addresses are too many";
        case REFUSAL_NONE:
        case _REFUSAL_MAX:
                break;
        }
        return "see ipvsproxyctl explain there";
}

static void describe_refused(const DesiredPort *port, char *text, size_t size) {
        char address[VIRTUAL_SERVER_STRLEN] = "";
        RefusalReason reason = REFUSAL_NONE;

        for (size_t i = 0; reason == REFUSAL_NONE && i < port->n_servers; i++) {
                reason = port_server_refusal(&port->servers[i]);
                (void) virtual_server_key_format(&port->servers[i].claim.wanted.key, address);
        }
        if (reason == REFUSAL_NONE && port->service->n_refused > 0) {
                reason = port->service->refused[0].reason;
                (void) ip_addr_format(&port->service->refused[0].addr, address);
        }
        (void) snprintf(text, size, "%s is not served (%s): %s", address, refusal_reason_to_string(reason), refusal_explain(reason));
}

static int port_error(const DesiredPort *port) {
        const DesiredService *service = port->service;

        for (size_t i = 0; i < port->n_servers; i++)
                if (port_server_refusal(&port->servers[i]) == REFUSAL_NONE && port->servers[i].claim.server->failure.error < 0)
                        return port->servers[i].claim.server->failure.error;
        for (size_t i = 0; i < service->n_addresses; i++)
                if (service->addresses[i]->failure.error < 0)
                        return service->addresses[i]->failure.error;
        for (size_t i = 0; i < service->n_elements; i++)
                if (service->elements[i]->failure.error < 0)
                        return service->elements[i]->failure.error;
        return 0;
}

/* ---- reporting */

static void report_service(DaemonEvents *events, const Service *service, EventReport *report) {
        report->namespace = service->namespace;
        report->name = service->name;
        report->uid = service->uid;
        api_server_report(events->api, report);
}

static void describe_listener(const DaemonEvents *events, const DesiredPort *port, char *text, size_t size) {
        const ListenerInfo *listener = port_view_listener(events->manager, port);
        char address[IP_PORT_STRLEN] = "";

        if (listener)
                (void) ip_port_format(&listener->addr, listener->port, address);
        (void) snprintf(text,
                        size,
                        "it is served, and a process of the node that listens on %s for the same node port is no longer "
                        "reached there; move one of the two",
                        address);
}

static void report_port(DaemonEvents *events, const DesiredPort *port, PortState state) {
        const Service *service = service_entry_object(port->service->entry);
        EventReport report = { .warning = true, .action = "Program" };
        char note[EVENT_NOTE_MAX], what[512];
        ManagerStatus status;

        if (!service)
                return;
        manager_status_brief(events->manager, &status);
        if (state == PORT_STATE_REFUSED) {
                describe_refused(port, what, sizeof(what));
                report.reason = "AddressRefused";
        } else if (state != PORT_STATE_DEGRADED) {
                describe_listener(events, port, what, sizeof(what));
                report.reason = "NodePortInUse";
        } else {
                (void) snprintf(what, sizeof(what), "not all of it is in the kernel, retrying: %s", strerror(-port_error(port)));
                report.reason = "ProgrammingFailed";
        }
        (void) snprintf(note, sizeof(note), "node %s: port %s: %s", status.node_name, port->id, what);
        report.note = note;
        report_service(events, service, &report);
}

void daemon_events_started(DaemonEvents *events, const char *version) {
        char note[128];
        EventReport report = { .reason = "Starting", .action = "StartKubeProxy", .note = note };

        (void) snprintf(note, sizeof(note), "ipvsproxyd %s serves in the place of kube-proxy", version);
        api_server_report(events->api, &report);
}

void daemon_events_failed(DaemonEvents *events, const WebFailure *failure) {
        EventReport report = {
                .warning = true, .reason = failure->reason, .action = failure->action, .note = failure->message
        };
        const ServiceEntry *entry;
        const Service *service;

        if (!failure->namespace) {
                api_server_report(events->api, &report);
                return;
        }
        entry = store_find(manager_store(events->manager), failure->namespace, failure->name);
        service = entry ? service_entry_object(entry) : NULL;
        if (service)
                report_service(events, service, &report);
}

/* ---- looking for ports in trouble */

static void look_at_port(DaemonEvents *events, const DesiredPort *port) {
        const char *reason;
        PortState state = port_view_state(events->manager, port, &reason);
        Told *told;
        size_t size;

        if (!reason[0]) /* else it is refused, degraded, or its node port in the way of a process */
                return;
        told = hashmap_get(&events->told, port->id);
        if (!told) {
                if (events->told.n_entries >= TOLD_MAX)
                        return;
                size = strlen(port->id) + 1;
                told = malloc(sizeof(Told) + size);
                if (!told)
                        return;
                *told = (Told) { .state = _PORT_STATE_INVALID };
                memcpy(told->id, port->id, size);
                if (hashmap_put(&events->told, told->id, told) < 0) {
                        free(told);
                        return;
                }
        }
        told->sweep = events->sweep;
        if (told->state == state && told->reason == reason)
                return;
        told->state = state;
        told->reason = reason;
        report_port(events, port, state);
}

/* Those that are well again, or gone. Nothing may be removed during a walk, so it begins anew each time: they are few. */
static void forget_others(DaemonEvents *events) {
        for (bool found = true; found;) {
                Told *told;

                found = false;
                for (size_t i = 0; !found && (told = hashmap_next(&events->told, &i));)
                        if (told->sweep != events->sweep) {
                                (void) hashmap_remove(&events->told, told->id);
                                free(told);
                                found = true;
                        }
        }
}

static void events_arm(DaemonEvents *events, uint64_t delay_usec) {
        (void) sd_event_source_set_time_relative(events->timer, delay_usec);
        (void) sd_event_source_set_enabled(events->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        DaemonEvents *events = userdata;
        const Desired *desired = manager_desired(events->manager);
        const DesiredPort *port = NULL;

        if (!events->sweeping) {
                if (!events->changed)
                        return 0;
                events->sweeping = true;
                events->changed = false;
                events->position = 0;
                events->sweep++;
        }
        for (unsigned n = 0; n < PORTS_PER_TURN && (port = desired_next(desired, &events->position)); n++)
                look_at_port(events, port);
        if (port) {
                events_arm(events, 0);
                return 0;
        }
        events->sweeping = false;
        forget_others(events);
        events_arm(events, SWEEP_USEC);
        return 0;
}

static void on_manager_changed(Manager *manager, void *userdata) {
        DaemonEvents *events = userdata;
        int enabled = SD_EVENT_OFF;

        events->changed = true;
        if (sd_event_source_get_enabled(events->timer, &enabled) >= 0 && enabled == SD_EVENT_OFF)
                events_arm(events, SWEEP_FIRST_USEC);
}

/* ---- life */

int daemon_events_new(sd_event *event, Manager *manager, ApiServer *api, DaemonEvents **ret) {
        _cleanup_(daemon_events_freep) DaemonEvents *events = calloc(1, sizeof(DaemonEvents));
        int r;

        if (!events)
                return -ENOMEM;
        events->manager = manager;
        events->api = api;
        events->told.ops = &hash_ops_string;
        r = sd_event_add_time_relative(event, &events->timer, CLOCK_MONOTONIC, 0, USEC_PER_SEC, on_timer, events);
        if (r >= 0)
                r = sd_event_source_set_enabled(events->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(events->timer, EVENT_PRIORITY_YIELD);
        if (r >= 0)
                r = manager_add_listener(manager, on_manager_changed, events);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(events->timer, "daemon-events");
        *ret = TAKE_PTR(events);
        return 0;
}

DaemonEvents *daemon_events_free(DaemonEvents *events) {
        Told *told;

        if (!events)
                return NULL;
        manager_remove_observers(events->manager, events);
        while ((told = hashmap_first(&events->told))) {
                (void) hashmap_remove(&events->told, told->id);
                free(told);
        }
        hashmap_done(&events->told);
        (void) sd_event_source_disable_unref(events->timer);
        free(events);
        return NULL;
}
