/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/failure-log.h"

#include <string.h>

#include "common/hash.h"
#include "common/macros.h"

#define FAILURE_LOG_QUIET_USEC (120 * USEC_PER_SEC)
#define FAILURE_LOG_WINDOW_USEC (600 * USEC_PER_SEC)

bool failure_log_failed(FailureLog *log, const char *message, uint64_t now_usec) {
        uint64_t hash = hash_bytes(message, strlen(message));
        struct FailureLogLine *oldest = &log->lines[0];
        size_t n_recent = 0;
        bool known = false;

        for (size_t i = 0; i < ELEMENTSOF(log->lines); i++) {
                struct FailureLogLine *line = &log->lines[i];

                if (line->logged_usec < oldest->logged_usec)
                        oldest = line;
                if (line->logged_usec == 0 || now_usec - line->logged_usec >= FAILURE_LOG_WINDOW_USEC)
                        continue;
                n_recent++;
                if (line->hash != hash)
                        continue;
                known = true;
                if (now_usec - line->logged_usec < FAILURE_LOG_QUIET_USEC)
                        return false;
        }
        if (n_recent + known >= ELEMENTSOF(log->lines))
                return false;
        *oldest = (struct FailureLogLine) { .hash = hash, .logged_usec = MAX2(now_usec, UINT64_C(1)) };
        log->told = true;
        return true;
}

bool failure_log_recovered(FailureLog *log) {
        bool told = log->told;

        log->told = false;
        return told;
}
