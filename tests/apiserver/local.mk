# SPDX-License-Identifier: GPL-2.0-or-later
# What a real API server 1.20 answered, and the founding cluster: the yardstick for tests of both ends.
EXTRA_DIST += \
	tests/data/recorded-api/api-v1.http \
	tests/data/recorded-api/api.http \
	tests/data/recorded-api/apis-discovery-v1-missing.http \
	tests/data/recorded-api/apis-discovery.http \
	tests/data/recorded-api/apis.http \
	tests/data/recorded-api/endpoints-list.http \
	tests/data/recorded-api/endpointslices-list.http \
	tests/data/recorded-api/endpointslices-watch.http \
	tests/data/recorded-api/forbidden-anonymous.http \
	tests/data/recorded-api/list-continue-expired.http \
	tests/data/recorded-api/list-too-large-rv.http \
	tests/data/recorded-api/node-missing.http \
	tests/data/recorded-api/node.http \
	tests/data/recorded-api/nodes-fieldselector.http \
	tests/data/recorded-api/services-list.http \
	tests/data/recorded-api/services-page-1.http \
	tests/data/recorded-api/services-page-2.http \
	tests/data/recorded-api/services-page-3.http \
	tests/data/recorded-api/services-table.http \
	tests/data/recorded-api/services-watch.http \
	tests/data/recorded-api/unauthorized.http \
	tests/data/recorded-api/version.http \
	tests/data/recorded-api/watch-too-old.http \
	tests/data/seed-cluster/endpointslices.v1.json \
	tests/data/seed-cluster/endpointslices.v1beta1.json \
	tests/data/seed-cluster/manifests.yaml

# The test API server, what gives it orders, and its own test.
EXTRA_DIST += tests/apiserver/README.md
noinst_LIBRARIES += libtestapi.a
libtestapi_a_SOURCES = \
	tests/apiserver/api-auth.c \
	tests/apiserver/api-discovery.c \
	tests/apiserver/api-list.c \
	tests/apiserver/api-options.c \
	tests/apiserver/api-status.c \
	tests/apiserver/api-watch.c \
	tests/apiserver/api-write.c \
	tests/apiserver/api.c \
	tests/apiserver/api.h \
	tests/apiserver/buffer.c \
	tests/apiserver/buffer.h \
	tests/apiserver/control-commands.c \
	tests/apiserver/control.c \
	tests/apiserver/control.h \
	tests/apiserver/defaults.c \
	tests/apiserver/defaults.h \
	tests/apiserver/fault.c \
	tests/apiserver/fault.h \
	tests/apiserver/generate.c \
	tests/apiserver/generate.h \
	tests/apiserver/http-request.c \
	tests/apiserver/http-request.h \
	tests/apiserver/http.c \
	tests/apiserver/http.h \
	tests/apiserver/manifest.c \
	tests/apiserver/manifest.h \
	tests/apiserver/mirror.c \
	tests/apiserver/mirror.h \
	tests/apiserver/object.c \
	tests/apiserver/object.h \
	tests/apiserver/pki.c \
	tests/apiserver/pki.h \
	tests/apiserver/program.h \
	tests/apiserver/resource.c \
	tests/apiserver/resource.h \
	tests/apiserver/selector.c \
	tests/apiserver/selector.h \
	tests/apiserver/store.c \
	tests/apiserver/store.h \
	tests/apiserver/yaml-json.c \
	tests/apiserver/yaml-json.h
libtestapi_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS) $(YAML_CFLAGS) $(GNUTLS_CFLAGS) $(ZLIB_CFLAGS)
check_PROGRAMS += tests/apiserver/test-apiserver tests/apiserver/apictl tests/apiserver/test-test-apiserver
tests_apiserver_test_apiserver_SOURCES = tests/apiserver/main.c
tests_apiserver_test_apiserver_CPPFLAGS = $(libtestapi_a_CPPFLAGS)
tests_apiserver_test_apiserver_LDADD = libtestapi.a libcommon.a \
	$(SYSTEMD_LIBS) $(JSON_LIBS) $(YAML_LIBS) $(GNUTLS_LIBS) $(ZLIB_LIBS)
tests_apiserver_apictl_SOURCES = tests/apiserver/apictl.c
tests_apiserver_apictl_LDADD = libtestapi.a
TESTS += tests/apiserver/test-test-apiserver
tests_apiserver_test_test_apiserver_SOURCES = tests/apiserver/test-test-apiserver.c $(unit_beside)
tests_apiserver_test_test_apiserver_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(JSON_CFLAGS) -DSRCDIR=\"$(abs_top_srcdir)\"
tests_apiserver_test_test_apiserver_LDADD = libtestapi.a libcommon.a $(CURL_LIBS) $(JSON_LIBS) $(CMOCKA_LIBS)
