# SPDX-License-Identifier: GPL-2.0-or-later
# LLVMFuzzerTestOneInput programs. Configured with CC=clang --enable-fuzzing they are libFuzzer programs, each run by
# hand: tests/fuzz/fuzz-parse -max_total_time=600 corpus-dir. Else replay-main.c runs them over the files of
# tests/fuzz/corpus/NAME/ as a plain test. A finding becomes a file there.
#
# To add fuzz-NAME: its .c file, the corpus folder, a line in fuzz_programs, _SOURCES, _LDADD and _LDFLAGS as below.
fuzz_programs = tests/fuzz/fuzz-parse tests/fuzz/fuzz-config tests/fuzz/fuzz-flags tests/fuzz/fuzz-kubeconfig \
	tests/fuzz/fuzz-watch tests/fuzz/fuzz-list tests/fuzz/fuzz-manifest \
	tests/fuzz/fuzz-bus

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

# config/
fuzz_config_libs = libconfig.a libmodel.a libcommon.a $(YAML_LIBS)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c tests/fuzz/fuzz-file.h tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_config_LDADD = $(fuzz_config_libs)
tests_fuzz_fuzz_config_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_flags_SOURCES = tests/fuzz/fuzz-flags.c tests/fuzz/fuzz-file.h tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_flags_LDADD = $(fuzz_config_libs)
tests_fuzz_fuzz_flags_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_kubeconfig_SOURCES = tests/fuzz/fuzz-kubeconfig.c tests/fuzz/fuzz-file.h tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_kubeconfig_LDADD = $(fuzz_config_libs)
tests_fuzz_fuzz_kubeconfig_LDFLAGS = $(fuzz_ldflags)

# apiserver/
fuzz_api_libs = libapiserver.a libconfig.a libmodel.a libcommon.a $(JSON_LIBS) $(YAML_LIBS) $(SYSTEMD_LIBS)
fuzz_api_cppflags = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
fuzz_sink = tests/unit/reflector-sink.c tests/unit/reflector-sink.h
tests_fuzz_fuzz_watch_SOURCES = tests/fuzz/fuzz-watch.c $(fuzz_sink) tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_watch_CPPFLAGS = $(fuzz_api_cppflags)
tests_fuzz_fuzz_watch_LDADD = $(fuzz_api_libs)
tests_fuzz_fuzz_watch_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_list_SOURCES = tests/fuzz/fuzz-list.c $(fuzz_sink) tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_list_CPPFLAGS = $(fuzz_api_cppflags)
tests_fuzz_fuzz_list_LDADD = $(fuzz_api_libs)
tests_fuzz_fuzz_list_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz-manifest.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_manifest_CPPFLAGS = $(fuzz_api_cppflags)
tests_fuzz_fuzz_manifest_LDADD = $(fuzz_api_libs)
tests_fuzz_fuzz_manifest_LDFLAGS = $(fuzz_ldflags)
# bus/: bodies of method calls
tests_fuzz_fuzz_bus_SOURCES = tests/fuzz/fuzz-bus.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_bus_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_fuzz_fuzz_bus_LDADD = $(bus_test_libs)
tests_fuzz_fuzz_bus_LDFLAGS = $(fuzz_ldflags)

EXTRA_DIST += tests/fuzz/corpus
