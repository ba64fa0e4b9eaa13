/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why an address and port does what it does: which endpoints a virtual server uses and why each other one is not.
 * Nothing is stored; all is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/manager.h"
#include "model/override.h"

typedef struct ExplainedEndpoint {
        IpPort addr;
        EndpointUse use;
        bool local;
        const Override *override; /* borrowed until the next event loop turn; NULL = none */
        const char *node, *zone; /* borrowed likewise */
        bool wanted; /* among the real servers of the virtual server */
        bool present; /* in the kernel */
        uint32_t weight; /* there */
} ExplainedEndpoint;

/* The endpoints of the family of this virtual server, sorted. Owned by the caller. -ENOMEM. */
int explain_endpoints(const Manager *manager,
                      const DesiredPort *port,
                      const PortServer *server,
                      ExplainedEndpoint **ret,
                      size_t *ret_n);
