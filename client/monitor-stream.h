/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipe that the daemon's method Monitor hands out: one JSON object a line, read without
 * blocking. */
#pragma once

#include "client/client.h"

#define MONITOR_EVENTS_MAX 8

typedef struct MonitorQuery {
        const char
                *events; /* their names, separated by commas; NULL = those of the daemon's choice */
        const char *namespace;  /* NULL = all */
        uint64_t interval_usec; /* of statistics; 0 = the daemon's choice */
} MonitorQuery;

typedef struct MonitorStream MonitorStream;

/* Not reported: negative errno with *error set. */
int monitor_open(Client *client,
                 const MonitorQuery *query,
                 sd_bus_error *error,
                 MonitorStream **ret);
MonitorStream *monitor_close(MonitorStream *stream);
DEFINE_CLEANUP(MonitorStream *, monitor_close);

/* To poll for input. */
int monitor_fd(const MonitorStream *stream);

/*
 * 1: *ret is the next event, owned by the caller. 0: nothing more has come. -ESHUTDOWN: the daemon
 * has closed its end. -EBADMSG: a line is no JSON object or longer than 1 MiB.
 */
int monitor_next(MonitorStream *stream, json_object **ret);
