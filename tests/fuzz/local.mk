# SPDX-License-Identifier: GPL-2.0-or-later
# LLVMFuzzerTestOneInput programs. Configured with CC=clang --enable-fuzzing they are libFuzzer programs, each run by
# hand: tests/fuzz/fuzz-parse -max_total_time=600 corpus-dir. Else replay-main.c runs them over the files of
# tests/fuzz/corpus/NAME/ as a plain test. A finding becomes a file there.
#
# To add fuzz-NAME: its .c file, the corpus folder, a line in fuzz_programs, _SOURCES, _LDADD and _LDFLAGS as below.
fuzz_programs = tests/fuzz/fuzz-parse

if ENABLE_FUZZING
noinst_PROGRAMS += $(fuzz_programs)
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
check_PROGRAMS += $(fuzz_programs)
TESTS += $(fuzz_programs)
fuzz_main = tests/fuzz/replay-main.c
fuzz_ldflags = $(AM_LDFLAGS)
endif

tests_fuzz_fuzz_parse_SOURCES = tests/fuzz/fuzz-parse.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_parse_LDADD = libcommon.a
tests_fuzz_fuzz_parse_LDFLAGS = $(fuzz_ldflags)

EXTRA_DIST += tests/fuzz/corpus
