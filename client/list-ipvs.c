/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list --ipvs: what `ipvsadm -Ln` shows, with names. The virtual servers of a service port stand
 * together above its endpoints, which they share; connections are those of all of them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/document.h"
#include "client/lines.h"
#include "client/message-json.h"
#include "client/services.h"
#include "client/text.h"

#define N_COLUMNS 7
#define PROTOCOL_MAX 8

typedef struct Row {
        const char *protocol, *address, *scheduler, *weight, *active, *inactive, *name;
        Style style;
} Row;

static int row_add(Table *table, const Row *row) {
        const char *const cells[N_COLUMNS] = {
                row->protocol, row->address,  row->scheduler, row->weight,
                row->active,   row->inactive, row->name,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < N_COLUMNS; i++)
                r = table_add(table, row->style, cells[i]);
        return r;
}

static int virtual_server_add(Table *table, json_object *service, json_object *server) {
        const char *refused = json_get_text(server, "refused"),
                   *scheduler = json_get_text(server, "kernelScheduler");
        char protocol[PROTOCOL_MAX + 1] = "", address[LINES_ADDRESS_MAX];
        bool node_port = strcmp(json_get_text(server, "kind"), "node-port") == 0;
        _cleanup_(freep) char *name = NULL;
        Row row = { .protocol = protocol, .weight = "", .active = "", .inactive = "" };

        for (size_t i = 0; i < PROTOCOL_MAX && json_get_text(service, "protocol")[i]; i++)
                protocol[i] = (char) toupper((unsigned char) json_get_text(service, "protocol")[i]);
        row.address = lines_address(node_port ? "*" : json_get_text(server, "address"),
                                    json_get_number(server, "port"), address);
        row.scheduler = *scheduler ? scheduler : json_get_text(service, "scheduler");
        row.style = *refused ? STYLE_BAD : STYLE_NONE;
        if (asprintf(&name, "%s%s%s%s", json_get_text(service, "id"), *refused ? " (refused: " : "",
                     refused, *refused ? ")" : "") < 0) {
                name = NULL;
                return -ENOMEM;
        }
        row.name = name;
        return row_add(table, &row);
}

/* A node port has a virtual server on each address of the node: one line tells it. */
static int virtual_servers_add(Table *table, json_object *service) {
        json_object *servers = json_get(service, "virtualServers");
        bool node_port_told = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < json_get_length(service, "virtualServers"); i++) {
                json_object *server = json_object_array_get_idx(servers, i);
                bool node_port = strcmp(json_get_text(server, "kind"), "node-port") == 0;

                if (!node_port || !node_port_told)
                        r = virtual_server_add(table, service, server);
                node_port_told = node_port_told || node_port;
        }
        return r;
}

static const char *number(json_object *object, const char *key, char buf[static TEXT_NUMBER_MAX]) {
        (void) snprintf(buf, TEXT_NUMBER_MAX, "%u", (unsigned) json_get_number(object, key));
        return buf;
}

static int endpoint_add(Table *table, json_object *endpoint) {
        char address[LINES_ADDRESS_MAX], weight[TEXT_NUMBER_MAX], active[TEXT_NUMBER_MAX],
                inactive[TEXT_NUMBER_MAX];
        const char *pod = json_get_text(endpoint, "pod"), *node = json_get_text(endpoint, "node"),
                   *state = json_get_text(endpoint, "state");
        bool usual = strcmp(state, "ready") == 0;
        _cleanup_(freep) char *name = NULL;

        if (asprintf(&name, "%s%s%s%s%s", pod, *pod && *node ? " on " : "", node, usual ? "" : ", ",
                     usual ? "" : state) < 0) {
                name = NULL;
                return -ENOMEM;
        }
        return row_add(table,
                       &(Row){ .protocol = "  ->",
                               .address = lines_address(json_get_text(endpoint, "address"),
                                                        json_get_number(endpoint, "port"), address),
                               .scheduler = "Masq",
                               .weight = number(endpoint, "weight", weight),
                               .active = number(endpoint, "active", active),
                               .inactive = number(endpoint, "inactive", inactive),
                               .name = name,
                               .style = usual ? STYLE_NONE : STYLE_WARN });
}

static int service_add(Table *table, json_object *service) {
        json_object *endpoints = json_get(service, "endpoints");
        int r = virtual_servers_add(table, service);

        for (size_t i = 0; r >= 0 && i < json_get_length(service, "endpoints"); i++)
                r = endpoint_add(table, json_object_array_get_idx(endpoints, i));
        return r;
}

static int print_table(Client *client, json_object *services) {
        static const Row titles = { "PROTO",  "ADDRESS:PORT", "SCHED",        "WEIGHT",
                                    "ACTIVE", "INACT",        "SERVICE, POD", STYLE_HEADER };
        _cleanup_(table_freep) Table *table = NULL;
        size_t n = json_object_array_length(services);
        int r = table_new(N_COLUMNS, &table);

        for (size_t i = 3; r >= 0 && i < 6; i++)
                table_set_align(table, i, TABLE_RIGHT);
        if (r >= 0) {
                table_set_whole(table, 1);
                table_set_whole(table, 6);
                table_set_optional(table, 5);
                r = row_add(table, &titles);
        }
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = service_add(table, json_object_array_get_idx(services, i));
        return r < 0 ? r : client_print_table(client, table, n, "service");
}

/* Both lists are sorted by id, so one pass finds what was chosen. */
static int services_select(json_object *services, json_object *rows, json_object *chosen) {
        size_t n = json_object_array_length(rows), k = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < json_object_array_length(services) && k < n; i++) {
                json_object *service = json_object_array_get_idx(services, i);
                const char *id = json_get_text(service, "id");

                while (k < n &&
                       strcmp(json_get_text(json_object_array_get_idx(rows, k), "id"), id) < 0)
                        k++;
                if (k < n &&
                    strcmp(json_get_text(json_object_array_get_idx(rows, k), "id"), id) == 0)
                        r = json_append(chosen, json_object_get(service));
        }
        return r;
}

int services_print_ipvs(Client *client, json_object *rows) {
        static const char *const sections[] = { "endpoints", "statistics", "kernel", NULL };
        _cleanup_(json_object_putp) json_object *services = NULL, *chosen = json_object_new_array();
        int r;

        if (!chosen)
                return -ENOMEM;
        r = document_fetch_services(client, sections, &services);
        if (r == 0)
                r = services_select(services, rows, chosen);
        if (r != 0)
                return r;
        return client_wants_json(client) ? client_print_json(client, chosen)
                                         : print_table(client, chosen);
}
