/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time as it is now; sd_event_now() says what it was when this turn of the event loop began. */
#pragma once

#include <stdint.h>
#include <time.h>

#include "common/macros.h"

static inline uint64_t clock_now_usec(clockid_t clock) {
        struct timespec now = {};

        (void) clock_gettime(clock, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}
