/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has to be told once (reference §4.7, §4.9): sysctls of IPVS, forwarding, ARP and connection tracking,
 * IPVS timeouts. What these were before is kept in the state directory, so that --cleanup can put them back.
 */
#pragma once

#include "control/drift.h"
#include "control/manager.h"

/*
 * Reads each and writes it only where it differs. Failures are logged with the consequence; the first is returned,
 * and what could be set is set. With `drift` it is an audit: what had to be set again is noted there, and failures are
 * no news.
 */
int node_setup(KernelBackend *backend, const ManagerOptions *options, const KernelInfo *info, DriftLog *drift);

/*
 * Puts every sysctl and the timeouts back that still have the value node_setup() gave them, and forgets them. What
 * others changed since is left and logged. Returns how many were put back, or the first -errno.
 */
int node_setup_undo(KernelBackend *backend, const char *state_directory);
