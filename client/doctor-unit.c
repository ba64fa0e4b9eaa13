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

void doctor_check_unit(Doctor *doctor, Unit *unit) {
        CheckResult result = doctor->daemon ? CHECK_WARN : CHECK_FAIL;
        int r = -ENXIO;

        if (doctor->has_bus)
                r = unit_ask(doctor->client->bus, unit);
        if (r == -ENXIO)
                r = unit_read(doctor->root, unit);
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
