/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the reconciler, for its two files: the turn (reconciler.c) and what failed in it (reconciler-failures.c). */
#pragma once

#include "control/reconciler.h"

/* Counts a failure; the first is kept as text: "Failed to WHAT OBJECT: …". */
void reconciler_result_fail(ReconcilerResult *result, int error, const char *what, const char *object);

/*
 * After the operations have their results. An error that says that the kernel holds something else than the table knows
 * makes it read that virtual server again; the next plan begins with what is there. The first error of each virtual server
 * counts: without a service its destinations fail too, which says nothing new.
 */
void reconciler_look_at_failures(const ReconcilerParts *parts, const Plan *plan, ReconcilerResult *result);
