/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time, and moments as people read them. Moments of the bus are CLOCK_REALTIME, 0 = never. */
#pragma once

#include <stdint.h>

#include "client/text.h"

uint64_t clock_real_usec(void);
uint64_t clock_monotonic_usec(void);

/* "23s ago", "never" */
const char *clock_ago(uint64_t usec, char buf[static TEXT_NUMBER_MAX]);
/* "23s": how long until then, "0us" if it has passed */
const char *clock_left(uint64_t usec, char buf[static TEXT_NUMBER_MAX]);
/* "08:31:04.120" of the local time zone */
const char *clock_of_day(uint64_t usec, char buf[static TEXT_NUMBER_MAX]);
/* "Mon 2026-11-23 08:24:37 UTC" of the local time zone */
const char *clock_date(uint64_t usec, char buf[static TEXT_DATE_MAX]);
