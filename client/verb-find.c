/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find: from an address, of a service or an endpoint, to the service. */
#include <errno.h>
#include <string.h>

#include "client/document.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/services.h"
#include "client/target.h"
#include "client/verbs.h"
#include "common/bus-names.h"

static int service_by_address(Client *client,
                              const Target *target,
                              const char *protocol,
                              sd_bus_error *error,
                              char **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *path;
        int r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, "GetServiceByAddress", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "sqs", target->address, target->port, protocol);
        if (r >= 0)
                r = client_call(client, call, error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        *ret = strdup(path);
        return *ret ? 0 : -ENOMEM;
}

/* Properties of a service in the words of a list's row. */
static int row_from_properties(json_object *properties, const char *path, json_object **ret) {
        static const struct {
                const char *from, *to;
        } fields[] = {
                { "id", "id" },
                { "namespace", "namespace" },
                { "name", "name" },
                { "portName", "portName" },
                { "protocol", "protocol" },
                { "port", "port" },
                { "state", "state" },
                { "readyEndpointCount", "endpointsReady" },
                { "endpointCount", "endpointsTotal" },
                { "programmedGeneration", "programmedGeneration" },
        };
        _cleanup_(json_object_putp) json_object *row = json_object_new_object();
        int r = row ? json_add(row, "path", json_object_new_string(path)) : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++)
                r = json_add(row, fields[i].to,
                             json_object_get(json_get(properties, fields[i].from)));
        if (r >= 0)
                r = json_add(row, "virtualServers",
                             json_object_new_uint64(json_get_length(properties, "virtualServers")));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(row);
        return 0;
}

/* Adds the service of one protocol, if there is one. */
static int find_protocol(Client *client,
                         const Target *target,
                         const char *protocol,
                         sd_bus_error *error,
                         json_object *rows) {
        _cleanup_(json_object_putp) json_object *properties = NULL;
        _cleanup_(freep) char *path = NULL;
        json_object *row;
        int r;

        sd_bus_error_free(error);
        r = service_by_address(client, target, protocol, error, &path);
        if (r < 0 && sd_bus_error_has_name(error, BUS_ERROR_NO_SUCH_SERVICE))
                return 0;
        if (r < 0)
                return report_bus(error, r, "Failed to find the service of %s", target->address);
        r = client_get_all(client, path, BUS_INTERFACE_SERVICE, &properties);
        if (r != 0)
                return r;
        r = row_from_properties(properties, path, &row);
        return r < 0 ? r : json_append(rows, row);
}

static int find_port(Client *client, const Target *target, json_object **ret) {
        static const char *const protocols[] = { "tcp", "udp", "sctp" };
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(json_object_putp) json_object *rows = json_object_new_array();
        int r = rows ? 0 : -ENOMEM;

        if (r == 0 && target->protocol[0])
                r = find_protocol(client, target, target->protocol, &error, rows);
        for (size_t i = 0; r == 0 && !target->protocol[0] && i < ELEMENTSOF(protocols); i++)
                r = find_protocol(client, target, protocols[i], &error, rows);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(rows);
        return 0;
}

/* ---- endpoints: the daemon has no index of them, so all are looked through */

static bool service_has_endpoint(json_object *service, const Target *target) {
        json_object *endpoints = json_get(service, "endpoints");

        if (target->protocol[0] &&
            strcmp(json_get_text(service, "protocol"), target->protocol) != 0)
                return false;
        for (size_t i = 0; i < json_get_length(service, "endpoints"); i++) {
                json_object *endpoint = json_object_array_get_idx(endpoints, i);

                if (strcmp(json_get_text(endpoint, "address"), target->address) == 0 &&
                    (target->port == 0 || json_get_number(endpoint, "port") == target->port))
                        return true;
        }
        return false;
}

static int row_of_service(json_object *service, json_object *rows) {
        _cleanup_(freep) char *path = NULL;
        json_object *row = NULL;
        int r;

        r = sd_bus_path_encode(BUS_PATH_SERVICE, json_get_text(service, "id"), &path);
        if (r >= 0)
                r = row_from_properties(service, path, &row);
        return r < 0 ? r : json_append(rows, row);
}

static int find_endpoint(Client *client, const Target *target, json_object *rows) {
        static const char *const sections[] = { "endpoints", NULL };
        _cleanup_(json_object_putp) json_object *services = NULL;
        int r = document_fetch_services(client, sections, &services);

        for (size_t i = 0; r == 0 && i < json_object_array_length(services); i++) {
                json_object *service = json_object_array_get_idx(services, i);

                if (service_has_endpoint(service, target))
                        r = row_of_service(service, rows);
        }
        return r;
}

int verb_find_address(Client *client, int n_words, char *words[]) {
        _cleanup_(json_object_putp) json_object *rows = NULL;
        char name[TARGET_STRLEN];
        Target target = { 0 };
        int r;

        if (target_parse(words[0], &target) < 0)
                return report(EXIT_CODE_USAGE, "%s", TARGET_USAGE);
        if (target.port > 0)
                r = find_port(client, &target, &rows);
        else
                r = services_fetch(client, &(ServiceFilter){ .address = target.address }, &rows);
        if (r == 0 && json_object_array_length(rows) == 0)
                r = find_endpoint(client, &target, rows);
        if (r != 0)
                return r;
        if (json_object_array_length(rows) == 0)
                return report(EXIT_CODE_NOT_FOUND,
                              "Failed to find %s: No service has this address or endpoint.",
                              target_format(&target, name));
        return services_print(client, rows);
}
