/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * override and endpoint: another weight for one endpoint on this node, for a time. Both words lead
 * to the same calls: "override set S E --weight=N" is "endpoint weight S E N".
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/document.h"
#include "client/lines.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/target.h"
#include "client/verbs.h"
#include "common/bus-names.h"
#include "common/parse.h"

#define EXPIRES_DEFAULT_USEC (3600 * USEC_PER_SEC)
#define REASON_MAX 512
#define WEIGHT_MAX 65535U

/* One endpoint of a service. */
typedef struct Endpoint {
        char *id, *path; /* owned */
        Target target;
} Endpoint;

static void endpoint_done(Endpoint *endpoint) {
        free(endpoint->id);
        free(endpoint->path);
}

static int endpoint_resolve(Client *client, char *words[], Endpoint *ret) {
        if (target_parse(words[1], &ret->target) < 0 || ret->target.port == 0 ||
            ret->target.protocol[0])
                return report(EXIT_CODE_USAGE,
                              "Bad endpoint \"%s\"; it is ADDRESS:PORT, IPv6 in brackets.",
                              words[1]);
        return service_resolve(client, words[0], &ret->id, &ret->path);
}

/* The daemon wants one; who is asked later is the user who did it. */
static void reason_write(const Options *options, char buf[static REASON_MAX]) {
        const struct passwd *user = options->reason ? NULL : getpwuid(getuid());

        (void) snprintf(buf, REASON_MAX, "%s%s", options->reason ? options->reason : "set by ",
                        options->reason ? ""
                        : user          ? user->pw_name
                                        : "somebody");
}

static int set_override(Client *client, char *words[], uint32_t weight) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        _cleanup_(endpoint_done) Endpoint endpoint = { 0 };
        const Options *options = &client->options;
        uint64_t expires = options->expires_usec ? options->expires_usec : EXPIRES_DEFAULT_USEC;
        char name[TARGET_STRLEN], left[TEXT_NUMBER_MAX], reason[REASON_MAX];
        int r;

        r = endpoint_resolve(client, words, &endpoint);
        if (r != 0)
                return r;
        reason_write(options, reason);
        r = client_new_call(client, endpoint.path, BUS_INTERFACE_SERVICE, "SetOverride", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "squts", endpoint.target.address,
                                          endpoint.target.port, weight, clock_real_usec() + expires,
                                          reason);
        if (r < 0)
                return r;
        (void) target_format(&endpoint.target, name);
        r = client_call_authorised(client, call, &error, NULL);
        if (r < 0)
                return report_bus(&error, r, "Failed to override %s of %s", name, endpoint.id);
        return client_print_done(client, "%s of %s has weight %u for %s.", name, endpoint.id,
                                 weight, text_duration(expires, left));
}

static int clear_override(Client *client, char *words[]) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        _cleanup_(endpoint_done) Endpoint endpoint = { 0 };
        char name[TARGET_STRLEN];
        int r;

        r = endpoint_resolve(client, words, &endpoint);
        if (r != 0)
                return r;
        r = client_new_call(client, endpoint.path, BUS_INTERFACE_SERVICE, "ClearOverride", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "sq", endpoint.target.address,
                                          endpoint.target.port);
        if (r < 0)
                return r;
        (void) target_format(&endpoint.target, name);
        r = client_call_authorised(client, call, &error, NULL);
        if (r < 0)
                return report_bus(&error, r, "Failed to clear the override of %s of %s", name,
                                  endpoint.id);
        return client_print_done(client, "%s of %s has its own weight again.", name, endpoint.id);
}

/* Endpoints of one service that have an override, each with the service's id. */
static int overrides_add(const char *id, json_object *rows, json_object *all) {
        int r = 0;

        for (size_t i = 0; r == 0 && rows && i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);

                if (!*json_get_text(row, "override"))
                        continue;
                r = json_add(row, "service", json_object_new_string(id));
                if (r == 0)
                        r = json_append(all, json_object_get(row));
        }
        return r;
}

static int override_add(Table *table, json_object *row) {
        char number[TEXT_NUMBER_MAX], address[LINES_ADDRESS_MAX];
        int r;

        r = table_add(table, STYLE_NONE, json_get_text(row, "service"));
        if (r >= 0)
                r = table_add(table, STYLE_NONE,
                              lines_address(json_get_text(row, "address"),
                                            json_get_number(row, "port"), address));
        (void) snprintf(number, sizeof(number), "%u",
                        (unsigned) json_get_number(row, "overrideWeight"));
        if (r >= 0)
                r = table_add(table, STYLE_NONE, number);
        if (r >= 0)
                r = table_add(table, STYLE_NONE,
                              clock_left(json_get_number(row, "overrideExpiresUSec"), number));
        return r >= 0 ? table_add(table, STYLE_NONE, json_get_text(row, "override")) : r;
}

