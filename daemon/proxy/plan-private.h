/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What making a plan (plan.c) and noting what became of it (plan-commit.c) share. */
#pragma once

#include "proxy/plan.h"

/* Sets that protect what they name, or without which an answer would not come back. */
bool filter_set_protects(FilterSet set);
