/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at the kernel's virtual servers, from the kernel into the kernel table (adopt.h): listed, then their real servers
 * read, both in steps, for ten thousand of them would keep the event loop from everything else for seconds. Work may go
 * on between two steps: what it writes to is known better than by the list, and is passed over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/adopt.h"

/* All zero: none runs. */
typedef struct ServerLook {
        bool running;
        bool listed; /* `servers` is complete */
        size_t n_parts; /* of the list, so far */
        VirtualServer *servers; /* owned; as listed */
        size_t n_servers, n_allocated;
        size_t position; /* the next of them */
        RealServer *dests; /* owned; keeps its memory during a look */
        size_t n_dests_allocated;
        DriftCounts counts; /* of this look so far */
} ServerLook;

/* Of all parts those that may be given up at any time. */
void server_look_cancel(ServerLook *look);

/* One that runs is given up. After adopt_addresses(). */
void server_look_begin(ServerLook *look, const AdoptParts *parts);
/*
 * Goes on for `n_max` virtual servers or parts of the list (0 = any number) or `usec`, and for one at least. 1 = there are
 * more; 0 = that was all, and what the table knew of others is gone; -errno: none runs any more, and what was read until
 * then holds.
 */
int server_look_step(ServerLook *look, const AdoptParts *parts, size_t n_max, uint64_t usec);
