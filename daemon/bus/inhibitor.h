/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shutting down the machine waits for the node to drain: a delay lock of logind (org.freedesktop.login1, "Inhibitor
 * Locks"). At PrepareForShutdown the node begins to drain, and the lock is given back when no connection is left, but not
 * before load balancers had the time to see it, or when the time is over. logind waits for no longer than
 * InhibitDelayMaxSec= of logind.conf (5 s), whatever anybody asks for.
 *
 * Without logind nothing is lost: when one comes, the lock is taken.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "common/macros.h"
#include "control/manager.h"

typedef struct Inhibitor Inhibitor;

/* Borrows the manager. `delay_usec` 0: off. No I/O. -ENOMEM. */
int inhibitor_new(sd_event *event, Manager *manager, uint64_t delay_usec, Inhibitor **ret);
Inhibitor *inhibitor_free(Inhibitor *inhibitor);
DEFINE_CLEANUP(Inhibitor *, inhibitor_free);

/* A connection stands; the lock is taken over it. Keeps a reference until inhibitor_disconnect(). */
void inhibitor_connect(Inhibitor *inhibitor, sd_bus *bus);
void inhibitor_disconnect(Inhibitor *inhibitor);

/* Takes effect at once; a shutdown that waits goes on with the time that it has. */
void inhibitor_set_delay(Inhibitor *inhibitor, uint64_t delay_usec);
/* The manager changed: the drain may be over. */
void inhibitor_note_manager(Inhibitor *inhibitor);
