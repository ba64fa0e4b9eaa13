/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status: on one screen, whether this node is well, and if not, why and what to do. What is in
 * order is told shortly; each problem has a line of its own with the remedy behind it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/clock.h"
#include "client/conditions.h"
#include "client/lines.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/bus-names.h"

/* "ApiReachable is false since 3h: Disconnected — what is programmed stays; …" */
static void print_problem(const Client *client, json_object *condition) {
        const char *type = json_get_text(condition, "type"),
                   *reason = json_get_text(condition, "reason"),
                   *message = json_get_text(condition, "message");
        uint64_t since = json_get_number(condition, "sinceUSec"), now = clock_real_usec();
        char duration[TEXT_NUMBER_MAX] = "";

        if (since > 0 && since < now)
                (void) text_duration(now - since, duration);
        lines_add(client, "Problem", "%s is %s%s%s%s%s%s%s%s%s", type, json_get_text(condition, "status"),
                  *duration ? " for " : "", duration, *reason ? ": " : "", reason,
                  *message ? ": " : "", message, lines_dash(), condition_remedy(type, reason));
}

/* Those that are as they should be come together; the others are problems. */
static void print_conditions(const Client *client, json_object *p) {
        json_object *list = json_get(p, "conditions");
        _cleanup_(freep) char *good = NULL;
        size_t n = json_get_length(p, "conditions"), size;
        FILE *f = open_memstream(&good, &size);

        for (size_t i = 0; f && i < n; i++) {
                json_object *condition = json_object_array_get_idx(list, i);

                if (strcmp(json_get_text(condition, "status"), "true") == 0)
                        (void) fprintf(f, "%s%s", ftell(f) > 0 ? ", " : "", json_get_text(condition, "type"));
        }
        if (f && fclose(f) == 0 && *good)
                lines_add(client, "Conditions", "%s", good);
        for (size_t i = 0; i < n; i++) {
                json_object *condition = json_object_array_get_idx(list, i);

                if (strcmp(json_get_text(condition, "status"), "true") != 0)
                        print_problem(client, condition);
        }
}

static void print_capabilities(const Client *client, json_object *p) {
        json_object *list = json_get(p, "capabilities");

        for (size_t i = 0; i < json_get_length(p, "capabilities"); i++) {
                json_object *item = json_object_array_get_idx(list, i);
                const char *reason = json_get_text(item, "reason");

                if (strcmp(json_get_text(item, "value"), "no") == 0)
                        lines_add(client, "Problem", "The kernel has no %s%s%s%s%s",
                                  json_get_text(item, "name"), *reason ? ": " : "", reason,
                                  lines_dash(), "\"ipvsproxyctl doctor\" tells what to install");
        }
}

static void print_holds(const Client *client, json_object *p) {
        json_object *list = json_get(p, "holds");

        for (size_t i = 0; i < json_get_length(p, "holds"); i++) {
                json_object *item = json_object_array_get_idx(list, i);

                lines_add(client, "Held", "by %s (user %" PRIu64 "): %s%s%s", json_get_text(item, "who"),
                          json_get_number(item, "uid"), json_get_text(item, "why"), lines_dash(),
                          "programming goes on when that ends");
        }
}

static void print_drain(const Client *client, json_object *p) {
        const char *state = json_get_text(p, "drainState");
        uint64_t deadline = json_get_number(p, "drainDeadlineUSec");
        char left[TEXT_NUMBER_MAX];

        if (!*state || strcmp(state, "off") == 0)
                return;
        lines_add(client, "Drain", "%s, %" PRIu64 " connections left%s%s%s\"ipvsproxyctl undrain\" ends it",
                  state, json_get_number(p, "drainConnections"), deadline > 0 ? ", done in " : "",
                  deadline > 0 ? clock_left(deadline, left) : "", lines_dash());
}

