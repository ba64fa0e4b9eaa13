/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "bus/bus-private.h"
#include "common/bus-names.h"
#include "control/priorities.h"

#define COUNTS_AGE_USEC USEC_PER_SEC

uint64_t bus_now(const Bus *bus) {
        uint64_t now = 0;

        (void) sd_event_now(bus->event, CLOCK_MONOTONIC, &now);
        return now;
}

uint64_t bus_real_now(const Bus *bus) {
        uint64_t now = 0;

        (void) sd_event_now(bus->event, CLOCK_REALTIME, &now);
        return now;
}

int bus_add_turn(Bus *bus, sd_event_source **ret, sd_event_time_handler_t handler, void *userdata, const char *name) {
        int r = sd_event_add_time_relative(bus->event, ret, CLOCK_MONOTONIC, 0, /* accuracy= */ 1, handler, userdata);

        if (r >= 0)
                r = sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(*ret, EVENT_PRIORITY_BUS);
        return r < 0 ? r : sd_event_source_set_description(*ret, name);
}

int bus_take_turn(sd_event_source *turn) {
        int r = sd_event_source_set_time_relative(turn, 0);

        return r < 0 ? r : sd_event_source_set_enabled(turn, SD_EVENT_ONESHOT);
}

/* Counting walks over every service, so that is done once a second at most, and only when somebody looks. */
int bus_error_not_found(const Bus *bus, sd_bus_error *error, const char *format, ...) {
        ManagerState state = bus->status.state;
        va_list ap;
        int r;

        if (state == MANAGER_STATE_STARTING || state == MANAGER_STATE_SYNCING)
                return sd_bus_error_set(error, BUS_ERROR_NOT_READY, "The services are not known yet.");
        va_start(ap, format);
        r = sd_bus_error_setfv(error, BUS_ERROR_NO_SUCH_SERVICE, format, ap);
        va_end(ap);
        return r;
}

void bus_refresh(Bus *bus) {
        ManagerStatus old = bus->status;
        uint64_t now = bus_now(bus);

        bus->view_turn++;
        if (bus->counts_outdated && (bus->counted_usec == 0 || now - bus->counted_usec >= COUNTS_AGE_USEC)) {
                manager_status(bus->manager, &bus->status);
                bus->counted_usec = now;
                bus->counts_outdated = false;
        } else {
                manager_status_brief(bus->manager, &bus->status);
                bus->status.n_endpoints = old.n_endpoints;
                bus->status.n_virtual_servers = old.n_virtual_servers;
                bus->status.n_refused = old.n_refused;
        }
        (void) conditions_update(bus->conditions, &bus->status, bus_real_now(bus));
        bus->state = manager_state_to_string(bus->status.state);
        bus->api_state = api_state_to_string(bus->status.api_state);
}

/* ---- what the manager says */

static void on_port(const DesiredPort *before, const DesiredPort *after, void *userdata) {
        Bus *bus = userdata;

        bus->view_turn++;
        bus->counts_outdated = true;
        if (!utf8_is_valid(after ? after->id : before->id))
                return; /* of a manifest: it is served, but has no name that could be said on the bus */
        signals_note_port(bus->signals, before, after);
        monitors_note_port(bus->monitors, before, after);
        if (!before && after)
                (void) index_add(bus->index, after->id); /* on OOM it is not listed, but found by its id */
        else if (before && !after)
                index_remove(bus->index, before->id);
}

static void on_manager(Manager *manager, void *userdata) {
        Bus *bus = userdata;

        bus->counts_outdated = true;
        signals_note_manager(bus->signals);
        inhibitor_note_manager(bus->inhibitor);
        monitors_note_manager(bus->monitors);
}

static void on_override(const char *id, void *userdata) {
        Bus *bus = userdata;

        bus->view_turn++;
        signals_note_id(bus->signals, id);
}

