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

# From the API server to the kernel, seen from outside: long-bus-attack.sh
check_PROGRAMS += tests/vm/latency
tests_vm_latency_SOURCES = tests/vm/latency.c
tests_vm_latency_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_vm_latency_LDADD = $(libkernel_libs)

# What /metrics answers on the node: test-daemon.sh, bench.sh
check_PROGRAMS += tests/vm/metrics-check
tests_vm_metrics_check_SOURCES = tests/vm/metrics-check.c tests/unit/prometheus-check.c tests/unit/prometheus-check.h
tests_vm_metrics_check_LDADD = libcommon.a $(SYSTEMD_LIBS)

# Pods and who asks them; what the node runs, and helpers of its scripts.
check_PROGRAMS += tests/vm/podserver tests/vm/podclient
tests_vm_podserver_SOURCES = tests/vm/podserver.c
tests_vm_podserver_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_vm_podserver_LDADD = libcommon.a $(SYSTEMD_LIBS)
tests_vm_podclient_SOURCES = tests/vm/podclient.c
tests_vm_podclient_LDADD = libcommon.a -lresolv
EXTRA_DIST += \
	tests/vm/README.md \
	tests/vm/demo \
	tests/vm/founding.sh \
	tests/vm/guest/init \
	tests/vm/guest/ipvsproxy-job.service \
	tests/vm/guest/ipvsproxy-shell.service \
	tests/vm/guest/job \
	tests/vm/guest/setup \
	tests/vm/image \
	tests/vm/hostile.sh \
	tests/vm/lib.sh \
	tests/vm/long-pairs.sh \
	tests/vm/long-bus-attack.sh \
	tests/vm/long-neighbours.sh \
	tests/vm/long-restart.sh \
	tests/vm/long-unit.sh \
	tests/vm/people.sh \
	tests/vm/run \
	tests/vm/selftest/exit-status \
	tests/vm/test-api-faults.sh \
	tests/vm/test-bus.sh \
	tests/vm/test-daemon.sh \
	tests/vm/test-faults.sh \
	tests/vm/test-manifests.sh \
	tests/vm/test-no-ipv6.sh \
	tests/vm/test-demo.sh \
	tests/vm/test-docs.sh \
	tests/vm/test-filter.sh \
	tests/vm/test-kernel.sh \
	tests/vm/test-matrix.sh \
	tests/vm/test-package.sh \
	tests/vm/test-takeover.sh
