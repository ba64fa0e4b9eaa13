/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "config/config-private.h"

const char *config_gate_remark(const char *name) {
        static const char *const effective[] = { "PreferSameTrafficDistribution" };

        for (size_t i = 0; i < ELEMENTSOF(effective); i++)
                if (strcmp(effective[i], name) == 0)
                        return NULL;
        return "changes nothing here";
}
