/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bus-resync: a program that stays, as a graphical one does: for each line of its input it asks for a Resync, and may be
 * asked for a password. It says "done", or the error's name.
 */
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "common/bus-names.h"
#include "common/clock.h"
#include "common/macros.h"

#define PATIENCE_USEC (400 * USEC_PER_SEC)

static int ask(sd_bus *bus) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER, "Resync");
        if (r >= 0)
                r = sd_bus_message_append(call, "t", UINT64_C(0));
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(call, true);
        if (r >= 0)
                r = sd_bus_call(bus, call, PATIENCE_USEC, &error, NULL);
        (void) printf("%s\n", r >= 0 ? "done" : sd_bus_error_is_set(&error) ? error.name : strerror(-r));
        return fflush(stdout);
}

int main(void) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        char line[16];
        int r = sd_bus_open_system(&bus);

        while (r >= 0 && fgets(line, sizeof(line), stdin))
                r = ask(bus);
        if (r < 0)
                (void) fprintf(stderr, "bus-resync: %s\n", strerror(-r));
        return r < 0;
}
