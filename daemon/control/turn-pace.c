/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/turn-pace.h"

#include "common/macros.h"

size_t turn_pace(size_t n_servers, uint64_t usec, bool full) {
        if (usec > TURN_USEC)
                return MAX2((size_t) (n_servers * (uint64_t) TURN_USEC / usec), (size_t) TURN_SERVERS_MIN);
        if (full && usec < TURN_USEC / 2)
                return MIN2(n_servers * 2, (size_t) TURN_SERVERS_MAX);
        return n_servers;
}
