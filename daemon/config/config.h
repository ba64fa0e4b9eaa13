/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything the daemon can be told: KubeProxyConfiguration v1alpha1 in its IPVS mode, kube-proxy's command line, and
 * our own settings (`ipvsproxy:` in the same file). One table (config-fields.c) describes every setting for the file
 * reader, the flags, --help and --write-config-to. Nothing here logs, and nothing is read but the configuration file
 * and, with --check, the kubeconfig and what that names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/macros.h"
#include "model/metrics-detail.h"
#include "model/filter.h" /* DetectLocalMode, PingMode */

/* What this run is for. Of several that were asked for, the last of this list wins. */
typedef enum ConfigAction {
        CONFIG_ACTION_RUN,
        CONFIG_ACTION_INIT_ONLY,    /* sysctls, conntrack and IPVS timeouts, then exit */
        CONFIG_ACTION_CLEANUP,      /* remove everything of ours, then exit */
        CONFIG_ACTION_CHECK,        /* configuration and kubeconfig were read and are good: exit */
        CONFIG_ACTION_WRITE_CONFIG, /* config_write() to write_config_to, then exit */
        CONFIG_ACTION_VERSION,      /* config_version() */
        CONFIG_ACTION_VERSION_RAW,
        CONFIG_ACTION_HELP, /* config_help() */
        _CONFIG_ACTION_MAX,
        _CONFIG_ACTION_INVALID = -22,
} ConfigAction;

/* What is done about what others changed in the kernel. */
typedef enum AuditMode {
        AUDIT_MODE_ENFORCE, /* the whole kernel state is compared each sync period */
        AUDIT_MODE_OFF, /* only what the kernel notifies of is looked at */
        _AUDIT_MODE_MAX,
        _AUDIT_MODE_INVALID = -22,
} AuditMode;

typedef enum LogFormat {
        LOG_FORMAT_TEXT,
        LOG_FORMAT_JSON,
        _LOG_FORMAT_MAX,
        _LOG_FORMAT_INVALID = -22,
} LogFormat;

typedef struct ConfigStrings {
        char **items; /* owned, each too */
        size_t n_items;
} ConfigStrings;

typedef struct ConfigNets {
        IpNet *items; /* owned */
        size_t n_items;
} ConfigNets;

typedef struct FeatureGate {
        char *name; /* owned */
        bool enabled;
} FeatureGate;

typedef struct FeatureGates {
        FeatureGate *items; /* owned, no name twice */
        size_t n_items;
} FeatureGates;

/* nodePortAddresses. Nothing set at all means the same as `all`. */
typedef struct NodePortAddresses {
        ConfigNets nets;
        bool primary;   /* the node IPs, as /32 and /128 */
        bool localhost; /* 127.0.0.0/8 and ::1/128 */
        bool all;       /* 0.0.0.0/0 and ::/0 */
} NodePortAddresses;

/* The block of one proxy mode that all three have. */
typedef struct SyncConfig {
        int32_t masquerade_bit;
        bool masquerade_all;
        uint64_t sync_period_usec;
        uint64_t min_sync_period_usec;
} SyncConfig;

/*
 * All strings are owned; "" means not given, NULL never occurs once config_new() succeeded. Timeouts of 0 mean: leave
 * what the kernel has. Members marked (no effect) are carried for --write-config-to and otherwise unused.
 */
