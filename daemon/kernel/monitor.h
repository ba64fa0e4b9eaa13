/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells about changes of addresses, of kube-ipvs0 and of our nftables table. What this process did
 * itself is no news: the kernel names the socket that caused a change, and a socket filter drops it unseen; IPv6
 * addresses, for which it does not, are compared with what was just written, and of tables that libnftables made the
 * process is known.
 */
#pragma once

#include <sys/types.h>

#include "common/macros.h"
#include "kernel/backend.h"

typedef struct Monitor Monitor;

typedef struct MonitorOptions {
        sd_event *event; /* borrowed for the call */
        int64_t priority;
        KernelEventHandler handler; /* called from the event loop alone */
        void *userdata;
        uint32_t address_port_id, filter_port_id; /* our own sockets */
} MonitorOptions;

/* Opens the sockets and listens. -errno. */
int monitor_new(const MonitorOptions *options, Monitor **ret);
Monitor *monitor_free(Monitor *monitor);
DEFINE_CLEANUP(Monitor *, monitor_free);

/* The interface index of kube-ipvs0, as last seen; 0 = not there. */
void monitor_set_device(Monitor *monitor, int ifindex);
/*
 * Reads what is there without waiting: to be called after each batch of addresses, so that notifications of our own
 * do not overrun the socket. `ops` are those that were just applied, and no news.
 */
void monitor_pump(Monitor *monitor, const AddressOp *ops, size_t n_ops);
/* The same of nf_tables, after a process of ours, which has ended, made the table. */
void monitor_pump_filter(Monitor *monitor, pid_t process);
