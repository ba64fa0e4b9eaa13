/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/text.h"
#include "common/bus-names.h"

#define ERROR_DBUS "org.freedesktop.DBus.Error."

/* A name that ends with a dot stands for all that begin with it. */
static const struct {
        const char *name;
        ExitCode code;
} exit_code_table[] = {
        { SD_BUS_ERROR_SERVICE_UNKNOWN, EXIT_CODE_NOT_RUNNING },
        { SD_BUS_ERROR_NAME_HAS_NO_OWNER, EXIT_CODE_NOT_RUNNING },
        { ERROR_DBUS "Spawn.", EXIT_CODE_NOT_RUNNING },
        { "org.freedesktop.systemd1.", EXIT_CODE_NOT_RUNNING },
        { BUS_ERROR_NO_SUCH_SERVICE, EXIT_CODE_NOT_FOUND },
        { BUS_ERROR_NO_SUCH_ENDPOINT, EXIT_CODE_NOT_FOUND },
        { SD_BUS_ERROR_UNKNOWN_OBJECT, EXIT_CODE_NOT_FOUND },
        { SD_BUS_ERROR_ACCESS_DENIED, EXIT_CODE_DENIED },
        { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, EXIT_CODE_DENIED },
        { "org.freedesktop.PolicyKit1.Error.", EXIT_CODE_DENIED },
        { BUS_ERROR_NOT_READY, EXIT_CODE_UNHEALTHY },
        { BUS_ERROR_SYNC_FAILED, EXIT_CODE_UNHEALTHY },
        { BUS_ERROR_HELD, EXIT_CODE_UNHEALTHY },
        { SD_BUS_ERROR_TIMEOUT, EXIT_CODE_TIMEOUT },
        { ERROR_DBUS "TimedOut", EXIT_CODE_TIMEOUT },
};

static bool name_matches(const char *name, const char *wanted) {
        size_t n = strlen(wanted);

        return wanted[n - 1] == '.' ? strncmp(name, wanted, n) == 0 : strcmp(name, wanted) == 0;
}

ExitCode exit_code_from_bus(const sd_bus_error *error, int r) {
        for (size_t i = 0; error && error->name && i < ELEMENTSOF(exit_code_table); i++)
                if (name_matches(error->name, exit_code_table[i].name))
                        return exit_code_table[i].code;
        /* sd-bus gives NoReply this number too, but that means the daemon went away. */
        if (r == -ETIMEDOUT && !(error && sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY)))
                return EXIT_CODE_TIMEOUT;
        return r == -EACCES || r == -EPERM ? EXIT_CODE_DENIED : EXIT_CODE_FAILURE;
}

static void report_line(const char *text) {
        (void) text_write(stderr, text, TEXT_FOR_PEOPLE);
        (void) fputc('\n', stderr);
}

int report(ExitCode code, const char *format, ...) {
        _cleanup_(freep) char *line = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&line, format, ap) < 0)
                line = NULL;
        va_end(ap);
        report_line(line ? line : "Out of memory.");
        return (int) code;
}

const char *report_bus_text(const sd_bus_error *error, int r) {
        ExitCode code = exit_code_from_bus(error, r);

        if (code == EXIT_CODE_NOT_RUNNING)
                return "ipvsproxyd is not running (\"systemctl status ipvsproxyd\" and "
                       "\"ipvsproxyctl doctor\" may tell why)";
        /* dbus-daemon tells its rules, dbus-broker its own words. */
        if (code == EXIT_CODE_DENIED && error && error->message && strstr(error->message, "type=\"method_call\""))
                return "The policy of the bus does not let this user ask ipvsproxyd";
        if (error && error->message && *error->message)
                return error->message;
        if (error && error->name)
                return error->name;
        return strerror(r < 0 ? -r : r);
}

int report_bus(const sd_bus_error *error, int r, const char *format, ...) {
        _cleanup_(freep) char *what = NULL;
        ExitCode code = exit_code_from_bus(error, r);
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&what, format, ap) < 0)
                what = NULL;
        va_end(ap);
        return report(code, "%s: %s", what ? what : "Failed", report_bus_text(error, r));
}

int report_result(int r) {
        if (r == -EPIPE)
                return 0;
        if (r == -ENOMEM)
                return report(EXIT_CODE_FAILURE, "Out of memory.");
        if (r == -EBADMSG || r == -ENXIO)
                return report(EXIT_CODE_FAILURE, "Failed to understand the daemon's reply.");
        if (r < 0)
                return report(EXIT_CODE_FAILURE, "Failed: %s", strerror(-r));
        return r;
}
