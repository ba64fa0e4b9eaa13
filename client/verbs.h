/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands: one table feeds dispatch, help and completion. */
#pragma once

#include "client/client.h"

typedef enum VerbFlags {
        VERB_LOCAL = 1 << 0,    /* needs no bus */
        VERB_PASSIVE = 1 << 1,  /* must not start the daemon */
        VERB_SERVICES = 1 << 2, /* its words are services, for completion */
        VERB_HIDDEN = 1 << 3,   /* in neither help nor completion */
        VERB_VERBATIM = 1 << 4, /* its words are a command, whose options are not ours */
} VerbFlags;

#define VERB_ANY SIZE_MAX

typedef struct Verb {
        const char *name;
        size_t min, max; /* words behind it */
        unsigned flags;
        int (*run)(Client *client, int n_words, char *words[]);
        const char *args;  /* for the help */
        const char *first; /* what its first word may be, separated by spaces, or NULL */
        const char *help;
} Verb;

extern const Verb verb_table[];
extern const size_t n_verb_table;

const Verb *verb_find(const char *name);

/* What main() does: the exit code. */
int client_main(int argc, char *argv[]);

int verb_status(Client *client, int n_words, char *words[]);
int verb_list(Client *client, int n_words, char *words[]);
int verb_find_address(Client *client, int n_words, char *words[]);
int verb_show(Client *client, int n_words, char *words[]);
int verb_endpoints(Client *client, int n_words, char *words[]);
int verb_stats(Client *client, int n_words, char *words[]);
int verb_resync(Client *client, int n_words, char *words[]);
int verb_wait(Client *client, int n_words, char *words[]);
int verb_log_level(Client *client, int n_words, char *words[]);
int verb_explain(Client *client, int n_words, char *words[]);
int verb_top(Client *client, int n_words, char *words[]);
int verb_monitor(Client *client, int n_words, char *words[]);
int verb_dump(Client *client, int n_words, char *words[]);
int verb_drift(Client *client, int n_words, char *words[]);
int verb_plan(Client *client, int n_words, char *words[]);
int verb_reload(Client *client, int n_words, char *words[]);
int verb_reset_stats(Client *client, int n_words, char *words[]);
int verb_drain(Client *client, int n_words, char *words[]);
int verb_undrain(Client *client, int n_words, char *words[]);
int verb_override(Client *client, int n_words, char *words[]);
int verb_endpoint(Client *client, int n_words, char *words[]);
int verb_hold(Client *client, int n_words, char *words[]);
int verb_doctor(Client *client, int n_words, char *words[]);
int verb_takeover(Client *client, int n_words, char *words[]);
int verb_help(Client *client, int n_words, char *words[]);
int verb_version(Client *client, int n_words, char *words[]);
int verb_complete(Client *client, int n_words, char *words[]);

/* Of several commands: the newest rows of ListDrift, not reported. */
int drift_fetch(Client *client, uint32_t limit, sd_bus_error *error, json_object **ret);
