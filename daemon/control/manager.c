/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/manager.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "control/manager-private.h"
#include "control/node-setup.h"
#include "control/priorities.h"

/* The first look goes on in turns behind that: signals, HTTP and the watchdog do not wait for it. */
#define START_LOOK_USEC (500 * USEC_PER_MSEC)

static const char *const manager_state_table[_MANAGER_STATE_MAX] = {
        [MANAGER_STATE_STARTING] = "starting", [MANAGER_STATE_SYNCING] = "syncing",
        [MANAGER_STATE_RUNNING] = "running",   [MANAGER_STATE_DEGRADED] = "degraded",
        [MANAGER_STATE_HELD] = "held",         [MANAGER_STATE_DRAINING] = "draining",
        [MANAGER_STATE_STOPPING] = "stopping",
};

const char *manager_state_to_string(ManagerState state) {
        return state >= 0 && state < _MANAGER_STATE_MAX ? manager_state_table[state] : NULL;
}

/* ---- life */

static void on_store_dirty(void *userdata) {
        Manager *manager = userdata;

        measure_queued(&manager->measure);
        manager_wake(manager);
}

/* The lines that operators grep for (reference §6). */
static void on_port_changed(const DesiredPort *before, const DesiredPort *after, void *userdata) {
        const DesiredPort *port = after ? after : before;
        Manager *manager = userdata;
        char address[VIRTUAL_SERVER_STRLEN] = "";
        const char *colon = port->name[0] ? "" : ":";

        if (port->n_servers > 0)
                (void) virtual_server_key_format(&port->servers[0].claim.wanted.key, address);
        if (!before)
                log_v(1, "Adding new service port \"%s%s\" at %s", port->id, colon, address);
        else if (!after)
                log_v(1, "Removing service port \"%s%s\"", port->id, colon);
        refusal_log_observe(&manager->refusals, before, after, manager_now(manager));
        if (node_port_changed(before, after))
                manager->look |= LOOK_SOCKETS;
        for (PortObserverEntry *e = manager->port_observers; e; e = e->next)
                e->observer(before, after, e->userdata);
}

int manager_new(sd_event *event, KernelBackend *backend, const ManagerOptions *options, Manager **ret) {
        _cleanup_(manager_freep) Manager *manager = calloc(1, sizeof(Manager));
        ReconcilerParts parts;
        int r;

        if (!manager) {
                (void) kernel_backend_free(backend);
                return -ENOMEM;
        }
        manager->backend = backend;
        manager->event = sd_event_ref(event);
        measure_init(&manager->measure);
        r = owned_options_copy(&manager->owned, options, &manager->options);
        if (r >= 0)
                r = store_new(on_store_dirty, manager, &manager->store);
        if (r >= 0)
                r = yield_new(event, EVENT_PRIORITY_API, &manager->yield);
        if (r >= 0)
                r = kernel_table_new(&manager->table);
        if (r >= 0)
                r = override_set_new(&manager->overrides.set);
        if (r >= 0)
                r = desired_new(manager->store, manager->table, &manager->desired);
        if (r >= 0)
                r = journal_new(manager->options.state_directory,
                                manager->options.dry_run ? JOURNAL_READ_ONLY : JOURNAL_READ_WRITE,
                                &manager->journal);
        if (r >= 0)
                r = drain_new(manager->table, backend, &manager->drain);
        if (r >= 0)
                r = statistics_new(manager->table, backend, &manager->statistics);
        parts = (ReconcilerParts) { manager->store, manager->desired, manager->table,
                                    backend,        manager->journal, &manager->options.filter, &manager->measure };
        if (r >= 0)
                r = reconciler_new(&parts, &manager->reconciler);
        if (r < 0)
                return r;
        desired_set_observer(manager->desired, on_port_changed, manager);
        *ret = TAKE_PTR(manager);
        return 0;
}

static void manager_free_lists(Manager *manager) {
        while (manager->tickets) {
                ResyncTicket *ticket = manager->tickets;

                manager->tickets = ticket->next;
                free(ticket);
        }
        while (manager->listeners) {
                ManagerListenerEntry *entry = manager->listeners;

                manager->listeners = entry->next;
                free(entry);
        }
        while (manager->port_observers) {
                PortObserverEntry *entry = manager->port_observers;

                manager->port_observers = entry->next;
                free(entry);
        }
}

