/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file: a head, then lines "+ KEY" (ours), "- KEY" (no longer), "d KEY DEST DEADLINE" (a real server drains),
 * where KEY is "IP PORT PROTOCOL" and DEST "IP PORT". The last line about a key counts; "+" ends its drains, a
 * deadline of 0 one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/parse.h"
#include "control/journal-private.h"

#define JOURNAL_NAME "journal"
#define JOURNAL_HEAD "ipvsproxy journal 1\n"
#define JOURNAL_LINE_MAX (2 * VIRTUAL_SERVER_STRLEN + 40)

/* ---- reading */

static int journal_parse_port(const char *ip, const char *port, IpPort *ret) {
        int r = ip_addr_parse(ip, &ret->addr);

        return r < 0 ? r : parse_uint16(port, &ret->port);
}

static int journal_apply_drain(Journal *journal, const VirtualServerKey *key, char *words[static 7]) {
        JournalEntry *entry = hashmap_get(&journal->entries, key);
        uint64_t deadline_usec;
        IpPort dest = {};
        int r;

        if (!entry || !words[4] || !words[5] || !words[6])
                return -EINVAL;
        r = journal_parse_port(words[4], words[5], &dest);
        if (r >= 0)
                r = parse_uint64(words[6], &deadline_usec);
        return r < 0 ? r : journal_entry_set_drain(entry, &dest, deadline_usec);
}

static int journal_apply_line(Journal *journal, char *line) {
        char *words[7] = {}, *rest = line, *word;
        VirtualServerKey key = {};
        JournalEntry *entry;
        Protocol protocol;
        IpPort port = {};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(words) && (word = strsep(&rest, " ")); i++)
                words[i] = word;
        if (!words[1] || !words[2] || !words[3] || strlen(words[0]) != 1)
                return -EINVAL;
        r = journal_parse_port(words[1], words[2], &port);
        if (r < 0)
                return r;
        protocol = protocol_from_string(words[3]);
        if (protocol < 0)
                return -EINVAL;
        key = (VirtualServerKey) { .addr = port.addr, .port = port.port, .protocol = (uint8_t) protocol };
        switch (words[0][0]) {
        case '+':
                entry = journal_ensure(journal, &key);
                if (!entry)
                        return -ENOMEM;
                journal_entry_forget_drains(entry);
                return 0;
        case '-':
                journal_forget(journal, &key);
                return 0;
        case 'd':
                return journal_apply_drain(journal, &key, words);
        default:
                return -EINVAL;
        }
}

static int journal_path(const Journal *journal, const char *suffix, char **ret) {
        return asprintf(ret, "%s/" JOURNAL_NAME "%s", journal->directory, suffix) < 0 ? -ENOMEM : 0;
}

