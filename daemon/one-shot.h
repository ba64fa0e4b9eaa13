/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs that speak to the kernel once and exit: no event loop, no API server, no bus. */
#pragma once

#include "config/config.h"
#include "kernel/backend.h"

/* The kernel this run may write to, or with --dry-run one that is only read and prints to stdout. -errno. */
int one_shot_backend(const Config *config, KernelBackend **ret);

/* --init-only: sysctls, connection tracking, IPVS timeouts. -errno after a message. */
int one_shot_init(const Config *config);

/* --cleanup: takes out of the kernel what is ours. -errno after a message; -EBUSY while a daemon runs. */
int one_shot_cleanup(const Config *config);
