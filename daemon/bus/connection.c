/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Getting on the bus, staying there, and coming back. Nothing waits: sd-bus connects and authenticates in the event
 * loop, the name is asked for with a callback. A connection is thrown away when the bus closes it, when the name is
 * lost, and when the bus stops taking what it is sent: dbus-daemon does that to a service whose replies others do not
 * read (measured, reference dbus-polkit-cli.md M4 to M7), and only a new connection helps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus-private.h"
#include "common/bus-names.h"
#include "common/log.h"
#include "common/message-ids.h"
#include "control/priorities.h"

#define ADDRESS_SYSTEM "unix:path=/run/dbus/system_bus_socket"
#define BACKOFF_FIRST_USEC (200 * USEC_PER_MSEC)
#define BACKOFF_LAST_USEC (30 * USEC_PER_SEC)
#define WATCHDOG_USEC USEC_PER_SEC
#define STALL_USEC (15 * USEC_PER_SEC)
/* What may lie in our own queue while the bus takes nothing; more calls are not answered then. */
#define UNSENT_BYTES_MAX (8 * 1024 * 1024)
/* Of questions without a time-out of their own */
#define CALL_TIMEOUT_USEC (2 * USEC_PER_SEC)
/* At the end, for a last answer */
#define FLUSH_USEC USEC_PER_SEC

static int bus_arm(sd_event_source *timer, uint64_t delay_usec) {
        int r = sd_event_source_set_time_relative(timer, delay_usec);

        return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void bus_disconnect(Bus *bus) {
        bus_resync_done(bus);
        answers_disconnect(bus->answers);
        dumps_disconnect(bus->dumps);
        monitors_disconnect(bus->monitors);
        if (bus->inhibitor)
                inhibitor_disconnect(bus->inhibitor);
        bus->request = sd_bus_slot_unref(bus->request);
        bus->has_name = false;
        bus->polkit = polkit_free(bus->polkit);
        if (!bus->bus)
                return;
        (void) sd_bus_detach_event(bus->bus);
        bus->gate = gate_free(bus->gate);
        sd_bus_close(bus->bus);
        bus->bus = sd_bus_unref(bus->bus);
}

void bus_connection_lost(Bus *bus, const char *why) {
        if (!bus->bus)
                return;
        log_warning("The connection to the bus is lost (%s); programming goes on, connecting again", why);
        if (bus->watchdog)
                (void) sd_event_source_set_enabled(bus->watchdog, SD_EVENT_OFF);
        bus->gate = gate_free(bus->gate);
        sd_bus_close(bus->bus);
        (void) bus_arm(bus->reconnect, bus->backoff_usec);
        bus->backoff_usec = MIN2(bus->backoff_usec * 2, BACKOFF_LAST_USEC);
}

/*
 * ---- the name
 *
 * Callbacks that may throw the connection away return 1: where it was a time-out that called them, sd-bus goes on with the
 * closed connection after a 0, and aborts (libsystemd 252, process_running()).
 */

void bus_name_acquired(Bus *bus) {
        if (bus->has_name)
                return;
        bus->has_name = true;
        bus->backoff_usec = BACKOFF_FIRST_USEC;
        log_info("On the bus as " BUS_NAME);
        inhibitor_connect(bus->inhibitor, bus->bus);
}

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        uint32_t result = 0;

        bus->request = sd_bus_slot_unref(bus->request);
        if (e) {
                log_error("The bus does not give the name " BUS_NAME " (%s)%s",
                          e->message,
                          sd_bus_error_has_name(e, SD_BUS_ERROR_ACCESS_DENIED) ? "; is the bus policy installed?" : "");
                bus_connection_lost(bus, "no name");
                return 1;
        }
        if (sd_bus_message_read(reply, "u", &result) < 0)
                result = 0;
        if (result == 1 || result == 4) { /* primary owner, already owner */
                bus_name_acquired(bus);
                return 1;
        }
        /* A ping makes the bus notice an owner whose socket is dead: our own last connection, perhaps (M7). */
        (void) sd_bus_call_method_async(
                bus->bus, NULL, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL);
        if (result == 2) /* in the queue: NameAcquired will tell */
                return 1;
        log_error("Somebody else has the name " BUS_NAME "; is another ipvsproxyd running?");
        bus_connection_lost(bus, "name taken");
        return 1;
}

static int bus_ask_for_name(Bus *bus) {
        uint64_t flags = bus->n_connections > 1 ? SD_BUS_NAME_QUEUE : 0;

        return sd_bus_request_name_async(bus->bus, &bus->request, BUS_NAME, flags, on_name, bus);
}

/* ---- the connection */

static int on_connected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        int r = gate_new(bus->event, bus->bus, EVENT_PRIORITY_BUS, bus_admit_header, bus, &bus->gate);

        if (r >= 0)
                r = bus_ask_for_name(bus);
        if (r < 0) {
                (void) log_error_errno(r, "Failed to ask the bus for the name " BUS_NAME ": %m");
                bus_connection_lost(bus, "no name");
        }
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        bus_connection_lost(userdata, "it was closed");
        return 0;
}

