/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that several objects show the same way. */
#pragma once

#include <systemd/sd-bus.h>

#include "control/port-view.h"

/* a{st}: "connections", "in-packets", …, "connections-per-sec", …, "active", "inactive" */
int bus_append_statistics(sd_bus_message *reply, const PortStatistics *statistics);
