# SPDX-License-Identifier: GPL-2.0-or-later
# kube-proxy's own tests, told anew for the pure part, and the desired state as a whole. `world` turns a few lines of
# text into objects and what is wanted of the kernel into text.
check_LIBRARIES += tests/unit/libworld.a
tests_unit_libworld_a_SOURCES = tests/unit/world.c tests/unit/world-plan.c tests/unit/world-text.c tests/unit/world.h

unit_reference = tests/unit/test-reference-cluster-ip tests/unit/test-reference-external \
	tests/unit/test-reference-maps tests/unit/test-reference-node-port tests/unit/test-reference-policy \
	tests/unit/test-reference-servers tests/unit/test-reference-more tests/unit/test-desired-property \
	tests/unit/test-desired-load tests/unit/test-desired-oom
check_PROGRAMS += $(unit_reference)
TESTS += $(unit_reference)
unit_world_libs = tests/unit/libworld.a $(unit_pure_libs)

tests_unit_test_reference_cluster_ip_SOURCES = tests/unit/test-reference-cluster-ip.c
tests_unit_test_reference_cluster_ip_LDADD = $(unit_world_libs)
tests_unit_test_reference_external_SOURCES = tests/unit/test-reference-external.c
tests_unit_test_reference_external_LDADD = $(unit_world_libs)
tests_unit_test_reference_maps_SOURCES = tests/unit/test-reference-maps.c
tests_unit_test_reference_maps_LDADD = $(unit_world_libs)
tests_unit_test_reference_node_port_SOURCES = tests/unit/test-reference-node-port.c
tests_unit_test_reference_node_port_LDADD = $(unit_world_libs)
tests_unit_test_reference_policy_SOURCES = tests/unit/test-reference-policy.c
tests_unit_test_reference_policy_LDADD = $(unit_world_libs)
tests_unit_test_reference_servers_SOURCES = tests/unit/test-reference-servers.c
tests_unit_test_reference_servers_LDADD = $(unit_world_libs)
tests_unit_test_reference_more_SOURCES = tests/unit/test-reference-more.c
tests_unit_test_reference_more_LDADD = $(unit_world_libs)
tests_unit_test_desired_property_SOURCES = tests/unit/test-desired-property.c
tests_unit_test_desired_property_LDADD = $(unit_world_libs)
tests_unit_test_desired_load_SOURCES = tests/unit/test-desired-load.c
tests_unit_test_desired_load_LDADD = $(unit_world_libs)
tests_unit_test_desired_oom_SOURCES = tests/unit/test-desired-oom.c
tests_unit_test_desired_oom_LDADD = $(unit_world_libs)
tests_unit_test_desired_oom_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray

# control/node-view.c and node-setup.c over the kernel in memory
unit_node = tests/unit/test-reference-node tests/unit/test-reference-setup
check_PROGRAMS += $(unit_node)
TESTS += $(unit_node)
tests_unit_test_reference_node_SOURCES = tests/unit/test-reference-node.c
tests_unit_test_reference_node_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_reference_node_LDADD = libcontrol.a $(libkernelmemory_libs) $(CMOCKA_LIBS)
tests_unit_test_reference_setup_SOURCES = tests/unit/test-reference-setup.c
tests_unit_test_reference_setup_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_reference_setup_LDADD = libcontrol.a $(libkernelmemory_libs) $(CMOCKA_LIBS)

# apiserver/ before the pure part: from JSON to what is wanted
unit_objects = tests/unit/test-reference-objects
check_PROGRAMS += $(unit_objects)
TESTS += $(unit_objects)
tests_unit_test_reference_objects_SOURCES = tests/unit/test-reference-objects.c
tests_unit_test_reference_objects_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_reference_objects_LDADD = tests/unit/libworld.a $(unit_api_libs)
