/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/inhibitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "control/node-drain.h"
#include "control/priorities.h"

#define LOGIN_NAME "org.freedesktop.login1"
#define LOGIN_PATH "/org/freedesktop/login1"
#define LOGIN_INTERFACE "org.freedesktop.login1.Manager"

#define CALL_TIMEOUT_USEC (25 * USEC_PER_SEC) /* a machine that boots is slow */

/* Load balancers ask every few seconds: so long they are given to see that the node is not to be used, but half of the time at most. */
#define SEEN_USEC (10 * USEC_PER_SEC)

struct Inhibitor {
        sd_event *event; /* owned reference */
        Manager *manager; /* borrowed */
        uint64_t delay_usec;
        sd_bus *bus; /* owned reference; NULL between two connections */
        sd_bus_slot *prepare, *owner, *call; /* owned */
        char *login; /* owned: unique name of the logind that gave the lock */
        int fd; /* the lock; -1 = none */
        sd_event_source *timer; /* owned */
        uint64_t seen_usec, end_usec; /* CLOCK_BOOTTIME; of a shutdown that waits */
        bool waiting; /* a shutdown waits for us */
        bool drained; /* it was us who began the drain */
        bool complained;
};

static uint64_t inhibitor_now(const Inhibitor *inhibitor) {
        uint64_t now = 0;

        (void) sd_event_now(inhibitor->event, CLOCK_BOOTTIME, &now);
        return now;
}

static void inhibitor_release(Inhibitor *inhibitor) {
        if (inhibitor->fd >= 0)
                (void) close(inhibitor->fd);
        inhibitor->fd = -1;
        inhibitor->waiting = false;
        (void) sd_event_source_set_enabled(inhibitor->timer, SD_EVENT_OFF);
}

/* ---- taking the lock */

static int on_lock(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        const char *sender = sd_bus_message_get_sender(reply);
        Inhibitor *inhibitor = userdata;
        int lent, fd;
        char *login;

        inhibitor->call = sd_bus_slot_unref(inhibitor->call);
        if (e) {
                /* Absent is no fault. Anything else is said once, until it works again. */
                if (!inhibitor->complained && !sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) &&
                    !sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                        log_notice("logind does not let a shutdown wait for connections: %s", e->message);
                inhibitor->complained = true;
                return 0;
        }
        if (!sender || sd_bus_message_read(reply, "h", &lent) < 0)
                return 0;
        login = strdup(sender);
        fd = fcntl(lent, F_DUPFD_CLOEXEC, 3);
        if (!login || fd < 0 || inhibitor->waiting) {
                free(login);
                if (fd >= 0)
                        (void) close(fd);
                return 0; /* the lock is gone with the message */
        }
        inhibitor_release(inhibitor); /* one of a logind before this one */
        free(inhibitor->login);
        inhibitor->login = login;
        inhibitor->fd = fd;
        inhibitor->complained = false;
        log_v(2, "A shutdown of the machine waits for connections, for %" PRIu64 " s", inhibitor->delay_usec / USEC_PER_SEC);
        return 0;
}

static int inhibitor_ask(Inhibitor *inhibitor) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(inhibitor->bus, &call, LOGIN_NAME, LOGIN_PATH, LOGIN_INTERFACE, "Inhibit");

        if (r >= 0)
                r = sd_bus_message_append(call,
                                          "ssss",
                                          "shutdown",
                                          "ipvsproxyd",
                                          "Connections to services are to end before the node goes down",
                                          "delay");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_call_async(inhibitor->bus, &inhibitor->call, call, on_lock, inhibitor, CALL_TIMEOUT_USEC);
        return r;
}

static void inhibitor_take(Inhibitor *inhibitor) {
        int r;

        inhibitor->call = sd_bus_slot_unref(inhibitor->call);
        if (!inhibitor->bus || inhibitor->delay_usec == 0 || inhibitor->waiting)
                return;
        r = inhibitor_ask(inhibitor);
        if (r < 0)
                (void) log_debug_errno(r, "Failed to ask logind for a lock: %m");
}

/* ---- a shutdown */

static bool inhibitor_is_drained(const Inhibitor *inhibitor) {
        ManagerStatus status;

        manager_status_brief(inhibitor->manager, &status);
        return strcmp(status.drain_state, node_drain_state_to_string(NODE_DRAIN_DONE)) == 0;
}

