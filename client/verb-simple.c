/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that are one call without arguments and answer nothing. */
#include "client/report.h"
#include "client/verbs.h"
#include "common/bus-names.h"

static int call_simple(Client *client, const char *method, const char *what, const char *done) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, method, &call);
        if (r < 0)
                return r;
        r = client_call_authorised(client, call, &error, NULL);
        return r < 0 ? report_bus(&error, r, "Failed to %s", what)
                     : client_print_done(client, "%s", done);
}

int verb_reload(Client *client, int n_words, char *words[]) {
        return call_simple(client, "Reload", "reload", "Read the configuration again.");
}

int verb_reset_stats(Client *client, int n_words, char *words[]) {
        return call_simple(client, "ResetStatistics", "reset statistics",
                           "Statistics begin at zero.");
}

int verb_undrain(Client *client, int n_words, char *words[]) {
        return call_simple(client, "EndDrain", "end the drain", "The node takes traffic again.");
}
