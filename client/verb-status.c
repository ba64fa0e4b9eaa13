/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: how the daemon or a service is, on one screen for people; the exit code says it to
 * scripts. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

#define LABEL_WIDTH 14

/* One line "     Label: text"; what stands in the text is made harmless. */
static void line(const char *label, const char *format, ...) _printf_(2, 3);
static void line(const char *label, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        (void) printf("%*s: ", LABEL_WIDTH, label);
        (void) text_write(stdout, text ? text : "Out of memory.", TEXT_FOR_PEOPLE);
        (void) fputc('\n', stdout);
}

/* "23s ago", of a moment of the real-time clock; "never" for 0 */
static const char *time_ago(uint64_t usec, char buf[static TEXT_NUMBER_MAX]) {
        char duration[TEXT_NUMBER_MAX];
        struct timespec now;
        uint64_t now_usec;

        if (usec == 0)
                return "never";
        (void) clock_gettime(CLOCK_REALTIME, &now);
        now_usec = (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
        (void) text_duration(now_usec > usec ? now_usec - usec : 0, duration);
        (void) snprintf(buf, TEXT_NUMBER_MAX, "%.20s ago", duration);
        return buf;
}

static void head(const Client *client, const char *what, const char *on, const char *state) {
        Style style = style_of_state(state);

        (void) fputs(style_on(style, client->color), stdout);
        (void) fputs(text_locale_is_utf8() ? "\xe2\x97\x8f " : "* ", stdout);
        (void) fputs(style_off(style, client->color), stdout);
        (void) text_write(stdout, what, TEXT_FOR_PEOPLE);
        if (*on) {
                (void) fputs(" on ", stdout);
                (void) text_write(stdout, on, TEXT_FOR_PEOPLE);
        }
        (void) fputs(": ", stdout);
        (void) fputs(style_on(style, client->color), stdout);
        (void) text_write(stdout, *state ? state : "unknown", TEXT_FOR_PEOPLE);
        (void) fputs(style_off(style, client->color), stdout);
        (void) fputc('\n', stdout);
}

/*
 * An array of objects, one line each: "name: value (reason)". Those whose value is `usual` come
 * together on the first line, because they need no attention.
 */
static void list_lines(json_object *list,
                       const char *label,
                       const char *name,
                       const char *value,
                       const char *usual) {
        const char *next = label;
        size_t n_usual = 0;

        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
                json_object *item = json_object_array_get_idx(list, i);

                if (strcmp(json_get_text(item, value), usual) != 0)
                        continue;
                if (n_usual++ == 0)
                        (void) printf("%*s: ", LABEL_WIDTH, label);
                else
                        (void) fputs(", ", stdout);
                (void) text_write(stdout, json_get_text(item, name), TEXT_FOR_PEOPLE);
        }
        if (n_usual > 0) {
                (void) fputc('\n', stdout);
                next = "not";
        }
        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
                json_object *item = json_object_array_get_idx(list, i);
                const char *reason = json_get_text(item, "reason"),
                           *have = json_get_text(item, value);
                bool unsure = strcmp(have, "unknown") == 0;

                if (strcmp(have, usual) == 0)
                        continue;
                line(next, "%s%s%s%s%s", json_get_text(item, name),
                     unsure ? ", as far as is known" : "", *reason ? " (" : "", reason,
                     *reason ? ")" : "");
                next = "and";
        }
}

static void print_counts(json_object *p) {
        line("Services", "%" PRIu64 " ports, %" PRIu64 " virtual servers, %" PRIu64 " endpoints",
             json_get_number(p, "serviceCount"), json_get_number(p, "virtualServerCount"),
             json_get_number(p, "endpointCount"));
        line("Generation", "%" PRIu64 " (%" PRIu64 " pending)", json_get_number(p, "generation"),
             json_get_number(p, "pendingChanges"));
}

static void print_sync(json_object *p) {
        char ago[TEXT_NUMBER_MAX], took[TEXT_NUMBER_MAX];
        uint64_t last = json_get_number(p, "lastSyncUSec"),
                 refused = json_get_number(p, "refusedCount");

        if (last > 0)
                line("Last sync", "%s, took %s; %" PRIu64 " so far, %" PRIu64 " failed",
                     time_ago(last, ago),
                     text_duration(json_get_number(p, "lastSyncDurationUSec"), took),
                     json_get_number(p, "syncCount"), json_get_number(p, "syncErrorCount"));
        else
                line("Last sync", "never");
        line("Drift", "%" PRIu64 " repaired", json_get_number(p, "driftCount"));
        if (refused > 0)
                line("Refused", "%" PRIu64 ", see \"ipvsproxyctl list --state=refused\"", refused);
}

