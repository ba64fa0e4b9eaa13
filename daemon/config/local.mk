# SPDX-License-Identifier: GPL-2.0-or-later
# config/: the command line, KubeProxyConfiguration and kubeconfig. Needs libyaml; links before libmodel.a.
noinst_LIBRARIES += libconfig.a
dist_man_MANS += man/ipvsproxyd.8 man/ipvsproxy-config.5
libconfig_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) $(JSON_CFLAGS)
libconfig_a_SOURCES = \
	daemon/config/config-fields.c \
	daemon/config/config-file-value.c \
	daemon/config/config-file.c \
	daemon/config/config-flags.c \
	daemon/config/config-format.c \
	daemon/config/config-json.c \
	daemon/config/config-gates.c \
	daemon/config/config-help.c \
	daemon/config/config-message.c \
	daemon/config/config-private.h \
	daemon/config/config-read.c \
	daemon/config/config-read.h \
	daemon/config/config-text.c \
	daemon/config/config-types-enum.c \
	daemon/config/config-types-list.c \
	daemon/config/config-types.c \
	daemon/config/config-types.h \
	daemon/config/config-validate.c \
	daemon/config/config.c \
	daemon/config/config.h \
	daemon/config/kubeconfig-data.c \
	daemon/config/kubeconfig-fields.c \
	daemon/config/kubeconfig-list.c \
	daemon/config/kubeconfig-pod.c \
	daemon/config/kubeconfig-private.h \
	daemon/config/kubeconfig.c \
	daemon/config/kubeconfig.h \
	daemon/config/yaml-scalar.c \
	daemon/config/yaml-scalar.h \
	daemon/config/yaml-tree.c \
	daemon/config/yaml-tree.h
