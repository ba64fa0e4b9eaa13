/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the client fails: one line on stderr and an exit code. Functions of the client return 0 for
 * success, a positive ExitCode when the failure was reported already, and a negative errno when it
 * was not.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "common/macros.h"

typedef enum ExitCode {
        EXIT_CODE_FAILURE = 1,
        EXIT_CODE_USAGE = 2,
        EXIT_CODE_NOT_RUNNING = 3,
        EXIT_CODE_NOT_FOUND = 4,
        EXIT_CODE_DENIED = 5,
        EXIT_CODE_UNHEALTHY = 6,
        EXIT_CODE_TIMEOUT = 7,
} ExitCode;

/* Prints one line, control characters escaped, and returns `code`. */
int report(ExitCode code, const char *format, ...) _printf_(2, 3);

/* "<text>: <message of the bus>"; the code follows from the error. `r` is what sd_bus_call()
 * returned. */
int report_bus(const sd_bus_error *error, int r, const char *format, ...) _printf_(3, 4);

/* What of such an error is for people: borrowed from it, or static. */
const char *report_bus_text(const sd_bus_error *error, int r);

/* The last word on a result: reports a negative errno, passes others. Returns what the process
 * exits with. */
int report_result(int r);

/* EXIT_CODE_NOT_RUNNING and so on, EXIT_CODE_FAILURE if nothing fits better. */
ExitCode exit_code_from_bus(const sd_bus_error *error, int r);
