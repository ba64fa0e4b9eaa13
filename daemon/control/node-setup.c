/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/node-setup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/message-ids.h"
#include "common/parse.h"
#include "control/sysctl-record.h"

/* conntrack_max is never raised above this by a number of CPUs (reference §4.9). */
#define CONNTRACK_MAX_LIMIT UINT64_C(1048576)

typedef struct Setting {
        const char *name, *value;
        const char *consequence;
} Setting;

typedef struct Setup {
        KernelBackend *backend;
        SysctlRecord record;
        bool recorded; /* something was added to the record */
        DriftLog *drift; /* NULL: not an audit */
        int first_error;
} Setup;

static void setup_fail(Setup *setup, int error) {
        if (error < 0 && setup->first_error == 0)
                setup->first_error = error;
}

static void setup_apply(Setup *setup, const Setting *setting) {
        _cleanup_(freep) char *value = NULL;
        int r = setup->backend->ops->sysctl_read(setup->backend, setting->name, &value);

        if (r >= 0 && strcmp(value, setting->value) == 0)
                return;
        r = setup->backend->ops->sysctl_write(setup->backend, setting->name, setting->value);
        if (r < 0) {
                static const char *const missing[] = { "MESSAGE_ID=" MESSAGE_ID_KERNEL_FEATURE_MISSING, NULL };

                setup_fail(setup,
                           log_at(setup->drift ? LOG_DEBUG : LOG_ERR,
                                  r,
                                  r == -ENOENT ? missing : NULL,
                                  "Failed to set sysctl %s to %s, %s: %m",
                                  setting->name,
                                  setting->value,
                                  setting->consequence));
                return;
        }
        if (setup->drift)
                drift_log_note(setup->drift, DRIFT_KIND_SYSCTL, DRIFT_ACTION_CHANGED, setting->name);
        log_info("Set sysctl %s from %s to %s", setting->name, value ? value : "unknown", setting->value);
        if (value && sysctl_record_put(&setup->record, setting->name, value, setting->value) >= 0)
                setup->recorded = true;
}

static void setup_apply_number(Setup *setup, const char *name, uint64_t value, const char *consequence) {
        char text[24];

        (void) snprintf(text, sizeof(text), "%" PRIu64, value);
        setup_apply(setup, &(Setting) { name, text, consequence });
}

static int setup_read_number(Setup *setup, const char *name, uint64_t *ret) {
        _cleanup_(freep) char *value = NULL;
        int r = setup->backend->ops->sysctl_read(setup->backend, name, &value);

        return r < 0 ? r : parse_uint64(value, ret);
}

/*
 * conn_reuse_mode 1 lets a port that a client uses again wait a second before kernel 5.9, and 0 was not understood
 * before 4.1 (kubernetes PR 102122, kernel f0a5e4d7a594).
 */
static bool kernel_wants_no_reuse_mode(const KernelInfo *info) {
        unsigned release = info->release_major * 1000 + info->release_minor;

        return release >= 4001 && release < 5009;
}

/* Kept among the sysctls, by a name that none of them has. */
#define TIMEOUTS_NAME "ipvs-timeouts"
#define TIMEOUTS_STRLEN sizeof("4294967295 4294967295 4294967295")

static const char *timeouts_format(const IpvsTimeouts *timeouts, char text[static TIMEOUTS_STRLEN]) {
        (void) snprintf(text,
                        TIMEOUTS_STRLEN,
                        "%" PRIu32 " %" PRIu32 " %" PRIu32,
                        timeouts->tcp_sec,
                        timeouts->tcp_fin_sec,
                        timeouts->udp_sec);
        return text;
}

static bool timeout_is_set(uint32_t wanted, uint32_t actual) {
        return wanted == 0 || wanted == actual;
}

