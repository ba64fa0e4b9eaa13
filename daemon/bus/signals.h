/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told without being asked, paced so that a listener who does not read cannot get the daemon into trouble
 * (reference dbus-polkit-cli.md §1.5, §2.6): one entry an object however often it changes, nothing that is not a real
 * change, a second between two signals of one object, 200 signals a second in the long run, none while the bus does not
 * take what it was sent.
 */
#pragma once

#include "bus/bus.h"
#include "common/macros.h"
#include "proxy/desired.h"

#define SIGNALS_PER_SEC 200
#define SIGNALS_BURST 1000
#define SIGNALS_PER_TURN 20
#define SIGNALS_QUEUED_MAX 1024

typedef struct Signals Signals;

/* Borrows the bus room, whose event loop and manager it uses. -ENOMEM, and what sd-event says. */
int signals_new(Bus *bus, Signals **ret);
Signals *signals_free(Signals *signals);
DEFINE_CLEANUP(Signals *, signals_free);

/* Before the index knows of it: a service port came, was computed anew, or goes. On OOM nothing is said of it. */
void signals_note_port(Signals *signals, const DesiredPort *before, const DesiredPort *after);
/* A port may say something else though it was not computed: an override, a drain. */
void signals_note_id(Signals *signals, const char *id);
/* A snapshot is made, or given up: what waited for it is told, before another one begins. */
void signals_go_on(Signals *signals);
/* A sync ended, or the manager's state changed. */
void signals_note_manager(Signals *signals);