Manager *manager_free(Manager *manager) {
        sd_event_source *sources[] = { manager ? manager->turn : NULL,    manager ? manager->delay : NULL,
                                       manager ? manager->retry : NULL,   manager ? manager->audit : NULL,
                                       manager ? manager->drain_timer : NULL, manager ? manager->notify : NULL,
                                       manager ? manager->node_wait : NULL };

        if (!manager)
                return NULL;
        manager->started = false;
        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                (void) sd_event_source_disable_unref(sources[i]);
        (void) yield_free(manager->yield);
        (void) reconciler_free(manager->reconciler);
        manager_overrides_done(manager);
        (void) sd_event_source_disable_unref(manager->node_drain.timer);
        (void) statistics_free(manager->statistics);
        (void) drain_free(manager->drain);
        (void) journal_free(manager->journal);
        (void) desired_free(manager->desired);
        (void) kernel_table_free(manager->table);
        (void) store_free(manager->store);
        (void) kernel_backend_free(manager->backend);
        measure_done(&manager->measure);
        filter_look_cancel(&manager->filter_look);
        server_look_cancel(&manager->server_look);
        drift_log_done(&manager->drift);
        node_ports_done(&manager->node_ports);
        node_view_done(&manager->view);
        host_addresses_done(&manager->host);
        owned_options_done(&manager->owned);
        manager_free_lists(manager);
        (void) sd_event_unref(manager->event);
        free(manager);
        return NULL;
}

AdoptParts manager_adopt_parts(Manager *manager) {
        return (AdoptParts) {
                .table = manager->table,
                .backend = manager->backend,
                .journal = manager->journal,
                .drift = &manager->drift,
                .filter = &manager->options.filter,
                .filter_told = manager->filter_told,
                .exclude_cidrs = manager->options.exclude_cidrs,
                .n_exclude_cidrs = manager->options.n_exclude_cidrs,
        };
}

static uint64_t manager_clock(const Manager *manager, clockid_t clock) {
        uint64_t now = 0;

        (void) sd_event_now(manager->event, clock, &now);
        return now;
}

uint64_t manager_now(const Manager *manager) {
        return manager_clock(manager, CLOCK_BOOTTIME);
}

uint64_t manager_real_now(const Manager *manager) {
        return manager_clock(manager, CLOCK_REALTIME);
}

static int manager_load_journal(Manager *manager) {
        size_t n_bad = 0;
        int r = journal_load(manager->journal, &n_bad);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                (void) log_warning_errno(r,
                                         "Failed to read the ownership journal in %s, taking what is on " KERNEL_DEVICE_NAME " for ours: %m",
                                         manager->options.state_directory);
        if (n_bad > 0)
                log_warning("Left out %zu unreadable lines of the ownership journal", n_bad);
        manager->had_journal = r > 0;
        return 0;
}

static bool manager_start_is_over(const Manager *manager, uint64_t begun_usec) {
        return manager->options.look_servers > 0 || clock_now_usec(CLOCK_MONOTONIC) - begun_usec >= START_LOOK_USEC;
}

/*
 * The kernel is looked at, for nothing else can be done before. What fails is retried by the first turns (a module may be
 * loaded, a device of that name renamed), but for what no retry can help; they also go on where there is much to read.
 */
int manager_start(Manager *manager) {
        char message[MANAGER_MESSAGE_SIZE] = "";
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC);
        int r;

        r = manager_load_journal(manager);
        if (r < 0)
                return r;
        r = manager_wake_start(manager);
        if (r < 0)
                return log_error_errno(r, "Failed to prepare the event loop: %m");
        (void) manager_watch(manager); /* before the look, so that nothing is missed; each turn asks again */
        do
                r = manager_adopt(manager, message);
        while (r > 0 && (manager->options.dry_run || !manager_start_is_over(manager, begun)));
        if (r == -EPERM || r == -EACCES || r == -ENOPKG || (r < 0 && manager->options.dry_run))
                return log_error_errno(r, "%s", message);
        r = manager_overrides_start(manager);
        if (r < 0)
                return log_error_errno(r, "Failed to prepare overrides of endpoints: %m");
        r = manager_node_drain_start(manager);
        if (r < 0)
                return log_error_errno(r, "Failed to go on with the drain of this node: %m");
        manager->started = true;
        if (manager->adopted)
                manager_wake(manager);
        else
                (void) sd_event_source_set_enabled(manager->turn, SD_EVENT_ONESHOT); /* which tells what fails */
        manager->state = manager->adopted ? MANAGER_STATE_SYNCING : MANAGER_STATE_STARTING;
        return 0;
}

/* ---- sources */

Yield *manager_yield(Manager *manager) {
        return manager->yield;
}

Store *manager_store(Manager *manager) {
        return manager->store;
}

void manager_source_synced(Manager *manager) {
        manager_wake(manager);
}

void manager_set_api_state(Manager *manager, ApiState state, uint64_t event_usec) {
        bool changed = manager->api_state != state;

        manager->api_state = state;
        if (event_usec > 0)
                manager->last_api_event_usec = event_usec;
        if (changed)
                manager_notify_soon(manager);
}

void manager_set_source_report(Manager *manager, const SourceReport *report) {
        if (source_texts_set(&manager->sources, report))
                manager_notify_soon(manager);
}

/* ---- reading */

const Desired *manager_desired(const Manager *manager) {
        return manager->desired;
}

const KernelTable *manager_table(const Manager *manager) {
        return manager->table;
}

