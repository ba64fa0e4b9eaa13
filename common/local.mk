# SPDX-License-Identifier: GPL-2.0-or-later
# What both programs use. Nothing here knows Kubernetes, IPVS or the daemon.
noinst_LIBRARIES += libcommon.a
libcommon_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
libcommon_a_SOURCES = \
	common/addr.c \
	common/addr.h \
	common/bus-names.h \
	common/clock.h \
	common/hash.c \
	common/hash.h \
	common/io.c \
	common/io.h \
	common/log.c \
	common/log.h \
	common/macros.h \
	common/message-ids.h \
	common/parse.c \
	common/parse.h
