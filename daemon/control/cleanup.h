/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `--cleanup`: takes exactly what is ours out of the kernel and puts sysctls back (reference §4.11, but without flushing
 * other people's virtual servers). Ours is what stands on kube-ipvs0 or is named in the journal; what lies in the
 * excluded CIDRs is nobody's to take away.
 */
#pragma once

#include "control/manager.h"

/*
 * Goes on after a failure, each is logged; the first is returned. Where the kernel has no IPVS there is nothing of it to
 * remove, the rest goes.
 */
int cleanup_run(KernelBackend *backend, const ManagerOptions *options);
