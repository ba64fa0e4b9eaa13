/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change is found by comparing hashes of all properties with those of the last signal, so that it does not matter
 * what the change was made by. Ports that were computed wait in a queue until the sync that computed them ends, and are
 * looked at again every second while they are in a state that ends by itself (pending, degraded, draining).
 * What is there before the first sync, or while there is no bus, is noted without a word.
 */
#include "bus/signals-private.h"

#include <errno.h>
#include <string.h>

#include "bus/bus-private.h"
#include "bus/signal-hash.h"
#include "common/bus-names.h"
#include "control/priorities.h"

#define OBJECT_PAUSE_USEC USEC_PER_SEC
#define ACCURACY_USEC USEC_PER_MSEC
#define SILENT_PER_TURN 200 /* looked at, nothing sent */

static void dirty_queue_append(DirtyQueue *queue, Dirty *dirty) {
        dirty->next = NULL;
        *(queue->last ? &queue->last->next : &queue->first) = dirty;
        queue->last = dirty;
}

static Dirty *dirty_queue_take(DirtyQueue *queue) {
        Dirty *dirty = queue->first;

        queue->first = dirty->next;
        if (!queue->first)
                queue->last = NULL;
        return dirty;
}

void signals_arm(sd_event_source *timer, uint64_t delay_usec) {
        if (sd_event_source_set_time_relative(timer, delay_usec) >= 0)
                (void) sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* ---- noting */

static Dirty *signals_add(Signals *signals, const char *id) {
        Dirty *dirty = hashmap_get(&signals->table, id);
        size_t size = strlen(id) + 1;

        if (dirty)
                return dirty;
        dirty = malloc(sizeof(Dirty) + size);
        if (!dirty)
                return NULL;
        *dirty = (Dirty) { .silent = !signals->synced_once || !signals->bus->has_name };
        memcpy(dirty->id, id, size);
        if (hashmap_put(&signals->table, dirty->id, dirty) < 0) {
                free(dirty);
                return NULL;
        }
        dirty_queue_append(&signals->ready, dirty);
        return dirty;
}

void signals_note_port(Signals *signals, const DesiredPort *before, const DesiredPort *after) {
        const IndexMark *mark = after ? NULL : index_mark(signals->bus->index, before->id);
        Dirty *dirty = signals_add(signals, after ? after->id : before->id);

        if (dirty && mark && mark->announced)
                dirty->was_announced = true; /* its mark goes with it */
}

void signals_note_id(Signals *signals, const char *id) {
        if (signals_add(signals, id))
                signals_arm(signals->pump, 0);
}

/* ---- telling of services */

static int tell_interfaces(const Bus *bus, const char *path, bool added) {
        return added ? sd_bus_emit_interfaces_added(bus->bus, path, BUS_INTERFACE_SERVICE, NULL) :
                       sd_bus_emit_interfaces_removed(bus->bus, path, BUS_INTERFACE_SERVICE, NULL);
}

static int tell_changes(const Bus *bus, const char *path, const uint32_t *before, const uint32_t *after) {
        const char *names[INDEX_PROPERTIES + 2];
        size_t n = 0;

        for (size_t i = 1; i < INDEX_PROPERTIES; i++) {
                if (before[i] == after[i])
                        continue;
                names[n++] = signal_service_properties[i];
                if (strcmp(signal_service_properties[i], "State") == 0)
                        names[n++] = "Reason";
        }
        names[n] = NULL;
        return sd_bus_emit_properties_changed_strv(
                bus->bus, path, BUS_INTERFACE_SERVICE, (char **) (uintptr_t) (const void *) names);
}

/* Whether its state will change without its being computed. */
static bool view_is_transitional(const ServiceView *view) {
        return view->n_draining > 0 || strcmp(view->state, port_state_to_string(PORT_STATE_PENDING)) == 0 ||
               strcmp(view->state, port_state_to_string(PORT_STATE_DEGRADED)) == 0;
}

typedef enum Looked {
        LOOKED_DONE,
        LOOKED_AGAIN, /* to be looked at again after a while */
} Looked;

static Looked look_at_port(Signals *signals,
                           const Dirty *dirty,
                           const DesiredPort *port,
                           IndexMark *mark,
                           unsigned *n_sent) {
        Bus *bus = signals->bus;
        _cleanup_(freep) char *path = NULL;
        uint32_t hashes[INDEX_PROPERTIES];
        uint64_t now = bus_now(bus);
        bool silent = dirty->silent || !bus->has_name, known = mark->announced || dirty->was_announced;
        bool same, protocol;

        bus->view_turn++;
        if (service_view_fill(&bus->view, bus->manager, port) < 0 || service_path_new(port->id, &path) < 0)
                return LOOKED_DONE;
        bus->view.turn = bus->view_turn;
        signal_hash_service(&bus->view, hashes);
        same = mark->announced && memcmp(hashes, mark->hashes, sizeof(hashes)) == 0;
        protocol = hashes[0] != mark->hashes[0];
        if (known && !silent && !same && now < mark->changed_usec + OBJECT_PAUSE_USEC)
                return LOOKED_AGAIN;
        if (!silent && known && (protocol || !mark->announced)) {
                (void) tell_interfaces(bus, path, false); /* another object under the same name */
                (void) tell_interfaces(bus, path, true);
                *n_sent += 2;
        } else if (!silent && !known) {
                (void) tell_interfaces(bus, path, true);
                (*n_sent)++;
        } else if (!silent && !same) {
                (void) tell_changes(bus, path, mark->hashes, hashes);
                (*n_sent)++;
        }
        if (!same && known)
                monitors_note_service(bus->monitors, port->id, bus->view.state, bus->view.reason);
        if (!same) {
                memcpy(mark->hashes, hashes, sizeof(hashes));
                mark->changed_usec = silent ? mark->changed_usec : now;
                mark->announced = true;
        }
        return view_is_transitional(&bus->view) ? LOOKED_AGAIN : LOOKED_DONE;
}

static Looked look_at_dirty(Signals *signals, const Dirty *dirty, unsigned *n_sent) {
        Bus *bus = signals->bus;
        const DesiredPort *port = desired_find(manager_desired(bus->manager), dirty->id);
        IndexMark *mark = index_mark(bus->index, dirty->id);
        _cleanup_(freep) char *path = NULL;

        if (port)
                return mark ? look_at_port(signals, dirty, port, mark, n_sent) : LOOKED_DONE;
        if (dirty->was_announced && bus->has_name && service_path_new(dirty->id, &path) >= 0) {
                (void) tell_interfaces(bus, path, false);
                (*n_sent)++;
        }
        return LOOKED_DONE;
}

/* ---- the pump */

/* How many may be sent now. */
static unsigned signals_allowance(Signals *signals, uint64_t now) {
        uint64_t cost = USEC_PER_SEC / SIGNALS_PER_SEC, burst = SIGNALS_BURST * cost;
        uint64_t from = MAX2(signals->earned_usec, now > burst ? now - burst : 0), n_queued = 0;

        if (signals->bus->bus && sd_bus_get_n_queued_write(signals->bus->bus, &n_queued) >= 0 &&
            n_queued > SIGNALS_QUEUED_MAX)
                return 0;
        signals->earned_usec = from;
        return (unsigned) ((now - MIN2(from, now)) / cost);
}

static void signals_take_due(Signals *signals, uint64_t now) {
        while (signals->later.first && signals->later.first->due_usec <= now)
                dirty_queue_append(&signals->ready, dirty_queue_take(&signals->later));
}

/* After a failure anything may be degraded, whether it was computed or not: some of all services a turn. */
static void signals_sweep(Signals *signals) {
        const char *id;

        for (unsigned n = 0; n < SILENT_PER_TURN && signals->sweep != SIZE_MAX; n++) {
                id = index_get(signals->bus->index, &signals->sweep);
                if (!id) {
                        signals->sweep = SIZE_MAX;
                        return;
                }
                signals->sweep++;
                (void) signals_add(signals, id);
        }
}

static int on_pump(sd_event_source *source, uint64_t usec, void *userdata) {
        Signals *signals = userdata;
        uint64_t now = bus_now(signals->bus);
        unsigned allowed = signals_allowance(signals, now), limit = MIN2(allowed, (unsigned) SIGNALS_PER_TURN), n_sent = 0;

        signals->waits = answers_hold_signals(signals->bus->answers);
        if (signals->waits)
                return 0; /* signals_go_on() */
        signals_take_due(signals, now);
        signals_sweep(signals);
        for (unsigned n = 0; n < SILENT_PER_TURN && n_sent < limit && signals->ready.first; n++) {
                Dirty *dirty = dirty_queue_take(&signals->ready);

                if (look_at_dirty(signals, dirty, &n_sent) == LOOKED_AGAIN) {
                        dirty->silent = dirty->was_announced = false;
                        dirty->due_usec = now + OBJECT_PAUSE_USEC;
                        dirty_queue_append(&signals->later, dirty);
                } else {
                        (void) hashmap_remove(&signals->table, dirty->id);
                        free(dirty);
                }
        }
        signals->earned_usec += n_sent * USEC_PER_SEC / SIGNALS_PER_SEC;
        signals->bus->counters.n_signals += n_sent;
        if (signals->ready.first || signals->sweep != SIZE_MAX)
                signals_arm(source, allowed > n_sent ? 0 : 50 * USEC_PER_MSEC);
        else if (signals->later.first)
                signals_arm(source, signals->later.first->due_usec - now);
        return 0;
}

void signals_go_on(Signals *signals) {
        if (signals->waits)
                (void) on_pump(signals->pump, 0, signals);
}

/* ---- life */

static int signals_add_timer(Signals *signals, sd_event_source **ret, sd_event_time_handler_t handler, const char *name) {
        int r = sd_event_add_time_relative(signals->bus->event, ret, CLOCK_MONOTONIC, 0, ACCURACY_USEC, handler, signals);

        if (r >= 0)
                r = sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(*ret, EVENT_PRIORITY_BUS);
        if (r >= 0)
                r = sd_event_source_set_description(*ret, name);
        return r;
}

int signals_new(Bus *bus, Signals **ret) {
        _cleanup_(signals_freep) Signals *signals = calloc(1, sizeof(Signals));
        int r;

        if (!signals)
                return -ENOMEM;
        signals->bus = bus;
        signals->table.ops = &hash_ops_string;
        signals->sweep = SIZE_MAX;
        r = signals_add_timer(signals, &signals->pump, on_pump, "bus-signals");
        if (r >= 0)
                r = signals_add_timer(signals, &signals->manager_timer, signals_on_manager_timer, "bus-manager-signals");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(signals);
        return 0;
}

Signals *signals_free(Signals *signals) {
        Dirty *dirty;

        if (!signals)
                return NULL;
        (void) sd_event_source_disable_unref(signals->pump);
        (void) sd_event_source_disable_unref(signals->manager_timer);
        while ((dirty = hashmap_first(&signals->table))) {
                (void) hashmap_remove(&signals->table, dirty->id);
                free(dirty);
        }
        hashmap_done(&signals->table);
        free(signals);
        return NULL;
}
