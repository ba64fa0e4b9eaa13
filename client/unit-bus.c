/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/unit.h"
#include "common/macros.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define ASK_USEC (2 * USEC_PER_SEC)

/* Where systemd is not PID 1, asking must not try to start it. */
static int ask(sd_bus *bus,
               const char *path,
               const char *interface,
               const char *member,
               const char *one,
               const char *two,
               sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, SYSTEMD, path, interface, member);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", one);
        if (r >= 0 && two)
                r = sd_bus_message_append(call, "s", two);
        return r < 0 ? r : sd_bus_call(bus, call, ASK_USEC, NULL, ret);
}

static int get(sd_bus *bus,
               const char *path,
               const char *interface,
               const char *property,
               const char *signature,
               sd_bus_message **ret) {
        int r = ask(bus, path, "org.freedesktop.DBus.Properties", "Get", interface, property, ret);

        return r < 0 ? r : sd_bus_message_enter_container(*ret, 'v', signature);
}

static int get_text(sd_bus *bus, const char *path, const char *property, char buf[static 32]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text = "";
        int r = get(bus, path, SYSTEMD ".Unit", property, "s", &reply);

        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        (void) snprintf(buf, 32, "%s", text);
        return r;
}

static int read_words(sd_bus_message *reply, Words *words) {
        const char *word;
        int r = sd_bus_message_enter_container(reply, 'a', "s");

        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &word)) > 0)
                r = words_add(words, word, strlen(word));
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int get_words(sd_bus *bus, const char *path, const char *interface, const char *property, Words *words) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = get(bus, path, interface, property, "as", &reply);

        return r < 0 ? r : read_words(reply, words);
}

static int get_files(sd_bus *bus, const char *path, Unit *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *file;
        int r, optional;

        r = get(bus, path, SYSTEMD ".Service", "EnvironmentFiles", "a(sb)", &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sb)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sb)", &file, &optional)) > 0) {
                char word[PATH_TEXT_MAX];

                (void) snprintf(word, sizeof(word), "%s%s", optional > 0 ? "-" : "", file);
                r = words_add(&unit->files, word, strlen(word));
        }
        return r;
}

static int get_command(sd_bus *bus, const char *path, Unit *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(words_done) Words flags = { 0 };
        int r;

        r = get(bus, path, SYSTEMD ".Service", "ExecStartEx", "a(sasasttttuii)", &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sasasttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'r', "sasasttttuii");
        if (r <= 0)
                return r; /* there is none */
        r = sd_bus_message_skip(reply, "s");
        if (r >= 0)
                r = read_words(reply, &unit->exec);
        if (r >= 0)
                r = read_words(reply, &flags);
        for (const char *flag = words_next(&flags, NULL); flag; flag = words_next(&flags, flag))
                unit->verbatim = unit->verbatim || strcmp(flag, "no-env-expand") == 0;
        return r;
}

static int get_all(sd_bus *bus, const char *path, Unit *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r, stale = 0;

        r = get_text(bus, path, "LoadState", unit->state);
        if (r >= 0)
                r = get_text(bus, path, "UnitFileState", unit->enabled);
        if (r >= 0)
                r = get(bus, path, SYSTEMD ".Unit", "NeedDaemonReload", "b", &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &stale);
        unit->stale = stale > 0;
        if (r >= 0)
                r = get_words(bus, path, SYSTEMD ".Unit", "DropInPaths", &unit->drop_ins);
        if (r >= 0)
                r = get_words(bus, path, SYSTEMD ".Service", "Environment", &unit->environment);
        if (r >= 0)
                r = get_files(bus, path, unit);
        return r < 0 ? r : get_command(bus, path, unit);
}

int unit_ask(sd_bus *bus, Unit *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(unit_done) Unit found = { 0 };
        const char *path;
        int r;

        r = ask(bus, SYSTEMD_PATH, SYSTEMD ".Manager", "LoadUnit", UNIT_NAME, NULL, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = get_all(bus, path, &found);
        if (r < 0)
                return r == -ENOMEM ? r : -ENXIO;
        *unit = found;
        found = (Unit){ 0 };
        return 0;
}