/* The moment of the newest repair, 0 if there is none to be told. */
static uint64_t last_drift(Client *client) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(json_object_putp) json_object *rows = NULL;

        if (drift_fetch(client, 1, &error, &rows) < 0 ||
            !json_object_is_type(rows, json_type_array) || json_object_array_length(rows) == 0)
                return 0;
        return json_get_number(json_object_array_get_idx(rows, 0), "timeUSec");
}

static void print_sync(Client *client, json_object *p) {
        uint64_t last = json_get_number(p, "lastSyncUSec"),
                 n_failed = json_get_number(p, "syncErrorCount"),
                 n_drift = json_get_number(p, "driftCount");
        uint64_t drift_usec = n_drift > 0 ? last_drift(client) : 0;
        char ago[TEXT_NUMBER_MAX], took[TEXT_NUMBER_MAX], sync[128] = "never", drift[128];

        if (last > 0)
                (void) snprintf(sync, sizeof(sync), "%s, %s", clock_ago(last, ago),
                                text_duration(json_get_number(p, "lastSyncDurationUSec"), took));
        if (n_drift == 0)
                (void) snprintf(drift, sizeof(drift), "none");
        else
                (void) snprintf(drift, sizeof(drift), "%" PRIu64 " repaired%s%s", n_drift,
                                drift_usec > 0 ? ", last " : "",
                                drift_usec > 0 ? clock_ago(drift_usec, ago) : "");
        lines_add_pair(client, "Last sync", sync, "Drift", drift);
        if (n_failed > 0)
                lines_add(client, "Syncs", "%" PRIu64 ", %" PRIu64 " of them failed",
                          json_get_number(p, "syncCount"), n_failed);
}

/* Since when nothing is wrong: the newest moment at which a condition became true. */
static uint64_t well_since(json_object *p) {
        json_object *list = json_get(p, "conditions");
        uint64_t since = 0;

        for (size_t i = 0; i < json_get_length(p, "conditions"); i++) {
                json_object *condition = json_object_array_get_idx(list, i);

                if (strcmp(json_get_text(condition, "status"), "true") == 0)
                        since = MAX2(since, json_get_number(condition, "sinceUSec"));
        }
        return since;
}

static json_object *condition_find(json_object *p, const char *type) {
        json_object *list = json_get(p, "conditions");

        for (size_t i = 0; i < json_get_length(p, "conditions"); i++)
                if (strcmp(json_get_text(json_object_array_get_idx(list, i), "type"), type) == 0)
                        return json_object_array_get_idx(list, i);
        return NULL;
}

/* "watching, last event 2s ago" */
static void api_to_text(json_object *p, char buf[static 160]) {
        char ago[TEXT_NUMBER_MAX];

        if (strcmp(json_get_text(condition_find(p, "ApiReachable"), "reason"), "NotUsed") == 0)
                (void) snprintf(buf, 160, "not used");
        else
                (void) snprintf(buf, 160, "%.40s, last event %s", json_get_text(p, "apiState"),
                                clock_ago(json_get_number(p, "lastApiEventUSec"), ago));
}

/* Where objects are read from without an API server. */
static void print_folder(const Client *client, json_object *p) {
        const char *folder = json_get_text(condition_find(p, "ManifestsRead"), "folder");

        if (*folder)
                lines_add(client, "Files", "%s", folder);
}

/* Which one, and of which version: where it is known. */
static void print_server(const Client *client, json_object *p) {
        json_object *list = json_get(p, "conditions");

        for (size_t i = 0; i < json_get_length(p, "conditions"); i++) {
                json_object *condition = json_object_array_get_idx(list, i);
                const char *server = json_get_text(condition, "server"), *version = json_get_text(condition, "version");

                if (*server)
                        lines_add(client, "Server", "%s%s%s", server, *version ? ", " : "", version);
        }
}

