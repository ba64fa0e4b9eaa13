/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object per service port, `org.k8s.IpvsProxy.Service`. None of them is registered: each is found by its path when
 * it is asked for, so ten thousand cost nothing until then.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/actions.h"
#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "bus/describe.h"
#include "bus/properties.h"
#include "common/bus-names.h"
#include "common/parse.h"

#define ENDPOINT_ROW "(sqssuuua{sv})"
#define BYTES_ROW 160
/* A Service may have very many addresses; what a property shows of them is bounded, Describe has no more either. */
#define ROWS_MAX 1000

/* ---- finding */

/* Filled once a message or signal, though sd-bus looks an object up once for each of its properties. */
static int service_find(sd_bus *b,
                        const char *path,
                        const char *interface,
                        void *userdata,
                        void **ret,
                        sd_bus_error *error) {
        Bus *bus = userdata;
        const DesiredPort *port = service_path_find(bus->manager, path);
        int r;

        if (!port)
                return 0;
        if (bus->view.port != port || bus->view.turn != bus->view_turn) {
                r = service_view_fill(&bus->view, bus->manager, port);
                if (r < 0)
                        return r;
                bus->view.turn = bus->view_turn;
        }
        *ret = bus;
        return 1;
}

/* ---- properties with a type of their own */

static int append_virtual_server(sd_bus_message *reply, const PortServer *server, const ListenerInfo *listener) {
        const VirtualServer *wanted = &server->claim.wanted;
        RefusalReason refusal = port_server_refusal(server);
        char address[IP_ADDR_STRLEN], socket[IP_PORT_STRLEN];
        int r;

        r = sd_bus_message_open_container(reply, 'r', "ssqua{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "ssqu",
                                          address_kind_to_string(server->kind),
                                          ip_addr_format(&wanted->key.addr, address),
                                          wanted->key.port,
                                          wanted->key.fwmark);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && refusal != REFUSAL_NONE)
                r = sd_bus_message_append(reply, "{sv}", "refused", "s", refusal_reason_to_string(refusal));
        if (r >= 0 && listener && server->kind == ADDRESS_KIND_NODE_PORT)
                r = sd_bus_message_append(reply,
                                          "{sv}{sv}{sv}",
                                          "listener",
                                          "s",
                                          ip_port_format(&listener->addr, listener->port, socket),
                                          "listener-uid",
                                          "u",
                                          listener->uid,
                                          "listener-inode",
                                          "u",
                                          listener->inode);
        if (r >= 0)
                r = sd_bus_message_append(
                        reply, "{sv}", "real-servers", "u", (uint32_t) server->claim.dests->n_servers);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_virtual_servers(sd_bus *b,
                               const char *path,
                               const char *interface,
                               const char *property,
                               sd_bus_message *reply,
                               void *userdata,
                               sd_bus_error *error) {
        const Bus *bus = userdata;
        const DesiredPort *port = bus->view.port;
        const ListenerInfo *listener = port_view_listener(bus->manager, port);
        int r = sd_bus_message_open_container(reply, 'a', "(ssqua{sv})");

        for (size_t i = 0; r >= 0 && i < MIN2(port->n_servers, (uint32_t) ROWS_MAX); i++)
                r = append_virtual_server(reply, &port->servers[i], listener);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_refused_addresses(sd_bus *b,
                                 const char *path,
                                 const char *interface,
                                 const char *property,
                                 sd_bus_message *reply,
                                 void *userdata,
                                 sd_bus_error *error) {
        const Bus *bus = userdata;
        const DesiredPort *port = bus->view.port;
        char address[IP_ADDR_STRLEN];
        unsigned n = 0;
        int r = sd_bus_message_open_container(reply, 'a', "(ss)");

        for (size_t i = 0; r >= 0 && i < port->service->n_refused && n++ < ROWS_MAX; i++)
                r = sd_bus_message_append(reply,
                                          "(ss)",
                                          ip_addr_format(&port->service->refused[i].addr, address),
                                          refusal_reason_to_string(port->service->refused[i].reason));
        for (size_t i = 0; r >= 0 && i < port->n_servers && n < ROWS_MAX; i++) {
                RefusalReason refusal = port_server_refusal(&port->servers[i]);

                if (refusal != REFUSAL_NONE && n++ < ROWS_MAX)
                        r = sd_bus_message_append(
                                reply,
                                "(ss)",
                                ip_addr_format(&port->servers[i].claim.wanted.key.addr, address),
                                refusal_reason_to_string(refusal));
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_statistics(sd_bus *b,
                          const char *path,
                          const char *interface,
                          const char *property,
                          sd_bus_message *reply,
                          void *userdata,
                          sd_bus_error *error) {
        Bus *bus = userdata;
        PortStatistics statistics = {};
        uint64_t usec;
        int r = port_view_statistics(bus->manager, bus->view.port, &statistics, &usec);

        return r < 0 && r != -EAGAIN ? r : bus_append_statistics(reply, &statistics);
}

/* ---- methods */

static int append_endpoint(sd_bus_message *reply, const EndpointRow *row) {
        char address[IP_ADDR_STRLEN];
        int r;

        r = sd_bus_message_open_container(reply, 'r', "sqssuuua{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "sqssuuu",
                                          ip_addr_format(&row->addr.addr, address),
                                          row->addr.port,
                                          row->state,
                                          utf8_is_valid(row->node) ? row->node : "?",
                                          row->weight,
                                          row->active,
                                          row->inactive);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && row->pod[0] && utf8_is_valid(row->pod))
                r = sd_bus_message_append(reply, "{sv}", "pod", "s", row->pod);
        if (r >= 0 && row->zone[0] && utf8_is_valid(row->zone))
                r = sd_bus_message_append(reply, "{sv}", "zone", "s", row->zone);
        if (r >= 0 && row->override)
                r = sd_bus_message_append(reply,
                                          "{sv}{sv}{sv}",
                                          "override",
                                          "s",
                                          row->override->reason,
                                          "override-weight",
                                          "u",
                                          row->override->weight,
                                          "override-expires-usec",
                                          "t",
                                          row->override->expires_usec);
        if (r >= 0 && row->drain_deadline_usec > 0)
                r = sd_bus_message_append(reply, "{sv}", "drain-deadline-usec", "t", row->drain_deadline_usec);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* "10.1.4.12 8080"; "" is before all. */
static int read_endpoint_position(const char *text, IpPort *ret, sd_bus_error *error) {
        char address[IP_ADDR_STRLEN];
        const char *space = strchr(text, ' ');
        size_t n = space ? (size_t) (space - text) : 0;

        *ret = (IpPort) {};
        if (!*text)
                return 0;
        if (n > 0 && n < sizeof(address)) {
                memcpy(address, text, n);
                address[n] = '\0';
                if (ip_addr_parse(address, &ret->addr) >= 0 && parse_uint16(space + 1, &ret->port) >= 0)
                        return 0;
        }
        return sd_bus_error_setf(error,
                                 SD_BUS_ERROR_INVALID_ARGS,
                                 "Argument start_after is the address and port of an endpoint with a space between.");
}

static int append_endpoints(Bus *bus, sd_bus_message *m, sd_bus_message *reply, const IpPort *after, size_t limit) {
        char next[IP_ADDR_STRLEN + 8] = "", address[IP_ADDR_STRLEN];
        _cleanup_(freep) EndpointRow *rows = NULL;
        size_t n = 0, first = 0, end;
        int r;

        r = port_view_endpoints(bus->manager, bus->view.port, &rows, &n);
        while (first < n && ip_port_compare(&rows[first].addr, after) <= 0)
                first++;
        end = MIN2(n, first + limit);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', ENDPOINT_ROW);
        for (size_t i = first; r >= 0 && i < end; i++)
                r = append_endpoint(reply, &rows[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (end < n)
                (void) snprintf(next,
                                sizeof(next),
                                "%s %u",
                                ip_addr_format(&rows[end - 1].addr.addr, address),
                                rows[end - 1].addr.port);
        bus_charge(bus, m, (end - first) * BYTES_ROW, n);
        return r < 0 ? r : sd_bus_message_append(reply, "s", next);
}

static int method_list_endpoints(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *start_after;
        IpPort after;
        size_t limit;
        int r;

        r = argument_page(m, &start_after, &limit, error);
        if (r >= 0)
                r = read_endpoint_position(start_after, &after, error);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_endpoints(userdata, m, reply, &after, limit);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_get_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Bus *bus = userdata;
        PortStatistics statistics;
        uint64_t usec;
        int r;

        r = port_view_statistics(bus->manager, bus->view.port, &statistics, &usec);
        if (r == -EAGAIN)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_READY, "The first sync is not complete.");
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", usec);
        if (r >= 0)
                r = bus_append_statistics(reply, &statistics);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_resync(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;

        return bus_resync(bus, m, bus->view.port->id, error);
}

/* ---- the interface */

#define VIEW(member) offsetof(Bus, view.member)
#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define INVALIDATES SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION

/* clang-format off */
static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListEndpoints",
                                SD_BUS_ARGS("s", start_after, "u", limit),
                                SD_BUS_RESULT("a" ENDPOINT_ROW, endpoints, "s", next),
                                method_list_endpoints, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetStatistics",
                                SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("t", timestamp_usec, "a{st}", statistics),
                                method_get_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe",
                                SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("s", json),
                                bus_describe_service, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetOverride",
                                SD_BUS_ARGS("s", address, "q", port, "u", weight, "t", expires_usec, "s", reason),
                                SD_BUS_NO_RESULT,
                                bus_set_override, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ClearOverride",
                                SD_BUS_ARGS("s", address, "q", port),
                                SD_BUS_NO_RESULT,
                                bus_clear_override, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resync",
                                SD_BUS_ARGS("t", flags),
                                SD_BUS_RESULT("t", generation),
                                method_resync, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Id", "s", NULL, VIEW(id), CONST),
        SD_BUS_PROPERTY("Namespace", "s", NULL, VIEW(namespace), CONST),
        SD_BUS_PROPERTY("Name", "s", NULL, VIEW(name), CONST),
        SD_BUS_PROPERTY("PortName", "s", NULL, VIEW(port_name), CONST),
        SD_BUS_PROPERTY("Protocol", "s", NULL, VIEW(protocol), CONST),
        SD_BUS_PROPERTY("Port", "q", NULL, VIEW(port_number), CHANGES),
        SD_BUS_PROPERTY("Type", "s", NULL, VIEW(type), CHANGES),
        SD_BUS_PROPERTY("Scheduler", "s", NULL, VIEW(scheduler), CHANGES),
        SD_BUS_PROPERTY("AffinityTimeoutUSec", "t", NULL, VIEW(affinity_usec), CHANGES),
        SD_BUS_PROPERTY("InternalTrafficPolicy", "s", NULL, VIEW(internal_policy), CHANGES),
        SD_BUS_PROPERTY("ExternalTrafficPolicy", "s", NULL, VIEW(external_policy), CHANGES),
        SD_BUS_PROPERTY("VirtualServers", "a(ssqua{sv})", get_virtual_servers, 0, INVALIDATES),
        SD_BUS_PROPERTY("ReadyEndpointCount", "u", NULL, VIEW(n_ready), CHANGES),
        SD_BUS_PROPERTY("EndpointCount", "u", NULL, VIEW(n_endpoints), CHANGES),
        SD_BUS_PROPERTY("DrainingEndpointCount", "u", NULL, VIEW(n_draining), CHANGES),
        SD_BUS_PROPERTY("LocalEndpointCount", "u", NULL, VIEW(n_local), CHANGES),
        SD_BUS_PROPERTY("State", "s", NULL, VIEW(state), CHANGES),
        SD_BUS_PROPERTY("Reason", "s", NULL, VIEW(reason), CHANGES),
        SD_BUS_PROPERTY("ProgrammedGeneration", "t", NULL, VIEW(generation), CHANGES),
        SD_BUS_PROPERTY("ProgrammedUSec", "t", NULL, VIEW(programmed_usec), CHANGES),
        SD_BUS_PROPERTY("RefusedAddresses", "a(ss)", get_refused_addresses, 0, INVALIDATES),
        SD_BUS_PROPERTY("Statistics", "a{st}", get_statistics, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_VTABLE_END,
};
/* clang-format on */

static int append_property(Bus *bus, const sd_bus_vtable *entry, const char *path, sd_bus_message *reply) {
        const char *name = entry->x.property.member, *type = entry->x.property.signature;
        const uint8_t *value = (const uint8_t *) bus + entry->x.property.offset;
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", name);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', type);
        if (r >= 0 && entry->x.property.get)
                r = entry->x.property.get(bus->bus, path, BUS_INTERFACE_SERVICE, name, reply, bus, NULL);
        else if (r >= 0)
                r = sd_bus_message_append_basic(
                        reply, *type, *type == 's' ? *(const void *const *) (const void *) value : (const void *) value);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* As sd-bus does it, but for looking up the object once a property. */
int bus_append_service_properties(Bus *bus, const DesiredPort *port, const char *path, sd_bus_message *reply) {
        int r = service_view_fill(&bus->view, bus->manager, port);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (const sd_bus_vtable *entry = service_vtable; r >= 0 && entry->type != _SD_BUS_VTABLE_END; entry++)
                if (entry->type == _SD_BUS_VTABLE_PROPERTY && !(entry->flags & SD_BUS_VTABLE_PROPERTY_EXPLICIT))
                        r = append_property(bus, entry, path, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int bus_add_service_objects(Bus *bus) {
        return sd_bus_add_fallback_vtable(
                bus->bus, NULL, BUS_PATH_SERVICE, BUS_INTERFACE_SERVICE, service_vtable, service_find, bus);
}
