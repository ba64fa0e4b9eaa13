/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: one table of options feeds parsing, help and completion. Options of single
 * verbs are refused elsewhere. Strings are borrowed from argv.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

typedef enum JsonMode {
        JSON_MODE_OFF,
        JSON_MODE_SHORT,
        JSON_MODE_PRETTY,
} JsonMode;

typedef enum ColorMode {
        COLOR_MODE_AUTO,
        COLOR_MODE_ALWAYS,
        COLOR_MODE_NEVER,
} ColorMode;

typedef struct Options {
        JsonMode json;
        ColorMode color;
        bool names_only, wide;
        bool full, no_pager, no_legend, quiet, no_ask_password;
        bool help, version;
        bool value, exact, rate, no_block, wait, batch, dry_run, while_running, ipvs;
        const char *namespace;
        const char *address;         /* of the bus, NULL = the system bus */
        const char *service_address; /* list: one that the services have */
        const char *state, *protocol;
        const char *wait_for;
        const char *properties; /* separated by commas, NULL = all */
        const char *events;     /* monitor: separated by commas, NULL = all */
        const char *order;      /* top: a column */
        const char *weight, *reason;
        uint64_t interval_usec, deadline_usec, expires_usec; /* 0 = not given */
        uint64_t timeout_usec;                               /* 0 = not given */
        uint64_t count;                                      /* top: screens, 0 = no end */
        bool given[48];                                      /* index into option_table */
} Options;

typedef struct OptionSpec {
        const char *name;
        char letter;        /* or 0 */
        const char *arg;    /* its name in the help, NULL = takes none */
        const char *values; /* what completion offers, separated by spaces, or NULL */
        const char *verbs;  /* separated by spaces, NULL = all */
        int (*parse)(Options *options, void *field, const char *arg);
        size_t offset;
        const char *help;
} OptionSpec;

extern const OptionSpec option_table[];
extern const size_t n_option_table;

/* Sets *ret_first to the first word that is no option; argv is reordered. EXIT_CODE_USAGE once
 * reported. */
int options_parse(Options *options, int argc, char *argv[], int *ret_first);

/* EXIT_CODE_USAGE, reported, if an option was given that is not for this verb. */
int options_check_verb(const Options *options, const char *verb);

/* Is `word` among those of a list separated by `separator`? */
bool options_word_in(const char *list, const char *word, char separator) _pure_;
