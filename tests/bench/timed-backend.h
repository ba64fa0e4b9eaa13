/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a backend's calls take, by what they are about. */
#pragma once

#include <stdint.h>

#include "kernel/backend.h"

typedef struct BackendTimes {
        uint64_t ipvs_nsec, address_nsec, filter_nsec; /* writing */
        uint64_t read_nsec; /* dumps of all three */
} BackendTimes;

/* From now on its calls are measured. One backend at a time: the last one it was called for. */
void timed_backend_watch(KernelBackend *backend);
/* Since timed_backend_watch(), or the last call of this. */
BackendTimes timed_backend_take(void);