static void print_drain(json_object *p) {
        const char *state = json_get_text(p, "drainState");

        if (*state && strcmp(state, "off") != 0)
                line("Drain", "%s, %" PRIu64 " connections left", state,
                     json_get_number(p, "drainConnections"));
}

static void print_daemon(const Client *client, json_object *p) {
        char ago[TEXT_NUMBER_MAX];

        head(client, "ipvsproxyd", json_get_text(p, "nodeName"), json_get_text(p, "state"));
        line("Version", "%s", json_get_text(p, "version"));
        line("API server", "%s, last event %s", json_get_text(p, "apiState"),
             time_ago(json_get_number(p, "lastApiEventUSec"), ago));
        print_counts(p);
        print_sync(p);
        print_drain(p);
        list_lines(json_get(p, "capabilities"), "Kernel", "name", "value", "yes");
        list_lines(json_get(p, "conditions"), "Conditions", "type", "status", "true");
}

static int status_daemon(Client *client) {
        _cleanup_(json_object_putp) json_object *p = NULL;
        int r;

        r = client_get_all(client, BUS_PATH, BUS_INTERFACE_MANAGER, &p);
        if (r != 0)
                return r;
        if (client_wants_json(client))
                r = client_print_json(client, p);
        else if (!client->options.quiet)
                print_daemon(client, p);
        if (r < 0)
                return r;
        return strcmp(json_get_text(p, "state"), "running") == 0 ? 0 : EXIT_CODE_UNHEALTHY;
}

static void print_virtual_servers(json_object *p) {
        json_object *servers = json_get(p, "virtualServers");
        const char *label = "Addresses";

        for (size_t i = 0; servers && i < json_get_length(p, "virtualServers"); i++) {
                json_object *server = json_object_array_get_idx(servers, i);
                const char *address = json_get_text(server, "address");
                bool v6 = strchr(address, ':');

                line(label, "%s%s%s:%" PRIu64 " (%s)", v6 ? "[" : "", address, v6 ? "]" : "",
                     json_get_number(server, "port"), json_get_text(server, "kind"));
                label = "and";
        }
}

static void print_refused(json_object *p) {
        json_object *refused = json_get(p, "refusedAddresses");

        for (size_t i = 0; refused && i < json_get_length(p, "refusedAddresses"); i++) {
                json_object *item = json_object_array_get_idx(refused, i);

                line("Refused", "%s (%s)", json_get_text(item, "address"),
                     json_get_text(item, "reason"));
        }
}

static void print_service(const Client *client, const char *id, json_object *p) {
        const char *reason = json_get_text(p, "reason"),
                   *policy = json_get_text(p, "externalTrafficPolicy");
        uint64_t affinity = json_get_number(p, "affinityTimeoutUSec");
        char ago[TEXT_NUMBER_MAX], duration[TEXT_NUMBER_MAX];

        head(client, id, "", json_get_text(p, "state"));
        if (*reason)
                line("Reason", "%s", reason);
        line("Type", "%s, %s port %" PRIu64, json_get_text(p, "type"), json_get_text(p, "protocol"),
             json_get_number(p, "port"));
        line("Scheduler", "%s", json_get_text(p, "scheduler"));
        if (affinity > 0)
                line("Affinity", "%s", text_duration(affinity, duration));
        line("Policy", "%s inside%s%s%s", json_get_text(p, "internalTrafficPolicy"),
             *policy ? ", " : "", policy, *policy ? " outside" : "");
        line("Endpoints",
             "%" PRIu64 " of %" PRIu64 " ready, %" PRIu64 " draining, %" PRIu64 " on this node",
             json_get_number(p, "readyEndpointCount"), json_get_number(p, "endpointCount"),
             json_get_number(p, "drainingEndpointCount"), json_get_number(p, "localEndpointCount"));
        print_virtual_servers(p);
        print_refused(p);
        line("Programmed", "%s, generation %" PRIu64,
             time_ago(json_get_number(p, "programmedUSec"), ago),
             json_get_number(p, "programmedGeneration"));
}

static int status_service(Client *client, const char *word) {
        _cleanup_(json_object_putp) json_object *p = NULL;
        _cleanup_(freep) char *id = NULL, *path = NULL;
        int r;

        r = service_resolve(client, word, &id, &path);
        if (r == 0)
                r = client_get_all(client, path, BUS_INTERFACE_SERVICE, &p);
        if (r != 0)
                return r;
        if (client_wants_json(client))
                r = client_print_json(client, p);
        else if (!client->options.quiet)
                print_service(client, id, p);
        if (r < 0)
                return r;
        return strcmp(json_get_text(p, "state"), "synced") == 0 ? 0 : EXIT_CODE_UNHEALTHY;
}

int verb_status(Client *client, int n_words, char *words[]) {
        return n_words > 0 ? status_service(client, words[0]) : status_daemon(client);
}
