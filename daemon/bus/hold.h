/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programming pauses while somebody holds a descriptor open, as logind's inhibitors do: for an hour at most. */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/bus.h"
#include "common/macros.h"

#define HOLDS_MAX 4
#define HOLD_USEC (3600 * USEC_PER_SEC)

typedef struct Holds Holds;

/* Borrows the bus room. -ENOMEM. */
int holds_new(Bus *bus, Holds **ret);
Holds *holds_free(Holds *holds);
DEFINE_CLEANUP(Holds *, holds_free);

/* a(ssut): who, why, uid, since */
int holds_append(const Holds *holds, sd_bus_message *reply);
/* Raised with each hold that comes or goes. */
uint64_t holds_serial(const Holds *holds);

/* Method of the manager. */
int bus_hold(sd_bus_message *m, void *userdata, sd_bus_error *error);
