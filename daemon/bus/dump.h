/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large documents as sealed files in memory, which are read beside the bus: the state of everything, and what a sync
 * would change. They are made some services a turn of the event loop, but for the latter, and who asks within a second gets
 * the same one.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
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

typedef enum DumpKind {
        DUMP_KIND_STATE,
        DUMP_KIND_PLAN,
} DumpKind;

/* Beside DESCRIBE_…: services at all. */
#define DUMP_SECTION_SERVICES 8

/*
 * Answers the call with such a document, made now or within the last second; for others than root a plan may be older.
 * `sequence`: a record a service. 1, or an error with its text.
 */
int dumps_ask(Dumps *dumps,
              sd_bus_message *m,
              uid_t uid,
              DumpKind kind,
              unsigned sections,
              bool sequence,
              sd_bus_error *error);

/* Methods of the manager. */
int bus_dump(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_plan(sd_bus_message *m, void *userdata, sd_bus_error *error);
