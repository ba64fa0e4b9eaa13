/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last repairs of what somebody else changed in the kernel, for operators who want to know who it was. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "model/filter.h"
#include "model/virtual-server.h"

#define DRIFT_LOG_SIZE 100

typedef enum DriftKind {
        DRIFT_KIND_ADDRESS,
        DRIFT_KIND_FILTER_ELEMENT,
        DRIFT_KIND_FILTER_TABLE,
        DRIFT_KIND_VIRTUAL_SERVER,
        _DRIFT_KIND_MAX,
} DriftKind;

typedef enum DriftAction {
        DRIFT_ACTION_MISSING, /* was gone, and is added again if it is wanted still */
        DRIFT_ACTION_UNEXPECTED, /* was there, and is removed if nobody wants it */
        DRIFT_ACTION_CHANGED, /* was different, and is set */
        _DRIFT_ACTION_MAX,
} DriftAction;

/* "address", "filter-element", … and "missing", … */
const char *drift_kind_to_string(DriftKind kind);
const char *drift_action_to_string(DriftAction action);

typedef struct DriftEntry {
        uint64_t when_usec; /* CLOCK_REALTIME */
        DriftKind kind;
        DriftAction action;
        char object[128]; /* "10.96.0.1:80/TCP", "10.96.0.1", "service_ips 10.96.0.1" */
} DriftEntry;

/* Embedded by value, all zero is empty. */
typedef struct DriftLog {
        DriftEntry entries[DRIFT_LOG_SIZE];
        size_t n_added; /* ever */
        uint64_t now_usec; /* CLOCK_REALTIME: the time of what is added */
} DriftLog;

/* `log` may be NULL: nothing is noted. */
void drift_log_address(DriftLog *log, DriftAction action, const IpAddr *addr);
void drift_log_element(DriftLog *log, DriftAction action, const FilterElement *element);
void drift_log_table(DriftLog *log, DriftAction action);
void drift_log_server(DriftLog *log, DriftAction action, const VirtualServerKey *key);

/* The i-th newest, NULL if there are not so many. */
const DriftEntry *drift_log_get(const DriftLog *log, size_t i);
