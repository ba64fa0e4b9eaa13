/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that go through all service ports are made in parts, each of which is a fraction of a millisecond of work:
 * between two parts everything that comes before the bus in the event loop has its turn. One is made at a time, in the
 * order in which they were asked for, so that a half of one answer is all the memory they take.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#include "common/clock.h"
#include "common/macros.h"
#include "proxy/desired.h"

typedef struct Bus Bus;
typedef struct Answers Answers;
typedef struct Answer Answer;

#define ANSWERS_MAX 256
#define ANSWERS_PER_USER 32

/* What looking at a port costs, and what a part may, both in the same measure: a microsecond or so of a fast processor. */
#define ANSWER_LOOK_COST 1
#define ANSWER_PART_COST 500
/* On a slower one a part ends by time. */
#define ANSWER_PART_USEC USEC_PER_MSEC

/* What was spent on a part. */
typedef struct AnswerPart {
        uint64_t begun_usec; /* CLOCK_MONOTONIC */
        unsigned cost;
        unsigned looked; /* the cost when the clock was last looked at, which costs something too */
} AnswerPart;

#define ANSWER_PART_BEGIN ((AnswerPart) { .begun_usec = clock_now_usec(CLOCK_MONOTONIC) })
bool answer_part_is_over(AnswerPart *part);

/*
 * The functions of an answer; each gets what answers_ask() was given as `state`. They return 0, or a negative errno, which
 * is what the caller gets.
 */
typedef struct AnswerKind {
        /* Before the first port. */
        int (*begin)(Answer *answer, void *state);
        /*
         * The next port in order of ids. Adds what was done to *cost. 1 = it was not wanted any more: the answer ends before
         * it.
         */
        int (*port)(Answer *answer, const DesiredPort *port, unsigned *cost, void *state);
        /* After the last one; `more`: port() ended it. */
        int (*end)(Answer *answer, bool more, void *state);
        void (*free)(void *state);
        /* Nothing is told of service objects while it is made, so that what is told later is newer. */
        bool is_snapshot;
} AnswerKind;

struct Answer {
        struct Answer *next;
        const AnswerKind *kind;
        Bus *bus; /* borrowed */
        sd_bus_message *call, *reply; /* owned references; `call` is what `reply` answers */
        uid_t uid;
        void *state; /* owned */
        char *last; /* owned: id of the last port that was looked at */
        size_t n_bytes; /* about, beyond what bus_charge() was told */
        bool begun;
};

/* Borrows the bus room. -ENOMEM. */
int answers_new(Bus *bus, Answers **ret);
Answers *answers_free(Answers *answers);
DEFINE_CLEANUP(Answers *, answers_free);
void answers_disconnect(Answers *answers);

/*
 * Answers `m`, now or later, from the port behind the id `start_after`. Takes `state` in every case. As a handler returns:
 * 1, or a negative errno, perhaps with *error.
 */
int answers_ask(Answers *answers,
                sd_bus_message *m,
                const AnswerKind *kind,
                const char *start_after,
                void *state,
                sd_bus_error *error);

/* Whether half of a snapshot is made. */
bool answers_hold_signals(const Answers *answers);
