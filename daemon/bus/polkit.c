/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/polkit-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/message-ids.h"

#define QUESTIONS_PER_PEER 4
#define QUESTIONS_PER_USER 8
#define QUESTIONS_MAX 64
/* What asking costs of the caller's budget: polkit works too, and each decision is a line that others are to find. */
#define CALLS_PER_ANSWER 10

/* A verdict whose call does not come back for it (its object is gone by then) is thrown away. */
#define VERDICT_KEPT_USEC (10 * USEC_PER_SEC)

int polkit_new(sd_bus *bus, Peers *peers, Polkit **ret) {
        Polkit *polkit = calloc(1, sizeof(Polkit));

        if (!polkit)
                return -ENOMEM;
        polkit->bus = sd_bus_ref(bus);
        polkit->peers = peers;
        *ret = polkit;
        return 0;
}

Polkit *polkit_free(Polkit *polkit) {
        if (!polkit)
                return NULL;
        while (polkit->questions)
                question_free(polkit->questions);
        (void) sd_bus_unref(polkit->bus);
        free(polkit);
        return NULL;
}

void polkit_ask_about_everybody(Polkit *polkit) {
        polkit->ask_about_everybody = true;
}

uint64_t polkit_now(const Polkit *polkit) {
        uint64_t now = 0;

        (void) sd_event_now(sd_bus_get_event(polkit->bus), CLOCK_MONOTONIC, &now);
        return now;
}

/* ---- what was asked */

static Question *polkit_find_call(const Polkit *polkit, const sd_bus_message *m, size_t *ret_i) {
        for (Question *q = polkit->questions; q; q = q->next)
                for (size_t i = 0; i < q->n_calls; i++)
                        if (q->calls[i] == m) {
                                *ret_i = i;
                                return q;
                        }
        return NULL;
}

bool polkit_has_asked(const Polkit *polkit, const sd_bus_message *m) {
        size_t i;

        return polkit_find_call(polkit, m, &i) != NULL;
}

static void question_drop_call(Question *question, size_t i) {
        (void) sd_bus_message_unref(question->calls[i]);
        question->calls[i] = question->calls[--question->n_calls];
        if (question->n_calls == 0)
                question_free(question);
}

static void polkit_sweep(Polkit *polkit) {
        uint64_t now = polkit_now(polkit);

        for (Question *q = polkit->questions, *next; q; q = next) {
                next = q->next;
                if (q->verdict != VERDICT_NONE && now > q->decided_usec + VERDICT_KEPT_USEC)
                        question_free(q);
        }
}

/* ---- the log: one entry a decision */

