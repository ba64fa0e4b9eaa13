/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rooms that web/ does not know have counted, for /metrics. */
#pragma once

#include "apiserver/api-server.h"
#include "bus/bus.h"
#include "web/web.h"

/* Either may be NULL: nothing was counted there. */
void web_counters_collect(const ApiServer *api, const Bus *bus, WebCounters *ret);
