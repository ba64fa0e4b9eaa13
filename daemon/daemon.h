/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running daemon: event loop, signals, readiness, and the wiring of all rooms. Nothing is decided here that is
 * about services; main.c decides what a run is for.
 */
#pragma once

#include "common/macros.h"
#include "config/config.h"

typedef struct Daemon Daemon;

/* Takes the configuration in every case. `argv` is main's, for reading it again. No I/O. -ENOMEM. */
int daemon_new(Config *config, int argc, char **argv, Daemon **ret);
Daemon *daemon_free(Daemon *daemon);
DEFINE_CLEANUP(Daemon *, daemon_free);

/*
 * Runs until SIGTERM or SIGINT; the kernel keeps what is programmed. -errno after a message: the kernel cannot do
 * what is needed, or there is neither an API server nor manifests to follow.
 */
int daemon_run(Daemon *daemon);

/* Logs them; how many were errors. */
size_t daemon_log_messages(const ConfigMessages *messages);

/*
 * What to reach the API server with (reference §3.1): the kubeconfig, else --master, else the pod's own. *ret is NULL
 * where only manifests are followed. -errno after a message.
 */
struct KubeClientConfig;
int daemon_load_client(const Config *config, struct KubeClientConfig **ret);
