/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/monitor-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "common/bus-names.h"
#include "control/priorities.h"

#define INTERVAL_MIN_USEC USEC_PER_SEC
#define INTERVAL_DEFAULT_USEC (5 * USEC_PER_SEC)

static void monitor_free(Monitor *monitor) {
        Monitors *monitors = monitor->monitors;

        monitors->events = 0;
        for (Monitor **p = &monitors->list; *p;) {
                if (*p == monitor) {
                        *p = monitor->next;
                        monitors->n_monitors--;
                        continue;
                }
                monitors->events |= (*p)->events;
                p = &(*p)->next;
        }
        (void) sd_event_source_disable_unref(monitor->hangup);
        (void) sd_event_source_disable_unref(monitor->timer);
        (void) sd_bus_slot_unref(monitor->watch);
        if (monitor->fd >= 0)
                (void) close(monitor->fd);
        free(monitor->namespace);
        free(monitor);
}

/* ---- coming and going */

static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        monitor_free(userdata);
        return 0;
}

static int on_caller_gone(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *before, *after;

        if (sd_bus_message_read(m, "sss", &name, &before, &after) >= 0 && !*after)
                monitor_free(userdata);
        return 0;
}

static int on_watch_installed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return 0; /* without it the pipe still tells when nobody reads any more */
}

static int monitor_watch(Monitor *monitor, const char *sender) {
        const Bus *bus = monitor->monitors->bus;
        char rule[256];
        int r;

        r = sd_event_add_io(bus->event, &monitor->hangup, monitor->fd, 0, on_hangup, monitor); /* EPOLLERR */
        if (r >= 0)
                r = sd_event_source_set_priority(monitor->hangup, EVENT_PRIORITY_BUS);
        if (r >= 0 && (monitor->events & MONITOR_STATISTICS))
                r = sd_event_add_time_relative(
                        bus->event, &monitor->timer, CLOCK_MONOTONIC, 0, 0, monitor_on_statistics, monitor);
        if (r >= 0 && monitor->timer)
                r = sd_event_source_set_priority(monitor->timer, EVENT_PRIORITY_BUS);
        if (r < 0 || !sender)
                return r;
        (void) snprintf(rule,
                        sizeof(rule),
                        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%.64s'",
                        sender);
        return sd_bus_add_match_async(bus->bus, &monitor->watch, rule, on_caller_gone, on_watch_installed, monitor);
}

typedef struct MonitorOptions {
        OptionList events;
        const char *namespace;
        uint64_t interval_usec;
} MonitorOptions;

static const OptionSpec monitor_keys[] = {
        { "events", 'a', offsetof(MonitorOptions, events) },
        { "namespace", 's', offsetof(MonitorOptions, namespace) },
        { "interval-usec", 't', offsetof(MonitorOptions, interval_usec) },
};

static int read_events(const OptionList *list, unsigned *ret, sd_bus_error *error) {
        static const char *const names[] = { "sync", "service", "endpoint", "drift", "statistics" };
        unsigned events = list->n_items == 0 ? MONITOR_DEFAULT : 0;

        for (size_t i = 0; i < list->n_items; i++) {
                size_t k = 0;

                while (k < ELEMENTSOF(names) && strcmp(names[k], list->items[i]) != 0)
                        k++;
                if (k == ELEMENTSOF(names))
                        return sd_bus_error_setf(
                                error, SD_BUS_ERROR_INVALID_ARGS, "There are no events \"%.64s\".", list->items[i]);
                events |= 1U << k;
        }
        *ret = events;
        return 0;
}

/* *ret_fd is for the caller. */
static int monitor_new(Monitors *monitors, const MonitorOptions *options, unsigned events, const char *sender, int *ret_fd) {
        Monitor *monitor = calloc(1, sizeof(Monitor));
        int fds[2], r;

        if (!monitor)
                return -ENOMEM;
        *monitor = (Monitor) { .next = monitors->list, .monitors = monitors, .fd = -1, .events = events };
        monitors->list = monitor;
        monitors->n_monitors++;
        monitors->events |= events;
        monitor->interval_usec = options->interval_usec;
        monitor->namespace = strdup(options->namespace ? options->namespace : "");
        if (!monitor->namespace || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
                r = monitor->namespace ? -errno : -ENOMEM;
                monitor_free(monitor);
                return r;
        }
        monitor->fd = fds[1];
        r = monitor_watch(monitor, sender);
        if (r < 0) {
                (void) close(fds[0]);
                monitor_free(monitor);
                return r;
        }
        *ret_fd = fds[0];
        return 0;
}

/* Within the caller's share, or with polkit's leave. 1 = go on; 0 = the call comes again. */
static int monitor_allowed(Bus *bus, sd_bus_message *m, uid_t *ret_uid, sd_bus_error *error) {
        const PolkitRequest request = { .action = POLKIT_ACTION_BYPASS_RATE_LIMIT, .details = { { "method", "Monitor" } } };
        size_t n = 0;
        int r = peers_get_uid(bus->peers, m, ret_uid);

        if (r <= 0)
                return r;
        for (const Monitor *o = bus->monitors->list; o; o = o->next)
                n += o->uid == *ret_uid;
        if (bus->monitors->n_monitors >= MONITORS_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "There are too many monitors.");
        return n < MONITORS_PER_USER ? 1 : polkit_authorize(bus->polkit, m, &request, error);
}

int bus_monitor(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        MonitorOptions options = { .interval_usec = INTERVAL_DEFAULT_USEC };
        _cleanup_(closep) int fd = -1;
        Bus *bus = userdata;
        unsigned events = 0;
        uid_t uid;
        int r;

        r = argument_options(m, monitor_keys, ELEMENTSOF(monitor_keys), &options, error);
        if (r >= 0)
                r = read_events(&options.events, &events, error);
        if (r >= 0 && options.interval_usec < INTERVAL_MIN_USEC)
                r = sd_bus_error_setf(
                        error, SD_BUS_ERROR_INVALID_ARGS, "The value of \"interval-usec\" is at least one second.");
        if (r < 0)
                return r;
        r = monitor_allowed(bus, m, &uid, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = monitor_new(bus->monitors, &options, events, sd_bus_message_get_sender(m), &fd);
        if (r < 0)
                return r;
        bus->monitors->list->uid = uid;
        return sd_bus_reply_method_return(m, "h", fd);
}

/* ---- life */

int monitors_new(Bus *bus, Monitors **ret) {
        Monitors *monitors = calloc(1, sizeof(Monitors));

        if (!monitors)
                return -ENOMEM;
        monitors->bus = bus;
        /* Of a pipe whose reader is gone EPIPE is enough; nobody in this process wants to die of it. */
        (void) signal(SIGPIPE, SIG_IGN);
        *ret = monitors;
        return 0;
}

Monitors *monitors_free(Monitors *monitors) {
        if (!monitors)
                return NULL;
        monitors_disconnect(monitors);
        free(monitors);
        return NULL;
}

void monitors_disconnect(Monitors *monitors) {
        while (monitors->list)
                monitor_free(monitors->list);
}
