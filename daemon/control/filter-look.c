/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/filter-look.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"

/* So often it begins again before it is read at once. */
#define RESTARTS_MAX 3

void filter_look_cancel(FilterLook *look) {
        free(look->list.items);
        *look = (FilterLook) {};
}

/* ---- what there is */

static int element_list_add(const FilterElement *element, void *userdata) {
        ElementList *list = userdata;

        if (list->n_items == list->n_allocated) {
                size_t n = MAX2(list->n_allocated * 2, (size_t) 64);
                FilterElement *bigger = reallocarray(list->items, n, sizeof(FilterElement));

                if (!bigger)
                        return -ENOMEM;
                list->items = bigger;
                list->n_allocated = n;
        }
        list->items[list->n_items++] = *element;
        return 0;
}

/* What a table that is gone has to be made with: all that was there and all that is wanted. */
static int element_list_add_known(ElementList *list, const KernelTable *table) {
        const ElementState *element;
        int r = 0;

        for (size_t i = 0; r >= 0 && (element = kernel_table_next_element(table, &i));)
                if (element->n_wanted > 0 || element->present)
                        r = element_list_add(&element->element, list);
        return r;
}

static void note_element(const AdoptParts *parts, DriftAction action, const FilterElement *element) {
        char text[FILTER_ELEMENT_STRLEN];

        drift_log_note(parts->drift, DRIFT_KIND_FILTER_ELEMENT, action, filter_element_format(element, text));
}

/* `made`: the table was made with the list, which is no news about any of it. */
static int adopt_elements(const AdoptParts *parts, const ElementList *list, bool made) {
        ElementState *element;
        int r;

        for (size_t i = 0; i < list->n_items; i++) {
                element = kernel_table_element(parts->table, &list->items[i]);
                if (!element || !element->present) {
                        if (!made)
                                note_element(parts, DRIFT_ACTION_UNEXPECTED, &list->items[i]);
                        r = kernel_table_set_element(parts->table, &list->items[i], true);
                        if (r < 0)
                                return r;
                        element = kernel_table_element(parts->table, &list->items[i]);
                }
                element->seen = true;
        }
        for (size_t i = 0; (element = kernel_table_next_element(parts->table, &i));) {
                if (element->present && !element->seen) {
                        note_element(parts, DRIFT_ACTION_MISSING, &element->element);
                        element->present = false;
                        kernel_table_queue_element(parts->table, element);
                }
                element->seen = false;
        }
        return 0;
}

/* ---- the look */

static int filter_look_end(const AdoptParts *parts, ElementList *list, bool gone) {
        int r = 0;

        if (gone) {
                list->n_items = 0;
                r = element_list_add_known(list, parts->table);
        }
        if (r >= 0)
                r = parts->backend->ops->filter_ensure(parts->backend, parts->filter, list->items, list->n_items);
        if (r < 0)
                return r;
        if (r > 0)
                drift_log_note(parts->drift,
                               DRIFT_KIND_FILTER_TABLE,
                               gone ? DRIFT_ACTION_MISSING : DRIFT_ACTION_CHANGED,
                               "inet " KERNEL_TABLE_NAME);
        return adopt_elements(parts, list, r > 0);
}

bool filter_look_begin(FilterLook *look, const AdoptParts *parts) {
        filter_look_cancel(look);
        look->running = parts->filter_told || parts->backend->ops->filter_is_unchanged(parts->backend, parts->filter) <= 0;
        return look->running;
}

/* What was written meanwhile may be in a part that was read before. */
static void filter_look_follow(FilterLook *look, uint64_t n_transactions) {
        if (look->part > 0 && look->n_transactions != n_transactions) {
                look->part = 0;
                look->list.n_items = 0;
                look->n_restarts++;
        }
        look->n_transactions = n_transactions;
}

int filter_look_step(FilterLook *look, const AdoptParts *parts, uint64_t n_transactions, uint64_t usec) {
        uint64_t begun = clock_now_usec(CLOCK_MONOTONIC);
        int r = 0;

        filter_look_follow(look, n_transactions);
        while (r >= 0 && look->part < FILTER_DUMP_PARTS) {
                r = parts->backend->ops->filter_dump(parts->backend, look->part++, element_list_add, &look->list);
                if (r >= 0 && look->part < FILTER_DUMP_PARTS && look->n_restarts < RESTARTS_MAX &&
                    clock_now_usec(CLOCK_MONOTONIC) - begun >= usec)
                        return 1;
        }
        if (r >= 0 || r == -ENOENT)
                r = filter_look_end(parts, &look->list, r == -ENOENT);
        filter_look_cancel(look);
        return r;
}
