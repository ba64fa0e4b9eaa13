/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens, as lines of JSON in a pipe that the caller reads at its own pace: a slow reader loses lines and is told
 * how many, and costs the daemon and the bus nothing (reference dbus-polkit-cli.md §1.15, §2.6).
 */
#pragma once

#include <systemd/sd-bus.h>

#include "bus/bus.h"
#include "common/macros.h"
#include "proxy/desired.h"

#define MONITORS_PER_USER 2
#define MONITORS_MAX 16

typedef struct Monitors Monitors;

/* Borrows the bus room. -ENOMEM. */
int monitors_new(Bus *bus, Monitors **ret);
Monitors *monitors_free(Monitors *monitors);
DEFINE_CLEANUP(Monitors *, monitors_free);
/* The connection goes, and with it all who asked. */
void monitors_disconnect(Monitors *monitors);

/* A service port came, was computed anew, or goes; as DesiredObserver. */
void monitors_note_port(Monitors *monitors, const DesiredPort *before, const DesiredPort *after);
/* A service object says something else. */
void monitors_note_service(Monitors *monitors, const char *id, const char *state, const char *reason);
/* A sync ended, or the manager's state changed. */
void monitors_note_manager(Monitors *monitors);

/* Method of the manager. */
int bus_monitor(sd_bus_message *m, void *userdata, sd_bus_error *error);
