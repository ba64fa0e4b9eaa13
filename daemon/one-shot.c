/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "one-shot.h"

#include <errno.h>
#include <stdio.h>

#include "common/log.h"
#include "control/cleanup.h"
#include "control/node-setup.h"
#include "instance-lock.h"
#include "kernel/dry-run-backend.h"
#include "manager-config.h"

int one_shot_backend(const Config *config, KernelBackend **ret) {
        KernelBackend *backend;
        int r = kernel_backend_new(&backend);

        if (r >= 0 && config->dry_run)
                return dry_run_backend_new(backend, stdout, ret);
        if (r >= 0)
                *ret = backend;
        return r;
}

static int one_shot_prepare(const Config *config, KernelBackend **ret_backend, ManagerConfig *ret_options) {
        int r = manager_config_make(config, false, false, ret_options);

        if (r >= 0)
                r = one_shot_backend(config, ret_backend);
        return r < 0 ? log_error_errno(r, "Failed to open the kernel's interfaces: %m") : 0;
}

int one_shot_init(const Config *config) {
        _cleanup_(manager_config_done) ManagerConfig options = {};
        _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL;
        KernelInfo info;
        int r = one_shot_prepare(config, &backend, &options);

        if (r < 0)
                return r;
        r = backend->ops->get_info(backend, &info);
        if (r < 0)
                return log_error_errno(r,
                                       r == -EPERM ? "Failed to ask the kernel about IPVS (CAP_NET_ADMIN is needed): %m" :
                                                     "This kernel offers no IPVS; load the module ip_vs (modprobe ip_vs): %m");
        return node_setup(backend, &options.options, &info, NULL);
}

int one_shot_cleanup(const Config *config) {
        _cleanup_(manager_config_done) ManagerConfig options = {};
        _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL;
        _cleanup_(instance_lock_release) InstanceLock lock = INSTANCE_LOCK_NONE;
        int r;

        /* A daemon that runs would make again what is removed, for as long as it finds out. */
        r = config->dry_run ? 0 : instance_lock_take(&lock, config->state_directory);
        if (r >= 0)
                r = one_shot_prepare(config, &backend, &options);
        return r < 0 ? r : cleanup_run(backend, &options.options);
}