static int print_overrides(Client *client, json_object *rows) {
        static const char *const titles[] = { "SERVICE", "ENDPOINT", "WEIGHT", "FOR", "REASON" };
        size_t n = json_object_array_length(rows);
        _cleanup_(table_freep) Table *table = NULL;
        int r = table_new(ELEMENTSOF(titles), &table);

        for (size_t i = 0; r >= 0 && i < 2; i++)
                table_set_whole(table, i);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(titles); i++) {
                table_set_align(table, i, i == 2 || i == 3 ? TABLE_RIGHT : TABLE_LEFT);
                r = table_add(table, STYLE_HEADER, titles[i]);
        }
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = override_add(table, json_object_array_get_idx(rows, i));
        return r < 0 ? r : client_print_table(client, table, n, "override");
}

/* Those of one service are asked for; for all of them one dump is cheaper than a call a service. */
static int overrides_of_service(Client *client, const char *word, json_object *all) {
        _cleanup_(json_object_putp) json_object *services = NULL;
        int r = services_resolve(client, word, &services);

        for (size_t i = 0; r == 0 && i < json_object_array_length(services); i++) {
                json_object *service = json_object_array_get_idx(services, i);
                const char *id = json_get_text(service, "id");
                _cleanup_(json_object_putp) json_object *rows = NULL;

                r = endpoints_fetch(client, json_get_text(service, "path"), id, &rows);
                if (r == 0)
                        r = overrides_add(id, rows, all);
        }
        return r;
}

static int overrides_of_all(Client *client, json_object *all) {
        static const char *const sections[] = { "endpoints", NULL };
        _cleanup_(json_object_putp) json_object *services = NULL;
        const char *namespace = client->options.namespace;
        int r = document_fetch_services(client, sections, &services);

        for (size_t i = 0; r == 0 && i < json_object_array_length(services); i++) {
                json_object *service = json_object_array_get_idx(services, i);

                if (!namespace || strcmp(json_get_text(service, "namespace"), namespace) == 0)
                        r = overrides_add(json_get_text(service, "id"),
                                          json_get(service, "endpoints"), all);
        }
        return r;
}

static int list_overrides(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *all = json_object_new_array();
        int r;

        if (!all)
                return -ENOMEM;
        r = n_words > 0 ? overrides_of_service(client, words[0], all)
                        : overrides_of_all(client, all);
        if (r != 0)
                return r;
        return client_wants_json(client) ? client_print_json(client, all)
                                         : print_overrides(client, all);
}

static int usage(const char *verb) {
        return report(EXIT_CODE_USAGE, "Usage: ipvsproxyctl %s %s", verb, verb_find(verb)->args);
}

static int weight_parse(const char *text, uint32_t *ret) {
        uint32_t weight;

        if (parse_uint32(text, &weight) < 0 || weight > WEIGHT_MAX)
                return report(EXIT_CODE_USAGE, "Bad weight \"%s\"; it is 0 to %u.", text,
                              WEIGHT_MAX);
        *ret = weight;
        return 0;
}

int verb_override(Client *client, int n_words, char *words[]) {
        uint32_t weight = 0;
        int r;

        if (strcmp(words[0], "list") == 0 && n_words <= 2)
                return list_overrides(client, n_words - 1, words + 1);
        if (strcmp(words[0], "clear") == 0 && n_words == 3)
                return clear_override(client, words + 1);
        if (strcmp(words[0], "set") != 0 || n_words != 3)
                return usage("override");
        if (!client->options.weight)
                return report(EXIT_CODE_USAGE,
                              "Say the weight: --weight=N; 0 sends it no new connections.");
        r = weight_parse(client->options.weight, &weight);
        return r != 0 ? r : set_override(client, words + 1, weight);
}

int verb_endpoint(Client *client, int n_words, char *words[]) {
        uint32_t weight = 0;
        int r;

        if (strcmp(words[0], "drain") == 0 && n_words == 3)
                return set_override(client, words + 1, 0);
        if (strcmp(words[0], "clear") == 0 && n_words == 3)
                return clear_override(client, words + 1);
        if (strcmp(words[0], "weight") != 0 || n_words != 4)
                return usage("endpoint");
        r = weight_parse(words[3], &weight);
        return r != 0 ? r : set_override(client, words + 1, weight);
}
