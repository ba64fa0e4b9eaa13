/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Core v1 Endpoints made from EndpointSlices, as a cluster has both: one object for each service that has slices, a
 * subset for each slice.
 */
#pragma once

#include "tests/apiserver/store.h"

/* After a change of slices: the Endpoints of the services whose slices changed since that version. */
int mirror_update(Store *store, uint64_t after_version);
