/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others changed in the kernel and was repaired: counted by kind, logged once, and the last of it kept for the
 * operator. Noted while the kernel is looked at (adopt.h); the first look of a daemon adopts, and notes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

typedef enum DriftKind {
        DRIFT_KIND_DEVICE, /* kube-ipvs0 itself */
        DRIFT_KIND_ADDRESS,
        DRIFT_KIND_FILTER_TABLE, /* the nftables table: its rules, or all of it */
        DRIFT_KIND_FILTER_ELEMENT,
        DRIFT_KIND_VIRTUAL_SERVER,
        DRIFT_KIND_REAL_SERVER,
        DRIFT_KIND_SYSCTL,
        _DRIFT_KIND_MAX,
} DriftKind;

/* "device", "address", "filter-table", "filter-element", "virtual-server", "real-server", "sysctl" */
const char *drift_kind_to_string(DriftKind kind);

typedef enum DriftAction {
        DRIFT_ACTION_MISSING, /* it was gone and is made again */
        DRIFT_ACTION_CHANGED, /* it was different and is put right */
        DRIFT_ACTION_UNEXPECTED, /* it was there though nobody wants it, and is removed */
        _DRIFT_ACTION_MAX,
} DriftAction;

/* "missing", "changed", "unexpected" */
const char *drift_action_to_string(DriftAction action);

#define DRIFT_LOG_SIZE 100
#define DRIFT_OBJECT_SIZE 160

typedef struct DriftEntry {
        uint64_t when_usec; /* CLOCK_REALTIME */
        DriftKind kind;
        DriftAction action;
        char object[DRIFT_OBJECT_SIZE]; /* "10.0.0.1:80/TCP", "service_ips 10.0.0.1", … */
} DriftEntry;

/* Of one look at the kernel. */
typedef struct DriftCounts {
        size_t n_noted;
        size_t n_unexpected; /* of these, what was there unasked for */
} DriftCounts;

/* Embedded by value, all zero is empty. */
typedef struct DriftLog {
        DriftEntry *entries; /* owned; a ring of DRIFT_LOG_SIZE, made with the first */
        size_t n_entries, next;
        uint64_t counts[_DRIFT_KIND_MAX];
        size_t n_added; /* ever */

        bool active; /* what is noted counts; else only `look` does */
        uint64_t now_usec; /* CLOCK_REALTIME of the look */
        DriftCounts look;
        uint64_t minute_usec; /* when the minute began that the next is counted in */
        unsigned n_logged; /* in this minute */
} DriftLog;

void drift_log_done(DriftLog *drift);

/* Around each look; `before` is what was noted in it so far, where it goes on, else NULL. */
void drift_log_begin(DriftLog *drift, bool active, uint64_t real_usec, const DriftCounts *before);
void drift_log_note(DriftLog *drift, DriftKind kind, DriftAction action, const char *object);
/* Logs how many there were beside those logged one by one; who breaks things without end fills no log. */
void drift_log_end(DriftLog *drift);

/* The i-th, newest first; NULL behind the last. */
const DriftEntry *drift_log_get(const DriftLog *drift, size_t i);
