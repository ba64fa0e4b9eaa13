/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process itself uses, under the names that Prometheus' client libraries give it. Reads /proc/self. */
#pragma once

#include <stdint.h>

/* What could not be read is 0. */
typedef struct ProcessNumbers {
        uint64_t cpu_usec;
        uint64_t resident_bytes, virtual_bytes;
        uint64_t open_fds, max_fds;
        uint64_t start_usec; /* CLOCK_REALTIME */
} ProcessNumbers;

void process_numbers_read(ProcessNumbers *ret);
