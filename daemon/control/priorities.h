/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is served first in the one event loop (DESIGN §3): a flood on the bus must not delay programming. For
 * sd_event_source_set_priority(): the smaller the earlier.
 */
#pragma once

enum {
        EVENT_PRIORITY_SIGNAL = -60,
        EVENT_PRIORITY_KERNEL = -50,
        EVENT_PRIORITY_API = -40,
        EVENT_PRIORITY_RECONCILE = -30,
        EVENT_PRIORITY_HTTP = -10,
        EVENT_PRIORITY_BUS = 0,
        /* for a moment (yield.h), so that a long first sync does not keep HTTP and bus waiting */
        EVENT_PRIORITY_YIELD = 10,
};
