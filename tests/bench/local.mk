# SPDX-License-Identifier: GPL-2.0-or-later
# `make bench`: programs that measure, not part of `make check` but built by it. Instruction counts and the pure part
# natively, then the manager and the daemon on the node (tests/vm/bench.sh), beside the numbers kept in
# tests/bench/results. docs/performance.md says what each number means.
check_LIBRARIES += libbench.a
libbench_a_SOURCES = \
	tests/bench/bench.c \
	tests/bench/bench.h \
	tests/bench/timed-backend.c \
	tests/bench/timed-backend.h
libbench_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
bench_libs = libbench.a libcontrol.a $(libapiserver_libs) libkernelmemory.a $(libkernel_libs)

check_PROGRAMS += tests/bench/bench-proxy tests/bench/manager-bench tests/bench/manager-churn
tests_bench_bench_proxy_SOURCES = tests/bench/bench-proxy.c
tests_bench_bench_proxy_LDADD = libmodel.a libcommon.a
tests_bench_manager_bench_SOURCES = tests/bench/manager-bench.c
tests_bench_manager_bench_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bench_manager_bench_LDADD = $(bench_libs)
tests_bench_manager_churn_SOURCES = tests/bench/manager-churn.c
tests_bench_manager_churn_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bench_manager_churn_LDADD = $(bench_libs)
EXTRA_DIST += tests/bench/compare tests/bench/instructions tests/bench/publish tests/bench/results tests/vm/bench.sh

bench: all $(check_PROGRAMS)
	$(top_srcdir)/tests/bench/instructions tests/bench/manager-bench 1000 10 >bench-instructions
	tests/bench/bench-proxy
	tests/bench/bench-proxy 45000 5
	$(top_srcdir)/tests/vm/run --build $(abs_top_builddir) --results $(abs_top_builddir)/bench-results \
		--timeout 3000 $(top_srcdir)/tests/vm/bench.sh
	cat bench-instructions bench-results/files/bench >bench-now
	$(top_srcdir)/tests/bench/compare $(top_srcdir)/tests/bench/results bench-now
CLEANFILES += bench-instructions bench-now
.PHONY: bench
