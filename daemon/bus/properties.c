/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/properties.h"

#include "common/macros.h"

int bus_append_statistics(sd_bus_message *reply, const PortStatistics *statistics) {
        const TrafficStats *t = &statistics->traffic;
        const struct {
                const char *name;
                uint64_t value;
        } table[] = {
                { "connections", t->connections },
                { "in-packets", t->in_packets },
                { "out-packets", t->out_packets },
                { "in-bytes", t->in_bytes },
                { "out-bytes", t->out_bytes },
                { "connections-per-sec", t->cps },
                { "in-packets-per-sec", t->in_pps },
                { "out-packets-per-sec", t->out_pps },
                { "in-bytes-per-sec", t->in_bps },
                { "out-bytes-per-sec", t->out_bps },
                { "active", statistics->active },
                { "inactive", statistics->inactive },
        };
        int r = sd_bus_message_open_container(reply, 'a', "{st}");

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(table); i++)
                r = sd_bus_message_append(reply, "{st}", table[i].name, table[i].value);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
