# SPDX-License-Identifier: GPL-2.0-or-later
# `make bench`: programs that measure, not part of `make check`. The pure part natively, then the manager's work on the
# node (tests/vm/bench.sh), beside the numbers kept in tests/bench/results.
EXTRA_PROGRAMS = tests/bench/bench-proxy
tests_bench_bench_proxy_SOURCES = tests/bench/bench-proxy.c
tests_bench_bench_proxy_LDADD = libmodel.a libcommon.a

check_PROGRAMS += tests/bench/manager-bench
tests_bench_manager_bench_SOURCES = tests/bench/manager-bench.c
tests_bench_manager_bench_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bench_manager_bench_LDADD = libcontrol.a libkernelmemory.a $(libkernel_libs) $(SYSTEMD_LIBS)
EXTRA_DIST += tests/bench/compare tests/bench/results tests/vm/bench.sh

bench: all $(EXTRA_PROGRAMS) tests/bench/manager-bench
	tests/bench/bench-proxy
	tests/bench/bench-proxy 45000 5
	$(top_srcdir)/tests/vm/run --build $(abs_top_builddir) --results $(abs_top_builddir)/bench-results \
		--timeout 1800 $(top_srcdir)/tests/vm/bench.sh
	$(top_srcdir)/tests/bench/compare $(top_srcdir)/tests/bench/results $(abs_top_builddir)/bench-results/files/bench
.PHONY: bench