/* Both are made by sd-bus itself, so there is nothing to ask the bus for. */
static int bus_add_matches(Bus *bus) {
        static const char *const local = "org.freedesktop.DBus.Local";
        int r = sd_bus_match_signal_async(bus->bus, NULL, local, NULL, local, "Connected", on_connected, NULL, bus);

        if (r >= 0)
                r = sd_bus_match_signal_async(
                        bus->bus, NULL, local, NULL, local, "Disconnected", on_disconnected, NULL, bus);
        return r;
}

static int bus_connect(Bus *bus) {
        const char *address = bus->options.address ? bus->options.address : secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        bus_disconnect(bus);
        r = sd_bus_new(&bus->bus);
        if (r >= 0)
                r = sd_bus_set_description(bus->bus, "ipvsproxy");
        if (r >= 0)
                r = sd_bus_set_address(bus->bus, address && *address ? address : ADDRESS_SYSTEM);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus->bus, true);
        if (r >= 0)
                r = sd_bus_set_watch_bind(bus->bus, true);
        if (r >= 0)
                r = sd_bus_set_connected_signal(bus->bus, true);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus->bus, CALL_TIMEOUT_USEC);
        if (r >= 0)
                r = bus_attach(bus);
        if (r >= 0)
                r = bus_add_matches(bus);
        if (r >= 0)
                r = sd_bus_start(bus->bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus->bus, bus->event, EVENT_PRIORITY_BUS);
        bus->n_connections++;
        return r;
}

static int on_reconnect(sd_event_source *source, uint64_t usec, void *userdata) {
        Bus *bus = userdata;
        int r = bus_connect(bus);

        if (r < 0) {
                (void) log_error_errno(r, "Failed to connect to the bus, trying again: %m");
                (void) bus_arm(source, bus->backoff_usec);
                bus->backoff_usec = MIN2(bus->backoff_usec * 2, BACKOFF_LAST_USEC);
        }
        return 0;
}

/* ---- does the bus take what it is sent? */

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata) {
        Bus *bus = userdata;
        uint64_t n = 0, now = bus_now(bus);
        char loudest[256];

        if (!bus->bus || sd_bus_get_n_queued_write(bus->bus, &n) < 0 || n == 0) {
                bus->n_unsent = bus->unsent_bytes = 0;
                return 0;
        }
        if (bus->n_unsent == 0 || n < bus->n_unsent)
                bus->moved_usec = now;
        bus->n_unsent = n;
        if (now - bus->moved_usec < STALL_USEC)
                return bus_arm(source, WATCHDOG_USEC);
        peers_mute_loudest(bus->peers, loudest, sizeof(loudest));
        log_struct(LOG_ERR,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_BUS_STALLED, NULL }),
                   "The bus takes nothing from us any more, most was sent to %s",
                   loudest);
        bus_connection_lost(bus, "stalled");
        return 0;
}

bool bus_is_clogged(Bus *bus) {
        int enabled = SD_EVENT_OFF;
        uint64_t n = 0;

        (void) sd_bus_get_n_queued_write(bus->bus, &n);
        if (n == 0) {
                bus->unsent_bytes = 0;
                return false;
        }
        if (bus->watchdog && sd_event_source_get_enabled(bus->watchdog, &enabled) >= 0 && enabled == SD_EVENT_OFF) {
                bus->n_unsent = 0;
                (void) bus_arm(bus->watchdog, WATCHDOG_USEC);
        }
        return bus->unsent_bytes > UNSENT_BYTES_MAX;
}

/* ---- life */

static int bus_add_timer(Bus *bus, sd_event_source **ret, sd_event_time_handler_t handler, const char *name) {
        int r = sd_event_add_time_relative(bus->event, ret, CLOCK_MONOTONIC, 0, 0, handler, bus);

        if (r >= 0)
                r = sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(*ret, EVENT_PRIORITY_BUS);
        if (r >= 0)
                r = sd_event_source_set_description(*ret, name);
        return r;
}

int bus_connection_start(Bus *bus) {
        int r = bus_add_timer(bus, &bus->reconnect, on_reconnect, "bus-connect");

        bus->backoff_usec = BACKOFF_FIRST_USEC;
        if (r >= 0)
                r = bus_add_timer(bus, &bus->watchdog, on_watchdog, "bus-watchdog");
        return r < 0 ? r : bus_arm(bus->reconnect, 0);
}

void bus_connection_done(Bus *bus) {
        bus->reconnect = sd_event_source_disable_unref(bus->reconnect);
        bus->watchdog = sd_event_source_disable_unref(bus->watchdog);
        if (bus->gate && bus->has_name)
                gate_flush(bus->gate, FLUSH_USEC); /* a last answer; the daemon ends, so nothing else waits for it */
        bus_disconnect(bus);
        bus->peers = peers_free(bus->peers);
}
