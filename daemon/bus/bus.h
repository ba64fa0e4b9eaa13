/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon on the system bus: `org.k8s.IpvsProxy` (DESIGN §8, reference dbus-polkit-cli.md §2). The only room with
 * D-Bus in it. Nothing here blocks, and nothing here is needed for programming: without a bus the daemon works, and
 * takes its name when one comes.
 */
#pragma once

#include <systemd/sd-event.h>

#include "common/macros.h"
#include "control/manager.h"

typedef struct Bus Bus;

/* Everything is copied by bus_new(). */
typedef struct BusOptions {
        const char *version;
        const char *address; /* of the bus; NULL = $DBUS_SYSTEM_BUS_ADDRESS, else the system bus */
        /*
         * Reads the configuration again, for the method Reload. 0, or -EINVAL with one sentence (owned by the caller)
         * for the caller of the method; NULL: the method answers NotSupported.
         */
        int (*reload)(char **ret_problem, void *userdata);
        void *userdata;
        uint64_t shutdown_delay_usec; /* how long a shutdown of the machine waits for connections; 0 = not at all */
} BusOptions;

/* Borrows both, which must outlive it. No I/O. -ENOMEM. */
int bus_new(sd_event *event, Manager *manager, const BusOptions *options, Bus **ret);

/*
 * Begins to connect. Never fails for a missing or broken bus: it is waited for and tried again, with growing delays.
 * -ENOMEM and the like.
 */
int bus_start(Bus *bus);

/* Of the options; after a reload. */
void bus_set_shutdown_delay(Bus *bus, uint64_t delay_usec);

typedef struct BusCounters {
        uint64_t n_calls; /* method calls that were admitted */
        uint64_t n_limited; /* calls and signals over their sender's budget */
        uint64_t n_denied; /* not authorised, on this connection */
        uint64_t n_signals; /* sent */
        uint64_t n_clients; /* who called lately, now */
} BusCounters;

void bus_counters(const Bus *bus, BusCounters *ret);

/* Says nothing more on the bus; the name is given back. */
Bus *bus_free(Bus *bus);
DEFINE_CLEANUP(Bus *, bus_free);
