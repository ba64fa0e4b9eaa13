/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at the elements of our table, from the kernel into the kernel table (adopt.h): set by set, for the kernel goes
 * through a set from its beginning for each part of a dump, so that one of 200,000 elements takes it seconds. Work may go
 * on between two steps; what it writes makes the look begin again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/adopt.h"

typedef struct ElementList {
        FilterElement *items; /* owned */
        size_t n_items, n_allocated;
} ElementList;

/* All zero: none runs. */
typedef struct FilterLook {
        bool running;
        unsigned part; /* the next, see filter_dump() */
        ElementList list; /* of the parts so far */
        uint64_t n_transactions; /* ours, at the last step */
        unsigned n_restarts;
} FilterLook;

void filter_look_cancel(FilterLook *look);

/* False: nothing can have changed (filter_is_unchanged()), there is nothing to look at. One that runs is given up. */
bool filter_look_begin(FilterLook *look, const AdoptParts *parts);
/*
 * Goes on for `usec`, and one part at least; `n_transactions`: how many of ours there were ever. 1 = there are more parts;
 * 0 = that was all: the table is there with the right rules, and what it has is known; -errno: none runs any more.
 */
int filter_look_step(FilterLook *look, const AdoptParts *parts, uint64_t n_transactions, uint64_t usec);
