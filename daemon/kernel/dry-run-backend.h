/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel that is only read: what would be written is printed instead, one line an operation, and taken for done. For
 * `--dry-run` beside a running proxy. Nothing is ever changed, whatever is called.
 */
#pragma once

#include <stdio.h>

#include "kernel/backend.h"

/* Takes `inner` in every case; `out` is borrowed. -ENOMEM. */
int dry_run_backend_new(KernelBackend *inner, FILE *out, KernelBackend **ret);

/* Lines printed so far. */
uint64_t dry_run_backend_n_changes(const KernelBackend *backend);
