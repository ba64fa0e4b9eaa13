/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/daemon-options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"

int yaml_find(const char *text, const char *key, char **ret) {
        size_t n = strlen(key);

        *ret = NULL;
        for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                const char *p = line + strspn(line, " \t-\"'{");

                if (strncmp(p, key, n) != 0)
                        continue;
                p += n;
                p += strspn(p, "\"'");
                if (*p != ':')
                        continue;
                p += 1 + strspn(p + 1, " \t\"'");
                *ret = strndup(p, strcspn(p, "\"' \t\r\n,}"));
                return *ret ? 0 : -ENOMEM;
        }
        return 0;
}

const char *daemon_options_flag(const DaemonOptions *options, const char *flag) {
        const Words *words = &options->line.words;
        const char *value = NULL;
        size_t n = strlen(flag);

        for (const char *word = words_next(words, NULL); word; word = words_next(words, word)) {
                if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, flag, n) != 0)
                        continue;
                if (word[2 + n] == '=')
                        value = word + 3 + n;
                else if (word[2 + n] == '\0')
                        value = words_next(words, word);
        }
        return value && *value ? value : NULL;
}

/* ---- files */

int daemon_options_open(const DaemonOptions *options, const char *path, FILE **ret) {
        const char *roots[] = { options->root, options->host };
        int first = 0;

        for (size_t i = *options->root ? 0 : 1; i < ELEMENTSOF(roots); i++) {
                _cleanup_(freep) char *full = NULL;

                if (asprintf(&full, "%s/%s", roots[i], path + strspn(path, "/")) < 0) {
                        full = NULL;
                        return -ENOMEM;
                }
                *ret = fopen(full, "re");
                if (*ret)
                        return 0;
                if (i == 0 && errno != EACCES && errno != EPERM)
                        return -errno;
                first = first == 0 ? -errno : first;
        }
        return first == -EPERM ? -EACCES : first;
}

static int file_load(DaemonOptions *options) {
        const char *path = daemon_options_flag(options, "config");
        FILE *f;
        int r;

        if (!path)
                return 0;
        options->file = strdup(path);
        if (!options->file)
                return -ENOMEM;
        r = daemon_options_open(options, path, &f);
        if (r >= 0) {
                r = file_read_text(f, &options->text);
                (void) fclose(f);
        }
        options->error = MIN2(r, 0);
        return r == -ENOMEM ? r : 0;
}

/* The file that the command line names. `r` < 0: there is no command line. */
static int options_load(DaemonOptions *options, int r, DaemonOptions *ret) {
        if (r >= 0)
                r = file_load(options);
        if (r < 0)
                daemon_options_done(options);
        else
                *ret = *options;
        return r;
}

int daemon_options_get(const DaemonOptions *options, const char *flag, const char *key, char **ret) {
        const char *value;

        *ret = NULL;
        if (options->file)
                return options->text ? yaml_find(options->text, key, ret) : 0;
        value = daemon_options_flag(options, flag);
        if (!value)
                return 0;
        *ret = strdup(value);
        return *ret ? 0 : -ENOMEM;
}

/* The command line as /proc shows it, each word with a NUL behind it. */
static int line_from_process(const char *host, pid_t pid, CommandLine *ret) {
        char path[64];
        int r;

        (void) snprintf(path, sizeof(path), "proc/%d/cmdline", (int) pid);
        r = host_read_text(host, path, &ret->words.text);
        if (r < 0)
                return r;
        ret->words.size = (size_t) r + 1;
        (void) snprintf(ret->origin, sizeof(ret->origin), "the command line of process %d", (int) pid);
        return 0;
}

int daemon_options_from_process(const char *host, pid_t pid, DaemonOptions *ret) {
        DaemonOptions options = { .host = host };
        int r = line_from_process(host, pid, &options.line);

        (void) snprintf(options.root, sizeof(options.root), "%s/proc/%d/root", host, (int) pid);
        return options_load(&options, r, ret);
}

int daemon_options_from_unit(const char *host, const Unit *unit, DaemonOptions *ret) {
        DaemonOptions options = { .host = host };
        int r = unit_command_line(unit, host, &options.line);

        return options_load(&options, r, ret);
}

void daemon_options_done(DaemonOptions *options) {
        words_done(&options->line.words);
        free(options->file);
        free(options->text);
        *options = (DaemonOptions){ 0 };
}
