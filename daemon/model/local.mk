# SPDX-License-Identifier: GPL-2.0-or-later
# The pure part, model/ and proxy/: no I/O, no clock, no library but libc and common.
noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES = \
	daemon/model/api-state.c \
	daemon/model/api-state.h \
	daemon/model/endpoint-slice.c \
	daemon/model/endpoint-slice.h \
	daemon/model/filter.c \
	daemon/model/filter.h \
	daemon/model/kernel-ops.c \
	daemon/model/kernel-ops.h \
	daemon/model/metrics-detail.c \
	daemon/model/metrics-detail.h \
	daemon/model/node.c \
	daemon/model/node.h \
	daemon/model/node-set.c \
	daemon/model/node-set.h \
	daemon/model/override.c \
	daemon/model/override.h \
	daemon/model/service.c \
	daemon/model/service.h \
	daemon/model/store-dirty.c \
	daemon/model/store-node.c \
	daemon/model/store-private.h \
	daemon/model/store.c \
	daemon/model/store.h \
	daemon/model/virtual-server.c \
	daemon/model/virtual-server.h \
	daemon/proxy/desired.c \
	daemon/proxy/desired-address.c \
	daemon/proxy/desired-build.c \
	daemon/proxy/desired-filter.c \
	daemon/proxy/desired-private.h \
	daemon/proxy/desired.h \
	daemon/proxy/endpoints.c \
	daemon/proxy/endpoints.h \
	daemon/proxy/kernel-table-claim.c \
	daemon/proxy/kernel-table-private.h \
	daemon/proxy/kernel-table-queue.c \
	daemon/proxy/kernel-table.c \
	daemon/proxy/kernel-table.h \
	daemon/proxy/plan-commit.c \
	daemon/proxy/plan-private.h \
	daemon/proxy/plan.c \
	daemon/proxy/plan.h
