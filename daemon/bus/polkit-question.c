/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to polkit: from the first call that needs its verdict to the last one that has it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/polkit-private.h"
#include "common/log.h"

/* Somebody may have to find a password first; where nobody is asked, polkit answers at once or is stuck. */
#define TIMEOUT_INTERACTIVE_USEC (300 * USEC_PER_SEC)
#define TIMEOUT_USEC (10 * USEC_PER_SEC)

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

void question_free(Question *question) {
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

int question_new(Polkit *polkit, const char *sender, const PolkitRequest *request, Question **ret) {
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

bool question_is(const Question *question, const PolkitRequest *request) {
        size_t n = 0;

        if (strcmp(question->action, request->action) != 0)
                return false;
        for (; n < POLKIT_DETAILS_MAX && request->details[n].key; n++)
                if (2 * n >= question->n_details || strcmp(question->details[2 * n], request->details[n].key) != 0 ||
                    strcmp(question->details[2 * n + 1], request->details[n].value) != 0)
                        return false;
        return 2 * n == question->n_details;
}

/* ---- the verdict */

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

int question_ask(Question *question) {
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
