/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit from its files, as systemd.unit(5) has it: of files of the same name that of the first folder counts; drop-ins
 * are read behind the unit, in order of their names, whichever folder they are in. Only the three settings that matter
 * are looked at, and of specifiers only "%%".
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/unit.h"
#include "common/macros.h"

#define BLANKS " \t\r\n"
#define DROP_INS_MAX 64

static const char *const folders[] = {
        "etc/systemd/system.control",  "run/systemd/system.control", "run/systemd/transient",
        "run/systemd/generator.early", "etc/systemd/system",         "run/systemd/system",
        "run/systemd/generator",       "usr/local/lib/systemd/system", "usr/lib/systemd/system",
        "lib/systemd/system",          "run/systemd/generator.late",
};
/* The second is for all services; of the same name the first counts. */
static const char *const drop_in_folders[] = { UNIT_NAME ".d", "service.d" };

/* ---- one file */

static void unit_set_state(Unit *unit, const char *state) {
        (void) snprintf(unit->state, sizeof(unit->state), "%s", state);
}

/* The path of an executable may have a few characters with a meaning in front. */
static int exec_set(Unit *unit, const char *value) {
        const char *path = value + strspn(value, "@-:+!|");
        size_t n = (size_t) (path - value);
        _cleanup_(words_done) Words words = { 0 };
        const char *word;
        int r;

        /* A second one without an empty one before is refused by systemd, for services of this type. */
        if (unit->exec.size > 0)
                unit_set_state(unit, "bad-setting");
        words_done(&unit->exec);
        unit->verbatim = memchr(value, ':', n);
        r = words_split(&words, path);
        word = words_next(&words, NULL);
        if (word && memchr(value, '@', n)) /* the next one is the name that the program is told */
                word = words_next(&words, word);
        for (; r >= 0 && word; word = words_next(&words, word))
                r = words_add(&unit->exec, word, strlen(word));
        return r;
}

static int environment_add(Unit *unit, const char *value) {
        return words_split(&unit->environment, value);
}

static int files_add(Unit *unit, const char *value) {
        return words_add(&unit->files, value, strlen(value));
}

static int setting_apply(Unit *unit, const char *key, char *value) {
        const struct {
                const char *key;
                Words *words;
                int (*add)(Unit *unit, const char *value);
        } settings[] = {
                { "ExecStart", &unit->exec, exec_set },
                { "Environment", &unit->environment, environment_add },
                { "EnvironmentFile", &unit->files, files_add },
        };

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                if (strcmp(settings[i].key, key) != 0)
                        continue;
                if (!*value) {
                        words_done(settings[i].words);
                        if (settings[i].add == exec_set)
                                unit_set_state(unit, "loaded");
                        return 0;
                }
                for (char *p = value; (p = strstr(p, "%%")); p++)
                        memmove(p, p + 1, strlen(p));
                return settings[i].add(unit, value);
        }
        return 0;
}

/* Without comments, and with the next line behind one that ends with "\". */
static void text_join(char *text) {
        char *out = text;

        for (const char *p = text; *p;) {
                size_t n = strcspn(p, "\n"), blank = strspn(p, " \t");
                bool comment = p[blank] == '#' || p[blank] == ';';
                bool more = !comment && n > 0 && p[n - 1] == '\\', ends = p[n] == '\n';

                if (!comment) {
                        memmove(out, p, n);
                        out += n;
                        if (more)
                                out[-1] = ' ';
                        else if (ends)
                                *out++ = '\n';
                }
                p += n + ends;
        }
        *out = '\0';
}

/* "Key = value", in place; false if it is none. */
static bool line_split(char *line, char **ret_key, char **ret_value) {
        char *key = line + strspn(line, BLANKS), *value = strchr(key, '=');

        if (!value)
                return false;
        for (char *end = value; end >= key && (end == value || strchr(BLANKS, *end)); end--)
                *end = '\0';
        value += 1 + strspn(value + 1, BLANKS);
        for (size_t n = strlen(value); n > 0 && strchr(BLANKS, value[n - 1]); n--)
                value[n - 1] = '\0';
        *ret_key = key;
        *ret_value = value;
        return true;
}