static void inhibitor_look(Inhibitor *inhibitor) {
        uint64_t now = inhibitor_now(inhibitor);

        if (!inhibitor->waiting)
                return;
        if (now >= inhibitor->end_usec || (now >= inhibitor->seen_usec && inhibitor_is_drained(inhibitor))) {
                log_notice("The shutdown goes on%s", inhibitor_is_drained(inhibitor) ? "" : ", the time for connections is over");
                inhibitor_release(inhibitor);
                return;
        }
        (void) sd_event_source_set_time(
                inhibitor->timer, now < inhibitor->seen_usec ? inhibitor->seen_usec : inhibitor->end_usec);
        (void) sd_event_source_set_enabled(inhibitor->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        inhibitor_look(userdata);
        return 0;
}

void inhibitor_note_manager(Inhibitor *inhibitor) {
        inhibitor_look(inhibitor);
}

static void inhibitor_begin(Inhibitor *inhibitor) {
        uint64_t now = inhibitor_now(inhibitor), real = 0;
        int r;

        if (inhibitor->fd < 0 || inhibitor->waiting)
                return;
        (void) sd_event_now(inhibitor->event, CLOCK_REALTIME, &real);
        log_notice("The machine shuts down, which waits for connections for at most %" PRIu64 " s",
                   (inhibitor->delay_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
        inhibitor->waiting = true;
        inhibitor->end_usec = now + inhibitor->delay_usec;
        inhibitor->seen_usec = now + MIN2(inhibitor->delay_usec / 2, SEEN_USEC);
        r = manager_begin_drain(inhibitor->manager, real + inhibitor->delay_usec);
        inhibitor->drained = r >= 0;
        if (r < 0 && r != -EALREADY)
                (void) log_warning_errno(r, "Failed to begin to drain the node: %m");
        inhibitor_look(inhibitor);
}

/* Somebody called the shutdown off. */
static void inhibitor_call_off(Inhibitor *inhibitor) {
        inhibitor_release(inhibitor);
        if (inhibitor->drained)
                (void) manager_end_drain(inhibitor->manager); /* -ESRCH: somebody ended it already */
        inhibitor->drained = false;
        inhibitor_take(inhibitor);
}

/*
 * Everybody may send everybody a signal on the bus, with any path and interface, so it counts who sent it. sd-bus cannot
 * tell: the match has a name, the message has a number.
 */
static int on_prepare(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(m);
        Inhibitor *inhibitor = userdata;
        int begins;

        if (!sender || !inhibitor->login || strcmp(sender, inhibitor->login) != 0 || sd_bus_message_read(m, "b", &begins) < 0)
                return 0;
        if (begins)
                inhibitor_begin(inhibitor);
        else
                inhibitor_call_off(inhibitor);
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(m), *name, *before, *after;

        if (sender && strcmp(sender, "org.freedesktop.DBus") == 0 && sd_bus_message_read(m, "sss", &name, &before, &after) >= 0 &&
            strcmp(name, LOGIN_NAME) == 0 && *after)
                inhibitor_take(userdata);
        return 0;
}

/* ---- the connection */

static int on_installed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        if (e)
                log_debug("The bus does not tell of shutdowns: %s", e->message);
        return 0;
}

void inhibitor_connect(Inhibitor *inhibitor, sd_bus *bus) {
        static const char owner[] = "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                    "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" LOGIN_NAME "'";
        int r;

        inhibitor_disconnect(inhibitor);
        inhibitor->bus = sd_bus_ref(bus);
        r = sd_bus_match_signal_async(bus,
                                      &inhibitor->prepare,
                                      LOGIN_NAME,
                                      LOGIN_PATH,
                                      LOGIN_INTERFACE,
                                      "PrepareForShutdown",
                                      on_prepare,
                                      on_installed,
                                      inhibitor);
        if (r >= 0)
                r = sd_bus_add_match_async(bus, &inhibitor->owner, owner, on_owner, on_installed, inhibitor);
        if (r < 0) {
                (void) log_debug_errno(r, "Failed to listen to logind: %m");
                return;
        }
        inhibitor_take(inhibitor);
}

/* A lock that nobody is told to give back only costs time: it goes too, unless a shutdown waits. */
void inhibitor_disconnect(Inhibitor *inhibitor) {
        inhibitor->call = sd_bus_slot_unref(inhibitor->call);
        inhibitor->prepare = sd_bus_slot_unref(inhibitor->prepare);
        inhibitor->owner = sd_bus_slot_unref(inhibitor->owner);
        inhibitor->bus = sd_bus_unref(inhibitor->bus);
        if (!inhibitor->waiting)
                inhibitor_release(inhibitor);
}

void inhibitor_set_delay(Inhibitor *inhibitor, uint64_t delay_usec) {
        inhibitor->delay_usec = delay_usec;
        if (delay_usec == 0 && !inhibitor->waiting)
                inhibitor_release(inhibitor);
        else if (inhibitor->fd < 0)
                inhibitor_take(inhibitor);
}

/* ---- life */

int inhibitor_new(sd_event *event, Manager *manager, uint64_t delay_usec, Inhibitor **ret) {
        _cleanup_(inhibitor_freep) Inhibitor *inhibitor = calloc(1, sizeof(Inhibitor));
        int r;

        if (!inhibitor)
                return -ENOMEM;
        inhibitor->fd = -1;
        inhibitor->event = sd_event_ref(event);
        inhibitor->manager = manager;
        inhibitor->delay_usec = delay_usec;
        r = sd_event_add_time_relative(event, &inhibitor->timer, CLOCK_BOOTTIME, 0, USEC_PER_SEC / 10, on_timer, inhibitor);
        if (r >= 0)
                r = sd_event_source_set_enabled(inhibitor->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(inhibitor->timer, EVENT_PRIORITY_BUS);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(inhibitor->timer, "bus-inhibitor");
        *ret = TAKE_PTR(inhibitor);
        return 0;
}

Inhibitor *inhibitor_free(Inhibitor *inhibitor) {
        if (!inhibitor)
                return NULL;
        if (inhibitor->timer)
                inhibitor_release(inhibitor);
        inhibitor_disconnect(inhibitor);
        (void) sd_event_source_disable_unref(inhibitor->timer);
        (void) sd_event_unref(inhibitor->event);
        free(inhibitor->login);
        free(inhibitor);
        return NULL;
}
