# SPDX-License-Identifier: GPL-2.0-or-later
# The middle of the daemon: everything that drives model, proxy and kernel.
noinst_LIBRARIES += libcontrol.a
libcontrol_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
libcontrol_a_SOURCES = \
	daemon/control/adopt.c \
	daemon/control/adopt.h \
	daemon/control/cleanup.c \
	daemon/control/cleanup.h \
	daemon/control/drain.c \
	daemon/control/drain.h \
	daemon/control/drift.c \
	daemon/control/drift.h \
	daemon/control/failure-log.c \
	daemon/control/failure-log.h \
	daemon/control/journal.c \
	daemon/control/journal-file.c \
	daemon/control/journal.h \
	daemon/control/journal-private.h \
	daemon/control/look.c \
	daemon/control/manager.c \
	daemon/control/manager.h \
	daemon/control/manager-options.c \
	daemon/control/manager-private.h \
	daemon/control/measure.c \
	daemon/control/measure.h \
	daemon/control/node-ports.c \
	daemon/control/node-ports.h \
	daemon/control/node-setup.c \
	daemon/control/node-setup.h \
	daemon/control/node-view.c \
	daemon/control/node-view.h \
	daemon/control/differences.c \
	daemon/control/differences.h \
	daemon/control/explain.c \
	daemon/control/explain.h \
	daemon/control/node-drain.c \
	daemon/control/node-drain.h \
	daemon/control/overrides.c \
	daemon/control/overrides.h \
	daemon/control/port-view.c \
	daemon/control/port-view.h \
	daemon/control/priorities.h \
	daemon/control/reconciler.c \
	daemon/control/reconciler.h \
	daemon/control/refusal-log.c \
	daemon/control/refusal-log.h \
	daemon/control/filter-look.c \
	daemon/control/filter-look.h \
	daemon/control/server-look.c \
	daemon/control/server-look.h \
	daemon/control/state-file.c \
	daemon/control/state-file.h \
	daemon/control/scheduler-probe.c \
	daemon/control/scheduler-probe.h \
	daemon/control/source-texts.c \
	daemon/control/source-texts.h \
	daemon/control/statistics.c \
	daemon/control/statistics.h \
	daemon/control/status.c \
	daemon/control/sync.c \
	daemon/control/sysctl-record.c \
	daemon/control/sysctl-record.h \
	daemon/control/turn-pace.c \
	daemon/control/turn-pace.h \
	daemon/control/wake.c \
	daemon/control/yield.c \
	daemon/control/yield.h
