/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of the D-Bus interface, for the daemon and the client. Members are only ever added. */
#pragma once

#define BUS_NAME "org.k8s.IpvsProxy"
#define BUS_PATH "/org/k8s/IpvsProxy"
#define BUS_PATH_SERVICE BUS_PATH "/service"
#define BUS_INTERFACE_MANAGER "org.k8s.IpvsProxy"
#define BUS_INTERFACE_SERVICE "org.k8s.IpvsProxy.Service"
#define BUS_INTERFACE_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

#define BUS_ERROR_PREFIX "org.k8s.IpvsProxy.Error."
#define BUS_ERROR_NO_SUCH_SERVICE BUS_ERROR_PREFIX "NoSuchService"
#define BUS_ERROR_NO_SUCH_ENDPOINT BUS_ERROR_PREFIX "NoSuchEndpoint"
#define BUS_ERROR_NOT_READY BUS_ERROR_PREFIX "NotReady"
#define BUS_ERROR_SYNC_FAILED BUS_ERROR_PREFIX "SyncFailed"
#define BUS_ERROR_HELD BUS_ERROR_PREFIX "Held"
#define BUS_ERROR_CONFIG_INVALID BUS_ERROR_PREFIX "ConfigInvalid"
#define BUS_ERROR_ALREADY_DRAINING BUS_ERROR_PREFIX "AlreadyDraining"
#define BUS_ERROR_NOT_DRAINING BUS_ERROR_PREFIX "NotDraining"

#define POLKIT_ACTION_PREFIX "org.k8s.IpvsProxy."
#define POLKIT_ACTION_RESYNC POLKIT_ACTION_PREFIX "resync"
#define POLKIT_ACTION_RELOAD POLKIT_ACTION_PREFIX "reload"
#define POLKIT_ACTION_RESET_STATISTICS POLKIT_ACTION_PREFIX "reset-statistics"
#define POLKIT_ACTION_DRAIN POLKIT_ACTION_PREFIX "drain"
#define POLKIT_ACTION_HOLD POLKIT_ACTION_PREFIX "hold"
#define POLKIT_ACTION_OVERRIDE POLKIT_ACTION_PREFIX "override"
#define POLKIT_ACTION_BYPASS_RATE_LIMIT POLKIT_ACTION_PREFIX "bypass-rate-limit"
