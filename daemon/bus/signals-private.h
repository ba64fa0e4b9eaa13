/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of signals.h: signals.c for what is told of services, signals-manager.c for what is told of the daemon. */
#pragma once

#include <systemd/sd-event.h>

#include "bus/signals.h"
#include "common/hash.h"

typedef struct Dirty {
        struct Dirty *next;
        bool silent; /* it was there before anybody could listen */
        bool was_announced;
        uint64_t due_usec; /* in the queue of those looked at again */
        char id[];
} Dirty;

typedef struct DirtyQueue {
        Dirty *first, *last;
} DirtyQueue;

struct Signals {
        Bus *bus; /* borrowed */
        HashMap table; /* id → Dirty, owned */
        DirtyQueue ready, later; /* `later` in order of due_usec, since the delay is the same for all */
        sd_event_source *pump; /* timer */
        sd_event_source *manager_timer;
        uint64_t earned_usec; /* when all signals sent so far are earned; see Bucket in budget.h */
        size_t sweep; /* position in the index; SIZE_MAX = no sweep */
        bool had_error, synced_once;
        bool waits; /* for a snapshot that is being made */

        uint32_t manager_hashes[16];
        uint64_t manager_said_usec;
        uint64_t sync_count, operations, failures; /* as of the last SyncFinished */
        uint64_t sync_errors;
};

void signals_arm(sd_event_source *timer, uint64_t delay_usec);

/* signals-manager.c: what had to wait is told. */
int signals_on_manager_timer(sd_event_source *source, uint64_t usec, void *userdata);