static void setup_note_timeouts(Setup *setup, const IpvsTimeouts *before, const IpvsTimeouts *wanted) {
        IpvsTimeouts after = {
                .tcp_sec = wanted->tcp_sec > 0 ? wanted->tcp_sec : before->tcp_sec,
                .tcp_fin_sec = wanted->tcp_fin_sec > 0 ? wanted->tcp_fin_sec : before->tcp_fin_sec,
                .udp_sec = wanted->udp_sec > 0 ? wanted->udp_sec : before->udp_sec,
        };
        char before_text[TIMEOUTS_STRLEN], after_text[TIMEOUTS_STRLEN];

        if (sysctl_record_put(&setup->record,
                              TIMEOUTS_NAME,
                              timeouts_format(before, before_text),
                              timeouts_format(&after, after_text)) >= 0)
                setup->recorded = true;
}

static void setup_timeouts(Setup *setup, const IpvsTimeouts *wanted) {
        IpvsTimeouts actual;
        int known = setup->backend->ops->ipvs_get_timeouts(setup->backend, &actual), r;

        if (known >= 0 && timeout_is_set(wanted->tcp_sec, actual.tcp_sec) &&
            timeout_is_set(wanted->tcp_fin_sec, actual.tcp_fin_sec) && timeout_is_set(wanted->udp_sec, actual.udp_sec))
                return;
        r = setup->backend->ops->ipvs_set_timeouts(setup->backend, wanted);
        if (r < 0)
                setup_fail(setup, log_at(setup->drift ? LOG_DEBUG : LOG_ERR, r, NULL, "Failed to configure IPVS timeouts: %m"));
        else if (known >= 0)
                setup_note_timeouts(setup, &actual, wanted);
        if (r >= 0 && setup->drift)
                drift_log_note(setup->drift, DRIFT_KIND_SYSCTL, DRIFT_ACTION_CHANGED, "timeouts of IPVS");
}

static void setup_ipvs(Setup *setup, const ManagerOptions *options, const KernelInfo *info) {
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

        for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                setup_apply(setup, &settings[i]);
        for (size_t i = 0; options->strict_arp && i < ELEMENTSOF(strict_arp); i++)
                setup_apply(setup, &strict_arp[i]);
        if (kernel_wants_no_reuse_mode(info))
                setup_apply(setup, &reuse);
        if (options->timeouts.tcp_sec == 0 && options->timeouts.tcp_fin_sec == 0 && options->timeouts.udp_sec == 0)
                return;
        setup_timeouts(setup, &options->timeouts);
}

/* Only ever raised: who set a higher limit had a reason. The table's size follows at a quarter of it. */
static void setup_conntrack_max(Setup *setup, const ConntrackOptions *options) {
        long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
        uint64_t wanted = MIN2((uint64_t) options->max_per_core * (uint64_t) MAX2(n_cpus, 1L), CONNTRACK_MAX_LIMIT);
        uint64_t max, buckets;

        if (options->max_per_core == 0)
                return;
        wanted = MAX2(wanted, (uint64_t) options->min);
        if (setup_read_number(setup, "net/netfilter/nf_conntrack_max", &max) < 0 || max < wanted)
                setup_apply_number(
                        setup, "net/netfilter/nf_conntrack_max", wanted, "a busy node may drop new connections");
        if (setup_read_number(setup, "net/netfilter/nf_conntrack_buckets", &buckets) >= 0 && buckets < wanted / 4)
                setup_apply_number(setup,
                                   "net/netfilter/nf_conntrack_buckets",
                                   wanted / 4,
                                   "connection tracking will be slow when the table is full");
}

