# SPDX-License-Identifier: GPL-2.0-or-later
# First those that wait longest.
TESTS += $(unit_api) $(unit_manager)

# cmocka programs, one a module. Those of the pure part link libmodel.a and libcommon.a alone: no curl, libnl,
# json-c or libsystemd, which is the proof that model/ and proxy/ need none of them.
unit_pure = tests/unit/test-addr tests/unit/test-hash tests/unit/test-parse tests/unit/test-store \
	tests/unit/test-endpoints tests/unit/test-kernel-table tests/unit/test-desired
check_PROGRAMS += $(unit_pure)
TESTS += $(unit_pure)
unit_pure_libs = libmodel.a libcommon.a $(CMOCKA_LIBS)

tests_unit_test_addr_SOURCES = tests/unit/test-addr.c
tests_unit_test_addr_LDADD = $(unit_pure_libs)
tests_unit_test_hash_SOURCES = tests/unit/test-hash.c
tests_unit_test_hash_LDADD = $(unit_pure_libs)
tests_unit_test_parse_SOURCES = tests/unit/test-parse.c
tests_unit_test_parse_LDADD = $(unit_pure_libs)
tests_unit_test_store_SOURCES = tests/unit/test-store.c
tests_unit_test_store_LDADD = $(unit_pure_libs)
tests_unit_test_endpoints_SOURCES = tests/unit/test-endpoints.c
tests_unit_test_endpoints_LDADD = $(unit_pure_libs)
tests_unit_test_kernel_table_SOURCES = tests/unit/test-kernel-table.c
tests_unit_test_kernel_table_LDADD = $(unit_pure_libs)
tests_unit_test_desired_SOURCES = tests/unit/test-desired.c
tests_unit_test_desired_LDADD = $(unit_pure_libs)
EXTRA_DIST += tests/unit/test.h

# kernel/: the pure parts of the nftables room, and sysctls
unit_filter = tests/unit/test-ruleset tests/unit/test-nft-element tests/unit/test-sysctl
check_PROGRAMS += $(unit_filter)
TESTS += $(unit_filter)
tests_unit_test_ruleset_SOURCES = tests/unit/test-ruleset.c
tests_unit_test_ruleset_LDADD = libkernelfilter.a $(unit_pure_libs)
tests_unit_test_nft_element_SOURCES = tests/unit/test-nft-element.c
tests_unit_test_nft_element_LDADD = libkernelfilter.a $(unit_pure_libs)
tests_unit_test_sysctl_SOURCES = tests/unit/test-sysctl.c
tests_unit_test_sysctl_LDADD = libkernelfilter.a $(unit_pure_libs)
# The netlink channel, with a kernel that is played
check_PROGRAMS += tests/unit/test-netlink
TESTS += tests/unit/test-netlink
tests_unit_test_netlink_SOURCES = tests/unit/test-netlink.c
tests_unit_test_netlink_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS)
tests_unit_test_netlink_LDFLAGS = -Wl,--wrap=nl_sendto,--wrap=recvmmsg,--wrap=recv,--wrap=genl_ctrl_resolve
tests_unit_test_netlink_LDADD = $(libkernelfilter_libs) $(CMOCKA_LIBS)
# The device and its addresses over it
check_PROGRAMS += tests/unit/test-address
TESTS += tests/unit/test-address
tests_unit_test_address_SOURCES = tests/unit/test-address.c
tests_unit_test_address_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(NL_CFLAGS) $(MNL_CFLAGS)
tests_unit_test_address_LDFLAGS = -Wl,--wrap=netlink_call,--wrap=netlink_send
tests_unit_test_address_LDADD = $(libkernel_libs) $(CMOCKA_LIBS)
# The same for libnftables
check_PROGRAMS += tests/unit/test-nft-text
TESTS += tests/unit/test-nft-text
tests_unit_test_nft_text_SOURCES = tests/unit/test-nft-text.c
tests_unit_test_nft_text_CPPFLAGS = $(AM_CPPFLAGS) $(NFT_CFLAGS)
tests_unit_test_nft_text_LDFLAGS = -Wl,--wrap=nft_run_cmd_from_buffer,--wrap=nft_ctx_get_error_buffer,--wrap=alarm
tests_unit_test_nft_text_LDADD = $(libkernelfilter_libs) $(CMOCKA_LIBS)

