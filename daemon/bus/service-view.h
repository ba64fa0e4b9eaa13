/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one service object says about itself: computed from the manager's state when a call or a signal is about it,
 * and valid for that alone. Also the way from the id of a service port to the path of its object and back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "control/manager.h"
#include "control/port-view.h"

typedef struct ServiceView {
        const DesiredPort *port; /* borrowed; NULL while it is of nothing */
        uint64_t turn; /* of the bus when it was computed */
        char *namespace; /* owned */
        const char *id, *name, *port_name; /* borrowed from the port */
        const char *protocol, *type, *scheduler, *internal_policy, *external_policy, *state, *reason;
        uint16_t port_number;
        uint64_t affinity_usec;
        uint32_t n_ready, n_endpoints, n_draining, n_local, n_servers;
        uint64_t generation, programmed_usec;
} ServiceView;

void service_view_done(ServiceView *view);
/* -ENOMEM: it is of nothing. */
int service_view_fill(ServiceView *view, const Manager *manager, const DesiredPort *port);

/* "/org/k8s/IpvsProxy/service/default_2fweb", new memory. -ENOMEM. */
int service_path_new(const char *id, char **ret);
/* NULL if the path is not exactly that of a service port that is there. */
const DesiredPort *service_path_find(const Manager *manager, const char *path);
