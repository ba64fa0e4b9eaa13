# SPDX-License-Identifier: GPL-2.0-or-later
# What both programs use. Nothing here knows Kubernetes, IPVS or the daemon.
noinst_LIBRARIES += libcommon.a
libcommon_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
libcommon_a_SOURCES = \
	common/macros.h
