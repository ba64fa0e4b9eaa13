/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ipvsproxyd was started with, or would be: the command line of the one that runs, or that of its unit. Only as
 * much of it is understood as doctor looks at.
 */
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include "client/host.h"
#include "client/unit.h"

typedef struct DaemonOptions {
        CommandLine line;         /* owned */
        char *file;               /* owned; of --config, NULL = none */
        char *text;               /* owned; what the file holds, NULL = it cannot be read */
        int error;                /* the -errno of reading it */
        const char *host;         /* borrowed: in front of /proc, /etc */
        char root[HOST_TEXT_MAX]; /* in front of the files that it names: a container has its own */
} DaemonOptions;

/* Of the process that runs. -ENOMEM, or the -errno of reading its command line. */
int daemon_options_from_process(const char *host, pid_t pid, DaemonOptions *ret);
/* -ENOMEM */
int daemon_options_from_unit(const char *host, const Unit *unit, DaemonOptions *ret);
void daemon_options_done(DaemonOptions *options);

/* The last value of a flag, borrowed; NULL = not given. */
const char *daemon_options_flag(const DaemonOptions *options, const char *flag);
/* What counts of a flag that a file overrides: with --config the key of the file. *ret is NULL where it is not set. */
int daemon_options_get(const DaemonOptions *options, const char *flag, const char *key, char **ret);

/* A file as the daemon sees it, as far as this user may look; -EACCES if that cannot be told. */
int daemon_options_open(const DaemonOptions *options, const char *path, FILE **ret);

/* The value behind the first "key:" of YAML or JSON, without quotes: a copy, NULL if there is none. -ENOMEM. */
int yaml_find(const char *text, const char *key, char **ret);
