/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/avoid-list.h"

#include "common/macros.h"

void avoid_list_add(AvoidList *list, const IpAddr *addr, uint64_t until_usec) {
        size_t i;

        for (i = 0; i < list->n_entries; i++)
                if (ip_addr_equal(&list->entries[i].addr, addr))
                        break;
        if (i == list->n_entries) {
                i = list->next;
                list->next = (list->next + 1) % AVOID_LIST_SIZE;
                list->n_entries = MIN2(list->n_entries + 1, (size_t) AVOID_LIST_SIZE);
        }
        list->entries[i].addr = *addr;
        list->entries[i].until_usec = until_usec;
}

bool avoid_list_has(const AvoidList *list, const IpAddr *addr, uint64_t now_usec) {
        for (size_t i = 0; i < list->n_entries; i++)
                if (ip_addr_equal(&list->entries[i].addr, addr))
                        return list->entries[i].until_usec > now_usec;
        return false;
}

void avoid_list_clear(AvoidList *list) {
        *list = (AvoidList) {};
}
