/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "bus/describe.h"
#include "common/bus-names.h"
#include "control/priorities.h"

/* Whole lines only: up to PIPE_BUF a write is all or nothing (pipe(7)). */
#define LINE_SIZE_MAX 4096
#define ENDPOINT_LINES_MAX 64 /* of one change of a service */
#define INTERVAL_MIN_USEC USEC_PER_SEC
#define INTERVAL_DEFAULT_USEC (5 * USEC_PER_SEC)

enum {
        MONITOR_SYNC = 1,
        MONITOR_SERVICE = 2,
        MONITOR_ENDPOINT = 4,
        MONITOR_DRIFT = 8,
        MONITOR_STATISTICS = 16,
        MONITOR_DEFAULT = MONITOR_SYNC | MONITOR_SERVICE | MONITOR_ENDPOINT | MONITOR_DRIFT,
};

typedef struct Monitor {
        struct Monitor *next;
        Monitors *monitors; /* borrowed */
        int fd; /* owned; where lines are written */
        uid_t uid;
        unsigned events; /* MONITOR_… */
        char *namespace; /* owned; "" = all */
        uint64_t interval_usec;
        uint64_t n_lost;
        sd_event_source *hangup; /* io: the reader is gone */
        sd_event_source *timer; /* of statistics */
        sd_bus_slot *watch; /* owned: the caller leaves the bus */
} Monitor;

struct Monitors {
        Bus *bus; /* borrowed */
        Monitor *list; /* owned */
        size_t n_monitors;
        unsigned events; /* of all of them */
        size_t n_drift; /* noted so far */
        uint64_t n_syncs, n_operations;
};

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

/* ---- lines */

typedef struct Line {
        char text[LINE_SIZE_MAX];
        Json json;
} Line;

static bool line_begin(Line *line, const Monitors *monitors, const char *event) {
        line->json = (Json) { .out = fmemopen(line->text, sizeof(line->text), "w") };
        if (!line->json.out)
                return false;
        json_open(&line->json, NULL, '{');
        json_text(&line->json, "event", event);
        json_number(&line->json, "timeUSec", bus_real_now(monitors->bus));
        return true;
}

/* 0 if it is too long to be written whole. */
static size_t line_end(Line *line) {
        long n;

        json_close(&line->json, '{');
        (void) putc('\n', line->json.out);
        n = fflush(line->json.out) == 0 ? ftell(line->json.out) : -1;
        (void) fclose(line->json.out);
        return n > 0 && n < LINE_SIZE_MAX ? (size_t) n : 0;
}

/* What was lost comes first; if that has no room, nothing has. */
static bool monitor_tell_lost(Monitor *monitor) {
        char text[48];
        int n;

        if (monitor->n_lost == 0)
                return true;
        n = snprintf(text, sizeof(text), "{\"lost\":%" PRIu64 "}\n", monitor->n_lost);
        if (write(monitor->fd, text, (size_t) n) != n)
                return false;
        monitor->n_lost = 0;
        return true;
}

static void monitor_write(Monitor *monitor, const char *text, size_t n) {
        if (n == 0 || !monitor_tell_lost(monitor) || write(monitor->fd, text, n) != (ssize_t) n)
                monitor->n_lost++;
}

static bool monitor_wants(const Monitor *monitor, unsigned event, const char *id) {
        size_t n = strlen(monitor->namespace);

        return (monitor->events & event) &&
               (!id || n == 0 || (strncmp(id, monitor->namespace, n) == 0 && id[n] == '/'));
}

static void monitors_write(Monitors *monitors, unsigned event, const char *id, Line *line) {
        size_t n = line_end(line);

        for (Monitor *m = monitors->list; m; m = m->next)
                if (monitor_wants(m, event, id))
                        monitor_write(m, line->text, n);
}

/* ---- what is told */

static void tell_endpoint(Monitors *monitors, const char *id, const RealServer *server, const char *what) {
        char address[IP_ADDR_STRLEN];
        Line line;

        if (!line_begin(&line, monitors, "endpoint"))
                return;
        json_text(&line.json, "id", id);
        json_text(&line.json, "address", ip_addr_format(&server->addr.addr, address));
        json_number(&line.json, "port", server->addr.port);
        json_text(&line.json, "state", what);
        json_number(&line.json, "weight", server->weight);
        monitors_write(monitors, MONITOR_ENDPOINT, id, &line);
}

