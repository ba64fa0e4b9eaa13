/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a Service its health check node port depends on (reference §5.2). Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "model/store.h"

/* 0 = it has none: not of type LoadBalancer with policy Local, or not proxied here. `entry` may be NULL. */
uint16_t health_service_port(const ServiceEntry *entry);
/*
 * How many distinct addresses of ready endpoints are on the node, over all ports and slices; of two families the one
 * that has more, for a pod of both is one endpoint. Slices without ports give no endpoints. -ENOMEM.
 */
int health_service_count(const ServiceEntry *entry, const char *node_name, size_t *ret);
