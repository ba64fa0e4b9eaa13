/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/override.h"

#include <errno.h>
#include <string.h>

#include "common/hash.h"

typedef struct OverridePort {
        Override *first; /* owned list */
        size_t n_overrides;
        char id[];
} OverridePort;

struct OverrideSet {
        HashMap ports; /* id → OverridePort, owned */
        size_t n_overrides;
};

int override_set_new(OverrideSet **ret) {
        OverrideSet *set = calloc(1, sizeof(OverrideSet));

        if (!set)
                return -ENOMEM;
        set->ports.ops = &hash_ops_string;
        *ret = set;
        return 0;
}

static Override *override_free(Override *override) {
        Override *next = override->next;

        free(override->reason);
        free(override);
        return next;
}

static void override_port_free(OverrideSet *set, OverridePort *port) {
        (void) hashmap_remove(&set->ports, port->id);
        while (port->first)
                port->first = override_free(port->first);
        free(port);
}

OverrideSet *override_set_free(OverrideSet *set) {
        OverridePort *port;

        if (!set)
                return NULL;
        while ((port = hashmap_first(&set->ports)))
                override_port_free(set, port);
        hashmap_done(&set->ports);
        free(set);
        return NULL;
}

static Override **override_port_find(OverridePort *port, const IpPort *addr) {
        Override **p = &port->first;

        while (*p && ip_port_compare(&(*p)->addr, addr) != 0)
                p = &(*p)->next;
        return p;
}

static int override_set_port(OverrideSet *set, const char *id, OverridePort **ret) {
        size_t size = strlen(id) + 1;
        OverridePort *port = hashmap_get(&set->ports, id);
        int r;

        if (!port) {
                port = calloc(1, sizeof(OverridePort) + size);
                if (!port)
                        return -ENOMEM;
                memcpy(port->id, id, size);
                r = hashmap_put(&set->ports, port->id, port);
                if (r < 0) {
                        free(port);
                        return r;
                }
        }
        *ret = port;
        return 0;
}

int override_set_put(OverrideSet *set, const char *id, const Override *override) {
        Override *copy, **place, *old;
        OverridePort *port;
        int r;

        r = override_set_port(set, id, &port);
        if (r < 0)
                return r;
        place = override_port_find(port, &override->addr);
        old = *place;
        copy = malloc(sizeof(Override));
        if (copy) {
                *copy = *override;
                copy->reason = strdup(override->reason ? override->reason : "");
        }
        r = !copy || !copy->reason ? -ENOMEM :
            !old && (port->n_overrides >= OVERRIDES_PER_PORT || set->n_overrides >= OVERRIDES_MAX) ? -ENOSPC : 0;
        if (r < 0) {
                if (copy)
                        free(copy->reason);
                free(copy);
                if (!port->first)
                        override_port_free(set, port);
                return r;
        }
        copy->next = old ? override_free(old) : NULL;
        *place = copy;
        port->n_overrides += !old;
        set->n_overrides += !old;
        return 0;
}

int override_set_remove(OverrideSet *set, const char *id, const IpPort *addr) {
        OverridePort *port = hashmap_get(&set->ports, id);
        Override **place = port ? override_port_find(port, addr) : NULL;

        if (!place || !*place)
                return -ENOENT;
        *place = override_free(*place);
        set->n_overrides--;
        if (--port->n_overrides == 0)
                override_port_free(set, port);
        return 0;
}

const Override *override_set_of(const OverrideSet *set, const char *id) {
        const OverridePort *port = set && set->n_overrides > 0 ? hashmap_get(&set->ports, id) : NULL;

        return port ? port->first : NULL;
}

const Override *override_set_find(const OverrideSet *set, const char *id, const IpPort *addr) {
        const Override *override = override_set_of(set, id);

        while (override && ip_port_compare(&override->addr, addr) != 0)
                override = override->next;
        return override;
}

size_t override_set_size(const OverrideSet *set) {
        return set->n_overrides;
}

const char *override_set_next(const OverrideSet *set, size_t *i, const Override **ret_first) {
        const OverridePort *port = hashmap_next(&set->ports, i);

        if (!port)
                return NULL;
        *ret_first = port->first;
        return port->id;
}
