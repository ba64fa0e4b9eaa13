# SPDX-License-Identifier: GPL-2.0-or-later
# The API server and the manifest directory as sources of objects. Linked with libapiserver_libs.
noinst_LIBRARIES += libapiserver.a
libapiserver_a_SOURCES = \
	daemon/apiserver/api-resource.c \
	daemon/apiserver/api-resource.h \
	daemon/apiserver/api-server.c \
	daemon/apiserver/api-server.h \
	daemon/apiserver/api-server-private.h \
	daemon/apiserver/api-server-status.c \
	daemon/apiserver/avoid-list.c \
	daemon/apiserver/avoid-list.h \
	daemon/apiserver/credentials.c \
	daemon/apiserver/credentials.h \
	daemon/apiserver/credentials-private.h \
	daemon/apiserver/credentials-server.c \
	daemon/apiserver/decode.c \
	daemon/apiserver/decode.h \
	daemon/apiserver/decode-endpoints.c \
	daemon/apiserver/decode-node.c \
	daemon/apiserver/decode-service.c \
	daemon/apiserver/decode-service.h \
	daemon/apiserver/decode-service-address.c \
	daemon/apiserver/decode-slice.c \
	daemon/apiserver/discovery.c \
	daemon/apiserver/discovery.h \
	daemon/apiserver/event-budget.c \
	daemon/apiserver/event-budget.h \
	daemon/apiserver/event-record.c \
	daemon/apiserver/event-record.h \
	daemon/apiserver/events.c \
	daemon/apiserver/events.h \
	daemon/apiserver/feed.c \
	daemon/apiserver/feed.h \
	daemon/apiserver/feed-private.h \
	daemon/apiserver/feed-report.c \
	daemon/apiserver/fetch.c \
	daemon/apiserver/fetch.h \
	daemon/apiserver/http-callbacks.c \
	daemon/apiserver/http-client.c \
	daemon/apiserver/http-client.h \
	daemon/apiserver/http-loop.c \
	daemon/apiserver/http-private.h \
	daemon/apiserver/http-request.c \
	daemon/apiserver/http-scout.c \
	daemon/apiserver/http-silence.c \
	daemon/apiserver/http-transfer.c \
	daemon/apiserver/json-parse.c \
	daemon/apiserver/json-parse.h \
	daemon/apiserver/json-read.c \
	daemon/apiserver/json-read.h \
	daemon/apiserver/json-scan.c \
	daemon/apiserver/json-scan.h \
	daemon/apiserver/json-split.c \
	daemon/apiserver/json-split.h \
	daemon/apiserver/manifest-file.c \
	daemon/apiserver/manifest-file.h \
	daemon/apiserver/manifest-load.c \
	daemon/apiserver/manifest-load.h \
	daemon/apiserver/manifest-parse.c \
	daemon/apiserver/manifest-parse.h \
	daemon/apiserver/manifest-pass.c \
	daemon/apiserver/manifest-pass.h \
	daemon/apiserver/manifest-tree.c \
	daemon/apiserver/manifest-tree.h \
	daemon/apiserver/manifests.c \
	daemon/apiserver/manifests.h \
	daemon/apiserver/prober.c \
	daemon/apiserver/prober.h \
	daemon/apiserver/proxy-rules.c \
	daemon/apiserver/proxy-rules.h \
	daemon/apiserver/reflector.c \
	daemon/apiserver/reflector.h \
	daemon/apiserver/reflector-answer.c \
	daemon/apiserver/reflector-body.c \
	daemon/apiserver/reflector-private.h \
	daemon/apiserver/reflector-request.c \
	daemon/apiserver/reflector-wait.c
libapiserver_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(CURL_CFLAGS) $(JSON_CFLAGS) $(YAML_CFLAGS)
libapiserver_libs = libapiserver.a libconfig.a libmodel.a libcommon.a $(CURL_LIBS) $(JSON_LIBS) $(YAML_LIBS) \
	$(SYSTEMD_LIBS)
