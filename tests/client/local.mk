# SPDX-License-Identifier: GPL-2.0-or-later
# ipvsproxyctl as a program, against a fake daemon on a private dbus-daemon.
client_tests = tests/client/test-client tests/client/test-client-text tests/client/test-client-verbs \
	tests/client/test-client-host tests/client/test-client-unit \
	tests/client/test-client-top tests/client/test-client-schema tests/client/test-client-complete
check_PROGRAMS += tests/client/fake-daemon $(client_tests)
TESTS += $(client_tests)
client_bench = tests/client/bench.c tests/client/bench.h
tests_client_fake_daemon_SOURCES = tests/client/fake-daemon.c tests/client/fake-members.c \
	tests/client/fake-crowd.c tests/client/fake-systemd.c tests/client/fake.h
tests_client_fake_daemon_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_client_fake_daemon_LDADD = $(SYSTEMD_LIBS)
tests_client_test_client_SOURCES = tests/client/test-client.c $(client_bench)
tests_client_test_client_LDADD = $(CMOCKA_LIBS)
tests_client_test_client_complete_SOURCES = tests/client/test-client-complete.c $(client_bench)
tests_client_test_client_complete_LDADD = $(CMOCKA_LIBS)
tests_client_test_client_text_SOURCES = tests/client/test-client-text.c
tests_client_test_client_text_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_client_test_client_text_LDADD = $(client_libs) $(CMOCKA_LIBS)
tests_client_test_client_verbs_SOURCES = tests/client/test-client-verbs.c $(client_bench)
tests_client_test_client_verbs_LDADD = $(CMOCKA_LIBS)
tests_client_test_client_host_SOURCES = tests/client/test-client-host.c tests/client/fake-host.c \
	tests/client/fake-host.h $(client_bench)
tests_client_test_client_host_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_client_test_client_host_LDADD = $(client_libs) $(CMOCKA_LIBS)
tests_client_test_client_unit_SOURCES = tests/client/test-client-unit.c tests/client/fake-host.c \
	tests/client/fake-host.h $(client_bench)
tests_client_test_client_unit_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_client_test_client_unit_LDADD = $(client_libs) $(CMOCKA_LIBS)
tests_client_test_client_top_SOURCES = tests/client/test-client-top.c $(client_bench)
tests_client_test_client_top_LDADD = $(CMOCKA_LIBS)
tests_client_test_client_schema_SOURCES = tests/client/test-client-schema.c tests/client/schema.c \
	tests/client/schema.h $(client_bench)
tests_client_test_client_schema_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_client_test_client_schema_LDADD = $(client_libs) $(CMOCKA_LIBS)
