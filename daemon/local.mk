# SPDX-License-Identifier: GPL-2.0-or-later
# One library a room (docs/ARCHITECTURE.md); libmodel.a links without curl, libnl, json-c, libsystemd.
sbin_PROGRAMS += ipvsproxyd
ipvsproxyd_SOURCES = daemon/main.c
ipvsproxyd_LDADD = libcommon.a

include daemon/model/local.mk
include daemon/config/local.mk
include daemon/apiserver/local.mk
include daemon/kernel/local.mk
include daemon/control/local.mk
include daemon/bus/local.mk
include daemon/web/local.mk
