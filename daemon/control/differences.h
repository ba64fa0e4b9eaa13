/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel differs from what is wanted, in words. Nothing is stored and nothing is repaired.
 */
#pragma once

#include "control/manager.h"

/* What is wanted and not there, or there and not wanted: what a sync would do. Valid during the call. */
typedef struct Difference {
        const char *action; /* "add", "change", "remove", "drain" */
        const char *kind; /* "virtual-server", "real-server", "filter-table", "filter-element", "address" */
        const char *object; /* "10.96.4.7:80/TCP", "10.96.4.7:80/TCP -> 10.1.4.12:8080" */
        const char *detail; /* "" = none */
} Difference;

/* Ends the walk with a negative return. */
typedef int (*DifferenceVisitor)(const Difference *difference, void *userdata);

/*
 * Of everything, with the kernel read for it: as much work as an audit, which what it finds is left to. -errno of the
 * kernel or the visitor.
 */
int differences_visit(Manager *manager, DifferenceVisitor visitor, void *userdata);
/* Of one virtual server, as far as is known without reading it again. */
int differences_of_server(const ServerState *server, DifferenceVisitor visitor, void *userdata);