# The kernel in memory, and everything above it
unit_memory = tests/unit/test-memory-backend
check_PROGRAMS += $(unit_memory)
TESTS += $(unit_memory)
tests_unit_test_memory_backend_SOURCES = tests/unit/test-memory-backend.c
tests_unit_test_memory_backend_LDADD = $(libkernelmemory_libs) $(CMOCKA_LIBS)

# control/ and web/: what is measured and what is shown of it
unit_web = tests/unit/test-measure tests/unit/test-web-server tests/unit/test-web \
	tests/unit/test-web-metrics
check_PROGRAMS += $(unit_web)
TESTS += $(unit_web)
tests_unit_test_measure_SOURCES = tests/unit/test-measure.c
tests_unit_test_measure_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_measure_LDADD = libcontrol.a libmodel.a libcommon.a $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
unit_web_libs = libweb.a libcontrol.a $(libkernelmemory_libs) $(MHD_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
unit_web_cppflags = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
unit_web_client = tests/unit/web-client.c tests/unit/web-client.h
tests_unit_test_web_server_SOURCES = tests/unit/test-web-server.c $(unit_web_client)
tests_unit_test_web_server_CPPFLAGS = $(unit_web_cppflags)
tests_unit_test_web_server_LDADD = $(unit_web_libs)
unit_web_fixture = $(unit_web_client) tests/unit/web-fixture.c tests/unit/web-fixture.h
tests_unit_test_web_SOURCES = tests/unit/test-web.c $(unit_web_fixture)
tests_unit_test_web_CPPFLAGS = $(unit_web_cppflags)
tests_unit_test_web_LDADD = $(unit_web_libs)
tests_unit_test_web_metrics_SOURCES = tests/unit/test-web-metrics.c tests/unit/prometheus-check.c \
	tests/unit/prometheus-check.h $(unit_web_fixture)
tests_unit_test_web_metrics_CPPFLAGS = $(unit_web_cppflags)
tests_unit_test_web_metrics_LDADD = $(unit_web_libs)
unit_control = tests/unit/test-cleanup tests/unit/test-failure-log
check_PROGRAMS += $(unit_control)
TESTS += $(unit_control)
tests_unit_test_cleanup_SOURCES = tests/unit/test-cleanup.c
tests_unit_test_cleanup_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_cleanup_LDADD = libcontrol.a libkerneldryrun.a libkernelfilter.a $(libkernelmemory_libs) $(CMOCKA_LIBS)
tests_unit_test_failure_log_SOURCES = tests/unit/test-failure-log.c
tests_unit_test_failure_log_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_failure_log_LDADD = libcontrol.a $(unit_pure_libs)
# config/
unit_config = tests/unit/test-config tests/unit/test-config-fields tests/unit/test-config-file \
	tests/unit/test-config-man tests/unit/test-kubeconfig tests/unit/test-yaml-tree
unit_config_libs = libconfig.a $(unit_pure_libs) $(YAML_LIBS)
check_PROGRAMS += $(unit_config)
TESTS += $(unit_config)
tests_unit_test_config_SOURCES = tests/unit/test-config.c tests/unit/config-util.h
tests_unit_test_config_LDADD = $(unit_config_libs)
tests_unit_test_kubeconfig_SOURCES = tests/unit/test-kubeconfig.c tests/unit/config-util.h
tests_unit_test_kubeconfig_LDADD = $(unit_config_libs)
tests_unit_test_config_fields_SOURCES = tests/unit/test-config-fields.c tests/unit/config-util.h
tests_unit_test_config_fields_LDADD = $(unit_config_libs)

# apiserver/: what needs no network. recorded.c reads what a real API server answered.
unit_api = tests/unit/test-api-parse tests/unit/test-api-split tests/unit/test-decode tests/unit/test-api-feed \
	tests/unit/test-reflector \
	tests/unit/test-api-memory tests/unit/test-manifests tests/unit/test-api-server tests/unit/test-api-transport \
	tests/unit/test-events tests/unit/test-api-paths tests/unit/test-api-http2
check_PROGRAMS += $(unit_api)
# Cases that wait, beside each other
unit_beside = tests/unit/beside.c tests/unit/beside.h
unit_api_cppflags = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
unit_api_libs = libapiserver.a libmodel.a libcommon.a $(JSON_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
unit_recorded = tests/unit/recorded.c tests/unit/recorded.h
tests_unit_test_api_parse_SOURCES = tests/unit/test-api-parse.c $(unit_recorded)
tests_unit_test_api_parse_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_api_parse_LDADD = $(unit_api_libs)
tests_unit_test_api_split_SOURCES = tests/unit/test-api-split.c $(unit_recorded)
tests_unit_test_api_split_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_api_split_LDADD = $(unit_api_libs)
tests_unit_test_decode_SOURCES = tests/unit/test-decode.c $(unit_recorded)
tests_unit_test_decode_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_decode_LDADD = $(unit_api_libs)
tests_unit_test_api_feed_SOURCES = tests/unit/test-api-feed.c $(unit_recorded)
tests_unit_test_api_feed_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_api_feed_LDADD = $(unit_api_libs)
tests_unit_test_reflector_SOURCES = tests/unit/test-reflector.c $(unit_recorded)
tests_unit_test_reflector_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_reflector_LDADD = $(unit_api_libs)
tests_unit_test_api_transport_SOURCES = tests/unit/test-api-transport.c
tests_unit_test_api_transport_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_api_transport_LDADD = $(unit_api_libs)
unit_sink = tests/unit/reflector-sink.c tests/unit/reflector-sink.h
tests_unit_test_api_memory_SOURCES = tests/unit/test-api-memory.c $(unit_sink)
tests_unit_test_api_memory_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_api_memory_LDADD = $(unit_api_libs)
tests_unit_test_manifests_SOURCES = tests/unit/test-manifests.c $(unit_recorded) $(unit_beside)
tests_unit_test_manifests_CPPFLAGS = $(unit_api_cppflags)
tests_unit_test_manifests_LDADD = $(libapiserver_libs) $(CMOCKA_LIBS)
# They need tests/apiserver/test-apiserver.
unit_fixture = tests/unit/api-fixture.c tests/unit/api-fixture.h
tests_unit_test_api_server_SOURCES = tests/unit/test-api-server.c $(unit_fixture) $(unit_beside)
tests_unit_test_api_server_CPPFLAGS = $(unit_api_cppflags) $(CURL_CFLAGS)
tests_unit_test_api_server_LDADD = $(libapiserver_libs) $(CMOCKA_LIBS)
tests_unit_test_events_SOURCES = tests/unit/test-events.c $(unit_fixture)
tests_unit_test_events_CPPFLAGS = $(unit_api_cppflags) $(CURL_CFLAGS)
tests_unit_test_events_LDADD = $(libapiserver_libs) $(CMOCKA_LIBS)
tests_unit_test_api_paths_SOURCES = tests/unit/test-api-paths.c tests/unit/relay.c tests/unit/relay.h $(unit_fixture) \
	$(unit_beside)
tests_unit_test_api_paths_CPPFLAGS = $(unit_api_cppflags) $(CURL_CFLAGS)
tests_unit_test_api_paths_LDADD = $(libapiserver_libs) $(CMOCKA_LIBS)
tests_unit_test_api_http2_SOURCES = tests/unit/test-api-http2.c $(unit_fixture) $(unit_beside)
tests_unit_test_api_http2_CPPFLAGS = $(unit_api_cppflags) $(CURL_CFLAGS)
tests_unit_test_api_http2_LDADD = $(libapiserver_libs) $(CMOCKA_LIBS)
tests_unit_test_config_file_SOURCES = tests/unit/test-config-file.c tests/unit/config-util.h
tests_unit_test_config_file_LDADD = $(unit_config_libs)
tests_unit_test_config_man_SOURCES = tests/unit/test-config-man.c
tests_unit_test_config_man_LDADD = $(unit_config_libs)
tests_unit_test_yaml_tree_SOURCES = tests/unit/test-yaml-tree.c
tests_unit_test_yaml_tree_LDADD = $(unit_config_libs)

# common/log, which alone of common/ needs libsystemd
check_PROGRAMS += tests/unit/test-log
TESTS += tests/unit/test-log
tests_unit_test_log_SOURCES = tests/unit/test-log.c
tests_unit_test_log_LDADD = libcommon.a $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
# control/ over the kernel in memory
check_LIBRARIES += libcontrolfixture.a
libcontrolfixture_a_SOURCES = tests/unit/control-fixture.c tests/unit/control-fixture.h
libcontrolfixture_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
unit_manager = tests/unit/test-control-sync tests/unit/test-control-faults \
	tests/unit/test-control-drain tests/unit/test-differences tests/unit/test-node-drain tests/unit/test-control-random \
	tests/unit/test-control-node tests/unit/test-control-node-ports tests/unit/test-control-scheduler tests/unit/test-control-look \
	tests/unit/test-control-load \
	tests/unit/test-turn-pace tests/unit/test-yield
check_PROGRAMS += $(unit_manager)
unit_manager_libs = libcontrolfixture.a libcontrol.a $(libkernelmemory_libs) $(CMOCKA_LIBS)
tests_unit_test_turn_pace_SOURCES = tests/unit/test-turn-pace.c
tests_unit_test_turn_pace_LDADD = libcontrol.a $(CMOCKA_LIBS)
tests_unit_test_yield_SOURCES = tests/unit/test-yield.c
tests_unit_test_yield_LDADD = libcontrol.a libcommon.a $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
tests_unit_test_control_sync_SOURCES = tests/unit/test-control-sync.c
tests_unit_test_control_sync_LDADD = $(unit_manager_libs)
tests_unit_test_control_faults_SOURCES = tests/unit/test-control-faults.c
tests_unit_test_control_faults_LDADD = $(unit_manager_libs)
tests_unit_test_control_drain_SOURCES = tests/unit/test-control-drain.c
tests_unit_test_control_drain_LDADD = $(unit_manager_libs)
tests_unit_test_differences_SOURCES = tests/unit/test-differences.c
tests_unit_test_differences_LDADD = $(unit_manager_libs)
tests_unit_test_node_drain_SOURCES = tests/unit/test-node-drain.c
tests_unit_test_node_drain_LDADD = $(unit_manager_libs)
tests_unit_test_control_node_SOURCES = tests/unit/test-control-node.c
tests_unit_test_control_node_LDADD = $(unit_manager_libs)
tests_unit_test_control_node_ports_SOURCES = tests/unit/test-control-node-ports.c
tests_unit_test_control_node_ports_LDADD = $(unit_manager_libs)
tests_unit_test_control_scheduler_SOURCES = tests/unit/test-control-scheduler.c
tests_unit_test_control_scheduler_LDADD = $(unit_manager_libs)
tests_unit_test_control_load_SOURCES = tests/unit/test-control-load.c
tests_unit_test_control_load_LDADD = $(unit_manager_libs)
tests_unit_test_control_look_SOURCES = tests/unit/test-control-look.c
tests_unit_test_control_look_LDADD = $(unit_manager_libs)
tests_unit_test_control_random_SOURCES = tests/unit/test-control-random.c
tests_unit_test_control_random_LDADD = $(unit_manager_libs)
