# SPDX-License-Identifier: GPL-2.0-or-later

# The table, conntrack and sysctls on the node: test-filter.sh
check_PROGRAMS += tests/vm/filter-test
tests_vm_filter_test_SOURCES = tests/vm/filter-test.c
tests_vm_filter_test_LDADD = $(libkernelfilter_libs)

# IPVS, addresses and notifications on the node: test-kernel.sh
check_PROGRAMS += tests/vm/ipvs-test
tests_vm_ipvs_test_SOURCES = tests/vm/ipvs-test.c
tests_vm_ipvs_test_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_vm_ipvs_test_LDADD = $(libkernel_libs)
