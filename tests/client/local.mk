# SPDX-License-Identifier: GPL-2.0-or-later
# The parts of ipvsproxyctl.
check_PROGRAMS += tests/client/test-client-text
TESTS += tests/client/test-client-text
tests_client_test_client_text_SOURCES = tests/client/test-client-text.c
tests_client_test_client_text_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_client_test_client_text_LDADD = libclient.a libcommon.a $(SYSTEMD_LIBS) $(JSON_LIBS) $(CMOCKA_LIBS)
