/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root object, `org.k8s.IpvsProxy`: the daemon as a whole. */
#include <errno.h>
#include <string.h>

#include "bus/actions.h"
#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "bus/describe.h"
#include "bus/properties.h"
#include "common/bus-names.h"

/* ---- properties with a type of their own */

static int get_ip_families(sd_bus *b,
                           const char *path,
                           const char *interface,
                           const char *property,
                           sd_bus_message *reply,
                           void *userdata,
                           sd_bus_error *error) {
        const Bus *bus = userdata;
        const char *ipv6 = manager_kernel_info(bus->manager)->ipv4_only ? NULL : "ipv6";

        return sd_bus_message_append(reply, "as", ipv6 ? 2 : 1, "ipv4", ipv6);
}

static int get_features(sd_bus *b,
                        const char *path,
                        const char *interface,
                        const char *property,
                        sd_bus_message *reply,
                        void *userdata,
                        sd_bus_error *error) {
        return sd_bus_message_append(reply, "as", 0);
}

static int get_capabilities(sd_bus *b,
                            const char *path,
                            const char *interface,
                            const char *property,
                            sd_bus_message *reply,
                            void *userdata,
                            sd_bus_error *error) {
        const Bus *bus = userdata;

        return capabilities_append(reply, bus->manager, &bus->status);
}

static int get_conditions(sd_bus *b,
                          const char *path,
                          const char *interface,
                          const char *property,
                          sd_bus_message *reply,
                          void *userdata,
                          sd_bus_error *error) {
        const Bus *bus = userdata;

        return conditions_append(reply, bus->conditions, &bus->status);
}

static int get_holds(sd_bus *b,
                     const char *path,
                     const char *interface,
                     const char *property,
                     sd_bus_message *reply,
                     void *userdata,
                     sd_bus_error *error) {
        const Bus *bus = userdata;

        return holds_append(bus->holds, reply);
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
        int r = manager_statistics(bus->manager, &statistics, &usec);

        return r < 0 && r != -EAGAIN ? r : bus_append_statistics(reply, &statistics);
}

/* ---- finding services */

static int reply_service(sd_bus_message *m, const DesiredPort *port) {
        _cleanup_(freep) char *path = NULL;
        int r = service_path_new(port->id, &path);

        return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

static int method_get_service(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        const DesiredPort *port;
        const char *id;
        int r;

        r = sd_bus_message_read(m, "s", &id);
        if (r >= 0)
                r = argument_text("id", id, error);
        if (r < 0)
                return r;
        port = desired_find(manager_desired(bus->manager), id);
        return port ? reply_service(m, port) :
                      bus_error_not_found(bus, error, "There is no service \"%s\".", id);
}

static int method_get_service_by_address(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *address, *protocol_text;
        VirtualServerKey key = {};
        const PortServer *server;
        const DesiredPort *found;
        Protocol protocol;
        Bus *bus = userdata;
        int r;

        r = sd_bus_message_read(m, "sqs", &address, &key.port, &protocol_text);
        if (r >= 0)
                r = argument_address(address, &key.addr, error);
        if (r >= 0)
                r = argument_protocol(protocol_text, &protocol, error);
        if (r >= 0 && key.port == 0)
                r = sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "There is no port 0.");
        if (r < 0)
                return r;
        key.protocol = (uint8_t) protocol;
        found = desired_port_at(manager_table(bus->manager), &key, &server);
        return found ? reply_service(m, found) :
                       bus_error_not_found(bus,
                                           error,
                                           "No service has the address %s and the %s port %u.",
                                           address,
                                           protocol_to_kube(protocol),
                                           key.port);
}

/* ---- the others */

static int method_get_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Bus *bus = userdata;
        PortStatistics statistics;
        uint64_t usec;
        int r;

        r = manager_statistics(bus->manager, &statistics, &usec);
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
        return bus_resync(userdata, m, NULL, error);
}

/* ---- the interface */

#define STATUS(member) offsetof(Bus, status.member)
#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

