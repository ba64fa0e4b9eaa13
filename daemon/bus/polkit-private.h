/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of polkit.h: polkit.c for who may and what is logged of it, polkit-question.c for the way to polkit and back. */
#pragma once

#include <stdint.h>

#include "bus/polkit.h"

#define CALLS_PER_QUESTION 4

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

uint64_t polkit_now(const Polkit *polkit); /* CLOCK_MONOTONIC, of this event loop turn */

/* polkit-question.c: one in the list of questions. -ENOMEM. */
int question_new(Polkit *polkit, const char *sender, const PolkitRequest *request, Question **ret);
void question_free(Question *question);
/* Whether this is what was asked, to the last detail. */
bool question_is(const Question *question, const PolkitRequest *request);
/*
 * Sends it. When the verdict is there its calls are dispatched again; when the sender leaves before, it is freed. -errno: it was
 * not sent, and is still the caller's to free.
 */
int question_ask(Question *question);
