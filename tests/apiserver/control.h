/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of the control channel. A client sends one line, and for `put` the manifest after it, shuts its side
 * down, and gets text that ends with a line "ok" or "error: …".
 */
#pragma once

#include "tests/apiserver/program.h"

typedef struct ControlCall {
        Program *program;
        char *arguments[8]; /* [0] is the command; borrowed */
        int n_arguments;
        const char *payload; /* what follows the first line */
        size_t payload_size;
        Buffer *answer;
} ControlCall;

/* 0, or a negative errno whose text is the answer; -EINVAL for wrong arguments. */
int control_run(ControlCall *call);
/* Describes all commands. */
void control_help(Buffer *answer);
