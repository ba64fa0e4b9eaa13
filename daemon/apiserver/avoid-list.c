/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/avoid-list.h"

#include "common/macros.h"

/* AVOID_LIST_SIZE if it is not there. */
static size_t avoid_list_find(const AvoidList *list, const IpAddr *addr) {
        for (size_t i = 0; i < list->n_entries; i++)
                if (ip_addr_equal(&list->entries[i].addr, addr))
                        return i;
        return AVOID_LIST_SIZE;
}

void avoid_list_add(AvoidList *list, const IpAddr *addr, uint64_t usec) {
        size_t i = avoid_list_find(list, addr);

        if (i == AVOID_LIST_SIZE) {
                i = list->next;
                list->next = (list->next + 1) % AVOID_LIST_SIZE;
                list->n_entries = MIN2(list->n_entries + 1, (size_t) AVOID_LIST_SIZE);
        }
        list->entries[i].addr = *addr;
        list->entries[i].usec = usec;
}

void avoid_list_remove(AvoidList *list, const IpAddr *addr) {
        size_t i = avoid_list_find(list, addr);

        if (i < AVOID_LIST_SIZE)
                list->entries[i].addr = (IpAddr) {}; /* its place is taken in its turn */
}

uint64_t avoid_list_time(const AvoidList *list, const IpAddr *addr) {
        size_t i = avoid_list_find(list, addr);

        return i < AVOID_LIST_SIZE ? list->entries[i].usec : 0;
}

void avoid_list_clear(AvoidList *list) {
        *list = (AvoidList) {};
}
