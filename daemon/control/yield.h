/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of work that may go on for minutes (a first list of a large cluster, what it makes of the kernel) come before
 * others in the one event loop, and yet must not keep them from everything: after 20 ms of such work without a pause
 * all of its sources together let every other one go first for a millisecond. A pause is a millisecond, too: where changes
 * come one at a time others have it anyway, and none of them waits for a flood on the bus.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macros.h"

typedef struct Yield Yield;

/* Sets the priorities of the member's sources: to EVENT_PRIORITY_YIELD, or back to its own. */
typedef void (*YieldHandler)(bool yield, void *userdata);

/* `priority` is that of the work which comes first. -ENOMEM and what sd_event says. */
int yield_new(sd_event *event, int64_t priority, Yield **ret);
Yield *yield_free(Yield *yield);
DEFINE_CLEANUP(Yield *, yield_free);

/* At most YIELD_MEMBERS_MAX of them: -ENOBUFS. */
#define YIELD_MEMBERS_MAX 4
int yield_add(Yield *yield, YieldHandler handler, void *userdata);
/* Does nothing where it is not a member. */
void yield_remove(Yield *yield, void *userdata);

/* At the end of a handler that was at work since `begun_usec` (CLOCK_MONOTONIC, clock_now_usec()). */
void yield_worked(Yield *yield, uint64_t begun_usec);
/* Others first, however little was done. */
void yield_now(Yield *yield);
bool yield_is_on(const Yield *yield);
