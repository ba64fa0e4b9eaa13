# SPDX-License-Identifier: GPL-2.0-or-later
# What the bus has to know of the daemon.
dist_dbuspolicy_DATA = dbus/org.k8s.IpvsProxy.conf
dist_dbusinterface_DATA = dbus/org.k8s.IpvsProxy.xml dbus/org.k8s.IpvsProxy.Service.xml
dist_dbusservice_DATA = dbus/org.k8s.IpvsProxy.service
dist_man_MANS += man/org.k8s.IpvsProxy.5
