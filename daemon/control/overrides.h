/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overrides of endpoint weights (model/override.h) that survive a restart and end by themselves. Part of the manager,
 * which computes a service anew when one of its overrides comes or goes.
 */
#pragma once

#include "control/manager.h"
#include "model/override.h"

#define OVERRIDE_AGE_MAX_USEC (24 * 3600 * USEC_PER_SEC)

const OverrideSet *manager_overrides(const Manager *manager);

/*
 * In force at once and on disk before it is programmed. -ERANGE: the weight or the end (within a day from now) is not
 * possible; -ENOSPC: there are too many; -errno of the file, then it is not in force.
 */
int manager_set_override(Manager *manager, const char *id, const Override *override);
/* -ENOENT if there is none. */
int manager_clear_override(Manager *manager, const char *id, const IpPort *addr);

/* Called with the id of the service port when an override came, went or expired. */
typedef void (*OverrideListener)(const char *id, void *userdata);
void manager_on_override(Manager *manager, OverrideListener listener, void *userdata);
