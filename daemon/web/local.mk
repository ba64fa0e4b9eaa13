# SPDX-License-Identifier: GPL-2.0-or-later
# healthz, livez, health check node ports and metrics, over libmicrohttpd in the event loop.
noinst_LIBRARIES += libweb.a
libweb_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(MHD_CFLAGS)
libweb_a_SOURCES = \
	daemon/web/http-listener.c \
	daemon/web/http-private.h \
	daemon/web/http-reply.c \
	daemon/web/http-server.c \
	daemon/web/http-server.h