static void log_decision(const PolkitRequest *request, const char *sender, uid_t uid, bool allowed, const char *why) {
        char message_id[64], action[128], subject[96], user[48], result[32], details[512] = "DETAILS=";
        const char *fields[] = { message_id, action, subject, user, result, details, NULL };
        size_t used = strlen(details);

        (void) snprintf(message_id, sizeof(message_id), "MESSAGE_ID=" MESSAGE_ID_PRIVILEGED_CALL);
        (void) snprintf(action, sizeof(action), "POLKIT_ACTION=%s", request->action);
        (void) snprintf(subject, sizeof(subject), "BUS_SENDER=%s", sender ? sender : "");
        (void) snprintf(user, sizeof(user), "CALLER_UID=%" PRIu32, (uint32_t) uid);
        (void) snprintf(result, sizeof(result), "RESULT=%s", allowed ? "allowed" : "denied");
        for (size_t i = 0; i < POLKIT_DETAILS_MAX && request->details[i].key && used < sizeof(details) - 1; i++) {
                int n = snprintf(details + used,
                                 sizeof(details) - used,
                                 "%s%s=%s",
                                 i > 0 ? " " : "",
                                 request->details[i].key,
                                 request->details[i].value);

                used = MIN2(used + (size_t) MAX2(n, 0), sizeof(details) - 1);
        }
        for (char *p = details; *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        *p = '?'; /* callers choose them, and must not write lines of their own */
        log_struct(allowed ? LOG_INFO : LOG_NOTICE,
                   fields,
                   "%s %s for uid %" PRIu32 " (%s%s%s)",
                   allowed ? "Allowed" : "Denied",
                   request->action,
                   (uint32_t) uid,
                   why,
                   used > strlen("DETAILS=") ? "; " : "",
                   details + strlen("DETAILS="));
}

/* ---- asking */

/* One that asks the same for the same connection; NULL if there is none that has room. Counts on the way. */
static Question *polkit_find_same(const Polkit *polkit,
                                  const char *sender,
                                  uid_t uid,
                                  bool interactive,
                                  const PolkitRequest *request,
                                  bool *ret_full) {
        size_t n_peer = 0, n_user = 0, n = 0;

        for (Question *q = polkit->questions; q; q = q->next) {
                bool same_peer = strcmp(q->sender, sender) == 0;

                if (same_peer && q->verdict == VERDICT_NONE && q->interactive == interactive &&
                    q->n_calls < CALLS_PER_QUESTION && question_is(q, request))
                        return q;
                n++;
                n_user += q->uid == uid;
                n_peer += same_peer;
        }
        *ret_full = n >= QUESTIONS_MAX || n_user >= QUESTIONS_PER_USER || n_peer >= QUESTIONS_PER_PEER;
        return NULL;
}

static int polkit_ask(Polkit *polkit,
                      sd_bus_message *m,
                      uid_t uid,
                      const PolkitRequest *request,
                      sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(m);
        bool interactive = sd_bus_message_get_allow_interactive_authorization(m) > 0, full = false;
        Question *question;
        int r;

        if (!sender) /* a direct link: polkit knows no name for it */
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied.");
        polkit_sweep(polkit);
        question = polkit_find_same(polkit, sender, uid, interactive, request, &full);
        if (full)
                return sd_bus_error_setf(
                        error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many requests of yours wait for authorization.");
        if (question) {
                question->calls[question->n_calls++] = sd_bus_message_ref(m);
                peers_charge(polkit->peers, m, polkit_now(polkit), 0, CALLS_PER_ANSWER);
                return 0;
        }
        r = question_new(polkit, sender, request, &question);
        if (r < 0)
                return r;
        question->uid = uid;
        question->interactive = interactive;
        r = question_ask(question);
        if (r < 0) {
                question_free(question);
                return r;
        }
        question->calls[question->n_calls++] = sd_bus_message_ref(m);
        peers_charge(polkit->peers, m, polkit_now(polkit), 0, CALLS_PER_ANSWER);
        return 0;
}

/* A challenge is one also where a dialog was allowed: nobody was there to ask. */
static int polkit_conclude(const PolkitRequest *request, const char *sender, uid_t uid, Verdict verdict, sd_bus_error *error) {
        log_decision(request, sender, uid, verdict == VERDICT_YES, "polkit");
        if (verdict == VERDICT_YES)
                return 1;
        if (verdict == VERDICT_CHALLENGE)
                return sd_bus_error_setf(error,
                                         SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                         "Interactive authentication required.");
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied.");
}

int polkit_authorize(Polkit *polkit, sd_bus_message *m, const PolkitRequest *request, sd_bus_error *error) {
        size_t i = 0;
        Question *question = polkit_find_call(polkit, m, &i);
        Verdict verdict;
        uid_t uid;
        int r;

        if (question && question->verdict != VERDICT_NONE) {
                verdict = question_is(question, request) ? question->verdict : VERDICT_NO;
                uid = question->uid;
                question_drop_call(question, i);
                r = polkit_conclude(request, sd_bus_message_get_sender(m), uid, verdict, error);
                polkit->n_denied += r < 0;
                return r;
        }
        r = peers_get_uid(polkit->peers, m, &uid);
        if (r == -ENOBUFS)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many requests of yours wait.");
        if (r < 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied.");
        if (r == 0)
                return 0;
        if ((uid == 0 || uid == geteuid()) && !polkit->ask_about_everybody) {
                log_decision(request, sd_bus_message_get_sender(m), uid, true, uid == 0 ? "root" : "own user");
                return 1;
        }
        return polkit_ask(polkit, m, uid, request, error);
}

uint64_t polkit_n_denied(const Polkit *polkit) {
        return polkit->n_denied;
}
