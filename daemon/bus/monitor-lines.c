/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What monitors are told: a line of JSON each, which is in the pipe whole or not at all. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus-private.h"
#include "bus/describe.h"
#include "bus/monitor-private.h"

/* Up to PIPE_BUF a write is all or nothing (pipe(7)). */
#define LINE_SIZE_MAX 4096
#define ENDPOINT_LINES_MAX 64 /* of one change of a service */

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

int monitor_on_statistics(sd_event_source *source, uint64_t usec, void *userdata) {
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
