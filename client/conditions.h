/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to do about a condition of the daemon that is not true: the same words for status and doctor. */
#pragma once

/* Never NULL. `reason` may be "". */
const char *condition_remedy(const char *type, const char *reason);
