# SPDX-License-Identifier: GPL-2.0-or-later
# The bus room over a kernel in memory: objects over a direct link, names, polkit and budgets on a private dbus-daemon.
check_LIBRARIES += libbusbench.a
libbusbench_a_SOURCES = \
	tests/bus/bench.c \
	tests/bus/bench.h \
	tests/bus/fake-polkit.c \
	tests/bus/fake-polkit.h
libbusbench_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)

bus_tests = tests/bus/test-bus-objects tests/bus/test-bus-polkit tests/bus/test-bus-connection \
	tests/bus/test-bus-signals tests/bus/test-bus-actions \
	tests/bus/test-bus-contract tests/bus/test-bus-hostile tests/bus/test-bus-inhibitor tests/bus/test-bus-parts \
	tests/bus/test-bus-lists tests/bus/test-bus-monitor tests/bus/test-bus-gate
check_PROGRAMS += $(bus_tests)
TESTS += $(bus_tests)
bus_test_libs = libbusbench.a libbus.a libcontrol.a $(libkernelmemory_libs) $(CMOCKA_LIBS)
tests_bus_test_bus_objects_SOURCES = tests/bus/test-bus-objects.c
tests_bus_test_bus_objects_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_objects_LDADD = $(bus_test_libs)
tests_bus_test_bus_polkit_SOURCES = tests/bus/test-bus-polkit.c
tests_bus_test_bus_polkit_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_polkit_LDADD = $(bus_test_libs)
tests_bus_test_bus_connection_SOURCES = tests/bus/test-bus-connection.c
tests_bus_test_bus_connection_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_connection_LDADD = $(bus_test_libs)
tests_bus_test_bus_signals_SOURCES = tests/bus/test-bus-signals.c $(unit_beside)
tests_bus_test_bus_signals_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_signals_LDADD = $(bus_test_libs)
tests_bus_test_bus_actions_SOURCES = tests/bus/test-bus-actions.c
tests_bus_test_bus_actions_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_bus_test_bus_actions_LDADD = $(bus_test_libs) $(JSON_LIBS)
tests_bus_test_bus_contract_SOURCES = tests/bus/test-bus-contract.c
tests_bus_test_bus_contract_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_contract_LDADD = $(bus_test_libs)
tests_bus_test_bus_hostile_SOURCES = tests/bus/test-bus-hostile.c
tests_bus_test_bus_hostile_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_hostile_LDADD = $(bus_test_libs)
tests_bus_test_bus_inhibitor_SOURCES = tests/bus/test-bus-inhibitor.c
tests_bus_test_bus_inhibitor_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_inhibitor_LDADD = $(bus_test_libs)
tests_bus_test_bus_lists_SOURCES = tests/bus/test-bus-lists.c
tests_bus_test_bus_lists_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_lists_LDADD = $(bus_test_libs)
tests_bus_test_bus_monitor_SOURCES = tests/bus/test-bus-monitor.c
tests_bus_test_bus_monitor_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_bus_test_bus_monitor_LDADD = $(bus_test_libs) $(JSON_LIBS)
tests_bus_test_bus_gate_SOURCES = tests/bus/test-bus-gate.c
tests_bus_test_bus_gate_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_gate_LDADD = $(bus_test_libs)
tests_bus_test_bus_parts_SOURCES = tests/bus/test-bus-parts.c
tests_bus_test_bus_parts_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_test_bus_parts_LDADD = $(bus_test_libs)

# A hostile user of the system bus, for the node: tests/vm/test-bus.sh
check_PROGRAMS += tests/bus/bus-hammer
tests_bus_bus_hammer_SOURCES = tests/bus/bus-hammer.c
tests_bus_bus_hammer_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_bus_hammer_LDADD = $(SYSTEMD_LIBS)

# A user's program that stays: tests/vm/long-neighbours.sh
check_PROGRAMS += tests/bus/bus-resync
tests_bus_bus_resync_SOURCES = tests/bus/bus-resync.c
tests_bus_bus_resync_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_bus_resync_LDADD = $(SYSTEMD_LIBS)

# The daemon over a kernel in memory: tests/bus/attack.sh
check_PROGRAMS += tests/bus/daemon-in-memory
tests_bus_daemon_in_memory_SOURCES = $(ipvsproxyd_SOURCES) tests/bus/kernel-in-memory.c
tests_bus_daemon_in_memory_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_bus_daemon_in_memory_LDADD = libkernelmemory.a $(ipvsproxyd_LDADD)
EXTRA_DIST += tests/bus/attack.sh
