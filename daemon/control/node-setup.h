/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has to be told once (reference §4.7): sysctls of IPVS, forwarding and ARP, IPVS timeouts.
 */
#pragma once

#include "control/manager.h"

/*
 * Reads each and writes it only where it differs. Failures are logged with the consequence, and counted; the first is
 * returned, and what could be set is set.
 */
int node_setup(KernelBackend *backend, const ManagerOptions *options, const KernelInfo *info);
