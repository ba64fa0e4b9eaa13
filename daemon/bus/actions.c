/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/actions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "common/bus-names.h"
#include "common/log.h"

/* ---- drift, which is only read */

int bus_list_drift(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Bus *bus = userdata;
        const DriftEntry *entry;
        uint32_t limit;
        int r;

        r = sd_bus_message_read(m, "u", &limit);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(tsssa{sv})");
        for (size_t i = 0; r >= 0 && (limit == 0 || i < limit) && (entry = drift_log_get(manager_drift(bus->manager), i)); i++)
                r = sd_bus_message_append(reply,
                                          "(tsssa{sv})",
                                          entry->when_usec,
                                          drift_kind_to_string(entry->kind),
                                          entry->object,
                                          drift_action_to_string(entry->action),
                                          0);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        bus_charge(bus, m, 4000, 0);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- the manager */

int bus_reload(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const PolkitRequest request = { .action = POLKIT_ACTION_RELOAD };
        _cleanup_(freep) char *problem = NULL;
        Bus *bus = userdata;
        int r;

        if (!bus->options.reload)
                return sd_bus_error_setf(error, SD_BUS_ERROR_NOT_SUPPORTED, "The configuration is not read again.");
        r = polkit_authorize(bus->polkit, m, &request, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = bus->options.reload(&problem, bus->options.userdata);
        if (r < 0 && problem) /* it is in the log */
                return sd_bus_error_setf(error, BUS_ERROR_CONFIG_INVALID, "%s", problem);
        return r < 0 ? r : sd_bus_reply_method_return(m, "");
}

int bus_reset_statistics(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const PolkitRequest request = { .action = POLKIT_ACTION_RESET_STATISTICS };
        Bus *bus = userdata;
        int r = polkit_authorize(bus->polkit, m, &request, error);

        if (r <= 0)
                return r < 0 ? r : 1;
        r = manager_reset_statistics(bus->manager);
        if (r == -EAGAIN)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_READY, "The first sync is not complete.");
        return r < 0 ? r : sd_bus_reply_method_return(m, "");
}

static int authorize_drain(Bus *bus, sd_bus_message *m, const char *operation, uint64_t deadline, sd_bus_error *error) {
        char text[24];
        const PolkitRequest request = {
                .action = POLKIT_ACTION_DRAIN,
                .details = { { "operation", operation }, { "deadline-usec", text } },
        };

        (void) snprintf(text, sizeof(text), "%" PRIu64, deadline);
        return polkit_authorize(bus->polkit, m, &request, error);
}

int bus_begin_drain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        uint64_t deadline;
        int r;

        r = sd_bus_message_read(m, "t", &deadline);
        if (r >= 0)
                r = argument_options(m, NULL, 0, NULL, error);
        if (r < 0)
                return r;
        if (deadline > 0 && deadline <= bus_real_now(bus))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Argument deadline_usec is a time in the past.");
        if (manager_is_draining(bus->manager))
                return sd_bus_error_setf(error, BUS_ERROR_ALREADY_DRAINING, "This node drains already.");
        r = authorize_drain(bus, m, "begin", deadline, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = manager_begin_drain(bus->manager, deadline);
        return r < 0 ? r : sd_bus_reply_method_return(m, "");
}

int bus_end_drain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        int r;

        if (!manager_is_draining(bus->manager))
                return sd_bus_error_setf(error, BUS_ERROR_NOT_DRAINING, "This node does not drain.");
        r = authorize_drain(bus, m, "end", 0, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = manager_end_drain(bus->manager);
        return r < 0 ? r : sd_bus_reply_method_return(m, "");
}

/* ---- overrides of a service */

static int authorize_override(Bus *bus, sd_bus_message *m, const IpPort *addr, const char *weight, sd_bus_error *error) {
        char address[IP_ADDR_STRLEN], port[8];
        const PolkitRequest request = {
                .action = POLKIT_ACTION_OVERRIDE,
                .details = { { "service", bus->view.id },
                             { "namespace", bus->view.namespace },
                             { "address", address },
                             { "port", port },
                             { "weight", weight } },
        };

        (void) ip_addr_format(&addr->addr, address);
        (void) snprintf(port, sizeof(port), "%u", addr->port);
        return polkit_authorize(bus->polkit, m, &request, error);
}

static int no_such_endpoint(const IpPort *addr, sd_bus_error *error) {
        char text[IP_PORT_STRLEN];

        return sd_bus_error_setf(error,
                                 BUS_ERROR_NO_SUCH_ENDPOINT,
                                 "The service has no endpoint %s.",
                                 ip_port_format(&addr->addr, addr->port, text));
}

static int check_endpoint(Bus *bus, const IpPort *addr, sd_bus_error *error) {
        _cleanup_(freep) EndpointRow *rows = NULL;
        size_t n = 0;
        int r = port_view_known_endpoints(bus->manager, bus->view.port, &rows, &n);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (ip_port_compare(&rows[i].addr, addr) == 0)
                        return 0;
        return no_such_endpoint(addr, error);
}

/* One line in a file and in the log. */
static int check_reason(const char *reason, sd_bus_error *error) {
        int r = argument_text("reason", reason, error);

        if (r < 0)
                return r;
        if (!*reason)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Argument reason is empty.");
        for (const char *p = reason; *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        return sd_bus_error_setf(
                                error, SD_BUS_ERROR_INVALID_ARGS, "Argument reason has control characters.");
        return 0;
}

static int check_override(const Bus *bus, const Override *override, sd_bus_error *error) {
        uint64_t now = bus_real_now(bus);

        if (override->weight > OVERRIDE_WEIGHT_MAX)
                return sd_bus_error_setf(
                        error, SD_BUS_ERROR_INVALID_ARGS, "A weight is at most %d.", OVERRIDE_WEIGHT_MAX);
        if (override->expires_usec <= now || override->expires_usec > now + OVERRIDE_AGE_MAX_USEC)
                return sd_bus_error_setf(
                        error, SD_BUS_ERROR_INVALID_ARGS, "An override ends in the future, and within a day from now.");
        return 0;
}

static int set_override(Bus *bus, sd_bus_message *m, const Override *override, sd_bus_error *error) {
        int r = manager_set_override(bus->manager, bus->view.id, override);

        if (r == -ENOSPC)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "There are too many overrides.");
        return r < 0 ? r : sd_bus_reply_method_return(m, "");
}

int bus_set_override(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *address, *reason;
        Override override = {};
        Bus *bus = userdata;
        char weight[16];
        uid_t uid = 0;
        int r;

        r = sd_bus_message_read(
                m, "squts", &address, &override.addr.port, &override.weight, &override.expires_usec, &reason);
        if (r >= 0)
                r = argument_address(address, &override.addr.addr, error);
        if (r >= 0)
                r = check_override(bus, &override, error);
        if (r >= 0)
                r = check_reason(reason, error);
        if (r >= 0)
                r = check_endpoint(bus, &override.addr, error);
        if (r < 0)
                return r;
        if (strpbrk(bus->view.id, " \t\n"))
                return sd_bus_error_setf(error, SD_BUS_ERROR_NOT_SUPPORTED, "The service has spaces in its name.");
        (void) snprintf(weight, sizeof(weight), "%" PRIu32, override.weight);
        r = authorize_override(bus, m, &override.addr, weight, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        (void) peers_know_uid(bus->peers, m, &uid);
        override.uid = uid;
        override.reason = (char *) (uintptr_t) reason;
        return set_override(bus, m, &override, error);
}

int bus_clear_override(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        const char *address;
        IpPort addr;
        int r;

        r = sd_bus_message_read(m, "sq", &address, &addr.port);
        if (r >= 0)
                r = argument_address(address, &addr.addr, error);
        if (r < 0)
                return r;
        if (!override_set_find(manager_overrides(bus->manager), bus->view.id, &addr))
                return no_such_endpoint(&addr, error);
        r = authorize_override(bus, m, &addr, "", error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = manager_clear_override(bus->manager, bus->view.id, &addr);
        return r < 0 ? r : sd_bus_reply_method_return(m, "");
}
