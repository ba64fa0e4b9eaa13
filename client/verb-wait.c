/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait: until the daemon runs or has programmed a generation. A daemon that is not there yet is
 * waited for. */
#include <errno.h>
#include <string.h>

#include "client/clock.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/verbs.h"
#include "common/bus-names.h"
#include "common/parse.h"

/* Looked at again after this time even without a signal: one may be lost, or the daemon may have
 * come. */
#define LOOK_AGAIN_USEC USEC_PER_SEC

typedef struct Goal {
        bool running;
        uint64_t generation;
} Goal;

static int goal_parse(const char *text, Goal *ret) {
        static const char prefix[] = "generation=";

        if (!text || strcmp(text, "running") == 0) {
                ret->running = true;
                return 0;
        }
        if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
                return -EINVAL;
        return parse_uint64(text + sizeof(prefix) - 1, &ret->generation);
}

/* 1 = reached, 0 = not yet, or reported */
static int goal_look(Client *client, const Goal *goal, bool *ret_reached) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(json_object_putp) json_object *value = NULL;
        int r;

        r = client_get(client, BUS_PATH, BUS_INTERFACE_MANAGER,
                       goal->running ? "State" : "Generation", &error, &value);
        if (r < 0) {
                if (exit_code_from_bus(&error, r) == EXIT_CODE_NOT_RUNNING ||
                    sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY))
                        return 0;
                return report_bus(&error, r, "Failed to get the state of ipvsproxyd");
        }
        if (goal->running)
                *ret_reached = json_object_is_type(value, json_type_string) &&
                               strcmp(json_object_get_string(value), "running") == 0;
        else
                *ret_reached = json_object_is_type(value, json_type_int) &&
                               json_object_get_uint64(value) >= goal->generation;
        return 0;
}

/* Takes in what has come; > 0 if something came. */
static int bus_drain(sd_bus *bus) {
        int came = 0, r;

        while ((r = sd_bus_process(bus, NULL)) > 0)
                came = 1;
        return r < 0 ? r : came;
}

static int wait_turn(Client *client, uint64_t deadline) {
        uint64_t now = clock_monotonic_usec(), left = deadline > now ? deadline - now : 0;
        int r;

        r = bus_drain(client->bus);
        return r != 0 ? r : sd_bus_wait(client->bus, MIN2(left, LOOK_AGAIN_USEC));
}

static int signals_subscribe(sd_bus *bus) {
        int r;

        r = sd_bus_match_signal(bus, NULL, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Properties",
                                "PropertiesChanged", NULL, NULL);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',interface='org."
                                     "freedesktop.DBus',"
                                     "member='NameOwnerChanged',arg0='" BUS_NAME "'",
                                     NULL, NULL);
        return r < 0 ? r : 0;
}

int verb_wait(Client *client, int n_words, char *words[]) {
        uint64_t timeout = client->options.timeout_usec;
        uint64_t deadline = timeout ? clock_monotonic_usec() + timeout : USEC_INFINITY;
        bool reached = false;
        Goal goal = { 0 };
        int r;

        if (goal_parse(client->options.wait_for, &goal) < 0)
                return report(EXIT_CODE_USAGE,
                              "Bad condition \"%s\": it is \"running\" or \"generation=N\".",
                              client->options.wait_for);
        r = signals_subscribe(client->bus);
        if (r < 0)
                return report_bus(NULL, r, "Failed to listen for changes of ipvsproxyd");
        for (;;) {
                r = goal_look(client, &goal, &reached);
                if (r != 0)
                        return r;
                if (reached)
                        return client_wants_json(client) ? client_print_done(client, "Done.") : 0;
                if (clock_monotonic_usec() >= deadline)
                        return report(EXIT_CODE_TIMEOUT, "Failed to wait for %s: Time is up.",
                                      client->options.wait_for ? client->options.wait_for
                                                               : "running");
                r = wait_turn(client, deadline);
                if (r < 0 && r != -EINTR)
                        return report_bus(NULL, r, "Failed to wait for ipvsproxyd");
        }
}
