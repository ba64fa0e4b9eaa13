/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As much of systemd on the bus as doctor asks: one unit, disabled, with a drop-in; while the daemon runs, its files were changed. */
#include "tests/client/fake.h"

#include <string.h>

#define UNIT_PATH "/org/freedesktop/systemd1/unit/ipvsproxyd_2eservice"

static int load_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name;

        assert(sd_bus_message_read(m, "s", &name) >= 0);
        assert(strcmp(name, "ipvsproxyd.service") == 0);
        return sd_bus_reply_method_return(m, "o", UNIT_PATH);
}

static int unit_property(sd_bus *bus,
                         const char *path,
                         const char *interface,
                         const char *property,
                         sd_bus_message *reply,
                         void *userdata,
                         sd_bus_error *error) {
        const Fake *fake = userdata;

        if (strcmp(property, "LoadState") == 0)
                return sd_bus_message_append(reply, "s", "loaded");
        if (strcmp(property, "UnitFileState") == 0)
                return sd_bus_message_append(reply, "s", "disabled");
        if (strcmp(property, "NeedDaemonReload") == 0)
                return sd_bus_message_append(reply, "b", strcmp(fake->state, "running") == 0);
        return sd_bus_message_append(reply, "as", 1, "/etc/systemd/system/ipvsproxyd.service.d/site.conf");
}

static int service_property(sd_bus *bus,
                            const char *path,
                            const char *interface,
                            const char *property,
                            sd_bus_message *reply,
                            void *userdata,
                            sd_bus_error *error) {
        if (strcmp(property, "Environment") == 0)
                return sd_bus_message_append(reply, "as", 2, "A=--config=/b c", "B=--v=2 --healthz-port=1");
        if (strcmp(property, "EnvironmentFiles") == 0)
                return sd_bus_message_append(reply, "a(sb)", 2, "/no/such", 1, "/no/other", 0);
        return sd_bus_message_append(reply, "a(sasasttttuii)", 1, "/usr/sbin/ipvsproxyd", 3, "ipvsproxyd", "${A}", "$B", 0,
                                     (uint64_t) 0, (uint64_t) 0, (uint64_t) 0, (uint64_t) 0, 0, 0, 0);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("LoadUnit", "s", "o", load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("LoadState", "s", unit_property, 0, 0),
        SD_BUS_PROPERTY("UnitFileState", "s", unit_property, 0, 0),
        SD_BUS_PROPERTY("NeedDaemonReload", "b", unit_property, 0, 0),
        SD_BUS_PROPERTY("DropInPaths", "as", unit_property, 0, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Environment", "as", service_property, 0, 0),
        SD_BUS_PROPERTY("EnvironmentFiles", "a(sb)", service_property, 0, 0),
        SD_BUS_PROPERTY("ExecStartEx", "a(sasasttttuii)", service_property, 0, 0),
        SD_BUS_VTABLE_END,
};

void fake_systemd_start(Fake *fake) {
        static const char manager[] = "org.freedesktop.systemd1.Manager", unit[] = "org.freedesktop.systemd1.Unit",
                          service[] = "org.freedesktop.systemd1.Service";

        assert(sd_bus_add_object_vtable(fake->bus, NULL, "/org/freedesktop/systemd1", manager, manager_vtable, NULL) >= 0);
        assert(sd_bus_add_object_vtable(fake->bus, NULL, UNIT_PATH, unit, unit_vtable, fake) >= 0);
        assert(sd_bus_add_object_vtable(fake->bus, NULL, UNIT_PATH, service, service_vtable, NULL) >= 0);
        assert(sd_bus_request_name(fake->bus, "org.freedesktop.systemd1", 0) >= 0);
}
