/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few addresses, each with a time: until when it is to be avoided, say. A plain value; the oldest makes room. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"

#define AVOID_LIST_SIZE 16

typedef struct AvoidList {
        struct {
                IpAddr addr;
                uint64_t usec;
        } entries[AVOID_LIST_SIZE];
        size_t n_entries, next;
} AvoidList;

/* Or sets another time. */
void avoid_list_add(AvoidList *list, const IpAddr *addr, uint64_t usec);
void avoid_list_remove(AvoidList *list, const IpAddr *addr);
/* 0 = it is not in the list. */
uint64_t avoid_list_time(const AvoidList *list, const IpAddr *addr);
void avoid_list_clear(AvoidList *list);