/* clang-format off */
static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("GetService",
                                SD_BUS_ARGS("s", id),
                                SD_BUS_RESULT("o", path),
                                method_get_service, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetServiceByAddress",
                                SD_BUS_ARGS("s", address, "q", port, "s", protocol),
                                SD_BUS_RESULT("o", path),
                                method_get_service_by_address, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListServices",
                                SD_BUS_ARGS("s", start_after, "u", limit, "a{sv}", filter),
                                SD_BUS_RESULT("a(osssssqsuuuta{sv})", services, "s", next),
                                bus_list_services, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListStatistics",
                                SD_BUS_ARGS("s", start_after, "u", limit),
                                SD_BUS_RESULT("t", timestamp_usec, "a(sttttttttttuua{sv})", rows, "s", next),
                                bus_list_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetStatistics",
                                SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("t", timestamp_usec, "a{st}", totals),
                                method_get_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListDrift",
                                SD_BUS_ARGS("u", limit),
                                SD_BUS_RESULT("a(tsssa{sv})", repairs),
                                bus_list_drift, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe",
                                SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("s", json),
                                bus_describe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DumpByFileDescriptor",
                                SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("h", fd),
                                bus_dump, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("PlanByFileDescriptor",
                                SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("h", fd),
                                bus_plan, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Monitor",
                                SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("h", fd),
                                bus_monitor, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain",
                                SD_BUS_ARGS("s", address, "q", port, "s", protocol, "a{sv}", options),
                                SD_BUS_RESULT("s", json),
                                bus_explain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload",
                                SD_BUS_NO_ARGS,
                                SD_BUS_NO_RESULT,
                                bus_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResetStatistics",
                                SD_BUS_NO_ARGS,
                                SD_BUS_NO_RESULT,
                                bus_reset_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("BeginDrain",
                                SD_BUS_ARGS("t", deadline_usec, "a{sv}", options),
                                SD_BUS_NO_RESULT,
                                bus_begin_drain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("EndDrain",
                                SD_BUS_NO_ARGS,
                                SD_BUS_NO_RESULT,
                                bus_end_drain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Hold",
                                SD_BUS_ARGS("s", who, "s", why),
                                SD_BUS_RESULT("h", fd),
                                bus_hold, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resync",
                                SD_BUS_ARGS("t", flags),
                                SD_BUS_RESULT("t", generation),
                                method_resync, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", NULL, offsetof(Bus, version), CONST),
        SD_BUS_PROPERTY("NodeName", "s", NULL, STATUS(node_name), CONST),
        SD_BUS_PROPERTY("InterfaceName", "s", NULL, offsetof(Bus, interface_name), CONST),
        SD_BUS_PROPERTY("IpFamilies", "as", get_ip_families, 0, CONST),
        SD_BUS_PROPERTY("Features", "as", get_features, 0, CONST),
        SD_BUS_PROPERTY("Capabilities", "a(sssa{sv})", get_capabilities, 0, CHANGES),
        SD_BUS_PROPERTY("State", "s", NULL, offsetof(Bus, state), CHANGES),
        SD_BUS_PROPERTY("ApiState", "s", NULL, offsetof(Bus, api_state), CHANGES),
        SD_BUS_PROPERTY("LastApiEventUSec", "t", NULL, STATUS(last_api_event_usec), 0),
        SD_BUS_PROPERTY("Generation", "t", NULL, STATUS(generation), CHANGES),
        SD_BUS_PROPERTY("PendingChanges", "u", NULL, STATUS(n_pending), 0),
        SD_BUS_PROPERTY("ServiceCount", "u", NULL, STATUS(n_services), CHANGES),
        SD_BUS_PROPERTY("EndpointCount", "u", NULL, STATUS(n_endpoints), CHANGES),
        SD_BUS_PROPERTY("VirtualServerCount", "u", NULL, STATUS(n_virtual_servers), CHANGES),
        SD_BUS_PROPERTY("LastSyncUSec", "t", NULL, STATUS(last_sync_usec), 0),
        SD_BUS_PROPERTY("LastSyncDurationUSec", "t", NULL, STATUS(last_sync_duration_usec), 0),
        SD_BUS_PROPERTY("SyncCount", "t", NULL, STATUS(n_syncs), 0),
        SD_BUS_PROPERTY("SyncErrorCount", "t", NULL, STATUS(n_sync_errors), 0),
        SD_BUS_PROPERTY("DriftCount", "t", NULL, STATUS(n_drift), 0),
        SD_BUS_PROPERTY("RefusedCount", "t", NULL, STATUS(n_refused), 0),
        SD_BUS_PROPERTY("DrainState", "s", NULL, STATUS(drain_state), CHANGES),
        SD_BUS_PROPERTY("DrainDeadlineUSec", "t", NULL, STATUS(drain_deadline_usec), CHANGES),
        SD_BUS_PROPERTY("DrainConnections", "t", NULL, STATUS(drain_connections), 0),
        SD_BUS_PROPERTY("Conditions", "a(sstsa{sv})", get_conditions, 0, CHANGES),
        SD_BUS_PROPERTY("Holds", "a(ssut)", get_holds, 0, CHANGES),
        SD_BUS_PROPERTY("Statistics", "a{st}", get_statistics, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_SIGNAL_WITH_ARGS("SyncFinished",
                                SD_BUS_ARGS("t", generation, "s", result, "t", duration_usec, "u", changed, "u", failed),
                                0),
        SD_BUS_VTABLE_END,
};
/* clang-format on */

int bus_add_manager_object(Bus *bus) {
        int r = sd_bus_add_object_vtable(bus->bus, NULL, BUS_PATH, BUS_INTERFACE_MANAGER, manager_vtable, bus);

        return r < 0 ? r : sd_bus_add_object_manager(bus->bus, NULL, BUS_PATH);
}