static int file_apply(Unit *unit, char *text) {
        char *key, *value, *save = NULL;
        bool ours = false;
        int r = 0;

        text_join(text);
        for (char *line = strtok_r(text, "\n", &save); r >= 0 && line; line = strtok_r(NULL, "\n", &save)) {
                size_t blank = strspn(line, BLANKS);

                if (line[blank] == '[')
                        ours = strncmp(line + blank, "[Service]", 9) == 0;
                else if (ours && line_split(line, &key, &value))
                        r = setting_apply(unit, key, value);
        }
        return r;
}

/* ---- which files */

static bool is_masked(const char *path) {
        char target[16];
        struct stat st;
        ssize_t n = readlink(path, target, sizeof(target));

        return (n == 9 && strncmp(target, "/dev/null", 9) == 0) || (stat(path, &st) == 0 && st.st_size == 0);
}

/* -ENOENT, -EACCES and the like if it cannot be read */
static int path_apply(Unit *unit, const char *path) {
        _cleanup_(freep) char *text = NULL;
        int r = host_read_text("", path, &text);

        return r < 0 ? r : file_apply(unit, text);
}

static int unit_apply(const char *host, Unit *unit) {
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                char path[PATH_TEXT_MAX];
                int r;

                (void) snprintf(path, sizeof(path), "%s/%s/" UNIT_NAME, host, folders[i]);
                if (is_masked(path)) {
                        unit_set_state(unit, "masked");
                        return 0;
                }
                unit_set_state(unit, "loaded");
                r = path_apply(unit, path);
                if (r >= 0 || r == -ENOMEM)
                        return r;
        }
        unit_set_state(unit, "not-found");
        return 0;
}

typedef struct DropIns {
        char *paths[DROP_INS_MAX]; /* owned; sorted by the name of the file */
        size_t n;
} DropIns;

static void drop_ins_done(DropIns *drop_ins) {
        for (size_t i = 0; i < drop_ins->n; i++)
                free(drop_ins->paths[i]);
}

static const char *path_name(const char *path) {
        return strrchr(path, '/') + 1;
}

/* The first of a name counts. */
static int drop_in_add(DropIns *drop_ins, const char *folder, const char *name) {
        size_t n = strlen(name), at = 0;
        char *path;

        if (n < 6 || strcmp(name + n - 5, ".conf") != 0 || *name == '.' || drop_ins->n == DROP_INS_MAX)
                return 0;
        while (at < drop_ins->n && strcmp(path_name(drop_ins->paths[at]), name) < 0)
                at++;
        if (at < drop_ins->n && strcmp(path_name(drop_ins->paths[at]), name) == 0)
                return 0;
        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return -ENOMEM;
        memmove(&drop_ins->paths[at + 1], &drop_ins->paths[at], (drop_ins->n - at) * sizeof(char *));
        drop_ins->paths[at] = path;
        drop_ins->n++;
        return 0;
}

static int drop_ins_find(const char *host, const char *below, DropIns *drop_ins) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(folders); i++) {
                char folder[PATH_TEXT_MAX];
                const struct dirent *entry;
                DIR *dir;

                (void) snprintf(folder, sizeof(folder), "%s/%s/%s", host, folders[i], below);
                dir = opendir(folder);
                while (dir && r >= 0 && (entry = readdir(dir)))
                        r = drop_in_add(drop_ins, folder, entry->d_name);
                if (dir)
                        (void) closedir(dir);
        }
        return r;
}

int unit_read(const char *host, Unit *ret) {
        _cleanup_(drop_ins_done) DropIns drop_ins = { 0 };
        _cleanup_(unit_done) Unit unit = { 0 };
        int r = unit_apply(host, &unit);

        if (r >= 0 && unit.exec.size > 0)
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(drop_in_folders); i++)
                        r = drop_ins_find(host, drop_in_folders[i], &drop_ins);
        for (size_t i = 0; r >= 0 && r != -ENOMEM && i < drop_ins.n; i++) {
                const char *path = drop_ins.paths[i];

                if (is_masked(path))
                        continue;
                r = path_apply(&unit, path);
                if (r >= 0)
                        r = words_add(&unit.drop_ins, path + strlen(host), strlen(path + strlen(host)));
                r = r == -ENOMEM ? r : 0;
        }
        if (r < 0)
                return r;
        *ret = unit;
        unit = (Unit){ 0 };
        return 0;
}
