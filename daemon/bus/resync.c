/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resync answers when the sync it asked for is done. Ten thousand calls cost one sync; how many may wait is bounded.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/arguments.h"
#include "bus/bus-private.h"
#include "common/bus-names.h"

#define CALLS_PER_PEER 4
#define CALLS_MAX 64

struct ResyncCall {
        ResyncCall *next;
        Bus *bus; /* borrowed */
        sd_bus_message *m; /* owned reference */
        char *id; /* owned; NULL = everything */
        uint64_t ticket;
};

static void resync_call_free(ResyncCall *call) {
        for (ResyncCall **p = &call->bus->calls; *p; p = &(*p)->next)
                if (*p == call) {
                        *p = call->next;
                        call->bus->n_calls--;
                        break;
                }
        (void) sd_bus_message_unref(call->m);
        free(call->id);
        free(call);
}

void bus_resync_done(Bus *bus) {
        while (bus->calls) {
                manager_resync_cancel(bus->manager, bus->calls->ticket);
                resync_call_free(bus->calls);
        }
}

/* What went wrong for this caller: the first failure of all, or that of its service alone. */
static int resync_reply(const ResyncCall *call, uint64_t generation, int failure, const char *message) {
        const DesiredPort *port;
        const char *reason;

        if (call->id) {
                port = desired_find(manager_desired(call->bus->manager), call->id);
                if (!port)
                        return sd_bus_reply_method_errorf(
                                call->m, BUS_ERROR_NO_SUCH_SERVICE, "The service \"%s\" is gone.", call->id);
                if (port_view_state(call->bus->manager, port, &reason) != PORT_STATE_DEGRADED)
                        failure = 0;
        }
        if (failure < 0)
                return sd_bus_reply_method_errorf(
                        call->m, BUS_ERROR_SYNC_FAILED, "%s.", message[0] ? message : strerror(-failure));
        return sd_bus_reply_method_return(call->m, "t", generation);
}

static void on_resync_done(uint64_t generation, int failure, const char *message, void *userdata) {
        ResyncCall *call = userdata;

        (void) resync_reply(call, generation, failure, message); /* who left gets no answer */
        resync_call_free(call);
}

static bool bus_resync_is_full(const Bus *bus, const sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender((sd_bus_message *) (uintptr_t) m);
        size_t n = 0;

        for (const ResyncCall *c = bus->calls; c; c = c->next) {
                const char *other = sd_bus_message_get_sender(c->m);

                n += sender && other && strcmp(sender, other) == 0;
        }
        return bus->n_calls >= CALLS_MAX || n >= CALLS_PER_PEER;
}

static int bus_resync_begin(Bus *bus, sd_bus_message *m, const char *id, uint64_t flags) {
        ResyncCall *call = calloc(1, sizeof(ResyncCall));
        const DesiredPort *port = id ? desired_find(manager_desired(bus->manager), id) : NULL;
        int r;

        if (!call)
                return -ENOMEM;
        call->bus = bus;
        call->id = id ? strdup(id) : NULL;
        r = id && !call->id ? -ENOMEM : 0;
        if (r >= 0)
                r = port ? manager_resync_port(bus->manager, port, flags, on_resync_done, call, &call->ticket) :
                           manager_resync(bus->manager, flags, on_resync_done, call, &call->ticket);
        if (r < 0) {
                free(call->id);
                free(call);
                return r;
        }
        call->m = sd_bus_message_ref(m);
        call->next = bus->calls;
        bus->calls = call;
        bus->n_calls++;
        return 1;
}

int bus_resync(Bus *bus, sd_bus_message *m, const char *id, sd_bus_error *error) {
        PolkitRequest request = { .action = POLKIT_ACTION_RESYNC };
        char text[24];
        uint64_t flags;
        int r;

        r = sd_bus_message_read(m, "t", &flags);
        if (r >= 0)
                r = argument_flags(flags, RESYNC_AUDIT | RESYNC_NO_WAIT, error);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "%" PRIu64, flags);
        request.details[0] = (PolkitDetail) { "service", id ? id : "" };
        request.details[1] = (PolkitDetail) { "flags", text };
        r = polkit_authorize(bus->polkit, m, &request, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (bus->status.state == MANAGER_STATE_HELD)
                return sd_bus_error_setf(error, BUS_ERROR_HELD, "Programming is held, see the property Holds.");
        if (!(flags & RESYNC_NO_WAIT) && bus_resync_is_full(bus, m))
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many calls wait for a sync.");
        return bus_resync_begin(bus, m, id, flags);
}