static void file_closep(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

int journal_load(Journal *journal, size_t *ret_n_bad) {
        _cleanup_(file_closep) FILE *file = NULL;
        _cleanup_(freep) char *path = NULL, *line = NULL;
        size_t allocated = 0, n_bad = 0;
        ssize_t n;
        int r;

        *ret_n_bad = 0;
        if (!journal->directory)
                return 0;
        r = journal_path(journal, "", &path);
        if (r < 0)
                return r;
        file = fopen(path, "re");
        if (!file)
                return errno == ENOENT ? 0 : -errno;
        n = getline(&line, &allocated, file);
        if (n < 0 || strcmp(line, JOURNAL_HEAD) != 0)
                return -EBADMSG;
        while ((n = getline(&line, &allocated, file)) > 0) {
                bool whole = line[n - 1] == '\n'; /* else the daemon died while it wrote */

                line[n - whole] = '\0';
                r = whole ? journal_apply_line(journal, line) : -EINVAL;
                if (r == -ENOMEM)
                        return r;
                n_bad += r < 0;
        }
        *ret_n_bad = n_bad;
        return 1;
}

/* ---- writing */

static int journal_note(Journal *journal, const char *line) {
        size_t n = strlen(line);

        if (!journal->directory)
                return 0;
        if (journal->size + n > journal->allocated) {
                size_t allocated = MAX2(journal->allocated * 2, (size_t) 4096) + n;
                char *bigger = realloc(journal->text, allocated);

                if (!bigger)
                        return -ENOMEM;
                journal->text = bigger;
                journal->allocated = allocated;
        }
        memcpy(journal->text + journal->size, line, n);
        journal->size += n;
        return 0;
}

int journal_note_key(Journal *journal, char what, const VirtualServerKey *key) {
        char line[JOURNAL_LINE_MAX], ip[IP_ADDR_STRLEN];

        (void) snprintf(line,
                        sizeof(line),
                        "%c %s %u %s\n",
                        what,
                        ip_addr_format(&key->addr, ip),
                        key->port,
                        protocol_to_string((Protocol) key->protocol));
        return journal_note(journal, line);
}

int journal_note_drain(Journal *journal, const VirtualServerKey *key, const JournalDrain *drain) {
        char line[JOURNAL_LINE_MAX], ip[IP_ADDR_STRLEN], dest_ip[IP_ADDR_STRLEN];

        (void) snprintf(line,
                        sizeof(line),
                        "d %s %u %s %s %u %" PRIu64 "\n",
                        ip_addr_format(&key->addr, ip),
                        key->port,
                        protocol_to_string((Protocol) key->protocol),
                        ip_addr_format(&drain->dest.addr, dest_ip),
                        drain->dest.port,
                        drain->deadline_usec);
        return journal_note(journal, line);
}

/* What is not written need not be noted: it is known, and all that is known is written to the next file. */
static void journal_close(Journal *journal) {
        if (journal->fd >= 0)
                (void) close(TAKE_FD(journal->fd));
        journal->size = 0;
}

int journal_flush(Journal *journal) {
        int r;

        if (journal->size == 0)
                return 0;
        if (journal->fd < 0 || journal->written > journal->compact_at)
                return journal_compact(journal);
        r = write_all(journal->fd, journal->text, journal->size);
        if (r < 0) {
                journal_close(journal); /* the next one writes all that is known */
                return r;
        }
        journal->written += journal->size;
        journal->size = 0;
        return 0;
}

/* Notes of what is known replace the notes so far, for they are the same and more. */
static int journal_note_all(Journal *journal) {
        const JournalEntry *entry;
        int r;

        journal->size = 0;
        r = journal_note(journal, JOURNAL_HEAD);
        for (size_t i = 0; r >= 0 && (entry = hashmap_next(&journal->entries, &i));) {
                r = journal_note_key(journal, '+', &entry->key);
                for (const JournalDrain *d = entry->drains; d && r >= 0; d = d->next)
                        r = journal_note_drain(journal, &entry->key, d);
        }
        return r;
}

int journal_compact(Journal *journal) {
        _cleanup_(freep) char *path = NULL, *new_path = NULL;
        _cleanup_(closep) int fd = -1;
        int r;

        if (!journal->directory || journal->mode == JOURNAL_READ_ONLY) {
                journal->size = 0;
                return 0;
        }
        r = journal_path(journal, "", &path);
        if (r >= 0)
                r = journal_path(journal, ".new", &new_path);
        if (r >= 0)
                r = journal_note_all(journal);
        if (r < 0)
                return r;
        fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, journal->text, journal->size);
        if (r < 0)
                return r;
        if (rename(new_path, path) < 0)
                return -errno;
        if (journal->fd >= 0)
                (void) close(journal->fd);
        journal->fd = TAKE_FD(fd);
        journal->written = journal->size;
        journal->compact_at = 4 * journal->size + 64 * 1024;
        journal->size = 0;
        return 0;
}

int journal_erase(Journal *journal) {
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!journal->directory || journal->mode == JOURNAL_READ_ONLY)
                return 0;
        r = journal_path(journal, "", &path);
        if (r < 0)
                return r;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
