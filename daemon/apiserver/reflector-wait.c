/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a failure leads to: how it is told, and how long until the next try. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/reflector-private.h"
#include "common/log.h"

/* reflector.go: NewExponentialBackoffManager(800ms, 30s, 2min, factor 2.0, jitter 1.0) */
#define BACKOFF_FIRST_USEC (800 * USEC_PER_MSEC)
#define BACKOFF_LAST_USEC (30 * USEC_PER_SEC)
#define BACKOFF_RESET_USEC (120 * USEC_PER_SEC)
/*
 * Where it differs: a short trouble must not cost a minute. What may pass by itself begins with 0.3 s, so that three
 * failures in a row cost 4 s at most, and for 2 minutes a server that fails is asked again within 4 s;
 * and the trouble is over when a watch proves to work, by what comes on it or by staying open.
 */
#define TROUBLE_FIRST_USEC (300 * USEC_PER_MSEC)
#define TROUBLE_SHORT_USEC (120 * USEC_PER_SEC)
#define TROUBLE_DELAY_USEC (3 * USEC_PER_SEC)
#define TROUBLE_JITTER_USEC USEC_PER_SEC
/* No server may send a node away for longer. */
#define RETRY_AFTER_MAX_USEC (300 * USEC_PER_SEC)

void reflector_wait(Reflector *reflector, uint64_t delay_usec, ReflectorResume resume) {
        reflector->resume = resume;
        reflector_set_state(reflector, REFLECTOR_STATE_WAITING);
        reflector->ops.arm(delay_usec, reflector->userdata);
}

/* What is refused for a reason that no server loses by itself. */
static bool outcome_lasts(ReflectorOutcome outcome) {
        return outcome == OUTCOME_FORBIDDEN || outcome == OUTCOME_MISSING || outcome == OUTCOME_REFUSED;
}

static uint64_t reflector_backoff(Reflector *reflector, ReflectorOutcome outcome) {
        uint64_t now = reflector_now(reflector), delay, jitter;

        if (reflector->delay_usec == 0 || now - reflector->last_failure_usec > BACKOFF_RESET_USEC) {
                reflector->delay_usec = outcome_lasts(outcome) ? BACKOFF_FIRST_USEC : TROUBLE_FIRST_USEC;
                reflector->trouble_usec = now;
        }
        delay = jitter = reflector->delay_usec;
        if (!outcome_lasts(outcome) && now - reflector->trouble_usec < TROUBLE_SHORT_USEC) {
                delay = MIN2(delay, TROUBLE_DELAY_USEC);
                jitter = MIN2(delay, TROUBLE_JITTER_USEC);
        }
        reflector->last_failure_usec = now;
        reflector->delay_usec = MIN2(2 * delay, BACKOFF_LAST_USEC);
        return delay + reflector_jitter(reflector, jitter);
}

void reflector_proven(Reflector *reflector) {
        reflector->delay_usec = 0;
}

static int outcome_to_errno(ReflectorOutcome outcome) {
        switch (outcome) {
        case OUTCOME_OK:
                return 0;
        case OUTCOME_BROKEN:
                return -EIO;
        case OUTCOME_BUSY:
        case OUTCOME_TOO_LARGE:
                return -EAGAIN;
        case OUTCOME_UNAUTHORIZED:
                return -EACCES;
        case OUTCOME_FORBIDDEN:
                return -EPERM;
        case OUTCOME_MISSING:
                return -ENOENT;
        case OUTCOME_EXPIRED:
                return -ESTALE;
        case OUTCOME_REFUSED:
                return -EINVAL;
        }
        return -EIO;
}

void reflector_note_failure(Reflector *reflector, ReflectorOutcome outcome, const char *doing) {
        char error[sizeof(reflector->error)];

        (void) snprintf(error, sizeof(error), "Failed to %s %s: %s", doing, reflector->path, reflector->message);
        reflector->n_errors++;
        reflector->connected = false;
        reflector->failure = outcome_to_errno(outcome);
        reflector->forbidden = outcome == OUTCOME_FORBIDDEN;
        reflector->missing = outcome == OUTCOME_MISSING;
        if (strcmp(error, reflector->error) == 0)
                return;
        memcpy(reflector->error, error, sizeof(error));
        log_warning("%s; retrying", error);
}

void reflector_fail(Reflector *reflector, ReflectorOutcome outcome, const char *doing, ReflectorResume resume) {
        uint64_t delay = reflector_backoff(reflector, outcome);

        reflector_note_failure(reflector, outcome, doing);
        reflector->waits_for = REFLECTOR_WAITS_FOR_TIME;
        if (outcome == OUTCOME_UNAUTHORIZED)
                reflector->waits_for = REFLECTOR_WAITS_FOR_CREDENTIALS;
        else if (outcome == OUTCOME_BROKEN && reflector->connection_failed)
                reflector->waits_for = REFLECTOR_WAITS_FOR_SERVER;
        else if (outcome == OUTCOME_BUSY && reflector->retry_after_usec == 0)
                reflector->waits_for = REFLECTOR_WAITS_FOR_HEALTH;
        if (outcome == OUTCOME_BUSY && reflector->retry_after_usec > 0) {
                delay = MIN2(reflector->retry_after_usec, RETRY_AFTER_MAX_USEC);
                delay += reflector_jitter(reflector, MIN2(delay / 4, USEC_PER_SEC));
        }
        reflector_wait(reflector, delay, resume);
}

void reflector_note_success(Reflector *reflector) {
        if (reflector->error[0])
                log_info("%s: the server answers again", reflector->path);
        reflector->connected = true;
        reflector->missing = reflector->forbidden = false;
        reflector->failure = 0;
        reflector->error[0] = '\0';
}
