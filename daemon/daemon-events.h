/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which Kubernetes Events there are (reference §6.1): that the daemon started, what cannot be listened on, and service
 * ports that become refused or degraded. Those are looked for at most every 30 s, in small pieces after everything else,
 * and only when something was synced since; each is told once as long as it lasts.
 */
#pragma once

#include <systemd/sd-event.h>

#include "apiserver/api-server.h"
#include "control/manager.h"
#include "web/web.h"

typedef struct DaemonEvents DaemonEvents;

/* Both are borrowed. No I/O. Makes itself a listener of the manager. -ENOMEM. */
int daemon_events_new(sd_event *event, Manager *manager, ApiServer *api, DaemonEvents **ret);
DaemonEvents *daemon_events_free(DaemonEvents *events);
DEFINE_CLEANUP(DaemonEvents *, daemon_events_free);

void daemon_events_started(DaemonEvents *events, const char *version);
void daemon_events_failed(DaemonEvents *events, const WebFailure *failure);
