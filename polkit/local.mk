# SPDX-License-Identifier: GPL-2.0-or-later
dist_polkitaction_DATA = polkit/org.k8s.IpvsProxy.policy
examplesdir = $(docdir)/examples
dist_examples_DATA = polkit/50-ipvsproxy.rules
