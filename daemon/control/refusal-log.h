/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says once of each address of a service that it is not served, and why: when it begins, not each
 * time the service is computed. Whoever may write Services can claim ten thousand addresses, so a
 * minute has a limit.
 */
#pragma once

#include <stdint.h>

#include "proxy/desired.h"

/* Embedded by value, all zero is empty. */
typedef struct RefusalLog {
        uint64_t minute_usec; /* when the minute began that the next is counted in */
        unsigned n_logged;    /* in this minute */
} RefusalLog;

/* For a DesiredObserver, with its two states of a port; `now_usec` of any clock that does not go
 * back. */
void refusal_log_observe(RefusalLog *log,
                         const DesiredPort *before,
                         const DesiredPort *after,
                         uint64_t now_usec);
