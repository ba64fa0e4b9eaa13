/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * org.freedesktop.LogControl1, for `systemctl service-log-level`; see its manual page. Who may set is seen to in
 * admission.c.
 */
#include <errno.h>
#include <string.h>

#include "bus/bus-private.h"
#include "common/log.h"

static const char *const level_table[] = {
        [LOG_EMERG] = "emerg",     [LOG_ALERT] = "alert",   [LOG_CRIT] = "crit", [LOG_ERR] = "err",
        [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

static int get_level(sd_bus *b,
                     const char *path,
                     const char *interface,
                     const char *property,
                     sd_bus_message *reply,
                     void *userdata,
                     sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", level_table[log_get_max_level() & 7]);
}

static int set_level(sd_bus *b,
                     const char *path,
                     const char *interface,
                     const char *property,
                     sd_bus_message *value,
                     void *userdata,
                     sd_bus_error *error) {
        const char *text;
        int r = sd_bus_message_read(value, "s", &text);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(level_table); i++)
                if (strcmp(level_table[i], text) == 0) {
                        log_set_max_level((int) i);
                        log_notice("The log level is %s now", text);
                        return 0;
                }
        return sd_bus_error_setf(
                error, SD_BUS_ERROR_INVALID_ARGS, "There is no log level \"%.32s\"; there are emerg to debug.", text);
}

static int get_target(sd_bus *b,
                      const char *path,
                      const char *interface,
                      const char *property,
                      sd_bus_message *reply,
                      void *userdata,
                      sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", log_target_to_string(log_get_target()));
}

static int set_target(sd_bus *b,
                      const char *path,
                      const char *interface,
                      const char *property,
                      sd_bus_message *value,
                      void *userdata,
                      sd_bus_error *error) {
        const char *text;
        LogTarget target;
        int r = sd_bus_message_read(value, "s", &text);

        if (r < 0)
                return r;
        target = log_target_from_string(text);
        if (target < 0)
                return sd_bus_error_setf(error,
                                         SD_BUS_ERROR_INVALID_ARGS,
                                         "There is no log target \"%.32s\"; there are auto, journal and console.",
                                         text);
        log_set_target(target);
        return 0;
}

static int get_identifier(sd_bus *b,
                          const char *path,
                          const char *interface,
                          const char *property,
                          sd_bus_message *reply,
                          void *userdata,
                          sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", program_invocation_short_name);
}

static const sd_bus_vtable log_control_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, set_level, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, set_target, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, 0),
        SD_BUS_VTABLE_END,
};

int bus_add_log_control(Bus *bus) {
        return sd_bus_add_object_vtable(bus->bus,
                                        NULL,
                                        "/org/freedesktop/LogControl1",
                                        "org.freedesktop.LogControl1",
                                        log_control_vtable,
                                        bus);
}