static int bus_index_ports(Bus *bus) {
        const DesiredPort *port;
        int r = 0;

        for (size_t i = 0; r >= 0 && (port = desired_next(manager_desired(bus->manager), &i));)
                r = utf8_is_valid(port->id) ? index_add(bus->index, port->id) : 0;
        return r;
}

/* ---- life */

int bus_new(sd_event *event, Manager *manager, const BusOptions *options, Bus **ret) {
        _cleanup_(bus_freep) Bus *bus = calloc(1, sizeof(Bus));
        int r;

        if (!bus)
                return -ENOMEM;
        bus->event = sd_event_ref(event);
        bus->manager = manager;
        bus->options = *options;
        bus->counts_outdated = true;
        bus->interface_name = KERNEL_DEVICE_NAME;
        bus->version = strdup(options->version ? options->version : "");
        bus->address = options->address ? strdup(options->address) : NULL;
        if (!bus->version || (options->address && !bus->address))
                return -ENOMEM;
        bus->options.version = bus->version;
        bus->options.address = bus->address;
        r = index_new(&bus->index);
        if (r >= 0)
                r = signals_new(bus, &bus->signals);
        if (r >= 0)
                r = answers_new(bus, &bus->answers);
        if (r >= 0)
                r = dumps_new(bus, &bus->dumps);
        if (r >= 0)
                r = monitors_new(bus, &bus->monitors);
        if (r >= 0)
                r = holds_new(bus, &bus->holds);
        if (r >= 0)
                r = inhibitor_new(event, manager, options->shutdown_delay_usec, &bus->inhibitor);
        if (r >= 0)
                r = bus_index_ports(bus);
        if (r >= 0)
                r = manager_add_port_observer(manager, on_port, bus);
        if (r >= 0)
                r = manager_add_listener(manager, on_manager, bus);
        if (r < 0)
                return r;
        manager_on_override(manager, on_override, bus);
        *ret = TAKE_PTR(bus);
        return 0;
}

int bus_start(Bus *bus) {
        return bus_connection_start(bus);
}

void bus_set_shutdown_delay(Bus *bus, uint64_t delay_usec) {
        inhibitor_set_delay(bus->inhibitor, delay_usec);
}

void bus_counters(const Bus *bus, BusCounters *ret) {
        *ret = bus->counters;
        ret->n_denied = bus->polkit ? polkit_n_denied(bus->polkit) : 0;
        ret->n_clients = bus->peers ? peers_count(bus->peers) : 0;
}

Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;
        manager_remove_observers(bus->manager, bus);
        manager_on_override(bus->manager, NULL, NULL);
        bus_connection_done(bus);
        (void) inhibitor_free(bus->inhibitor);
        (void) holds_free(bus->holds);
        (void) monitors_free(bus->monitors);
        (void) dumps_free(bus->dumps);
        (void) answers_free(bus->answers);
        (void) signals_free(bus->signals);
        (void) index_free(bus->index);
        service_view_done(&bus->view);
        (void) sd_event_unref(bus->event);
        free(bus->version);
        free(bus->address);
        free(bus);
        return NULL;
}

/* Before the name is asked for: who is activated by a call must see the whole tree. */
static int bus_add_objects(Bus *bus) {
        int r = bus_add_manager_object(bus);

        if (r >= 0)
                r = bus_add_service_objects(bus);
        if (r >= 0)
                r = bus_add_log_control(bus);
        return r;
}

int bus_attach(Bus *bus) {
        _cleanup_(peers_freep) Peers *before = TAKE_PTR(bus->peers);
        int r = peers_new(bus->bus, &bus->peers);

        if (r >= 0)
                peers_inherit(bus->peers, before);
        if (r >= 0)
                r = polkit_new(bus->bus, bus->peers, &bus->polkit);
        if (r >= 0)
                r = sd_bus_add_filter(bus->bus, NULL, bus_admit, bus);
        return r < 0 ? r : bus_add_objects(bus);
}
