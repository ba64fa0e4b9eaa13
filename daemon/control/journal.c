/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/journal-private.h"

#include <errno.h>
#include <string.h>

int journal_new(const char *directory, JournalMode mode, Journal **ret) {
        _cleanup_(journal_freep) Journal *journal = calloc(1, sizeof(Journal));

        if (!journal)
                return -ENOMEM;
        journal->fd = -1;
        journal->mode = mode;
        journal->entries.ops = &virtual_server_key_ops;
        if (directory) {
                journal->directory = strdup(directory);
                if (!journal->directory)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(journal);
        return 0;
}

void journal_entry_forget_drains(JournalEntry *entry) {
        while (entry->drains) {
                JournalDrain *drain = entry->drains;

                entry->drains = drain->next;
                free(drain);
        }
}

Journal *journal_free(Journal *journal) {
        JournalEntry *entry;

        if (!journal)
                return NULL;
        for (size_t i = 0; (entry = hashmap_next(&journal->entries, &i));) {
                journal_entry_forget_drains(entry);
                free(entry);
        }
        hashmap_done(&journal->entries);
        if (journal->fd >= 0)
                (void) close(journal->fd);
        free(journal->text);
        free(journal->directory);
        free(journal);
        return NULL;
}

/* ---- what is known */

JournalEntry *journal_ensure(Journal *journal, const VirtualServerKey *key) {
        JournalEntry *entry = hashmap_get(&journal->entries, key);

        if (entry)
                return entry;
        entry = calloc(1, sizeof(JournalEntry));
        if (!entry)
                return NULL;
        entry->key = *key;
        if (hashmap_put(&journal->entries, &entry->key, entry) < 0) {
                free(entry);
                return NULL;
        }
        return entry;
}

void journal_forget(Journal *journal, const VirtualServerKey *key) {
        JournalEntry *entry = hashmap_remove(&journal->entries, key);

        if (!entry)
                return;
        journal_entry_forget_drains(entry);
        free(entry);
}

bool journal_owns(const Journal *journal, const VirtualServerKey *key) {
        return hashmap_get(&journal->entries, key) != NULL;
}

uint64_t journal_deadline(const Journal *journal, const VirtualServerKey *key, const IpPort *dest) {
        const JournalEntry *entry = hashmap_get(&journal->entries, key);

        for (const JournalDrain *d = entry ? entry->drains : NULL; d; d = d->next)
                if (ip_port_compare(&d->dest, dest) == 0)
                        return d->deadline_usec;
        return 0;
}

int journal_entry_set_drain(JournalEntry *entry, const IpPort *dest, uint64_t deadline_usec) {
        JournalDrain **p = &entry->drains, *drain;

        while (*p && ip_port_compare(&(*p)->dest, dest) != 0)
                p = &(*p)->next;
        drain = *p;
        if (drain && deadline_usec == 0) {
                *p = drain->next;
                free(drain);
                return 1;
        }
        if (drain || deadline_usec == 0) {
                bool news = drain && drain->deadline_usec != deadline_usec;

                if (drain)
                        drain->deadline_usec = deadline_usec;
                return news;
        }
        drain = malloc(sizeof(JournalDrain));
        if (!drain)
                return -ENOMEM;
        *drain = (JournalDrain) { entry->drains, *dest, deadline_usec };
        entry->drains = drain;
        return 1;
}

/* ---- changes */

int journal_add(Journal *journal, const VirtualServerKey *key) {
        if (journal_owns(journal, key))
                return 0;
        if (!journal_ensure(journal, key))
                return -ENOMEM;
        return journal_note_key(journal, '+', key);
}

int journal_remove(Journal *journal, const VirtualServerKey *key) {
        if (!journal_owns(journal, key))
                return 0;
        journal_forget(journal, key);
        return journal_note_key(journal, '-', key);
}

int journal_drain(Journal *journal, const VirtualServerKey *key, const IpPort *dest, uint64_t deadline_usec) {
        JournalEntry *entry = hashmap_get(&journal->entries, key);
        int r;

        if (!entry)
                return 0;
        r = journal_entry_set_drain(entry, dest, deadline_usec);
        return r <= 0 ? r : journal_note_drain(journal, key, &(JournalDrain) { NULL, *dest, deadline_usec });
}
