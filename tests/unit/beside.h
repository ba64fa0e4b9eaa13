/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cases of a test program that mostly waits, beside each other. */
#pragma once

#include "tests/unit/test.h"

/*
 * As cmocka_run_group_tests(), but each case in a process of its own with its own group fixture, some at once; what they print
 * comes in the order of the table. With IPVSPROXY_TEST_FILTER (a pattern of names) in the environment, all in this process and
 * only those. Returns how many have failed; one that died is one of them.
 */
#define run_tests_beside(tests, setup, teardown) run_tests_beside_n(#tests, tests, ELEMENTSOF(tests), setup, teardown)
int run_tests_beside_n(const char *group, const struct CMUnitTest tests[], size_t n, CMFixtureFunction setup,
                       CMFixtureFunction teardown);
