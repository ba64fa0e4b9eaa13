/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What survives a restart of the daemon, but not of the machine (/run): which virtual servers are ours, and until when
 * real servers drain. A text file, written ahead of each addition, appended to, and made compact at start. Losing it
 * is no disaster: what is on kube-ipvs0 is ours anyway (DESIGN §7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "model/virtual-server.h"

typedef struct Journal Journal;

typedef enum JournalMode {
        JOURNAL_READ_WRITE,
        JOURNAL_READ_ONLY, /* what is noted counts in memory and is never written */
} JournalMode;

/* `directory` NULL: nothing is kept. The file is opened with the first write. -ENOMEM. */
int journal_new(const char *directory, JournalMode mode, Journal **ret);
Journal *journal_free(Journal *journal);
DEFINE_CLEANUP(Journal *, journal_free);

/* 1 = there was one, 0 = there was none; -errno. Lines that cannot be read are left out, *ret_n_bad counts them. */
int journal_load(Journal *journal, size_t *ret_n_bad);
/* As loaded and changed since. */
bool journal_owns(const Journal *journal, const VirtualServerKey *key);
/* CLOCK_BOOTTIME, 0 = none. As loaded. */
uint64_t journal_deadline(const Journal *journal, const VirtualServerKey *key, const IpPort *dest);
/* What was loaded is no longer needed; the file is written anew with what is owned. -errno. */
int journal_compact(Journal *journal);

/* Noted in memory until journal_flush(). -ENOMEM. */
int journal_add(Journal *journal, const VirtualServerKey *key);
int journal_remove(Journal *journal, const VirtualServerKey *key);
/* 0: it drains no longer. */
int journal_drain(Journal *journal, const VirtualServerKey *key, const IpPort *dest, uint64_t deadline_usec);
/* One write. -errno: all that is known is written with a later one, once something is noted. */
int journal_flush(Journal *journal);
/* For --cleanup: the file is removed. 0 also where there is none; -errno. */
int journal_erase(Journal *journal);