static void print_daemon(Client *client, json_object *p) {
        const char *state = json_get_text(p, "state");
        uint64_t refused = json_get_number(p, "refusedCount"), since = well_since(p);
        char text[160], other[160], date[TEXT_DATE_MAX];
        bool running = strcmp(state, "running") == 0;

        lines_head(client, "ipvsproxyd", json_get_text(p, "nodeName"), state);
        (void) snprintf(other, sizeof(other), "%.40s%s%s", state,
                        running && since > 0 ? " since " : "",
                        running && since > 0 ? clock_date(since, date) : "");
        lines_add_pair(client, "Version", json_get_text(p, "version"), "State", other);
        api_to_text(p, text);
        (void) snprintf(other, sizeof(other), "%" PRIu64 " (%" PRIu64 " pending)",
                        json_get_number(p, "generation"), json_get_number(p, "pendingChanges"));
        lines_add_pair(client, "API server", text, "Generation", other);
        print_server(client, p);
        print_folder(client, p);
        lines_add(client, "Services",
                  "%" PRIu64 " ports, %" PRIu64 " virtual servers, %" PRIu64 " endpoints",
                  json_get_number(p, "serviceCount"), json_get_number(p, "virtualServerCount"),
                  json_get_number(p, "endpointCount"));
        print_sync(client, p);
        print_conditions(client, p);
        print_capabilities(client, p);
        print_holds(client, p);
        print_drain(client, p);
        if (refused > 0)
                lines_add(client, "Refused",
                          "%" PRIu64 " address%s%ssee \"ipvsproxyctl list "
                          "--state=refused\"",
                          refused, refused == 1 ? "" : "es", lines_dash());
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

static void print_virtual_servers(const Client *client, json_object *p) {
        json_object *servers = json_get(p, "virtualServers");
        const char *label = "Addresses";
        char address[LINES_ADDRESS_MAX];

        for (size_t i = 0; i < json_get_length(p, "virtualServers"); i++) {
                json_object *server = json_object_array_get_idx(servers, i);

                lines_add(client, label, "%s (%s)",
                          lines_address(json_get_text(server, "address"),
                                        json_get_number(server, "port"), address),
                          json_get_text(server, "kind"));
                label = "and";
        }
}

static void print_refused(const Client *client, json_object *p) {
        json_object *refused = json_get(p, "refusedAddresses");

        for (size_t i = 0; i < json_get_length(p, "refusedAddresses"); i++) {
                json_object *item = json_object_array_get_idx(refused, i);

                lines_add(client, "Refused", "%s (%s)", json_get_text(item, "address"),
                          json_get_text(item, "reason"));
        }
}

static void print_service(const Client *client, const char *id, json_object *p) {
        const char *reason = json_get_text(p, "reason"),
                   *policy = json_get_text(p, "externalTrafficPolicy");
        uint64_t affinity = json_get_number(p, "affinityTimeoutUSec");
        char ago[TEXT_NUMBER_MAX], duration[TEXT_NUMBER_MAX];

        lines_head(client, id, "", json_get_text(p, "state"));
        if (*reason)
                lines_add(client, "Reason", "%s%s\"ipvsproxyctl explain %s\" tells more", reason,
                          lines_dash(), id);
        lines_add(client, "Type", "%s, %s port %" PRIu64, json_get_text(p, "type"),
                  json_get_text(p, "protocol"), json_get_number(p, "port"));
        lines_add(client, "Scheduler", "%s", json_get_text(p, "scheduler"));
        if (affinity > 0)
                lines_add(client, "Affinity", "%s", text_duration(affinity, duration));
        lines_add(client, "Policy", "%s inside%s%s%s", json_get_text(p, "internalTrafficPolicy"),
                  *policy ? ", " : "", policy, *policy ? " outside" : "");
        lines_add(client, "Endpoints",
                  "%" PRIu64 " of %" PRIu64 " ready, %" PRIu64 " draining, %" PRIu64
                  " on this node",
                  json_get_number(p, "readyEndpointCount"), json_get_number(p, "endpointCount"),
                  json_get_number(p, "drainingEndpointCount"),
                  json_get_number(p, "localEndpointCount"));
        print_virtual_servers(client, p);
        print_refused(client, p);
        lines_add(client, "Programmed", "%s, generation %" PRIu64,
                  clock_ago(json_get_number(p, "programmedUSec"), ago),
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