/* One merge over both lists, which are sorted. */
static void tell_endpoints(Monitors *monitors, const char *id, const DestList *before, const DestList *after) {
        size_t i = 0, k = 0, n_before = before ? before->n_servers : 0, n_after = after ? after->n_servers : 0;

        for (unsigned n = 0; n < ENDPOINT_LINES_MAX && (i < n_before || k < n_after);) {
                int order = i == n_before ? 1 :
                            k == n_after  ? -1 :
                                            real_server_compare(&before->servers[i], &after->servers[k]);

                if (order < 0) {
                        tell_endpoint(monitors, id, &before->servers[i], "removed");
                        n++;
                } else if (order > 0) {
                        tell_endpoint(monitors, id, &after->servers[k], "added");
                        n++;
                } else if (before->servers[i].weight != after->servers[k].weight) {
                        tell_endpoint(monitors, id, &after->servers[k], "weight");
                        n++;
                }
                i += order <= 0;
                k += order >= 0;
        }
}

static const DestList *port_dests(const DesiredPort *port) {
        return port && port->n_servers > 0 ? port->servers[0].claim.dests : NULL;
}

void monitors_note_port(Monitors *monitors, const DesiredPort *before, const DesiredPort *after) {
        const char *id = after ? after->id : before->id;
        Line line;

        if ((monitors->events & MONITOR_SERVICE) && (!before || !after) && line_begin(&line, monitors, "service")) {
                json_text(&line.json, "id", id);
                json_text(&line.json, "state", after ? "added" : "removed");
                monitors_write(monitors, MONITOR_SERVICE, id, &line);
        }
        if (monitors->events & MONITOR_ENDPOINT)
                tell_endpoints(monitors, id, port_dests(before), port_dests(after));
}

void monitors_note_service(Monitors *monitors, const char *id, const char *state, const char *reason) {
        Line line;

        if (!(monitors->events & MONITOR_SERVICE) || !line_begin(&line, monitors, "service"))
                return;
        json_text(&line.json, "id", id);
        json_text(&line.json, "state", state);
        if (reason[0])
                json_text(&line.json, "reason", reason);
        monitors_write(monitors, MONITOR_SERVICE, id, &line);
}

static void tell_sync(Monitors *monitors, const ManagerStatus *status) {
        Line line;

        if (!line_begin(&line, monitors, "sync"))
                return;
        json_number(&line.json, "generation", status->generation);
        json_number(&line.json, "changed", status->n_operations - monitors->n_operations);
        json_number(&line.json, "durationUSec", status->last_sync_duration_usec);
        json_text(&line.json, "state", status->error[0] ? "failed" : "done");
        if (status->error[0])
                json_text(&line.json, "error", status->error);
        monitors_write(monitors, MONITOR_SYNC, NULL, &line);
}

static void tell_drift(Monitors *monitors, const DriftEntry *entry) {
        Line line;

        if (!line_begin(&line, monitors, "drift"))
                return;
        json_text(&line.json, "kind", drift_kind_to_string(entry->kind));
        json_text(&line.json, "id", entry->object);
        json_text(&line.json, "action", drift_action_to_string(entry->action));
        monitors_write(monitors, MONITOR_DRIFT, NULL, &line);
}

void monitors_note_manager(Monitors *monitors) {
        const DriftLog *drift = manager_drift(monitors->bus->manager);
        const DriftEntry *entry;
        ManagerStatus status;

        manager_status_brief(monitors->bus->manager, &status);
        if ((monitors->events & MONITOR_SYNC) && status.n_syncs != monitors->n_syncs)
                tell_sync(monitors, &status);
        for (size_t n = drift->n_added - monitors->n_drift; (monitors->events & MONITOR_DRIFT) && n > 0; n--)
                if ((entry = drift_log_get(drift, n - 1)))
                        tell_drift(monitors, entry);
        monitors->n_syncs = status.n_syncs;
        monitors->n_operations = status.n_operations;
        monitors->n_drift = drift->n_added;
}

static int on_statistics(sd_event_source *source, uint64_t usec, void *userdata) {
        Monitor *monitor = userdata;
        PortStatistics statistics;
        uint64_t when;
        Line line;
        int r;

        if (manager_statistics(monitor->monitors->bus->manager, &statistics, &when) >= 0 &&
            line_begin(&line, monitor->monitors, "statistics")) {
                describe_statistics(&line.json, "totals", &statistics);
                monitor_write(monitor, line.text, line_end(&line));
        }
        r = sd_event_source_set_time_relative(source, monitor->interval_usec);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
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
                        bus->event, &monitor->timer, CLOCK_MONOTONIC, 0, 0, on_statistics, monitor);
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
