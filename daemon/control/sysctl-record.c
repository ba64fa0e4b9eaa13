/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/sysctl-record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Names and values are short; whoever made a longer line was not us. */
#define RECORD_LINE_MAX 4096
#define RECORD_ITEMS_MAX 256

static void sysctl_change_done(SysctlChange *change) {
        free(change->name);
        free(change->before);
        free(change->after);
        *change = (SysctlChange) {};
}

void sysctl_record_done(SysctlRecord *record) {
        for (size_t i = 0; i < record->n_items; i++)
                sysctl_change_done(&record->items[i]);
        free(record->items);
        *record = (SysctlRecord) {};
}

static SysctlChange *sysctl_record_find(const SysctlRecord *record, const char *name) {
        for (size_t i = 0; i < record->n_items; i++)
                if (strcmp(record->items[i].name, name) == 0)
                        return &record->items[i];
        return NULL;
}

int sysctl_record_put(SysctlRecord *record, const char *name, const char *before, const char *after) {
        SysctlChange *found = sysctl_record_find(record, name), *bigger;
        SysctlChange change = { .after = strdup(after) };

        if (!change.after)
                return -ENOMEM;
        if (found) {
                free(found->after);
                found->after = change.after;
                return 0;
        }
        change.name = strdup(name);
        change.before = strdup(before);
        bigger = reallocarray(record->items, record->n_items + 1, sizeof(SysctlChange));
        if (bigger)
                record->items = bigger;
        if (!bigger || !change.name || !change.before) {
                sysctl_change_done(&change);
                return -ENOMEM;
        }
        record->items[record->n_items++] = change;
        return 0;
}

/* "name before TAB after": names have no blank, values no tab (the kernel's tabs are written as blanks). */
static int sysctl_record_parse(SysctlRecord *record, char *line) {
        char *before, *after;

        line[strcspn(line, "\n")] = '\0';
        before = strchr(line, ' ');
        after = before ? strchr(before, '\t') : NULL;
        if (!after || before == line)
                return 0;
        *before++ = '\0';
        *after++ = '\0';
        return sysctl_record_put(record, line, before, after);
}

static void fclosep(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

static int sysctl_record_path(const char *directory, const char *suffix, char **ret) {
        return asprintf(ret, "%s/sysctls%s", directory, suffix) < 0 ? -ENOMEM : 0;
}

int sysctl_record_load(SysctlRecord *record, const char *directory) {
        _cleanup_(fclosep) FILE *file = NULL;
        _cleanup_(freep) char *path = NULL;
        char line[RECORD_LINE_MAX];
        int r;

        if (!directory)
                return 0;
        r = sysctl_record_path(directory, "", &path);
        if (r < 0)
                return r;
        file = fopen(path, "re");
        if (!file)
                return errno == ENOENT ? 0 : -errno;
        while (r >= 0 && record->n_items < RECORD_ITEMS_MAX && fgets(line, sizeof(line), file))
                r = sysctl_record_parse(record, line);
        return r;
}

static void put_value(FILE *file, const char *value) {
        for (; *value; value++)
                (void) fputc(*value == '\t' || *value == '\n' ? ' ' : *value, file);
}

static int sysctl_record_write(const SysctlRecord *record, const char *path) {
        FILE *file = fopen(path, "we");
        bool failed;

        if (!file)
                return -errno;
        for (size_t i = 0; i < record->n_items; i++) {
                (void) fprintf(file, "%s ", record->items[i].name);
                put_value(file, record->items[i].before);
                (void) fputc('\t', file);
                put_value(file, record->items[i].after);
                (void) fputc('\n', file);
        }
        failed = fflush(file) != 0 || ferror(file);
        return fclose(file) != 0 || failed ? -EIO : 0;
}

int sysctl_record_save(const SysctlRecord *record, const char *directory) {
        _cleanup_(freep) char *path = NULL, *temporary = NULL;
        int r;

        if (!directory)
                return 0;
        r = sysctl_record_path(directory, "", &path);
        if (r >= 0)
                r = sysctl_record_path(directory, ".new", &temporary);
        if (r < 0)
                return r;
        if (record->n_items == 0)
                return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        r = sysctl_record_write(record, temporary);
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}
