/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our sets and their elements in nft's language, and what differs between the families there. Pure. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "model/filter.h"

typedef struct RulesetFamily {
        int family;
        const char *header; /* in expressions */
        char digit; /* in names of sets and chains */
        const char *address_type;
        const char *loopback;
} RulesetFamily;

enum {
        RULESET_N_FAMILIES = 2,
};
extern const RulesetFamily ruleset_families[RULESET_N_FAMILIES];

/* With the family's digit: "cluster_ports4" */
#define RULESET_SET_NAME_SIZE 32

/*
 * The kernel's name of the set that `element` belongs to, in `buf`; -EINVAL where it has no address or the set is none.
 */
int ruleset_set_name(const FilterElement *element, char buf[static RULESET_SET_NAME_SIZE]);

/* "set service_ips4 {…}" for each of them, inside of a table. */
void ruleset_print_sets(FILE *stream);

/* "10.0.0.1 . tcp . 80" */
void ruleset_print_element(FILE *stream, const FilterElement *element);

/* "add element inet ipvsproxy service_ips4 {…}", one line a set; ruleset_set_name() takes all of them. */
void ruleset_print_elements(FILE *stream, const FilterElement *elements, size_t n_elements);
