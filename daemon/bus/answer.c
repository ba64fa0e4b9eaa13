/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/answer.h"

#include <errno.h>
#include <string.h>

#include "bus/bus-private.h"

#define UID_UNKNOWN ((uid_t) -1)

struct Answers {
        Bus *bus; /* borrowed */
        Answer *first, *last; /* owned queue; the first one is being made */
        size_t n_answers;
        sd_event_source *turn;
};

static Answer *answer_free(Answer *answer) {
        if (!answer)
                return NULL;
        if (answer->state)
                answer->kind->free(answer->state);
        (void) sd_bus_message_unref(answer->reply);
        (void) sd_bus_message_unref(answer->call);
        free(answer->last);
        free(answer);
        return NULL;
}
DEFINE_CLEANUP(Answer *, answer_free);

static int answer_new(Bus *bus,
                      sd_bus_message *m,
                      const AnswerKind *kind,
                      const char *start_after,
                      void *state,
                      Answer **ret) {
        _cleanup_(answer_freep) Answer *answer = calloc(1, sizeof(Answer));
        int r;

        if (!answer) {
                kind->free(state);
                return -ENOMEM;
        }
        *answer = (Answer) { .kind = kind, .bus = bus, .call = sd_bus_message_ref(m), .state = state };
        answer->last = strdup(start_after);
        if (!answer->last)
                return -ENOMEM;
        r = sd_bus_message_new_method_return(m, &answer->reply);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(answer);
        return 0;
}

/* ---- making */

/* One port; 1 = it ends the answer. */
static int answer_look(Answer *answer, const char *id, unsigned *cost) {
        const DesiredPort *port = desired_find(manager_desired(answer->bus->manager), id);
        char *last;
        int r;

        *cost += ANSWER_LOOK_COST;
        r = port ? answer->kind->port(answer, port, cost, answer->state) : 0;
        if (r != 0)
                return r;
        last = strdup(id);
        if (!last)
                return -ENOMEM;
        free(answer->last);
        answer->last = last;
        return 0;
}

bool answer_part_is_over(AnswerPart *part) {
        if (part->cost >= ANSWER_PART_COST)
                return true;
        if (part->cost - part->looked < ANSWER_PART_COST / 20)
                return false;
        part->looked = part->cost;
        return clock_now_usec(CLOCK_MONOTONIC) - part->begun_usec >= ANSWER_PART_USEC;
}

/* 1 = there is more to do. */
static int answer_part(Answer *answer) {
        const Index *index = answer->bus->index;
        AnswerPart part = ANSWER_PART_BEGIN;
        const char *id = NULL;
        size_t position;
        int r;

        r = index_settle(answer->bus->index);
        if (r >= 0 && !answer->begun) {
                answer->begun = true;
                r = MIN2(answer->kind->begin(answer, answer->state), 0);
        }
        /* Ports come and go between two parts, the order of their ids stays. */
        position = index_after(index, answer->last);
        for (; r == 0 && !answer_part_is_over(&part) && (id = index_get(index, &position)); position++)
                r = answer_look(answer, id, &part.cost);
        if (r == 0 && id)
                return 1;
        if (r >= 0)
                r = answer->kind->end(answer, /* more= */ r > 0, answer->state);
        return MIN2(r, 0); /* sd-bus says 1 here and there */
}

/* The same, and sends what is complete. Where the bus takes nothing, what waits is dropped, as new calls are. */
static int answer_go_on(Answer *answer) {
        int r;

        if (bus_is_clogged(answer->bus))
                return 0;
        r = answer_part(answer);
        if (r > 0)
                return 1;
        if (r >= 0)
                r = sd_bus_send(NULL, answer->reply, NULL);
        if (r >= 0)
                answer->bus->unsent_bytes += answer->n_bytes;
        if (r < 0)
                (void) sd_bus_reply_method_errno(answer->call, r, NULL); /* who left gets no answer */
        return 0;
}

static void answers_drop_first(Answers *answers) {
        Answer *answer = answers->first;

        answers->first = answer->next;
        if (!answers->first)
                answers->last = NULL;
        answers->n_answers--;
        (void) answer_free(answer);
        signals_go_on(answers->bus->signals);
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        Answers *answers = userdata;

        if (answers->first && answer_go_on(answers->first) == 0)
                answers_drop_first(answers);
        return answers->first ? bus_take_turn(source) : 0;
}

/* ---- asking */

static bool answers_are_full(const Answers *answers, uid_t uid) {
        size_t n = 0;

        for (const Answer *a = answers->first; a; a = a->next)
                n += a->uid == uid;
        return answers->n_answers >= ANSWERS_MAX || n >= ANSWERS_PER_USER;
}

int answers_ask(Answers *answers,
                sd_bus_message *m,
                const AnswerKind *kind,
                const char *start_after,
                void *state,
                sd_bus_error *error) {
        _cleanup_(answer_freep) Answer *answer = NULL;
        uid_t uid = UID_UNKNOWN;
        int r;

        r = answer_new(answers->bus, m, kind, start_after, state, &answer);
        if (r < 0)
                return r;
        if (!sd_bus_message_get_expect_reply(m))
                return 1;
        r = peers_get_uid(answers->bus->peers, m, &uid);
        if (r == 0)
                return 1;
        answer->uid = r > 0 ? uid : UID_UNKNOWN;
        if (answers_are_full(answers, answer->uid))
                return sd_bus_error_setf(
                        error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many long answers to you are being made; wait a little.");
        /* Most are short and need not wait for those that are not. */
        if ((!answers->first || !kind->is_snapshot) && answer_go_on(answer) == 0)
                return 1;
        r = bus_take_turn(answers->turn);
        if (r < 0)
                return r;
        *(answers->last ? &answers->last->next : &answers->first) = answer;
        answers->last = TAKE_PTR(answer);
        answers->n_answers++;
        return 1;
}

bool answers_hold_signals(const Answers *answers) {
        return answers->first && answers->first->begun && answers->first->kind->is_snapshot;
}

/* ---- life */

int answers_new(Bus *bus, Answers **ret) {
        _cleanup_(answers_freep) Answers *answers = calloc(1, sizeof(Answers));
        int r;

        if (!answers)
                return -ENOMEM;
        answers->bus = bus;
        r = bus_add_turn(bus, &answers->turn, on_turn, answers, "bus-answers");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(answers);
        return 0;
}

Answers *answers_free(Answers *answers) {
        if (!answers)
                return NULL;
        answers_disconnect(answers);
        (void) sd_event_source_disable_unref(answers->turn);
        free(answers);
        return NULL;
}

void answers_disconnect(Answers *answers) {
        while (answers->first)
                answers_drop_first(answers);
}
