/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/failure-log.h"

#include <string.h>

#include "common/hash.h"
#include "common/macros.h"

#define FAILURE_LOG_QUIET_USEC (120 * USEC_PER_SEC)

bool failure_log_failed(FailureLog *log, const char *message, uint64_t now_usec) {
        uint64_t hash = hash_bytes(message, strlen(message));
        struct FailureLogSlot *slot = &log->slots[0];

        for (size_t i = 0; i < ELEMENTSOF(log->slots); i++) {
                if (log->slots[i].logged_usec > 0 && log->slots[i].hash == hash) {
                        slot = &log->slots[i];
                        break;
                }
                if (log->slots[i].logged_usec < slot->logged_usec)
                        slot = &log->slots[i]; /* the oldest gives way */
        }
        if (slot->logged_usec > 0 && slot->hash == hash && now_usec - slot->logged_usec < FAILURE_LOG_QUIET_USEC)
                return false;
        slot->hash = hash;
        slot->logged_usec = MAX2(now_usec, UINT64_C(1));
        log->told = true;
        return true;
}

bool failure_log_recovered(FailureLog *log) {
        bool told = log->told;

        log->told = false;
        return told;
}
