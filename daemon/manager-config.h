/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the configuration to what the manager is told: units, defaults that depend on each other, and nothing else. */
#pragma once

#include "config/config.h"
#include "control/manager.h"

/* The options with the arrays they point to, `{}` is empty; strings are borrowed from the Config. */
typedef struct ManagerConfig {
        ManagerOptions options;
        IpNet *node_port_nets; /* owned */
} ManagerConfig;

void manager_config_done(ManagerConfig *config);

/*
 * `ret` is valid as long as `config`. `has_api` and `has_manifests`: whose lists the first sync waits for. -ENOMEM.
 */
int manager_config_make(const Config *config, bool has_api, bool has_manifests, ManagerConfig *ret);
