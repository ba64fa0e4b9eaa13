/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the kernel has an IPVS scheduler: found out by making a virtual server with it, for the kernel loads the
 * module then, and no list of modules tells of what is built in or may not be loaded (reference §4.10).
 */
#pragma once

#include "control/journal.h"
#include "kernel/backend.h"
#include "proxy/kernel-table.h"

/* Room for the names of all schedulers, with blanks between. */
#define SCHEDULER_LIST_SIZE 96

/*
 * 0: it has. Nothing is written where a virtual server in `table` uses it; else one of TCP is made on a port of
 * 198.51.100.0, an address of nobody, where the table has none, and taken away at once; the journal says meanwhile that
 * it is ours. -ENOPKG: it has not, and `ret_list` names those that it has. Other -errno: it could not be told.
 */
int scheduler_probe(KernelBackend *backend,
                    Journal *journal,
                    KernelTable *table,
                    const char *name,
                    char ret_list[static SCHEDULER_LIST_SIZE]);
