/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sources of objects say of themselves, put together for the manager, who passes it on to bus and client. */
#pragma once

#include "apiserver/api-server.h"
#include "apiserver/manifests.h"
#include "model/api-state.h"

/* Either source may be NULL. The texts are valid until the event loop goes on. */
void source_report_collect(const ApiServer *api, const Manifests *manifests, SourceReport *ret);
