/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of the table `inet ipvsproxy`: its sets, and the rules that never change while the daemon runs. Text in
 * nft's language, made from values alone: nothing here talks to the kernel. Needs a kernel of 5.6 or newer
 * (concatenations with ranges).
 */
#pragma once

#include <stddef.h>

#include "model/filter.h"

/*
 * The table without elements, "table inet ipvsproxy {…}", owned by the caller. -EINVAL: the mark is not one bit,
 * a CIDR has no family or the interface name is none.
 */
int ruleset_format(const FilterConfig *config, char **ret);

/*
 * Text that makes this table in the place of whatever has its name, without elements and dormant: no packet sees it
 * before somebody wakes it. Owned by the caller. Errors of ruleset_format().
 */
int ruleset_format_dormant(const FilterConfig *config, char **ret);

/*
 * Text that puts the table with its elements in the place of one that is at work, in one transaction; owned by the
 * caller. Errors of ruleset_format() and ruleset_set_name().
 */
int ruleset_format_replacement(const FilterConfig *config,
                               const FilterElement *elements,
                               size_t n_elements,
                               char **ret);
