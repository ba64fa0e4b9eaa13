/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/fault.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/macros.h"

FaultAction fault_action_from_string(const char *text) {
        static const char *const names[_FAULT_ACTION_MAX] = {
                [FAULT_STATUS] = "status",   [FAULT_ERROR_EVENT] = "error-event", [FAULT_HANG] = "hang",
                [FAULT_HALF] = "half",       [FAULT_GARBAGE] = "garbage",         [FAULT_FRAMING] = "framing",
                [FAULT_CLOSE] = "close",     [FAULT_RESET] = "reset",
        };

        for (FaultAction i = 0; i < _FAULT_ACTION_MAX; i++)
                if (strcmp(names[i], text) == 0)
                        return i;
        return _FAULT_ACTION_INVALID;
}

void fault_list_done(FaultList *list) {
        for (size_t i = 0; i < list->n_faults; i++)
                free(list->faults[i].target);
        free(list->faults);
        *list = (FaultList) {};
}

int fault_list_add(FaultList *list, const char *target, const Fault *fault) {
        Fault *faults = reallocarray(list->faults, list->n_faults + 1, sizeof *faults);
        char *copy = strdup(target);

        if (faults)
                list->faults = faults;
        if (!faults || !copy) {
                free(copy);
                return -ENOMEM;
        }
        faults[list->n_faults] = *fault;
        faults[list->n_faults++].target = copy;
        return 0;
}

static bool fault_is_for(const Fault *fault, const char *resource, const char *verb) {
        size_t n = strlen(resource);

        if (strcmp(fault->target, "*") == 0 || strcmp(fault->target, resource) == 0)
                return true;
        return strncmp(fault->target, resource, n) == 0 && fault->target[n] == ':' &&
               strcmp(fault->target + n + 1, verb) == 0;
}

const Fault *fault_list_take(FaultList *list, const char *resource, const char *verb) {
        for (size_t i = 0; i < list->n_faults; i++) {
                Fault *fault = &list->faults[i];

                if (!fault_is_for(fault, resource, verb))
                        continue;
                list->current = *fault;
                list->current.target = NULL; /* stays with the list */
                if (--fault->n_left == 0) {
                        free(fault->target);
                        memmove(fault, fault + 1, (list->n_faults - i - 1) * sizeof *fault);
                        list->n_faults--;
                }
                return &list->current;
        }
        return NULL;
}
