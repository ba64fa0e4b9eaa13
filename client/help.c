/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client says about itself, out of its tables of commands and options. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/report.h"
#include "client/text.h"
#include "client/verbs.h"

#define HELP_COLUMN 34

#define LEFT_SIZE 128

static void help_entry(const Client *client, const char *left, const char *help) {
        size_t width = text_width(left);

        (void) printf("  %s", left);
        if (width + 2 >= HELP_COLUMN) {
                (void) fputc('\n', stdout);
                width = 0;
                (void) printf("  ");
        }
        (void) printf("%*s", (int) (HELP_COLUMN - 2 - width), "");
        (void) text_write_wrapped(stdout, help, HELP_COLUMN, HELP_COLUMN, client->width);
        (void) fputc('\n', stdout);
}

static void help_verb(const Client *client, const Verb *verb) {
        char left[LEFT_SIZE];

        (void) snprintf(left, sizeof(left), "%s %s", verb->name, verb->args);
        help_entry(client, left, verb->help);
}

static void help_option(const Client *client, const OptionSpec *spec) {
        char letter[4] = "  ", left[LEFT_SIZE];

        if (spec->letter)
                (void) snprintf(letter, sizeof(letter), "-%c", spec->letter);
        (void) snprintf(left, sizeof(left), "%s%s%s%s%s%s", letter,
                        spec->letter && spec->name ? " " : "", !spec->letter ? " " : "",
                        spec->name ? "--" : "", spec->name ? spec->name : "", spec->arg ? "=" : "");
        if (spec->arg)
                (void) snprintf(left + strlen(left), sizeof(left) - strlen(left), "%s", spec->arg);
        help_entry(client, left, spec->help);
}

/* Options of one verb, or those of all verbs for NULL. */
static void help_options(const Client *client, const char *verb, const char *title) {
        bool any = false;

        for (size_t i = 0; i < n_option_table; i++) {
                const char *verbs = option_table[i].verbs;

                if (verb ? !verbs || !options_word_in(verbs, verb, ' ') : verbs != NULL)
                        continue;
                if (!any)
                        (void) printf("\n%s:\n", title);
                any = true;
                help_option(client, &option_table[i]);
        }
}

int verb_help(Client *client, int n_words, char *words[]) {
        const Verb *verb = n_words > 0 ? verb_find(words[0]) : NULL;

        if (n_words > 0 && !verb)
                return report(EXIT_CODE_USAGE,
                              "Unknown command \"%s\"; \"ipvsproxyctl help\" lists them.",
                              words[0]);
        client_page(client);
        if (verb) {
                (void) printf("ipvsproxyctl %s [OPTION...] %s\n\n%s.\n", verb->name, verb->args,
                              verb->help);
                help_options(client, verb->name, "Options");
                help_options(client, NULL, "Options of all commands");
        } else {
                (void) printf("ipvsproxyctl [OPTION...] [COMMAND]\n\nShow and steer the Kubernetes "
                              "IPVS proxy of this node.\n\nCommands:\n");
                for (size_t i = 0; i < n_verb_table; i++)
                        if (!(verb_table[i].flags & VERB_HIDDEN))
                                help_verb(client, &verb_table[i]);
                help_options(client, NULL, "Options");
                (void) printf("\nMore: \"ipvsproxyctl help COMMAND\", man ipvsproxyctl(8).\n");
        }
        return 0;
}

int verb_version(Client *client, int n_words, char *words[]) {
        return printf("ipvsproxyctl " PACKAGE_VERSION "\n") < 0 ? -5 : 0;
}
