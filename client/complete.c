/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand last on a command line, one candidate a line; the shells' scripts only ask. Silent
 * and quick whatever goes wrong, because nobody wants an error for pressing Tab.
 */
#include "client/complete.h"

#include <stdio.h>
#include <string.h>

#include "client/verbs.h"

static void candidate(const char *prefix, const char *front, const char *text) {
        size_t n = strlen(front);

        if (strncmp(prefix, front, MIN2(n, strlen(prefix))) != 0)
                return;
        if (strlen(prefix) > n && strncmp(prefix + n, text, strlen(prefix) - n) != 0)
                return;
        (void) printf("%s%s\n", front, text);
}

/* The words of a list separated by spaces. */
static void candidates(const char *prefix, const char *front, const char *list) {
        char word[64];

        for (const char *p = list; *p;) {
                size_t n = strcspn(p, " ");

                (void) snprintf(word, sizeof(word), "%.*s", (int) n, p);
                candidate(prefix, front, word);
                p += n + (p[n] == ' ');
        }
}

static void complete_options(const char *prefix, const Verb *verb) {
        for (size_t i = 0; i < n_option_table; i++) {
                const OptionSpec *spec = &option_table[i];
                char front[64];

                if (!spec->name ||
                    (verb && spec->verbs && !options_word_in(spec->verbs, verb->name, ' ')))
                        continue;
                (void) snprintf(front, sizeof(front), "--%s%s", spec->name, spec->arg ? "=" : "");
                if (spec->values && strncmp(prefix, front, strlen(front)) == 0)
                        candidates(prefix, front, spec->values);
                else
                        candidate(prefix, front, "");
        }
}

static void complete_verbs(const char *prefix) {
        for (size_t i = 0; i < n_verb_table; i++)
                if (!(verb_table[i].flags & VERB_HIDDEN))
                        candidate(prefix, verb_table[i].name, "");
}

static void complete_id(Client *client, const char *prefix) {
        if (freopen("/dev/null", "w", stderr) && client_connect(client) == 0)
                complete_services(client, prefix);
}

int verb_complete(Client *client, int n_words, char *words[]) {
        const char *last = n_words > 0 ? words[n_words - 1] : "";
        const Verb *verb = NULL;
        int n_before = 0; /* words between the verb and the last */

        for (int i = 0; i < n_words - 1; i++)
                if (verb)
                        n_before += *words[i] != '-';
                else
                        verb = verb_find(words[i]);
        if (*last == '-')
                complete_options(last, verb);
        else if (!verb || (strcmp(verb->name, "help") == 0 && n_before == 0))
                complete_verbs(last);
        else if (verb->first && n_before == 0)
                candidates(last, "", verb->first);
        else if (verb->flags & VERB_SERVICES && (size_t) n_before < verb->max)
                complete_id(client, last);
        return 0;
}
