/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `top` shows: one row a service port, fetched page by page without blocking, sorted and
 * filtered here. It knows no terminal.
 */
#pragma once

#include "client/client.h"
#include "client/report.h"

typedef enum TopColumn {
        TOP_COLUMN_NAME,
        TOP_COLUMN_CPS,
        TOP_COLUMN_IN_PPS,
        TOP_COLUMN_OUT_PPS,
        TOP_COLUMN_IN_BPS,
        TOP_COLUMN_OUT_BPS,
        TOP_COLUMN_CONNS, /* since the counters began */
        TOP_COLUMN_ACTIVE,
        TOP_COLUMN_INACTIVE,
        _TOP_COLUMN_MAX,
        _TOP_COLUMN_INVALID = -22,
} TopColumn;

/* "cps", … as --order takes them; titles as shown. */
const char *top_column_to_string(TopColumn column);
TopColumn top_column_from_string(const char *text);
const char *top_column_title(TopColumn column);

typedef struct TopRow {
        char *id;                         /* owned */
        uint64_t values[_TOP_COLUMN_MAX]; /* that of the name is 0 */
} TopRow;

typedef struct TopRows {
        TopRow *rows; /* owned */
        size_t n_rows, n_allocated;
} TopRows;

#define TOP_FILTER_MAX 64

typedef struct Top {
        Client *client;      /* borrowed */
        TopRows rows;        /* the last complete look */
        TopRows coming;      /* what has come of the next one */
        sd_bus_slot *slot;   /* owned; NULL = nothing is being fetched */
        const TopRow **view; /* owned: rows that are shown, in order */
        size_t n_view;
        uint64_t totals[_TOP_COLUMN_MAX];
        uint64_t n_looks;
        uint64_t interval_usec;
        uint64_t begun_usec; /* CLOCK_MONOTONIC: the last look */
        char *problem;       /* owned; NULL = the last look was fine */
        ExitCode problem_code;
        TopColumn order;
        bool reverse, all; /* all: idle services too */
        char filter[TOP_FILTER_MAX];
} Top;

void top_done(Top *top);

/*
 * Begins a look unless one is under way; it goes on in sd_bus_process(). When it is complete
 * n_looks grows and the view is new; when it fails there is a problem, and the rows stay. -errno
 * only for what does not go away, like -ENOMEM.
 */
int top_fetch(Top *top);

/* Sorts and filters anew, after a change of order, reverse, all or filter. -ENOMEM */
int top_arrange(Top *top);

/* The live screen, until the user quits, --count is reached or a signal comes: then 128 + its
 * number. */
int top_screen(Top *top);
