/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which failures are worth a line in the log: something that fails again and again is said once in two minutes, and all
 * that fails in five lines in ten minutes, of which one is for news; as many may say that all works again. So neither one
 * broken service fills the journal, nor one of many ports that break in turn. The status has the rest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAILURE_LOG_LINES_MAX 5

/* Embedded by value, all zero is empty. */
typedef struct FailureLog {
        struct FailureLogLine {
                uint64_t hash; /* of the message */
                uint64_t logged_usec; /* CLOCK_BOOTTIME; 0 = free */
        } lines[FAILURE_LOG_LINES_MAX]; /* those of the last ten minutes, and older ones */
        bool told; /* a failure was logged since the last recovery was */
} FailureLog;

/* Whether this message is to be logged now; it is noted as logged. */
bool failure_log_failed(FailureLog *log, const char *message, uint64_t now_usec);
/* Nothing fails any more: whether that is to be logged. */
bool failure_log_recovered(FailureLog *log);
