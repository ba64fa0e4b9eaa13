# SPDX-License-Identifier: GPL-2.0-or-later
# healthz, livez, health check node ports and metrics, over libmicrohttpd in the event loop.
noinst_LIBRARIES += libweb.a
dist_man_MANS += man/ipvsproxy-metrics.5
libweb_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(MHD_CFLAGS) $(ZLIB_CFLAGS)
libweb_a_SOURCES = \
	daemon/web/health-listen.c \
	daemon/web/health-ports-private.h \
	daemon/web/health-ports.c \
	daemon/web/health-ports.h \
	daemon/web/health-service.c \
	daemon/web/health-service.h \
	daemon/web/http-gzip.c \
	daemon/web/http-gzip.h \
	daemon/web/http-listener.c \
	daemon/web/http-private.h \
	daemon/web/http-reply.c \
	daemon/web/http-server.c \
	daemon/web/http-server.h \
	daemon/web/metric-writer.c \
	daemon/web/metric-writer.h \
	daemon/web/metrics-builder.c \
	daemon/web/metrics-builder.h \
	daemon/web/metrics-families.c \
	daemon/web/metrics-families.h \
	daemon/web/metrics-process.c \
	daemon/web/metrics-process.h \
	daemon/web/metrics-snapshot.c \
	daemon/web/metrics-snapshot.h \
	daemon/web/metrics.c \
	daemon/web/metrics.h \
	daemon/web/text.c \
	daemon/web/text.h \
	daemon/web/traffic.c \
	daemon/web/traffic.h \
	daemon/web/web-health.c \
	daemon/web/web-private.h \
	daemon/web/web.c \
	daemon/web/web.h
