# SPDX-License-Identifier: GPL-2.0-or-later
# ipvsproxyctl: everything but main() is a library, for the tests.
noinst_LIBRARIES += libclient.a
libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS) $(MNL_CFLAGS) $(NCURSES_CFLAGS)
libclient_a_SOURCES = \
	client/client.c \
	client/client.h \
	client/clock.c \
	client/clock.h \
	client/conditions.c \
	client/conditions.h \
	client/complete-services.c \
	client/complete.c \
	client/complete.h \
	client/daemon-options.c \
	client/daemon-options.h \
	client/doctor-api.c \
	client/doctor-daemon.c \
	client/doctor-forward.c \
	client/doctor-kernel.c \
	client/doctor-others.c \
	client/doctor-unit.c \
	client/doctor.h \
	client/document-fetch.c \
	client/document-print.c \
	client/document.c \
	client/document.h \
	client/explain-print.c \
	client/explain-print.h \
	client/help.c \
	client/host.c \
	client/host.h \
	client/json-text.c \
	client/leftover-names.c \
	client/leftovers-legacy.c \
	client/leftovers-legacy.h \
	client/leftovers.c \
	client/leftovers.h \
	client/lines.c \
	client/lines.h \
	client/list-ipvs.c \
	client/message-json.c \
	client/message-json.h \
	client/monitor-stream.c \
	client/monitor-stream.h \
	client/nfnl.c \
	client/nfnl.h \
	client/options.c \
	client/options.h \
	client/process.c \
	client/process.h \
	client/report.c \
	client/report.h \
	client/services.c \
	client/services.h \
	client/table.c \
	client/table.h \
	client/target.c \
	client/target.h \
	client/text.c \
	client/text.h \
	client/top-draw.c \
	client/top-screen.c \
	client/top-screen.h \
	client/top.c \
	client/top.h \
	client/unit-bus.c \
	client/unit-files.c \
	client/unit.c \
	client/unit.h \
	client/verb-doctor.c \
	client/verb-document.c \
	client/verb-drain.c \
	client/verb-drift.c \
	client/verb-endpoints.c \
	client/verb-explain.c \
	client/verb-find.c \
	client/verb-hold.c \
	client/verb-list.c \
	client/verb-log-level.c \
	client/verb-monitor.c \
	client/verb-override.c \
	client/verb-resync.c \
	client/verb-show.c \
	client/verb-simple.c \
	client/verb-stats.c \
	client/verb-status.c \
	client/verb-takeover.c \
	client/verb-top.c \
	client/verb-wait.c \
	client/verbs.c \
	client/verbs.h \
	client/words.c \
	client/words.h

bin_PROGRAMS += ipvsproxyctl
ipvsproxyctl_SOURCES = client/main.c
ipvsproxyctl_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
client_libs = libclient.a libcommon.a $(SYSTEMD_LIBS) $(JSON_LIBS) $(MNL_LIBS) $(NCURSES_LIBS)
ipvsproxyctl_LDADD = $(client_libs)

dist_man_MANS += man/ipvsproxyctl.8
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = completion/bash/ipvsproxyctl
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completion/zsh/_ipvsproxyctl
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completion/fish/ipvsproxyctl.fish
schemadir = $(pkgdatadir)/schema
dist_schema_DATA = \
	client/schema/doctor.json \
	client/schema/done.json \
	client/schema/drain.json \
	client/schema/drift.json \
	client/schema/dump.json \
	client/schema/endpoints.json \
	client/schema/explain.json \
	client/schema/list-ipvs.json \
	client/schema/list.json \
	client/schema/log-level.json \
	client/schema/monitor.json \
	client/schema/overrides.json \
	client/schema/plan.json \
	client/schema/resync.json \
	client/schema/stats.json \
	client/schema/status-service.json \
	client/schema/status.json \
	client/schema/takeover.json \
	client/schema/top.json
