/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/sysctl-record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/state-file.h"

#define RECORD_FILE "sysctls"
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

int sysctl_record_load(SysctlRecord *record, const char *directory) {
        char line[RECORD_LINE_MAX];
        FILE *file;
        int r = state_file_open(directory, RECORD_FILE, &file);

        if (r < 0 || !file)
                return r;
        while (r >= 0 && record->n_items < RECORD_ITEMS_MAX && fgets(line, sizeof(line), file))
                r = sysctl_record_parse(record, line);
        (void) fclose(file);
        return r;
}

static void put_value(FILE *file, const char *value) {
        for (; *value; value++)
                (void) fputc(*value == '\t' || *value == '\n' ? ' ' : *value, file);
}

static int sysctl_record_write(FILE *file, const void *userdata) {
        const SysctlRecord *record = userdata;

        for (size_t i = 0; i < record->n_items; i++) {
                (void) fprintf(file, "%s ", record->items[i].name);
                put_value(file, record->items[i].before);
                (void) fputc('\t', file);
                put_value(file, record->items[i].after);
                (void) fputc('\n', file);
        }
        return 0;
}

int sysctl_record_save(const SysctlRecord *record, const char *directory) {
        if (record->n_items == 0)
                return state_file_remove(directory, RECORD_FILE);
        return state_file_write(directory, RECORD_FILE, sysctl_record_write, record);
}
