# SPDX-License-Identifier: GPL-2.0-or-later
# One library a room (docs/ARCHITECTURE.md); libmodel.a links without curl, libnl, json-c, libsystemd.
sbin_PROGRAMS += ipvsproxyd
ipvsproxyd_SOURCES = \
	daemon/daemon.c \
	daemon/daemon.h \
	daemon/daemon-events.c \
	daemon/daemon-events.h \
	daemon/instance-lock.c \
	daemon/instance-lock.h \
	daemon/main.c \
	daemon/manager-config.c \
	daemon/manager-config.h \
	daemon/one-shot.c \
	daemon/one-shot.h \
	daemon/source-report.c \
	daemon/source-report.h \
	daemon/web-counters.c \
	daemon/web-counters.h
ipvsproxyd_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
ipvsproxyd_LDADD = libweb.a libbus.a libapiserver.a libconfig.a libcontrol.a libkerneldryrun.a $(libkernel_libs) \
	$(MHD_LIBS) $(ZLIB_LIBS) $(CURL_LIBS) $(JSON_LIBS) $(YAML_LIBS) $(SYSTEMD_LIBS)

include daemon/model/local.mk
include daemon/config/local.mk
include daemon/apiserver/local.mk
include daemon/kernel/local.mk
include daemon/control/local.mk
include daemon/bus/local.mk
include daemon/web/local.mk
