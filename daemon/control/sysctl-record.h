/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sysctls were before we changed them: the file `sysctls` in the state directory, one "name old value TAB new
 * value" a line. The first old value of a name stays until the record is cleared, so that a second change does not make
 * our own value the one to go back to. Lost with /run at reboot, as the sysctls themselves are.
 */
#pragma once

#include <stddef.h>

#include "common/macros.h"

typedef struct SysctlChange {
        char *name, *before, *after; /* owned */
} SysctlChange;

/* Embedded by value, `{}` is empty. */
typedef struct SysctlRecord {
        SysctlChange *items; /* owned */
        size_t n_items;
} SysctlRecord;

void sysctl_record_done(SysctlRecord *record);

/* 0 also where there is no file, and for `directory` NULL. -errno; lines that cannot be read are left out. */
int sysctl_record_load(SysctlRecord *record, const char *directory);
/* -ENOMEM */
int sysctl_record_put(SysctlRecord *record, const char *name, const char *before, const char *after);
/* Replaces the file in one step; an empty record removes it. -errno. */
int sysctl_record_save(const SysctlRecord *record, const char *directory);