/* ---- listeners and tickets */

static void manager_answer_tickets(Manager *manager) {
        ResyncTicket *left = NULL, **last = &left, *ticket;

        /* `done` may ask for another one, or cancel one: the list is whole while it runs. */
        for (ResyncTicket **p = &manager->tickets; (ticket = *p);) {
                if (ticket->generation > manager->generation) {
                        p = &ticket->next;
                        continue;
                }
                *p = ticket->next;
                ticket->next = NULL;
                *last = ticket;
                last = &ticket->next;
        }
        while ((ticket = left)) {
                left = ticket->next;
                ticket->done(manager->generation, manager->sync_error, manager->sync_message, ticket->userdata);
                free(ticket);
        }
}

static int on_notify(sd_event_source *source, void *userdata) {
        Manager *manager = userdata;

        manager_answer_tickets(manager);
        for (ManagerListenerEntry *e = manager->listeners; e; e = e->next)
                e->listener(manager, e->userdata);
        return 0;
}

void manager_notify_soon(Manager *manager) {
        if (!manager->notify) {
                if (sd_event_add_defer(manager->event, &manager->notify, on_notify, manager) < 0)
                        return;
                (void) sd_event_source_set_priority(manager->notify, EVENT_PRIORITY_RECONCILE);
        }
        (void) sd_event_source_set_enabled(manager->notify, SD_EVENT_ONESHOT);
}

int manager_add_listener(Manager *manager, ManagerListener listener, void *userdata) {
        ManagerListenerEntry *entry = malloc(sizeof(ManagerListenerEntry));

        if (!entry)
                return -ENOMEM;
        *entry = (ManagerListenerEntry) { manager->listeners, listener, userdata };
        manager->listeners = entry;
        return 0;
}

int manager_add_port_observer(Manager *manager, DesiredObserver observer, void *userdata) {
        PortObserverEntry *entry = malloc(sizeof(PortObserverEntry));

        if (!entry)
                return -ENOMEM;
        *entry = (PortObserverEntry) { manager->port_observers, observer, userdata };
        manager->port_observers = entry;
        return 0;
}

void manager_remove_observers(Manager *manager, const void *userdata) {
        for (ManagerListenerEntry **p = &manager->listeners; *p;)
                if ((*p)->userdata == userdata) {
                        ManagerListenerEntry *entry = *p;

                        *p = entry->next;
                        free(entry);
                } else {
                        p = &(*p)->next;
                }
        for (PortObserverEntry **p = &manager->port_observers; *p;)
                if ((*p)->userdata == userdata) {
                        PortObserverEntry *entry = *p;

                        *p = entry->next;
                        free(entry);
                } else {
                        p = &(*p)->next;
                }
}

static int manager_add_ticket(Manager *manager, uint64_t flags, ResyncDone done, void *userdata, uint64_t *ret_ticket) {
        ResyncTicket *ticket = malloc(sizeof(ResyncTicket));
        uint64_t running = manager->sync_running;

        if (!ticket)
                return -ENOMEM;
        *ticket = (ResyncTicket) {
                .next = manager->tickets,
                .id = ++manager->last_ticket,
                .generation = flags & RESYNC_NO_WAIT ? 0 : manager->generation + 1 + running,
                .done = done,
                .userdata = userdata,
        };
        manager->tickets = ticket;
        *ret_ticket = ticket->id;
        if (flags & RESYNC_NO_WAIT)
                manager_notify_soon(manager);
        return 0;
}

int manager_resync(Manager *manager, uint64_t flags, ResyncDone done, void *userdata, uint64_t *ret_ticket) {
        int r = manager_add_ticket(manager, flags, done, userdata, ret_ticket);

        if (r < 0)
                return r;
        store_mark_all_dirty(manager->store);
        plan_queue_differences(manager->table);
        manager_look(manager, flags & RESYNC_AUDIT ? LOOK_ALL : 0);
        return 0;
}

int manager_resync_port(Manager *manager,
                        const DesiredPort *port,
                        uint64_t flags,
                        ResyncDone done,
                        void *userdata,
                        uint64_t *ret_ticket) {
        int r = manager_add_ticket(manager, flags, done, userdata, ret_ticket);

        if (r < 0)
                return r;
        for (size_t i = 0; i < port->n_servers; i++)
                if (port->servers[i].claim.server)
                        kernel_table_queue_server(manager->table, port->servers[i].claim.server);
        store_mark_dirty(manager->store, port->service->entry);
        manager_look(manager, flags & RESYNC_AUDIT ? LOOK_ALL : 0);
        return 0;
}

void manager_resync_cancel(Manager *manager, uint64_t id) {
        for (ResyncTicket **p = &manager->tickets; *p; p = &(*p)->next)
                if ((*p)->id == id) {
                        ResyncTicket *ticket = *p;

                        *p = ticket->next;
                        free(ticket);
                        return;
                }
}