typedef struct Config {
        ConfigAction action;
        char *node_name; /* hostname_override, else the OS host name; trimmed, lower case */

        /* command line only */
        char *config_file;
        char *write_config_to;
        char *master;
        bool init_only;
        bool cleanup;
        bool check;
        int32_t healthz_port; /* used by config_load() alone, like the next */
        int32_t metrics_port;

        /* KubeProxyConfiguration */
        FeatureGates feature_gates;
        char *hostname_override;
        char *kubeconfig;           /* clientConnection.kubeconfig */
        char *accept_content_types; /* (no effect) */
        char *content_type;         /* (no effect): the API is read as JSON */
        double qps;                 /* (no effect) */
        int32_t burst;              /* (no effect) */
        LogFormat log_format;
        uint64_t log_flush_usec;     /* (no effect) */
        int32_t verbosity;           /* -v */
        char *vmodule;               /* (no effect) */
        IpAddr bind_address;         /* 0.0.0.0 or :: means: detect the node IP */
        IpPort healthz_bind_address; /* family 0: no server */
        IpPort metrics_bind_address; /* family 0: no server */
        bool bind_address_hard_fail;
        bool profiling;            /* (no effect) */
        char *show_hidden_metrics; /* (no effect) */
        char *mode;                /* "" or "ipvs" */
        SyncConfig iptables;       /* here masquerade_bit and masquerade_all are what IPVS uses, not the periods */
        bool iptables_localhost_node_ports; /* (no effect) */
        SyncConfig nftables;                /* (no effect) */
        uint64_t sync_period_usec;          /* ipvs.*, like the next seven */
        uint64_t min_sync_period_usec;
        char *scheduler; /* "" means rr */
        ConfigNets exclude_cidrs;
        bool strict_arp;
        uint64_t tcp_timeout_usec; /* only whole seconds reach the kernel */
        uint64_t tcp_fin_timeout_usec;
        uint64_t udp_timeout_usec;
        DetectLocalMode detect_local_mode;
        char *pod_bridge_interface;
        char *pod_interface_prefix;
        ConfigNets cluster_cidrs; /* none, one, or one of each family */
        NodePortAddresses node_port_addresses;
        int32_t oom_score_adj;
        int32_t conntrack_max_per_core; /* 0: leave the limit, and ignore conntrack_min */
        int32_t conntrack_min;
        uint64_t conntrack_tcp_established_usec;
        uint64_t conntrack_tcp_close_wait_usec;
        bool conntrack_tcp_be_liberal;
        uint64_t conntrack_udp_usec;
        uint64_t conntrack_udp_stream_usec;
        uint64_t config_sync_period_usec;

        /* ours: `ipvsproxy:` in the file, and flags */
        uint64_t drain_timeout_usec;
        char *manifests; /* directory read instead of the API server; "" = none */
        PingMode ping;
        AuditMode audit;
        MetricsDetail metrics_detail;
        int32_t metrics_max_series; /* of service ports, with METRICS_DETAIL_AUTO */
        uint64_t shutdown_delay_usec; /* how long a shutdown of the machine may wait for connections; 0: not at all */
        bool watch_nodes; /* all of them: their addresses are no service's */
        bool dry_run; /* compute and report, write nothing to the kernel */
        char *state_directory;
} Config;

typedef enum ConfigSeverity {
        CONFIG_SEVERITY_WARNING,
        CONFIG_SEVERITY_ERROR,
} ConfigSeverity;

typedef struct ConfigMessage {
        ConfigSeverity severity;
        char *text; /* owned: one sentence that begins with the place (flag, or file:line: field) */
} ConfigMessage;

/* Embedded by value, `{}` is empty. */
typedef struct ConfigMessages {
        ConfigMessage *items; /* owned */
        size_t n_items;
        size_t n_errors;
} ConfigMessages;

/* Every setting at its default; config_file and node_name are "". -ENOMEM. */
int config_new(Config **ret);
Config *config_free(Config *config);
DEFINE_CLEANUP(Config *, config_free);

/*
 * Reads the command line and the file it names; main() passes its own argv. All faults are collected, each a message;
 * the caller logs them. 0; -EINVAL if there was an error, then *ret is untouched; -ENOMEM. Warnings come in both cases.
 * With the actions HELP and VERSION nothing else was looked at.
 */
int config_load(int argc, char **argv, Config **ret, ConfigMessages *messages);

/* The effective configuration as YAML, which config_load() reads back to the same. New memory. -ENOMEM. */
int config_format(const Config *config, char **ret);

/* The same as one JSON object, in one line. New memory. -ENOMEM. */
int config_format_json(const Config *config, char **ret);

/* config_format() into config->write_config_to. -errno of the file. */
int config_write(const Config *config);

/* What --help and --version print, for stdout. New memory. -ENOMEM. */
int config_help(char **ret);
int config_version(ConfigAction action, char **ret);

/* The gate's value, or `fallback` if the configuration does not name it. */
bool config_feature_enabled(const Config *config, const char *gate, bool fallback);

void config_messages_done(ConfigMessages *messages);

const char *audit_mode_to_string(AuditMode mode);
AuditMode audit_mode_from_string(const char *text);
const char *log_format_to_string(LogFormat format);
LogFormat log_format_from_string(const char *text);

typedef struct ConfigChange {
        const char *name; /* "ipvs.syncPeriod", or the flag where the file has no field */
        bool live;        /* can be applied to the running daemon; else it must be started again */
} ConfigChange;

typedef void (*ConfigChangeVisitor)(const ConfigChange *change, void *userdata);

/*
 * Calls `visitor` for every setting that has an effect and differs, in the order of the table; what a run was for
 * (--check, --cleanup, …) is no setting. Returns the number of differences.
 */
size_t config_compare(const Config *old_config, const Config *new_config, ConfigChangeVisitor visitor, void *userdata);
