/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit ipvsproxyd.service as systemd has it, or would: which command it starts with which variables, with all
 * drop-ins. Nothing is executed or changed. systemd itself is asked where it answers; its files are read where it does
 * not (systemd.unit(5) says which of them count).
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "client/host.h"
#include "client/words.h"

#define UNIT_NAME "ipvsproxyd.service"

typedef struct Unit {
        Words exec;        /* the command line, variables not yet in their places; empty = there is no unit */
        bool verbatim;     /* it has none: a "$" is a "$" */
        Words environment; /* NAME=value */
        Words files;       /* of more of them; "-" in front: it may be missing */
        Words drop_ins;    /* the files that change the unit */
        char state[32];    /* "loaded", "masked", "not-found", "bad-setting", …: LoadState of systemd */
        char enabled[32];  /* "enabled", "disabled", …; "" = unknown */
        bool stale;        /* systemd has not read its files since they were changed */
} Unit;

/* For _cleanup_(unit_done). */
void unit_done(Unit *unit);

/* As systemd has it. -ENXIO if it does not answer, -ENOMEM; then *unit is as it was. */
int unit_ask(sd_bus *bus, Unit *unit);
/* As its files below `host` say. -ENOMEM */
int unit_read(const char *host, Unit *unit);

typedef struct CommandLine {
        Words words;
        char origin[HOST_TEXT_MAX];  /* where the flags stand, for people */
        char missing[HOST_TEXT_MAX]; /* a file of variables that cannot be read though it is wanted, or may not be */
        int error;                   /* why: -errno */
} CommandLine;

/* The command with its variables; files of variables are read below `host`. -ENOMEM */
int unit_command_line(const Unit *unit, const char *host, CommandLine *ret);
