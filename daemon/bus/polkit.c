/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/polkit.h"

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
#define CALLS_PER_QUESTION 4
/* What asking costs of the caller's budget: polkit works too, and each decision is a line that others are to find. */
#define CALLS_PER_ANSWER 10

/* Somebody may have to find a password first; where nobody is asked, polkit answers at once or is stuck. */
#define TIMEOUT_INTERACTIVE_USEC (300 * USEC_PER_SEC)
#define TIMEOUT_USEC (10 * USEC_PER_SEC)
/* A verdict whose call does not come back for it (its object is gone by then) is thrown away. */
#define VERDICT_KEPT_USEC (10 * USEC_PER_SEC)

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

typedef enum Verdict {
        VERDICT_NONE, /* not answered yet */
        VERDICT_YES,
        VERDICT_NO,
        VERDICT_CHALLENGE, /* yes, if somebody could be asked for a password */
} Verdict;

typedef struct Question {
        struct Question *next;
        Polkit *polkit; /* borrowed */
        char *sender, *action; /* owned */
        char *details[2 * POLKIT_DETAILS_MAX]; /* owned; key, value, … */
        size_t n_details;
        uid_t uid;
        bool interactive;
        uint64_t id;
        Verdict verdict;
        uint64_t decided_usec;
        sd_bus_message *calls[CALLS_PER_QUESTION]; /* owned references; all ask the same */
        size_t n_calls;
        sd_bus_slot *ask, *watch; /* owned: the call to polkit; whether the sender is still there */
} Question;

struct Polkit {
        sd_bus *bus; /* owned reference */
        Peers *peers; /* borrowed */
        Question *questions; /* owned list */
        uint64_t last_id;
        uint64_t n_denied;
        bool ask_about_everybody;
};

static void question_free(Question *question) {
        for (Question **p = &question->polkit->questions; *p; p = &(*p)->next)
                if (*p == question) {
                        *p = question->next;
                        break;
                }
        (void) sd_bus_slot_unref(question->ask);
        (void) sd_bus_slot_unref(question->watch);
        for (size_t i = 0; i < question->n_calls; i++)
                (void) sd_bus_message_unref(question->calls[i]);
        for (size_t i = 0; i < question->n_details; i++)
                free(question->details[i]);
        free(question->sender);
        free(question->action);
        free(question);
}

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

static uint64_t polkit_now(const Polkit *polkit) {
        uint64_t now = 0;

        (void) sd_event_now(sd_bus_get_event(polkit->bus), CLOCK_MONOTONIC, &now);
        return now;
}

/* ---- what was asked */

static bool question_is(const Question *question, const PolkitRequest *request) {
        size_t n = 0;

        if (strcmp(question->action, request->action) != 0)
                return false;
        for (; n < POLKIT_DETAILS_MAX && request->details[n].key; n++)
                if (2 * n >= question->n_details || strcmp(question->details[2 * n], request->details[n].key) != 0 ||
                    strcmp(question->details[2 * n + 1], request->details[n].value) != 0)
                        return false;
        return 2 * n == question->n_details;
}

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

static Verdict verdict_read(sd_bus_message *reply) {
        int yes, challenge;

        if (sd_bus_message_is_method_error(reply, NULL) || !sd_bus_message_has_signature(reply, "(bba{ss})") ||
            sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(reply, "bb", &yes, &challenge) < 0)
                return VERDICT_NO;
        return yes ? VERDICT_YES : challenge ? VERDICT_CHALLENGE : VERDICT_NO;
}

static int on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Question *question = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        if (e)
                log_debug("polkit does not say whether %s may %s: %s", question->sender, question->action, e->message);
        question->ask = sd_bus_slot_unref(question->ask);
        question->verdict = verdict_read(reply);
        question->decided_usec = polkit_now(question->polkit);
        for (size_t i = 0; i < question->n_calls; i++)
                if (peers_put_back(question->polkit->peers, question->calls[i]) < 0)
                        (void) sd_bus_reply_method_errorf(question->calls[i], SD_BUS_ERROR_NO_MEMORY, "Out of memory.");
        return 0;
}

static void question_cancel(Question *question) {
        char id[32];

        (void) snprintf(id, sizeof(id), "ipvsproxy-%" PRIu64, question->id);
        if (question->ask)
                (void) sd_bus_call_method_async(question->polkit->bus,
                                                NULL,
                                                POLKIT_NAME,
                                                POLKIT_PATH,
                                                POLKIT_INTERFACE,
                                                "CancelCheckAuthorization",
                                                NULL,
                                                NULL,
                                                "s",
                                                id); /* a dialog that stays open is all that failure costs */
}

/* Without the match the answer of polkit, or its time-out, still ends the question. */
static int on_watch_installed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        if (e)
                log_debug("The bus does not tell when a caller leaves: %s", e->message);
        return 0;
}

/* The caller left the bus before the verdict: nothing is done for it. */
static int on_sender_gone(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *before, *after;

        if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0 || *after)
                return 0;
        question_cancel(userdata);
        question_free(userdata);
        return 0;
}

static int question_watch(Question *question) {
        char rule[256];

        (void) snprintf(rule,
                        sizeof(rule),
                        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%.64s'",
                        question->sender);
        return sd_bus_add_match_async(question->polkit->bus, &question->watch, rule, on_sender_gone, on_watch_installed, question);
}

static int question_append_details(sd_bus_message *call, const Question *question) {
        int r = sd_bus_message_open_container(call, 'a', "{ss}");

        for (size_t i = 0; r >= 0 && i < question->n_details; i += 2)
                r = sd_bus_message_append(call, "{ss}", question->details[i], question->details[i + 1]);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int question_ask(Question *question) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        uint64_t timeout = question->interactive ? TIMEOUT_INTERACTIVE_USEC : TIMEOUT_USEC;
        char id[32];
        int r;

        (void) snprintf(id, sizeof(id), "ipvsproxy-%" PRIu64, question->id);
        r = sd_bus_message_new_method_call(
                question->polkit->bus, &call, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(call,
                                          "(sa{sv})s",
                                          "system-bus-name",
                                          1,
                                          "name",
                                          "s",
                                          question->sender,
                                          question->action);
        if (r >= 0)
                r = question_append_details(call, question);
        if (r >= 0)
                r = sd_bus_message_append(call, "us", (uint32_t) question->interactive, id);
        if (r >= 0)
                r = question_watch(question);
        if (r >= 0)
                r = sd_bus_call_async(question->polkit->bus, &question->ask, call, on_verdict, question, timeout);
        return r;
}

static int question_new(Polkit *polkit, const char *sender, const PolkitRequest *request, Question **ret) {
        Question *question = calloc(1, sizeof(Question));
        bool complete;

        if (!question)
                return -ENOMEM;
        question->polkit = polkit;
        question->id = ++polkit->last_id;
        question->sender = strdup(sender);
        question->action = strdup(request->action);
        complete = question->sender && question->action;
        for (size_t i = 0; complete && i < POLKIT_DETAILS_MAX && request->details[i].key; i++) {
                question->details[question->n_details++] = strdup(request->details[i].key);
                question->details[question->n_details++] = strdup(request->details[i].value);
                complete = question->details[2 * i] && question->details[2 * i + 1];
        }
        if (!complete) {
                question_free(question);
                return -ENOMEM;
        }
        question->next = polkit->questions;
        polkit->questions = question;
        *ret = question;
        return 0;
}

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
