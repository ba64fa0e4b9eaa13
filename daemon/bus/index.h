/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ids of all service ports in order, for lists that are handed out page by page while services come and go. An
 * addition is noted and sorted in when somebody lists next; what is gone is left out then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define INDEX_PROPERTIES 16

/* What was last said about a service port in signals; see signals.c. */
typedef struct IndexMark {
        uint32_t hashes[INDEX_PROPERTIES];
        bool announced;
        uint64_t changed_usec; /* CLOCK_MONOTONIC, of the last signal about a change */
} IndexMark;

typedef struct Index Index;

int index_new(Index **ret);
Index *index_free(Index *index);
DEFINE_CLEANUP(Index *, index_free);

/* -ENOMEM. An id that is there already is not added twice. */
int index_add(Index *index, const char *id);
void index_remove(Index *index, const char *id);
/* Of an id that is there, until it is removed; NULL. */
IndexMark *index_mark(const Index *index, const char *id);
size_t index_size(const Index *index);

/* Sorts in what was added. -ENOMEM: the order is as it was, newer ids are missing. */
int index_settle(Index *index);
/* The position of the first id behind `id`, whether that is there or not; of settled ids. */
size_t index_after(const Index *index, const char *id);
/* The id at a position, skipping what was removed, which then is *position; NULL at the end. */
const char *index_get(const Index *index, size_t *position);
