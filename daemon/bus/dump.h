/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large documents as sealed files in memory, which are read beside the bus: the state of everything, and what a sync
 * would change. They are made some services a turn of the event loop, and who asks within a second gets the same one.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/bus.h"
#include "common/macros.h"

typedef struct Dumps Dumps;

/* Borrows the bus room. -ENOMEM. */
int dumps_new(Bus *bus, Dumps **ret);
Dumps *dumps_free(Dumps *dumps);
DEFINE_CLEANUP(Dumps *, dumps_free);
/* The connection goes: nobody waits any more. */
void dumps_disconnect(Dumps *dumps);

/* Methods of the manager. */
int bus_dump(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_plan(sd_bus_message *m, void *userdata, sd_bus_error *error);
