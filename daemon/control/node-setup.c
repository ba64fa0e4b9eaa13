/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/node-setup.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"

typedef struct Setting {
        const char *name, *value;
        const char *consequence;
} Setting;

static int setting_apply(KernelBackend *backend, const Setting *setting) {
        _cleanup_(freep) char *value = NULL;
        int r = backend->ops->sysctl_read(backend, setting->name, &value);

        if (r >= 0 && strcmp(value, setting->value) == 0)
                return 0;
        r = backend->ops->sysctl_write(backend, setting->name, setting->value);
        if (r < 0)
                return log_error_errno(r,
                                       "Failed to set sysctl %s to %s, %s: %m",
                                       setting->name,
                                       setting->value,
                                       setting->consequence);
        log_info("Set sysctl %s from %s to %s", setting->name, value ? value : "unknown", setting->value);
        return 1;
}

/*
 * conn_reuse_mode 1 lets a port that a client uses again wait a second before kernel 5.9, and 0 was not understood
 * before 4.1 (kubernetes PR 102122, kernel f0a5e4d7a594).
 */
static bool kernel_wants_no_reuse_mode(const KernelInfo *info) {
        unsigned release = info->release_major * 1000 + info->release_minor;

        return release >= 4001 && release < 5009;
}

int node_setup(KernelBackend *backend, const ManagerOptions *options, const KernelInfo *info) {
        static const Setting settings[] = {
                { "net/ipv4/vs/conntrack", "1", "masquerading of service traffic will not work" },
                { "net/ipv4/vs/expire_nodest_conn", "1", "connections to removed pods will hang" },
                { "net/ipv4/vs/expire_quiescent_template",
                  "1",
                  "clients with affinity will stay with pods that are going" },
                { "net/ipv4/ip_forward", "1", "service traffic will not be forwarded" },
        };
        static const Setting strict_arp[] = {
                { "net/ipv4/conf/all/arp_ignore", "1", "the node will answer ARP for service addresses" },
                { "net/ipv4/conf/all/arp_announce", "2", "the node will announce service addresses" },
        };
        static const Setting reuse = { "net/ipv4/vs/conn_reuse_mode", "0", "reused client ports will be slow" };
        int first = 0, r;

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                r = setting_apply(backend, &settings[i]);
                first = first < 0 ? first : MIN2(r, 0);
        }
        for (size_t i = 0; options->strict_arp && i < ELEMENTSOF(strict_arp); i++) {
                r = setting_apply(backend, &strict_arp[i]);
                first = first < 0 ? first : MIN2(r, 0);
        }
        if (kernel_wants_no_reuse_mode(info)) {
                r = setting_apply(backend, &reuse);
                first = first < 0 ? first : MIN2(r, 0);
        }
        if (options->timeouts.tcp_sec > 0 || options->timeouts.tcp_fin_sec > 0 || options->timeouts.udp_sec > 0) {
                r = backend->ops->ipvs_set_timeouts(backend, &options->timeouts);
                if (r < 0)
                        (void) log_error_errno(r, "Failed to configure IPVS timeouts: %m");
                first = first < 0 ? first : MIN2(r, 0);
        }
        return first;
}
