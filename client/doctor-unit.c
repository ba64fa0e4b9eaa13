/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor finds out about the unit that starts the daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/doctor.h"

/* The rest matters while there is one: a daemon that runs without its unit runs in a container. */
static void check_absent(Doctor *doctor) {
        if (!doctor->daemon && host_find_process(doctor->root, "ipvsproxyd") == 0)
                doctor_add(doctor, CHECK_WARN, "unit", "install ipvsproxy completely, unless it runs in a container",
                           "There is no " UNIT_NAME);
}

/* "Enabled, changed by /etc/systemd/system/ipvsproxyd.service.d/10-site.conf and …" */
static void check_loaded(Doctor *doctor, const Unit *unit) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        FILE *f;

        if (unit->stale)
                doctor_add(doctor, CHECK_WARN, "unit", "systemctl daemon-reload, and restart ipvsproxyd",
                           "Its files were changed, and systemd has not read them again");
        if (strcmp(unit->enabled, "disabled") == 0)
                doctor_add(doctor, CHECK_WARN, "unit", "systemctl enable ipvsproxyd", "It is not started at boot");
        f = open_memstream(&text, &size);
        if (!f) {
                doctor->error = -ENOMEM;
                return;
        }
        for (const char *path = words_next(&unit->drop_ins, NULL); path; path = words_next(&unit->drop_ins, path))
                (void) fprintf(f, "%s%s", path == unit->drop_ins.text ? ", changed by " : " and ", path);
        if (fclose(f) != 0)
                doctor->error = -ENOMEM;
        else
                doctor_add(doctor, CHECK_OK, "unit", NULL, "There%s", text);
}

static const char *file_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool has_file(const Words *paths, const char *name) {
        for (const char *path = words_next(paths, NULL); path; path = words_next(paths, path))
                if (strcmp(file_name(path), name) == 0)
                        return true;
        return false;
}

/* systemd (252) does not notice a folder of drop-ins that is new. */
static int look_for_new_drop_ins(const Doctor *doctor, Unit *unit) {
        _cleanup_(unit_done) Unit files = { 0 };
        int r = unit_read(doctor->root, &files);

        for (const char *path = words_next(&files.drop_ins, NULL); r >= 0 && path; path = words_next(&files.drop_ins, path))
                unit->stale = unit->stale || !has_file(&unit->drop_ins, file_name(path));
        return r;
}

static int unit_find(const Doctor *doctor, Unit *unit) {
        int r = doctor->has_bus ? unit_ask(doctor->client->bus, unit) : -ENXIO;

        if (r == -ENXIO)
                return unit_read(doctor->root, unit);
        return r < 0 ? r : look_for_new_drop_ins(doctor, unit);
}

void doctor_check_unit(Doctor *doctor, Unit *unit) {
        CheckResult result = doctor->daemon ? CHECK_WARN : CHECK_FAIL;
        int r = unit_find(doctor, unit);

        if (r < 0)
                doctor->error = r;
        else if (strcmp(unit->state, "masked") == 0)
                doctor_add(doctor, result, "unit", "systemctl unmask ipvsproxyd", "It is masked: nothing can start it");
        else if (strcmp(unit->state, "not-found") == 0)
                check_absent(doctor);
        else if (strcmp(unit->state, "loaded") == 0)
                check_loaded(doctor, unit);
        else
                doctor_add(doctor, result, "unit",
                           "\"systemctl status ipvsproxyd\" says why; a drop-in has to empty ExecStart= before it sets it",
                           "systemd does not take it: %s", unit->state);
}

void doctor_check_variables(Doctor *doctor) {
        const CommandLine *line = &doctor->options.line;

        if (line->error == -EACCES)
                doctor_add(doctor, CHECK_OK, "configuration", NULL,
                           "%s of the unit: not looked at, this user may not read it", line->missing);
        else if (line->error < 0)
                doctor_add(doctor, CHECK_FAIL, "configuration", "write it, or take it out of the unit",
                           "%s of the unit: %s", line->missing, strerror(-line->error));
}
