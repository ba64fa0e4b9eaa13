# SPDX-License-Identifier: GPL-2.0-or-later
# ipvsproxyctl: everything but main() is a library, for the tests.
noinst_LIBRARIES += libclient.a
libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
libclient_a_SOURCES = \
	client/json-text.c \
	client/message-json.c \
	client/message-json.h \
	client/table.c \
	client/table.h \
	client/text.c \
	client/text.h
