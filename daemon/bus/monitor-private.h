/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of monitor.h: monitor.c for who comes and goes, monitor-lines.c for what they are told. */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "bus/monitor.h"

/* What a monitor may be told of, as Monitor's option "events" names them. */
enum {
        MONITOR_SYNC = 1,
        MONITOR_SERVICE = 2,
        MONITOR_ENDPOINT = 4,
        MONITOR_DRIFT = 8,
        MONITOR_STATISTICS = 16,
        MONITOR_DEFAULT = MONITOR_SYNC | MONITOR_SERVICE | MONITOR_ENDPOINT | MONITOR_DRIFT,
};

typedef struct Monitor {
        struct Monitor *next;
        Monitors *monitors; /* borrowed */
        int fd; /* owned; where lines are written */
        uid_t uid;
        unsigned events; /* MONITOR_… */
        char *namespace; /* owned; "" = all */
        uint64_t interval_usec;
        uint64_t n_lost;
        sd_event_source *hangup; /* io: the reader is gone */
        sd_event_source *timer; /* of statistics */
        sd_bus_slot *watch; /* owned: the caller leaves the bus */
} Monitor;

struct Monitors {
        Bus *bus; /* borrowed */
        Monitor *list; /* owned */
        size_t n_monitors;
        unsigned events; /* of all of them */
        size_t n_drift; /* noted so far */
        uint64_t n_syncs, n_operations;
};

/* monitor-lines.c: a timer of one that is to be told of statistics. */
int monitor_on_statistics(sd_event_source *source, uint64_t usec, void *userdata);
