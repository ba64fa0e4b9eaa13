/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/daemon-options.h"

#include <errno.h>
#include <string.h>

#include "common/macros.h"

#define VARIABLE "IPVSPROXYD_OPTS="
#define UNIT_OPTIONS "--config=/etc/ipvsproxy/config.yaml"
#define TEXT_MAX 262144

/* As the unit names them: the later one wins. */
static const char *const environment_files[] = { "etc/default/ipvsproxyd", "etc/sysconfig/ipvsproxyd" };

static void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

int file_read_text(FILE *f, char **ret) {
        char *text = malloc(TEXT_MAX + 1);
        size_t n;

        if (!text)
                return -ENOMEM;
        n = fread(text, 1, TEXT_MAX, f);
        if (ferror(f)) {
                free(text);
                return -EIO;
        }
        text[n] = '\0';
        *ret = text;
        return (int) n;
}

static int path_read(const char *root, const char *path, char **ret) {
        _cleanup_(fclosep) FILE *f = NULL;
        _cleanup_(freep) char *full = NULL;

        if (asprintf(&full, "%s/%s", root, path) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        f = fopen(full, "re");
        return f ? file_read_text(f, ret) : -errno;
}

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

/* ---- words */

/* "X" and 'X' are X; words end with a NUL from now on. */
static int words_set(DaemonOptions *options, const char *text, size_t n) {
        char quote = n > 0 && (text[0] == '"' || text[0] == '\'') ? text[0] : '\0';

        if (quote) {
                const char *end = memchr(text + 1, quote, n - 1);

                text++;
                n = end ? (size_t) (end - text) : n - 1;
        }
        free(options->words);
        options->words = strndup(text, n);
        if (!options->words)
                return -ENOMEM;
        options->size = strlen(options->words) + 1;
        for (size_t i = 0; i + 1 < options->size; i++)
                if (strchr(" \t\r\n\\", options->words[i])) /* "\" before the end of a line: it goes on */
                        options->words[i] = '\0';
        return 0;
}

/* The last assignment counts; quotes may enclose several lines. */
static int words_from_file(DaemonOptions *options, const char *path) {
        _cleanup_(freep) char *text = NULL;
        const char *value = NULL;
        int r = path_read(options->host, path, &text);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                const char *p = line + strspn(line, " \t");

                if (strncmp(p, VARIABLE, strlen(VARIABLE)) == 0)
                        value = p + strlen(VARIABLE);
        }
        if (!value)
                return 0;
        (void) snprintf(options->origin, sizeof(options->origin), "/%s", path);
        return words_set(options, value, *value == '"' || *value == '\'' ? strlen(value) : strcspn(value, "\n"));
}

static int words_from_process(DaemonOptions *options, pid_t pid) {
        char path[64];
        int r;

        (void) snprintf(path, sizeof(path), "proc/%d/cmdline", (int) pid);
        r = path_read(options->host, path, &options->words);
        if (r < 0)
                return r;
        options->size = (size_t) r + 1;
        (void) snprintf(options->origin, sizeof(options->origin), "the command line of process %d", (int) pid);
        (void) snprintf(options->root, sizeof(options->root), "%s/proc/%d/root", options->host, (int) pid);
        return 0;
}

static int words_read(DaemonOptions *options, pid_t pid) {
        int r;

        if (pid > 0)
                return words_from_process(options, pid);
        (void) snprintf(options->origin, sizeof(options->origin), "its unit");
        r = words_set(options, UNIT_OPTIONS, strlen(UNIT_OPTIONS));
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(environment_files); i++)
                r = words_from_file(options, environment_files[i]);
        return r;
}

static const char *word_next(const DaemonOptions *options, const char *word) {
        const char *end = options->words + options->size;

        do
                word += strlen(word) + 1;
        while (word < end && !*word);
        return word < end ? word : NULL;
}

const char *daemon_options_flag(const DaemonOptions *options, const char *flag) {
        const char *value = NULL;
        size_t n = strlen(flag);

        for (const char *word = options->words; word; word = word_next(options, word)) {
                if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, flag, n) != 0)
                        continue;
                if (word[2 + n] == '=')
                        value = word + 3 + n;
                else if (word[2 + n] == '\0')
                        value = word_next(options, word);
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
        _cleanup_(fclosep) FILE *f = NULL;
        int r;

        if (!path)
                return 0;
        options->file = strdup(path);
        if (!options->file)
                return -ENOMEM;
        r = daemon_options_open(options, path, &f);
        if (r >= 0)
                r = file_read_text(f, &options->text);
        options->error = MIN2(r, 0);
        return r == -ENOMEM ? r : 0;
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

int daemon_options_read(const char *host, pid_t pid, DaemonOptions *ret) {
        DaemonOptions options = { .host = host };
        int r = words_read(&options, pid);

        if (r >= 0)
                r = file_load(&options);
        if (r < 0) {
                daemon_options_done(&options);
                return r;
        }
        *ret = options;
        return 0;
}

void daemon_options_done(DaemonOptions *options) {
        free(options->words);
        free(options->file);
        free(options->text);
        *options = (DaemonOptions){ 0 };
}
