/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of this network namespace that wait for somebody: TCP and SCTP that listen, UDP bound to a port and not
 * connected. Read with sock_diag(7), which needs no right of its own. Only reads, logs nothing.
 */
#pragma once

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct Listeners Listeners;

/* Opens nothing; the first dump does. */
int listeners_new(Listeners **ret);
Listeners *listeners_free(Listeners *listeners);
DEFINE_CLEANUP(Listeners *, listeners_free);

/* Contract of KernelBackendOps.listener_dump. */
int listeners_dump(Listeners *listeners, ListenerVisitor visitor, void *userdata);
