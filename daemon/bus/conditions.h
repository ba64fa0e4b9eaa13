/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the daemon is, in the form of Kubernetes' conditions: a type, "true", "false" or "unknown", since when, and why.
 * Also what of the kernel it works with.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "bus/json.h"
#include "control/manager.h"

typedef enum ConditionType {
        CONDITION_KERNEL_READY, /* IPVS, the device and the table are there */
        CONDITION_API_REACHABLE,
        CONDITION_PROGRAMMED, /* what is wanted is in the kernel */
        CONDITION_ADDRESSES_SERVED, /* no address of a service is refused */
        CONDITION_NODE_PORTS_FREE, /* no process listens where a service has its node port */
        CONDITION_FORWARD_ALLOWED, /* no packet filter of others drops forwarded packets by its policy */
        CONDITION_NODE_KNOWN, /* the own Node is followed */
        CONDITION_OBJECTS_UNDERSTOOD, /* no object is left out, or read in part */
        CONDITION_MANIFESTS_READ, /* every file was */
        _CONDITION_MAX,
} ConditionType;

typedef struct Condition {
        const char *status, *reason; /* static */
        uint64_t since_usec; /* CLOCK_REALTIME */
} Condition;

/* True if a status or reason is not what it was. */
bool conditions_update(Condition conditions[static _CONDITION_MAX], const ManagerStatus *status, uint64_t now_usec);

/* a(sstsa{sv}) and a(sssa{sv}) */
int conditions_append(sd_bus_message *reply, const Condition conditions[static _CONDITION_MAX], const ManagerStatus *status);
int capabilities_append(sd_bus_message *reply, const Manager *manager, const ManagerStatus *status);
void conditions_describe(Json *json, const Condition conditions[static _CONDITION_MAX], const ManagerStatus *status);
