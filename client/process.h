/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two programs the client starts for a person at a terminal: a pager and polkit's password
 * agent. No shell is involved, and neither is started with privileges it could hand on.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Puts a pager between stdout and the terminal. 0: *ret is its id, to be given to pager_close().
 * Callers ask only if stdout is a terminal. -errno if there is none to start; output then goes out
 * directly.
 */
int pager_open(pid_t *ret);
/* Ends the output and waits until the person has quit the pager. */
void pager_close(pid_t pager);

/* Starts pkttyagent and waits until it is ready to ask. -errno if it cannot be started. */
int agent_open(pid_t *ret);
void agent_close(pid_t agent);
