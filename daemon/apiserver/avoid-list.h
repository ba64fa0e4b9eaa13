/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few addresses that are not to be connected to for a while. A plain value; the oldest makes room. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"

#define AVOID_LIST_SIZE 16

typedef struct AvoidList {
        struct {
                IpAddr addr;
                uint64_t until_usec;
        } entries[AVOID_LIST_SIZE];
        size_t n_entries, next;
} AvoidList;

void avoid_list_add(AvoidList *list, const IpAddr *addr, uint64_t until_usec);
bool avoid_list_has(const AvoidList *list, const IpAddr *addr, uint64_t now_usec);
void avoid_list_clear(AvoidList *list);
