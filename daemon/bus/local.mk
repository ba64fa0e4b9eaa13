# SPDX-License-Identifier: GPL-2.0-or-later
# The system bus: the only room with D-Bus in it.
noinst_LIBRARIES += libbus.a
libbus_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
libbus_a_SOURCES = \
	daemon/bus/actions.c \
	daemon/bus/actions.h \
	daemon/bus/admission.c \
	daemon/bus/answer.c \
	daemon/bus/answer.h \
	daemon/bus/arguments.c \
	daemon/bus/arguments.h \
	daemon/bus/budget.c \
	daemon/bus/budget.h \
	daemon/bus/bus.c \
	daemon/bus/bus.h \
	daemon/bus/bus-private.h \
	daemon/bus/conditions.c \
	daemon/bus/conditions.h \
	daemon/bus/connection.c \
	daemon/bus/describe.c \
	daemon/bus/describe-explain.c \
	daemon/bus/describe.h \
	daemon/bus/dump.c \
	daemon/bus/dump-methods.c \
	daemon/bus/dump.h \
	daemon/bus/gate.c \
	daemon/bus/gate.h \
	daemon/bus/hold.c \
	daemon/bus/hold.h \
	daemon/bus/index.c \
	daemon/bus/index.h \
	daemon/bus/inhibitor.c \
	daemon/bus/inhibitor.h \
	daemon/bus/json.c \
	daemon/bus/json.h \
	daemon/bus/lists.c \
	daemon/bus/log-control.c \
	daemon/bus/manager-object.c \
	daemon/bus/message-header.c \
	daemon/bus/message-header.h \
	daemon/bus/monitor.c \
	daemon/bus/monitor-lines.c \
	daemon/bus/monitor.h \
	daemon/bus/monitor-private.h \
	daemon/bus/peers.c \
	daemon/bus/peers-budget.c \
	daemon/bus/peers.h \
	daemon/bus/peers-private.h \
	daemon/bus/polkit.c \
	daemon/bus/polkit-question.c \
	daemon/bus/polkit.h \
	daemon/bus/polkit-private.h \
	daemon/bus/properties.c \
	daemon/bus/properties.h \
	daemon/bus/resync.c \
	daemon/bus/service-object.c \
	daemon/bus/service-view.c \
	daemon/bus/service-view.h \
	daemon/bus/signal-hash.c \
	daemon/bus/signal-hash.h \
	daemon/bus/signals.c \
	daemon/bus/signals-manager.c \
	daemon/bus/signals.h \
	daemon/bus/signals-private.h \
	daemon/bus/tree.c
