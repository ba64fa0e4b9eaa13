/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of journal.h: journal.c knows whose what is, journal-file.c keeps it in a file. */
#pragma once

#include "common/hash.h"
#include "control/journal.h"

typedef struct JournalDrain {
        struct JournalDrain *next;
        IpPort dest;
        uint64_t deadline_usec;
} JournalDrain;

typedef struct JournalEntry {
        VirtualServerKey key;
        JournalDrain *drains; /* owned */
} JournalEntry;

struct Journal {
        char *directory; /* owned; NULL: nothing is kept */
        JournalMode mode;
        int fd;
        HashMap entries; /* VirtualServerKey → JournalEntry, owned */
        char *text; /* owned: noted and not yet written */
        size_t size, allocated;
        size_t written; /* bytes in the file */
        size_t compact_at; /* … when it is written anew */
};

/* The entry of the key, made where there is none; NULL on OOM. */
JournalEntry *journal_ensure(Journal *journal, const VirtualServerKey *key);
void journal_forget(Journal *journal, const VirtualServerKey *key);
void journal_entry_forget_drains(JournalEntry *entry);
/* A deadline of 0 ends the drain. 1 = that is news; 0 = it was so. -ENOMEM. */
int journal_entry_set_drain(JournalEntry *entry, const IpPort *dest, uint64_t deadline_usec);

/* journal-file.c: a line for the next flush. -ENOMEM. */
int journal_note_key(Journal *journal, char what, const VirtualServerKey *key);
int journal_note_drain(Journal *journal, const VirtualServerKey *key, const JournalDrain *drain);
