# SPDX-License-Identifier: GPL-2.0-or-later
# What the bus has to know of the daemon.
dist_dbuspolicy_DATA = dbus/org.k8s.IpvsProxy.conf
dist_dbusservice_DATA = dbus/org.k8s.IpvsProxy.service
