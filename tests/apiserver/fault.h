/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults that are ordered for the next requests of a kind. */
#pragma once

#include <errno.h>
#include <stddef.h>

typedef enum FaultAction {
        FAULT_STATUS, /* this HTTP status with a Status object */
        FAULT_ERROR_EVENT, /* 200 and an ERROR event with this code; a status for anything but a watch */
        FAULT_HANG, /* never an answer */
        FAULT_HALF, /* half of the answer, then the connection ends */
        FAULT_GARBAGE, /* bytes that are no JSON, well framed */
        FAULT_FRAMING, /* bytes that are no chunk */
        FAULT_CLOSE, /* the connection ends at once */
        FAULT_RESET, /* the same with a TCP reset */
        _FAULT_ACTION_MAX,
        _FAULT_ACTION_INVALID = -EINVAL,
} FaultAction;

FaultAction fault_action_from_string(const char *text);

typedef struct Fault {
        char *target; /* owned; "services:list", "services", "discovery", "*" */
        unsigned n_left;
        FaultAction action;
        int status;
        unsigned retry_after; /* seconds */
} Fault;

typedef struct FaultList {
        Fault *faults; /* owned */
        size_t n_faults;
        Fault current; /* what fault_take() gave last */
} FaultList;

void fault_list_done(FaultList *list);
/* Copies the target. 0 or -ENOMEM. */
int fault_list_add(FaultList *list, const char *target, const Fault *fault);
/* The first that is meant for the request, counted; NULL = none. Valid until the next call. */
const Fault *fault_list_take(FaultList *list, const char *resource, const char *verb);
