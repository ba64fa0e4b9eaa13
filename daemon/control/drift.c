/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/drift.h"

#include <stdio.h>

#include "kernel/backend.h"

static const char *const drift_kind_table[_DRIFT_KIND_MAX] = {
        [DRIFT_KIND_ADDRESS] = "address",
        [DRIFT_KIND_FILTER_ELEMENT] = "filter-element",
        [DRIFT_KIND_FILTER_TABLE] = "filter-table",
        [DRIFT_KIND_VIRTUAL_SERVER] = "virtual-server",
};

const char *drift_kind_to_string(DriftKind kind) {
        return kind < _DRIFT_KIND_MAX ? drift_kind_table[kind] : NULL;
}

static const char *const drift_action_table[_DRIFT_ACTION_MAX] = {
        [DRIFT_ACTION_MISSING] = "missing",
        [DRIFT_ACTION_UNEXPECTED] = "unexpected",
        [DRIFT_ACTION_CHANGED] = "changed",
};

const char *drift_action_to_string(DriftAction action) {
        return action < _DRIFT_ACTION_MAX ? drift_action_table[action] : NULL;
}

static char *drift_log_add(DriftLog *log, DriftKind kind, DriftAction action) {
        DriftEntry *entry = &log->entries[log->n_added++ % DRIFT_LOG_SIZE];

        *entry = (DriftEntry) { .when_usec = log->now_usec, .kind = kind, .action = action };
        return entry->object;
}

void drift_log_address(DriftLog *log, DriftAction action, const IpAddr *addr) {
        if (log)
                (void) ip_addr_format(addr, drift_log_add(log, DRIFT_KIND_ADDRESS, action));
}

void drift_log_element(DriftLog *log, DriftAction action, const FilterElement *element) {
        char address[IP_PORT_STRLEN] = "";

        if (!log)
                return;
        if (element->port > 0)
                (void) ip_port_format(&element->addr, element->port, address);
        else
                (void) ip_addr_format(&element->addr, address);
        (void) snprintf(drift_log_add(log, DRIFT_KIND_FILTER_ELEMENT, action),
                        sizeof(log->entries[0].object),
                        "%s %s",
                        filter_set_type((FilterSet) element->set)->name,
                        address);
}

void drift_log_table(DriftLog *log, DriftAction action) {
        if (log)
                (void) snprintf(drift_log_add(log, DRIFT_KIND_FILTER_TABLE, action),
                                sizeof(log->entries[0].object),
                                "inet " KERNEL_TABLE_NAME);
}

void drift_log_server(DriftLog *log, DriftAction action, const VirtualServerKey *key) {
        if (log)
                (void) virtual_server_key_format(key, drift_log_add(log, DRIFT_KIND_VIRTUAL_SERVER, action));
}

const DriftEntry *drift_log_get(const DriftLog *log, size_t i) {
        if (i >= DRIFT_LOG_SIZE || i >= log->n_added)
                return NULL;
        return &log->entries[(log->n_added - 1 - i) % DRIFT_LOG_SIZE];
}
