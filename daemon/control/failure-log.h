/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which failures are worth a line in the log: something that fails again and again is said once in two minutes, so that
 * one broken service does not fill the journal (at most five lines in ten minutes, and as many that it works again).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAILURE_LOG_SLOTS 16

/* Embedded by value, all zero is empty. */
typedef struct FailureLog {
        struct FailureLogSlot {
                uint64_t hash; /* of the message */
                uint64_t logged_usec; /* CLOCK_BOOTTIME; 0 = free */
        } slots[FAILURE_LOG_SLOTS];
        bool told; /* a failure was logged since the last recovery was */
} FailureLog;

/* Whether this message is to be logged now; it is noted as logged. */
bool failure_log_failed(FailureLog *log, const char *message, uint64_t now_usec);
/* Nothing fails any more: whether that is to be logged. */
bool failure_log_recovered(FailureLog *log);
