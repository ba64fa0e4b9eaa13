/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A private bus with the fake daemon on it, and ipvsproxyctl run against both. */
#pragma once

#include "tests/unit/test.h"

#include <sys/types.h>

#define BENCH_CLIENT "./ipvsproxyctl"
#define BENCH_OUTPUT_MAX 16384

/* The private bus and the daemon on it. */
typedef struct Bench {
        char folder[32], address[256];
        pid_t bus, fake; /* 0 = not running */
} Bench;

typedef struct Case {
        const char *line; /* words separated by spaces */
        int code;
        const char *out, *err; /* NULL = not looked at */
} Case;

typedef struct Output {
        int code; /* 128 + n for signal n */
        char out[BENCH_OUTPUT_MAX], err[BENCH_OUTPUT_MAX];
} Output;

/* For cmocka_run_group_tests(): *state is the Bench. */
int bench_open(void **state);
int bench_close(void **state);

/* `state` of the daemon; after `msec` it runs, unless NULL. One that runs is killed first. */
void bench_start_fake(Bench *bench, const char *state, const char *msec);
void bench_stop(pid_t *pid);

/* ipvsproxyctl with the words of a line; '' is an empty word. */
void bench_run(const Bench *bench, const char *line, Output *ret);
void test_one(const Bench *bench, const Case *c);
void test_cases(const Bench *bench, const Case cases[], size_t n);
#define TEST_CASES(bench, cases) test_cases(bench, cases, ELEMENTSOF(cases))

/* sh -c with ctl(), $BUS, $FAKE and $OUT, a file to write to. The exit code. */
int bench_shell(const Bench *bench, const char *script);
