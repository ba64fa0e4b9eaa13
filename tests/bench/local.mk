# SPDX-License-Identifier: GPL-2.0-or-later
# `make bench`: programs that measure, not part of `make check`.
EXTRA_PROGRAMS = tests/bench/bench-proxy
tests_bench_bench_proxy_SOURCES = tests/bench/bench-proxy.c
tests_bench_bench_proxy_LDADD = libmodel.a libcommon.a

bench: $(EXTRA_PROGRAMS)
	tests/bench/bench-proxy
	tests/bench/bench-proxy 45000 5
.PHONY: bench
