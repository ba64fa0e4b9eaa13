/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a command line comes out of a unit: files of variables, and variables in their places. */
#include "client/unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"

void unit_done(Unit *unit) {
        words_done(&unit->exec);
        words_done(&unit->environment);
        words_done(&unit->files);
        words_done(&unit->drop_ins);
}

/* ---- files of variables */

static size_t name_length(const char *text) {
        size_t n = 0;

        while (isalnum((unsigned char) text[n]) || text[n] == '_')
                n++;
        return n;
}

/*
 * What stands behind "NAME=" into `buf`, and *text behind it: blanks at the end do not count, quotes may enclose
 * several lines, "\" before the end of a line joins it with the next (parse_env_file() of systemd).
 */
static size_t value_take(const char **text, char *buf) {
        const char *p = *text;
        size_t n = 0, kept = 0; /* up to where blanks count */
        char quote = '\0';

        for (p += strspn(p, " \t"); *p && (quote || (*p != '\n' && *p != '\r')); p++) {
                if (quote ? *p == quote : *p == '"' || *p == '\'') {
                        quote = quote ? '\0' : *p;
                } else if (*p == '\\' && p[1] && quote != '\'') {
                        p++;
                        if (*p == '\n')
                                continue;
                        if (quote && !strchr("\"\\`$", *p))
                                buf[n++] = '\\';
                        buf[n++] = *p;
                } else {
                        buf[n++] = *p;
                        if (!quote && strchr(" \t", *p))
                                continue;
                }
                kept = n;
        }
        *text = p;
        return kept;
}

static int variables_read(const char *text, Words *variables) {
        _cleanup_(freep) char *buf = malloc(strlen(text) + 1);
        int r = buf ? 0 : -ENOMEM;

        while (r >= 0 && *(text += strspn(text, " \t\r\n"))) {
                size_t n = name_length(text);

                if (n == 0 || text[n] != '=') {
                        text += strcspn(text, "\n");
                        continue;
                }
                memcpy(buf, text, n + 1);
                text += n + 1;
                n += 1 + value_take(&text, buf + n + 1);
                r = words_add(variables, buf, n);
        }
        return r;
}

/* ---- variables in their places */

/* The last one that is set counts, and files go before the unit. Borrowed; "" if it is not set. */
static const char *variable_get(const Words *variables, const char *name, size_t n) {
        const char *value = words_value(variables, name, n);

        return value ? value : "";
}

/* "a${B}$$c" → a, what B is, "$c" */
static int word_expand(const char *word, const Words *variables, Words *ret) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return -ENOMEM;
        while (*word) {
                const char *name = word + 2;
                size_t n;

                if (strncmp(word, "$$", 2) == 0) {
                        (void) fputc('$', f);
                        word += 2;
                } else if (strncmp(word, "${", 2) == 0 && (n = name_length(name)) > 0 && name[n] == '}') {
                        (void) fputs(variable_get(variables, name, n), f);
                        word = name + n + 1;
                } else
                        (void) fputc(*word++, f);
        }
        return fclose(f) == 0 ? words_add(ret, text, size) : -ENOMEM;
}

/* "$A" alone becomes the words of what A is, which may be none. */
static int words_expand(const Unit *unit, const Words *variables, Words *ret) {
        int r = 0;

        for (const char *word = words_next(&unit->exec, NULL); r >= 0 && word; word = words_next(&unit->exec, word)) {
                size_t n = *word == '$' ? name_length(word + 1) : 0;

                if (unit->verbatim)
                        r = words_add(ret, word, strlen(word));
                else if (n > 0 && word[n + 1] == '\0')
                        r = words_split(ret, variable_get(variables, word + 1, n));
                else
                        r = word_expand(word, variables, ret);
        }
        return r;
}

/* Does the command use a variable that this file sets? */
static bool exec_uses(const Words *exec, const Words *variables) {
        for (const char *word = words_next(exec, NULL); word; word = words_next(exec, word))
                for (const char *p = word; (p = strchr(p, '$')); p++) {
                        const char *name = p + 1 + (p[1] == '{');
                        size_t n = name_length(name);

                        if (n > 0 && words_value(variables, name, n))
                                return true;
                }
        return false;
}

static void note_missing(CommandLine *line, const char *path, int error) {
        (void) snprintf(line->missing, sizeof(line->missing), "%s", path);
        line->error = error;
}

/* Those of one file behind the others. One that may be missing is no matter if it is. */
static int file_add(const Unit *unit, const char *host, const char *file, Words *variables, CommandLine *line) {
        _cleanup_(words_done) Words own = { 0 };
        _cleanup_(freep) char *text = NULL;
        bool optional = *file == '-';
        const char *path = file + optional;
        int r = host_read_text(host, path, &text);

        if (r >= 0)
                r = variables_read(text, &own);
        if (r < 0) {
                if (r != -ENOMEM && (!optional || r != -ENOENT))
                        note_missing(line, path, r);
                return r == -ENOMEM ? r : 0;
        }
        if (exec_uses(&unit->exec, &own))
                (void) snprintf(line->origin, sizeof(line->origin), "%s", path);
        for (const char *word = words_next(&own, NULL); r >= 0 && word; word = words_next(&own, word))
                r = words_add(variables, word, strlen(word));
        return r;
}

int unit_command_line(const Unit *unit, const char *host, CommandLine *ret) {
        _cleanup_(words_done) Words variables = { 0 };
        CommandLine line = { 0 };
        const Words *environment = &unit->environment;
        int r = 0;

        (void) snprintf(line.origin, sizeof(line.origin), "its unit%s", unit->drop_ins.size > 0 ? " and drop-ins" : "");
        for (const char *word = words_next(environment, NULL); r >= 0 && word; word = words_next(environment, word))
                r = words_add(&variables, word, strlen(word));
        for (const char *file = words_next(&unit->files, NULL); r >= 0 && file; file = words_next(&unit->files, file))
                r = file_add(unit, host, file, &variables, &line);
        if (r >= 0)
                r = words_expand(unit, &variables, &line.words);
        if (r < 0) {
                words_done(&line.words);
                return r;
        }
        *ret = line;
        return 0;
}
