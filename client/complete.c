/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand last on a command line, one candidate a line; the shells' scripts only ask. Silent
 * and quick whatever goes wrong, because nobody wants an error for pressing Tab.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/message-json.h"
#include "client/services.h"
#include "client/text.h"
#include "client/verbs.h"

#define COMPLETE_TIMEOUT_USEC USEC_PER_SEC

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

/* Little more than what begins so is asked for, so that an answer is quick on a large cluster. */
static void complete_services(Client *client, const char *prefix) {
        const char *slash = strchr(prefix, '/');
        _cleanup_(freep) char *namespace =
                slash ? strndup(prefix, (size_t) (slash - prefix)) : NULL;
        _cleanup_(json_object_putp) json_object *rows = NULL;

        client->options.timeout_usec = COMPLETE_TIMEOUT_USEC;
        if (!freopen("/dev/null", "w", stderr) || client_connect(client) != 0 ||
            services_fetch(client, &(ServiceFilter){ .namespace = namespace, .prefix = prefix }, &rows) != 0)
                return;
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                const char *id = json_get_text(json_object_array_get_idx(rows, i), "id");

                if (strncmp(id, prefix, strlen(prefix)) != 0)
                        continue;
                (void) text_write(stdout, id, TEXT_FOR_PEOPLE);
                (void) fputc('\n', stdout);
        }
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
                complete_services(client, last);
        return 0;
}
