/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records whose wish and kernel differ, in the order they came; records that failed, and when they are tried again. */
#include "proxy/kernel-table-private.h"

/* ---- queues */

static void dirty_queue_push(DirtyQueue *queue, DirtyLink *link) {
        if (link->queued)
                return;
        link->queued = true;
        link->next = NULL;
        queue->n++;
        if (queue->last)
                queue->last->next = link;
        else
                queue->first = link;
        queue->last = link;
}

void kernel_table_queue_address(KernelTable *table, AddressState *address) {
        dirty_queue_push(&table->queues[DIRTY_ADDRESSES], &address->dirty);
}

void kernel_table_queue_element(KernelTable *table, ElementState *element) {
        dirty_queue_push(&table->queues[DIRTY_ELEMENTS], &element->dirty);
}

void kernel_table_queue_server(KernelTable *table, ServerState *server) {
        dirty_queue_push(&table->queues[DIRTY_SERVERS], &server->dirty);
}

void *kernel_table_take(KernelTable *table, DirtyKind kind) {
        DirtyQueue *queue = &table->queues[kind];
        DirtyLink *link = queue->first;

        if (!link)
                return NULL;
        queue->first = link->next;
        if (!queue->first)
                queue->last = NULL;
        queue->n--;
        link->next = NULL;
        link->queued = false;
        return link; /* the first member of each record */
}

size_t kernel_table_n_queued(const KernelTable *table, DirtyKind kind) {
        return table->queues[kind].n;
}

bool kernel_table_is_clean(const KernelTable *table) {
        for (size_t i = 0; i < _DIRTY_MAX; i++)
                if (table->queues[i].first)
                        return false;
        return true;
}

void kernel_table_collect_address(KernelTable *table, AddressState *address) {
        if (address->n_wanted > 0 || address->n_servers > 0 || address->present || address->dirty.queued)
                return;
        kernel_table_clear_failure(table, &address->failure);
        (void) hashmap_remove(&table->addresses, &address->addr);
        free(address);
}

void kernel_table_collect_element(KernelTable *table, ElementState *element) {
        if (element->n_wanted > 0 || element->present || element->dirty.queued)
                return;
        kernel_table_clear_failure(table, &element->failure);
        (void) hashmap_remove(&table->elements, &element->element);
        free(element);
}

void kernel_table_collect_server(KernelTable *table, ServerState *server) {
        if (server->claims || server->present || server->dirty.queued)
                return;
        kernel_table_clear_failure(table, &server->failure);
        (void) hashmap_remove(&table->servers, &server->key);
        server_state_free(server);
}

/* ---- failures */

#define RETRY_DOUBLINGS 5

void failure_note(Failure *failure, int error, uint64_t now_usec, uint64_t first_usec) {
        bool waits = failure->error < 0 && now_usec < failure->retry_usec;

        failure->error = error;
        if (waits)
                return;
        failure->retry_usec = now_usec + (first_usec << MIN2(failure->n_tries, (unsigned) RETRY_DOUBLINGS));
        failure->n_tries++;
}

void kernel_table_fail(KernelTable *table, Failure *failure, int error, uint64_t now_usec, uint64_t first_usec) {
        if (failure->error == 0)
                table->n_failed++;
        failure_note(failure, error, now_usec, first_usec);
        if (table->next_retry_usec == 0 || failure->retry_usec < table->next_retry_usec)
                table->next_retry_usec = failure->retry_usec;
}

void kernel_table_clear_failure(KernelTable *table, Failure *failure) {
        if (failure->error == 0)
                return;
        *failure = (Failure) {};
        if (--table->n_failed == 0)
                table->next_retry_usec = 0;
}

size_t kernel_table_n_failed(const KernelTable *table) {
        return table->n_failed;
}

uint64_t kernel_table_next_retry(const KernelTable *table) {
        return table->next_retry_usec;
}

/* Whether it is due; else the next round is not later than it. */
static bool failure_is_due(KernelTable *table, const Failure *failure, uint64_t now_usec) {
        if (failure->error == 0)
                return false;
        if (failure->retry_usec <= now_usec)
                return true;
        if (table->next_retry_usec == 0 || failure->retry_usec < table->next_retry_usec)
                table->next_retry_usec = failure->retry_usec;
        return false;
}

void kernel_table_retry(KernelTable *table, uint64_t now_usec) {
        AddressState *address;
        ElementState *element;
        ServerState *server;

        table->next_retry_usec = 0;
        if (table->n_failed == 0)
                return;
        for (size_t i = 0; (server = hashmap_next(&table->servers, &i));)
                if (failure_is_due(table, &server->failure, now_usec))
                        kernel_table_queue_server(table, server);
        for (size_t i = 0; (address = hashmap_next(&table->addresses, &i));)
                if (failure_is_due(table, &address->failure, now_usec))
                        kernel_table_queue_address(table, address);
        for (size_t i = 0; (element = hashmap_next(&table->elements, &i));)
                if (failure_is_due(table, &element->failure, now_usec))
                        kernel_table_queue_element(table, element);
}
