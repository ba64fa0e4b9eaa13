/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of the table `inet ipvsproxy`: its sets, and the rules that never change while the daemon runs. Text in
 * nft's language, made from values alone: nothing here talks to the kernel. Needs a kernel of 5.6 or newer
 * (concatenations with ranges).
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "model/filter.h"

/* With the family's digit: "cluster_ports4", "node_ports" */
#define RULESET_SET_NAME_SIZE 32

/*
 * The table without elements, "table inet ipvsproxy {…}", owned by the caller. -EINVAL: the mark is not one bit,
 * a CIDR has no family or the interface name is none.
 */
int ruleset_format(const FilterConfig *config, char **ret);

/*
 * The kernel's name of the set that `element` belongs to, in `buf`; -EINVAL where it lacks an address that the
 * set has, or the set is none.
 */
int ruleset_set_name(const FilterElement *element, char buf[static RULESET_SET_NAME_SIZE]);

/* Writes "10.0.0.1 . tcp . 80". */
void ruleset_print_element(FILE *stream, const FilterElement *element);

/*
 * Text that puts the table in the place of one that may be there, with its elements, in one transaction of nft;
 * owned by the caller. Errors of ruleset_format() and ruleset_set_name().
 */
int ruleset_format_replacement(const FilterConfig *config,
                               const FilterElement *elements,
                               size_t n_elements,
                               char **ret);
