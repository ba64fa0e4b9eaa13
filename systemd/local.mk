# SPDX-License-Identifier: GPL-2.0-or-later
# The unit and what the system's own services have to know.
systemdsystemunit_DATA = systemd/ipvsproxyd.service
systemd/ipvsproxyd.service: systemd/ipvsproxyd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SUBSTITUTE) $(srcdir)/systemd/ipvsproxyd.service.in >$@.tmp && mv $@.tmp $@
CLEANFILES += systemd/ipvsproxyd.service
EXTRA_DIST += systemd/ipvsproxyd.service.in

systemdcatalogdir = $(prefixlibdir)/systemd/catalog
dist_systemdcatalog_DATA = systemd/ipvsproxy.catalog
networkddir = $(prefixlibdir)/systemd/network
dist_networkd_DATA = systemd/10-kube-ipvs0.network

# Installed under another name than in the tree, where the kind of file is not told by its folder.
sysusersdir = $(prefixlibdir)/sysusers.d
modulesloaddir = $(prefixlibdir)/modules-load.d
networkmanagerdir = $(prefixlibdir)/NetworkManager/conf.d
EXTRA_DIST += systemd/ipvsproxy.sysusers systemd/ipvsproxy.modules systemd/10-ipvsproxy-networkmanager.conf

install-data-local: install-systemd-renamed
install-systemd-renamed:
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)" "$(DESTDIR)$(modulesloaddir)" "$(DESTDIR)$(networkmanagerdir)"
	$(INSTALL_DATA) $(srcdir)/systemd/ipvsproxy.sysusers "$(DESTDIR)$(sysusersdir)/ipvsproxy.conf"
	$(INSTALL_DATA) $(srcdir)/systemd/ipvsproxy.modules "$(DESTDIR)$(modulesloaddir)/ipvsproxy.conf"
	$(INSTALL_DATA) $(srcdir)/systemd/10-ipvsproxy-networkmanager.conf \
		"$(DESTDIR)$(networkmanagerdir)/10-ipvsproxy.conf"
uninstall-local: uninstall-systemd-renamed
uninstall-systemd-renamed:
	rm -f "$(DESTDIR)$(sysusersdir)/ipvsproxy.conf" "$(DESTDIR)$(modulesloaddir)/ipvsproxy.conf" \
		"$(DESTDIR)$(networkmanagerdir)/10-ipvsproxy.conf"
.PHONY: install-systemd-renamed uninstall-systemd-renamed
