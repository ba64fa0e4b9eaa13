/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drain, undrain: takes this node out of load balancers and waits for its connections to end. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/message-json.h"
#include "client/report.h"
#include "client/verbs.h"
#include "common/bus-names.h"
#include "common/parse.h"

#define LOOK_AGAIN_USEC (USEC_PER_SEC / 2)
#define CLEAR_LINE "\r\x1b[K"

static int begin_drain(Client *client, uint64_t deadline_usec) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, "BeginDrain", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "ta{sv}", deadline_usec, 0);
        if (r < 0)
                return r;
        r = client_call_authorised(client, call, &error, NULL);
        /* Whoever waits may join a drain that someone else has begun. */
        if (r < 0 && client->options.wait &&
            sd_bus_error_has_name(&error, BUS_ERROR_ALREADY_DRAINING))
                return 0;
        return r < 0 ? report_bus(&error, r, "Failed to drain") : 0;
}

typedef struct DrainProgress {
        uint64_t connections, deadline_usec;
        bool done, off;
} DrainProgress;

static int progress_look(Client *client, DrainProgress *ret) {
        _cleanup_(json_object_putp) json_object *p = NULL;
        const char *state;
        int r;

        r = client_get_all(client, BUS_PATH, BUS_INTERFACE_MANAGER, &p);
        if (r != 0)
                return r;
        state = json_get_text(p, "drainState");
        *ret = (DrainProgress){
                .connections = json_get_number(p, "drainConnections"),
                .deadline_usec = json_get_number(p, "drainDeadlineUSec"),
                .done = strcmp(state, "done") == 0,
                .off = strcmp(state, "off") == 0,
        };
        return 0;
}

/* On one line that is written anew, if a person watches. */
static void progress_show(const Client *client, const DrainProgress *progress, bool last) {
        char left[TEXT_NUMBER_MAX];
        bool watched = isatty(STDERR_FILENO) && !client->options.quiet;

        if (!watched)
                return;
        if (last) {
                (void) fputs(CLEAR_LINE, stderr);
                return;
        }
        (void) fprintf(stderr, CLEAR_LINE "%" PRIu64 " connections left", progress->connections);
        if (progress->deadline_usec > 0)
                (void) fprintf(stderr, ", until %s", clock_left(progress->deadline_usec, left));
        (void) fflush(stderr);
}

static int report_timeout(const DrainProgress *progress) {
        return report(EXIT_CODE_TIMEOUT,
                      "Failed to wait for the drain: Time is up with %" PRIu64 " connections left.",
                      progress->connections);
}

static int wait_drained(Client *client, DrainProgress *ret) {
        uint64_t timeout = client->options.timeout_usec;
        uint64_t end = timeout > 0 ? clock_monotonic_usec() + timeout : USEC_INFINITY;
        DrainProgress now;
        uint64_t left;
        int r;

        client->options.timeout_usec = 0; /* it is for the whole, not for each question */
        for (;;) {
                r = progress_look(client, &now);
                if (r != 0 || now.done || now.off)
                        break;
                progress_show(client, &now, /* last= */ false);
                left = end - MIN2(end, clock_monotonic_usec());
                if (left == 0) {
                        progress_show(client, &now, /* last= */ true);
                        return report_timeout(&now);
                }
                (void) usleep((useconds_t) MIN2(left, LOOK_AGAIN_USEC));
        }
        if (r != 0)
                return r;
        progress_show(client, &now, /* last= */ true);
        if (now.off)
                return report(EXIT_CODE_FAILURE,
                              "Failed to wait for the drain: It was ended before it was done.");
        *ret = now;
        return 0;
}

static int print_progress(Client *client, const DrainProgress *progress) {
        _cleanup_(json_object_putp) json_object *document = NULL;
        int r;

        if (!client_wants_json(client))
                return progress->done
                               ? client_print_done(client, "Drained: %" PRIu64 " connections left.",
                                                   progress->connections)
                               : client_print_done(client,
                                                   "Draining: %" PRIu64 " connections left; "
                                                   "\"ipvsproxyctl undrain\" ends it.",
                                                   progress->connections);
        document = json_object_new_object();
        r = document ? json_add(document, "drained", json_object_new_boolean(progress->done))
                     : -ENOMEM;
        if (r >= 0)
                r = json_add(document, "connections",
                             json_object_new_uint64(progress->connections));
        if (r >= 0)
                r = json_add(document, "deadlineUSec",
                             json_object_new_uint64(progress->deadline_usec));
        return r < 0 ? r : client_print_json(client, document);
}

int verb_drain(Client *client, int n_words, char *words[]) {
        uint64_t after = client->options.deadline_usec;
        DrainProgress progress = { 0 };
        int r;

        r = begin_drain(client, after > 0 ? clock_real_usec() + after : 0);
        if (r == 0)
                r = client->options.wait ? wait_drained(client, &progress)
                                         : progress_look(client, &progress);
        return r != 0 ? r : print_progress(client, &progress);
}
