# SPDX-License-Identifier: GPL-2.0-or-later

# The table, conntrack and sysctls on the node: test-filter.sh
check_PROGRAMS += tests/vm/filter-test
tests_vm_filter_test_SOURCES = tests/vm/filter-test.c
tests_vm_filter_test_LDADD = $(libkernelfilter_libs)