static void setup_conntrack(Setup *setup, const ConntrackOptions *options) {
        const struct {
                const char *name;
                uint64_t value;
        } settings[] = {
                { "net/netfilter/nf_conntrack_tcp_timeout_established", options->tcp_established_sec },
                { "net/netfilter/nf_conntrack_tcp_timeout_close_wait", options->tcp_close_wait_sec },
                { "net/netfilter/nf_conntrack_tcp_be_liberal", options->tcp_be_liberal },
                { "net/netfilter/nf_conntrack_udp_timeout", options->udp_sec },
                { "net/netfilter/nf_conntrack_udp_timeout_stream", options->udp_stream_sec },
        };

        setup_conntrack_max(setup, options);
        for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                if (settings[i].value > 0)
                        setup_apply_number(
                                setup, settings[i].name, settings[i].value, "connections are tracked as before");
}

int node_setup(KernelBackend *backend, const ManagerOptions *options, const KernelInfo *info, DriftLog *drift) {
        Setup setup = { .backend = backend, .drift = drift };
        int r = sysctl_record_load(&setup.record, options->state_directory);

        if (r < 0)
                (void) log_warning_errno(r, "Failed to read what sysctls were before, in %s: %m", options->state_directory);
        setup_ipvs(&setup, options, info);
        setup_conntrack(&setup, &options->conntrack);
        r = setup.recorded && !options->dry_run ? sysctl_record_save(&setup.record, options->state_directory) : 0;
        if (r < 0)
                (void) log_warning_errno(r,
                                         "Failed to note in %s what sysctls were before, --cleanup will not put them back: %m",
                                         options->state_directory);
        sysctl_record_done(&setup.record);
        return setup.first_error;
}

static int timeouts_undo(KernelBackend *backend, const SysctlChange *change) {
        char text[TIMEOUTS_STRLEN];
        IpvsTimeouts actual, before;
        int r = backend->ops->ipvs_get_timeouts(backend, &actual);

        if (r == -ENOPROTOOPT)
                return 0; /* without IPVS there is nothing to put back */
        if (r >= 0 && strcmp(timeouts_format(&actual, text), change->after) != 0) {
                log_info("Left the timeouts of IPVS at %s, which somebody else gave them", text);
                return 0;
        }
        if (r >= 0 && sscanf(change->before,
                             "%" SCNu32 " %" SCNu32 " %" SCNu32,
                             &before.tcp_sec,
                             &before.tcp_fin_sec,
                             &before.udp_sec) != 3)
                r = -EBADMSG;
        if (r >= 0)
                r = backend->ops->ipvs_set_timeouts(backend, &before);
        if (r < 0)
                return log_error_errno(r, "Failed to set the timeouts of IPVS back to %s: %m", change->before);
        log_info("Set the timeouts of IPVS back from %s to %s", change->after, change->before);
        return 1;
}

static int sysctl_undo(KernelBackend *backend, const SysctlChange *change) {
        _cleanup_(freep) char *value = NULL;
        int r = backend->ops->sysctl_read(backend, change->name, &value);

        if (r == -ENOENT)
                return 0;
        if (r >= 0 && strcmp(value, change->after) != 0) {
                log_info("Left sysctl %s at %s, which somebody else gave it", change->name, value);
                return 0;
        }
        if (r >= 0)
                r = backend->ops->sysctl_write(backend, change->name, change->before);
        if (r < 0)
                return log_error_errno(r, "Failed to set sysctl %s back to %s: %m", change->name, change->before);
        log_info("Set sysctl %s back from %s to %s", change->name, change->after, change->before);
        return 1;
}

int node_setup_undo(KernelBackend *backend, const char *state_directory) {
        SysctlRecord record = {};
        int n = 0, first = sysctl_record_load(&record, state_directory);

        for (size_t i = 0; i < record.n_items; i++) {
                const SysctlChange *change = &record.items[i];
                int r = strcmp(change->name, TIMEOUTS_NAME) == 0 ? timeouts_undo(backend, change) :
                                                                   sysctl_undo(backend, change);

                n += r > 0;
                first = first < 0 ? first : MIN2(r, 0);
        }
        sysctl_record_done(&record);
        if (first >= 0)
                first = sysctl_record_save(&record, state_directory);
        return first < 0 ? first : n;
}
