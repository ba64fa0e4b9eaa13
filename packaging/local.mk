# SPDX-License-Identifier: GPL-2.0-or-later
# Packages, manifests, dashboard and alerts. `make deb` needs dpkg-dev and installs nothing.
EXTRA_DIST += \
	packaging/config.yaml \
	packaging/ipvsproxyd.default \
	packaging/container/Containerfile \
	packaging/debian/build \
	packaging/debian/changelog \
	packaging/debian/conffiles \
	packaging/debian/control \
	packaging/debian/copyright \
	packaging/debian/postinst \
	packaging/debian/postrm \
	packaging/debian/prerm \
	packaging/debian/rules \
	packaging/debian/source/format \
	packaging/kubernetes/configmap.yaml \
	packaging/kubernetes/daemonset.yaml \
	packaging/kubernetes/kustomization.yaml \
	packaging/rpm/ipvsproxy.spec
dist_examples_DATA += packaging/systemd/ipvsproxy-logind.conf packaging/grafana/ipvsproxy.json \
	packaging/prometheus/ipvsproxy.rules.yaml packaging/kubernetes/rbac.yaml

dist_doc_DATA = README.md docs/compatibility.md docs/operating.md docs/performance.md docs/security.md

# One that is there is the operator's.
install-data-local: install-configuration
install-configuration:
	$(MKDIR_P) "$(DESTDIR)$(sysconfdir)/ipvsproxy"
	test -e "$(DESTDIR)$(sysconfdir)/ipvsproxy/config.yaml" || \
		$(INSTALL_DATA) $(srcdir)/packaging/config.yaml "$(DESTDIR)$(sysconfdir)/ipvsproxy/config.yaml"
uninstall-local: uninstall-configuration
uninstall-configuration:
	! cmp -s $(srcdir)/packaging/config.yaml "$(DESTDIR)$(sysconfdir)/ipvsproxy/config.yaml" || \
		rm -f "$(DESTDIR)$(sysconfdir)/ipvsproxy/config.yaml"
.PHONY: install-configuration uninstall-configuration

deb: all
	rm -rf deb-stage
	$(MAKE) $(AM_MAKEFLAGS) install DESTDIR="$(abs_builddir)/deb-stage" >/dev/null
	$(srcdir)/packaging/debian/build $(srcdir) deb-stage $(VERSION) .
	rm -rf deb-stage
clean-local: clean-packaging
clean-packaging:
	rm -rf deb-stage ipvsproxy_*.deb
.PHONY: deb clean-packaging

# The packages are made and looked into; their configuration, the manifests and the dashboard against the sources.
dist_check_SCRIPTS += packaging/check
TESTS += packaging/check
