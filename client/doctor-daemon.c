/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/conditions.h"
#include "client/doctor.h"
#include "client/host.h"
#include "client/message-json.h"
#include "common/bus-names.h"

#define DAEMON "ipvsproxyd"
#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_ACTIONS "usr/share/polkit-1/actions/" BUS_NAME ".policy"

/* ---- bus and polkit */

/* Has somebody the name, or would somebody be started for it? */
static bool name_is_there(sd_bus *bus, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char **activatable = NULL;
        int r, owned = 0;
        bool found = false;

        r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", name);
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &owned);
        if (r < 0 || owned > 0)
                return r >= 0;
        r = sd_bus_list_names(bus, NULL, &activatable);
        for (size_t i = 0; r >= 0 && activatable && activatable[i]; i++) {
                found = found || strcmp(activatable[i], name) == 0;
                free(activatable[i]);
        }
        free(activatable);
        return found;
}

static void check_bus(Doctor *doctor) {
        int r = client_reconnect(doctor->client);

        doctor->has_bus = r >= 0;
        if (r < 0) {
                doctor_add(doctor, CHECK_FAIL, "bus",
                           "start it: systemctl start dbus; ipvsproxyd programs without it, but "
                           "cannot be asked",
                           "Cannot be reached: %s", strerror(-r));
                return;
        }
        doctor_add(doctor, CHECK_OK, "bus", NULL, "Connected");
        if (!name_is_there(doctor->client->bus, POLKIT_NAME))
                doctor_add(doctor, CHECK_WARN, "polkit", "install polkitd, or do it as root",
                           "Not there: only root can change something");
        else if (!host_exists(doctor->root, POLKIT_ACTIONS))
                doctor_add(doctor, CHECK_WARN, "polkit", "install ipvsproxy completely",
                           "It does not know the actions of ipvsproxyd: only root can change "
                           "something");
        else
                doctor_add(doctor, CHECK_OK, "polkit", NULL, "There");
}

/* ---- the daemon */

/* An address that is refused, or a node port that is taken, is no matter of the node alone. */
static bool condition_is_of_services(const char *type) {
        static const char *const types[] = { "AddressesServed", "NodePortsFree", "NodeKnown", "ObjectsUnderstood", "ManifestsRead" };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (strcmp(type, types[i]) == 0)
                        return true;
        return false;
}

static void check_conditions(Doctor *doctor) {
        json_object *conditions = json_get(doctor->daemon, "conditions");

        for (size_t i = 0; i < json_get_length(doctor->daemon, "conditions"); i++) {
                json_object *condition = json_object_array_get_idx(conditions, i);
                const char *status = json_get_text(condition, "status");
                const char *message = json_get_text(condition, "message");
                bool good = strcmp(status, "true") == 0;
                CheckResult result = CHECK_WARN;

                if (good)
                        continue;
                if (strcmp(status, "false") == 0 &&
                    !condition_is_of_services(json_get_text(condition, "type")))
                        result = CHECK_FAIL;
                doctor_add(doctor, result, "condition",
                           condition_remedy(json_get_text(condition, "type"),
                                            json_get_text(condition, "reason")),
                           "%s is %s (%s)%s%s", json_get_text(condition, "type"), status,
                           json_get_text(condition, "reason"), *message ? ": " : "", message);
        }
}

static void check_daemon(Doctor *doctor) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *state;
        int r;

        if (!doctor->has_bus)
                return;
        doctor->client->auto_start = false;
        r = client_new_call(doctor->client, BUS_PATH, "org.freedesktop.DBus.Properties", "GetAll",
                            &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", BUS_INTERFACE_MANAGER);
        if (r >= 0)
                r = client_call(doctor->client, call, &error, &reply);
        if (r >= 0)
                r = json_from_message(reply, NULL, &doctor->daemon);
        if (r < 0) {
                doctor_add(doctor, CHECK_FAIL, "daemon",
                           "systemctl start ipvsproxyd; if it ends, journalctl -u ipvsproxyd says "
                           "why",
                           "Does not answer: %s", error.message ? error.message : strerror(-r));
                return;
        }
        state = json_get_text(doctor->daemon, "state");
        doctor_add(doctor, strcmp(state, "running") == 0 ? CHECK_OK : CHECK_WARN, "daemon",
                   "\"ipvsproxyctl status\" says more", "Version %s is %s",
                   json_get_text(doctor->daemon, "version"), state);
        check_conditions(doctor);
}

/* ---- what it was started with */

/* 0: it does not run, or nobody can tell */
static pid_t daemon_pid(const Doctor *doctor) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t pid = 0;
        int r = -ENOTCONN;

        if (doctor->daemon)
                r = sd_bus_call_method(doctor->client->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "GetConnectionUnixProcessID", NULL, &reply, "s",
                                       BUS_NAME);
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", &pid);
        return r >= 0 ? (pid_t) pid : host_find_process(doctor->root, DAEMON);
}

/* Gone meanwhile, or hidden: what the next one would be started with is the best guess. */
static int read_options(Doctor *doctor, const Unit *unit) {
        pid_t pid = daemon_pid(doctor);
        int r = -ESRCH;

        if (pid > 0)
                r = daemon_options_from_process(doctor->root, pid, &doctor->options);
        if (r < 0 && r != -ENOMEM) {
                r = daemon_options_from_unit(doctor->root, unit, &doctor->options);
                if (r >= 0)
                        doctor_check_variables(doctor);
        }
        return r;
}

void doctor_check_daemon(Doctor *doctor) {
        _cleanup_(unit_done) Unit unit = { 0 };
        int r;

        check_bus(doctor);
        check_daemon(doctor);
        doctor_check_unit(doctor, &unit);
        r = read_options(doctor, &unit);
        if (r < 0)
                doctor->error = r;
        else if (doctor->options.line.words.size > 0)
                doctor_check_api(doctor);
}
