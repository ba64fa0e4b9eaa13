/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Weights that an administrator gave to single endpoints of this node, over what the rules say. 0 takes the endpoint
 * out: it drains as if it had left. Pure; control/overrides.c keeps them and ends them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/macros.h"

#define OVERRIDE_WEIGHT_MAX 65535
#define OVERRIDES_PER_PORT 64
#define OVERRIDES_MAX 1024

typedef struct Override {
        struct Override *next; /* of the same service port */
        IpPort addr;
        uint32_t weight;
        uint32_t uid; /* who set it */
        uint64_t set_usec, expires_usec; /* CLOCK_REALTIME */
        char *reason; /* owned */
} Override;

typedef struct OverrideSet OverrideSet;

int override_set_new(OverrideSet **ret);
OverrideSet *override_set_free(OverrideSet *set);
DEFINE_CLEANUP(OverrideSet *, override_set_free);

/* Adds or replaces; `override` is copied but for `next`. -ENOMEM; -ENOSPC: there are too many. */
int override_set_put(OverrideSet *set, const char *id, const Override *override);
/* -ENOENT */
int override_set_remove(OverrideSet *set, const char *id, const IpPort *addr);
/* Of a service port, "namespace/name:port"; NULL if it has none. */
const Override *override_set_of(const OverrideSet *set, const char *id);
const Override *override_set_find(const OverrideSet *set, const char *id, const IpPort *addr);
size_t override_set_size(const OverrideSet *set);
/* A walk over service ports; see hashmap_next(). NULL at the end. */
const char *override_set_next(const OverrideSet *set, size_t *i, const Override **ret_first);
