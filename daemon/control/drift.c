/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/drift.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/message-ids.h"

/* A flushed table has ten thousand elements: these are told by name, the rest by number. */
#define DRIFT_LOGGED_PER_LOOK 10
#define DRIFT_LOGGED_PER_MINUTE 30

static const char *const drift_kind_table[_DRIFT_KIND_MAX] = {
        [DRIFT_KIND_DEVICE] = "device",
        [DRIFT_KIND_ADDRESS] = "address",
        [DRIFT_KIND_FILTER_TABLE] = "filter-table",
        [DRIFT_KIND_FILTER_ELEMENT] = "filter-element",
        [DRIFT_KIND_VIRTUAL_SERVER] = "virtual-server",
        [DRIFT_KIND_REAL_SERVER] = "real-server",
        [DRIFT_KIND_SYSCTL] = "sysctl",
};

const char *drift_kind_to_string(DriftKind kind) {
        return kind < _DRIFT_KIND_MAX ? drift_kind_table[kind] : NULL;
}

static const char *const drift_action_table[_DRIFT_ACTION_MAX] = {
        [DRIFT_ACTION_MISSING] = "missing",
        [DRIFT_ACTION_CHANGED] = "changed",
        [DRIFT_ACTION_UNEXPECTED] = "unexpected",
};

const char *drift_action_to_string(DriftAction action) {
        return action < _DRIFT_ACTION_MAX ? drift_action_table[action] : NULL;
}

void drift_log_done(DriftLog *drift) {
        free(drift->entries);
        *drift = (DriftLog) {};
}

void drift_log_begin(DriftLog *drift, bool active, uint64_t real_usec, const DriftCounts *before) {
        drift->active = active;
        drift->now_usec = real_usec;
        drift->look = before ? *before : (DriftCounts) {};
}

static void drift_keep(DriftLog *drift, DriftKind kind, DriftAction action, const char *object) {
        DriftEntry *entry;

        if (!drift->entries)
                drift->entries = calloc(DRIFT_LOG_SIZE, sizeof(DriftEntry));
        if (!drift->entries)
                return; /* counted and logged all the same */
        entry = &drift->entries[drift->next];
        *entry = (DriftEntry) { .when_usec = drift->now_usec, .kind = kind, .action = action };
        (void) snprintf(entry->object, sizeof(entry->object), "%s", object);
        drift->next = (drift->next + 1) % DRIFT_LOG_SIZE;
        drift->n_entries = MIN2(drift->n_entries + 1, (size_t) DRIFT_LOG_SIZE);
}

static bool drift_may_log(DriftLog *drift) {
        if (drift->now_usec - drift->minute_usec >= 60 * USEC_PER_SEC) {
                drift->minute_usec = drift->now_usec;
                drift->n_logged = 0;
        }
        return drift->n_logged++ < DRIFT_LOGGED_PER_MINUTE;
}

static void drift_log_line(DriftKind kind, DriftAction action, const char *object) {
        char what[64], how[64], which[DRIFT_OBJECT_SIZE + 16];

        (void) snprintf(what, sizeof(what), "DRIFT_KIND=%s", drift_kind_to_string(kind));
        (void) snprintf(how, sizeof(how), "DRIFT_ACTION=%s", drift_action_to_string(action));
        (void) snprintf(which, sizeof(which), "DRIFT_OBJECT=%s", object);
        log_struct(LOG_WARNING,
                   ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_DRIFT_REPAIRED, what, how, which, NULL }),
                   "Repairing %s %s, which somebody else changed: %s",
                   drift_kind_to_string(kind),
                   object,
                   drift_action_to_string(action));
}

void drift_log_note(DriftLog *drift, DriftKind kind, DriftAction action, const char *object) {
        drift->look.n_noted++;
        drift->look.n_unexpected += action == DRIFT_ACTION_UNEXPECTED;
        if (!drift->active)
                return;
        drift->counts[kind]++;
        drift->n_added++;
        drift_keep(drift, kind, action, object);
        if (drift->look.n_noted <= DRIFT_LOGGED_PER_LOOK && drift_may_log(drift))
                drift_log_line(kind, action, object);
}

void drift_log_end(DriftLog *drift) {
        if (drift->active && drift->look.n_noted > DRIFT_LOGGED_PER_LOOK && drift_may_log(drift))
                log_struct(LOG_WARNING,
                           ((const char *const[]) { "MESSAGE_ID=" MESSAGE_ID_DRIFT_REPAIRED, NULL }),
                           "Repairing %zu more objects that somebody else changed",
                           drift->look.n_noted - DRIFT_LOGGED_PER_LOOK);
}

const DriftEntry *drift_log_get(const DriftLog *drift, size_t i) {
        return i < drift->n_entries ? &drift->entries[(drift->next + DRIFT_LOG_SIZE - 1 - i) % DRIFT_LOG_SIZE] : NULL;
}
