/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of settings: reference §1.1 to §1.3 and §2, and ours. Fields of one block stand together, in the order
 * in which --write-config-to prints them.
 */
#include <errno.h>
#include <string.h>

#include "config/config-private.h"

#define AT(member) offsetof(Config, member)
#define POS_MAX INT32_MAX

/* clang-format off */
static const ConfigField config_field_table[] = {
        /* ---- what this run is for; command line only */
        { NULL, "config", CONFIG_TYPE_STRING, AT(config_file), "", FIELD_RUN | FIELD_WITH_CONFIG, 0, 0,
          "path of a KubeProxyConfiguration file; most other flags are then ignored", NULL },
        { NULL, "write-config-to", CONFIG_TYPE_STRING, AT(write_config_to), "", FIELD_RUN | FIELD_WITH_CONFIG, 0, 0,
          "write the configuration as YAML to this path and exit", NULL },
        { NULL, "check", CONFIG_TYPE_BOOL, AT(check), "false", FIELD_RUN | FIELD_WITH_CONFIG | FIELD_OURS, 0, 0,
          "check configuration and kubeconfig and exit", NULL },
        { NULL, "cleanup", CONFIG_TYPE_BOOL, AT(cleanup), "false", FIELD_RUN | FIELD_WITH_CONFIG, 0, 0,
          "remove everything of this program from the kernel and exit", NULL },
        { NULL, "init-only", CONFIG_TYPE_BOOL, AT(init_only), "false", FIELD_RUN | FIELD_WITH_CONFIG, 0, 0,
          "set sysctls, conntrack limits and IPVS timeouts, which need more rights, and exit", NULL },
        { NULL, "version", CONFIG_TYPE_VERSION, FIELD_NOWHERE, "false", FIELD_RUN | FIELD_WITH_CONFIG, 0, 0,
          "print the version and exit; --version=raw prints more", NULL },
        { NULL, "help", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_RUN | FIELD_WITH_CONFIG, 0, 0,
          "print this and exit", NULL },
        { NULL, "master", CONFIG_TYPE_STRING, AT(master), "", FIELD_WITH_CONFIG, 0, 0,
          "URL of the API server, instead of the one in the kubeconfig", NULL },

        /* ---- KubeProxyConfiguration */
        { "featureGates", "feature-gates", CONFIG_TYPE_FEATURE_GATES, AT(feature_gates), "", FIELD_LIVE, 0, 0,
          "Kubernetes feature gates: Name=true,Name=false", NULL },
        { "clientConnection.kubeconfig", "kubeconfig", CONFIG_TYPE_STRING, AT(kubeconfig), "", FIELD_LIVE, 0, 0,
          "path of the kubeconfig: where the API server is, and credentials", NULL },
        { "clientConnection.acceptContentTypes", NULL, CONFIG_TYPE_STRING, AT(accept_content_types), "",
          FIELD_NO_EFFECT, 0, 0, "what to accept from the API server: it is always JSON", NULL },
        { "clientConnection.contentType", "kube-api-content-type", CONFIG_TYPE_STRING, AT(content_type),
          "application/vnd.kubernetes.protobuf", FIELD_NO_EFFECT | FIELD_ZERO_UNSET, 0, 0,
          "what to send to the API server: it is always JSON", NULL },
        { "clientConnection.qps", "kube-api-qps", CONFIG_TYPE_FLOAT, AT(qps), "5", FIELD_NO_EFFECT | FIELD_ZERO_UNSET,
          0, 0, "requests a second to the API server: watches alone are never that many", NULL },
        { "clientConnection.burst", "kube-api-burst", CONFIG_TYPE_INT32, AT(burst), "10",
          FIELD_NO_EFFECT | FIELD_ZERO_UNSET, 0, POS_MAX, "requests to the API server at once", NULL },
        { "logging.format", "logging-format", CONFIG_TYPE_LOG_FORMAT, AT(log_format), "text",
          FIELD_WITH_CONFIG | FIELD_ZERO_UNSET, 0, 0, "log format: text or json", NULL },
        { "logging.flushFrequency", "log-flush-frequency", CONFIG_TYPE_FLUSH, AT(log_flush_usec), "5s",
          FIELD_NO_EFFECT | FIELD_WITH_CONFIG | FIELD_ZERO_UNSET, 0, 0,
          "time between log flushes: each line is written at once", NULL },
        { "logging.verbosity", "v", CONFIG_TYPE_INT32, AT(verbosity), "0", FIELD_WITH_CONFIG | FIELD_LIVE, 0, POS_MAX,
          "verbosity of the log: 2 is kube-proxy's usual, 4 and more is for debugging", NULL },
        { "logging.vmodule", "vmodule", CONFIG_TYPE_VMODULE, AT(vmodule), "", FIELD_NO_EFFECT | FIELD_WITH_CONFIG, 0, 0,
          "verbosity by source file: there is but one verbosity", NULL },
        { "logging.options", NULL, CONFIG_TYPE_ANY, FIELD_NOWHERE, "", FIELD_NO_EFFECT | FIELD_NOT_WRITTEN, 0, 0,
          "buffers of the log formats", NULL },
        { "hostnameOverride", "hostname-override", CONFIG_TYPE_STRING, AT(hostname_override), "",
          FIELD_WITH_CONFIG, 0, 0, "name of the own Node, instead of the host name", NULL },
        { "bindAddress", "bind-address", CONFIG_TYPE_IP, AT(bind_address), "0.0.0.0",
          FIELD_ZERO_UNSET | FIELD_LIVE, 0, 0,
          "node IP to use instead of the detected one; nothing is bound to it", NULL },
        { "healthzBindAddress", "healthz-bind-address", CONFIG_TYPE_IP_PORT, AT(healthz_bind_address),
          "0.0.0.0:10256", FIELD_ZERO_UNSET, 0, 0,
          "address and port of the health check server; none: no server", NULL },
        { "metricsBindAddress", "metrics-bind-address", CONFIG_TYPE_IP_PORT, AT(metrics_bind_address),
          "127.0.0.1:10249", FIELD_ZERO_UNSET, 0, 0, "address and port of the metrics server; none: no server", NULL },
        { "bindAddressHardFail", "bind-address-hard-fail", CONFIG_TYPE_BOOL, AT(bind_address_hard_fail), "false", 0,
          0, 0, "exit if one of the two servers cannot be started, instead of trying again", NULL },
        { "enableProfiling", "profiling", CONFIG_TYPE_BOOL, AT(profiling), "false", FIELD_NO_EFFECT, 0, 0,
          "Go profiles on the metrics server", NULL },
        { "showHiddenMetricsForVersion", "show-hidden-metrics-for-version", CONFIG_TYPE_STRING,
          AT(show_hidden_metrics), "", FIELD_NO_EFFECT, 0, 0, "show metrics that a version hid: none is hidden", NULL },
        { "mode", "proxy-mode", CONFIG_TYPE_MODE, AT(mode), "", FIELD_LIVE, 0, 0,
          "ipvs, or blank, which is the same here", NULL },
        { "iptables.masqueradeBit", "iptables-masquerade-bit", CONFIG_TYPE_INT32, AT(iptables.masquerade_bit), "14",
          FIELD_LIVE, 0, 31, "bit of the packet mark for what needs masquerading", NULL },
        { "iptables.masqueradeAll", "masquerade-all", CONFIG_TYPE_BOOL, AT(iptables.masquerade_all), "false",
          FIELD_LIVE, 0, 0, "masquerade every connection to a cluster IP", NULL },
        { "iptables.localhostNodePorts", "iptables-localhost-nodeports", CONFIG_TYPE_BOOL,
          AT(iptables_localhost_node_ports), "true", FIELD_NO_EFFECT, 0, 0, "node ports on localhost in mode iptables",
          NULL },
        { "iptables.syncPeriod", "iptables-sync-period", CONFIG_TYPE_DURATION, AT(iptables.sync_period_usec), "30s",
          FIELD_NO_EFFECT | FIELD_ZERO_UNSET | FIELD_POSITIVE, 0, 0, "syncPeriod of mode iptables", NULL },
        { "iptables.minSyncPeriod", "iptables-min-sync-period", CONFIG_TYPE_DURATION,
          AT(iptables.min_sync_period_usec), "1s", FIELD_NO_EFFECT | FIELD_ZERO_UNSET, 0, 0,
          "minSyncPeriod of mode iptables", NULL },
        { "iptables.snatNodeInternalIP", NULL, CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false",
          FIELD_NO_EFFECT | FIELD_NOT_WRITTEN, 0, 0, "masquerade to the node's InternalIP in mode iptables", NULL },
        { "nftables.masqueradeBit", NULL, CONFIG_TYPE_INT32, AT(nftables.masquerade_bit), "14", FIELD_NO_EFFECT, 0, 31,
          "masqueradeBit of mode nftables", NULL },
        { "nftables.masqueradeAll", NULL, CONFIG_TYPE_BOOL, AT(nftables.masquerade_all), "false", FIELD_NO_EFFECT,
          0, 0, "masqueradeAll of mode nftables", NULL },
        { "nftables.syncPeriod", NULL, CONFIG_TYPE_DURATION, AT(nftables.sync_period_usec), "30s",
          FIELD_NO_EFFECT | FIELD_ZERO_UNSET | FIELD_POSITIVE, 0, 0, "syncPeriod of mode nftables", NULL },
        { "nftables.minSyncPeriod", NULL, CONFIG_TYPE_DURATION, AT(nftables.min_sync_period_usec), "1s",
          FIELD_NO_EFFECT | FIELD_ZERO_UNSET, 0, 0, "minSyncPeriod of mode nftables", NULL },
        { "ipvs.syncPeriod", "ipvs-sync-period", CONFIG_TYPE_DURATION, AT(sync_period_usec), "30s",
          FIELD_ZERO_UNSET | FIELD_POSITIVE | FIELD_LIVE, 0, 0,
          "longest time between two full comparisons with the kernel", NULL },
        { "ipvs.minSyncPeriod", "ipvs-min-sync-period", CONFIG_TYPE_DURATION, AT(min_sync_period_usec), "1s",
          FIELD_LIVE, 0, 0, "shortest time between two syncs", "0s" },
        { "ipvs.scheduler", "ipvs-scheduler", CONFIG_TYPE_SCHEDULER, AT(scheduler), "", FIELD_LIVE, 0, 0,
          "IPVS scheduler; blank means rr", NULL },
        { "ipvs.excludeCIDRs", "ipvs-exclude-cidrs", CONFIG_TYPE_NETS, AT(exclude_cidrs), "", FIELD_LIVE, 0, 0,
          "networks whose virtual servers are never touched", NULL },
        { "ipvs.strictARP", "ipvs-strict-arp", CONFIG_TYPE_BOOL, AT(strict_arp), "false", FIELD_LIVE, 0, 0,
          "set arp_ignore=1 and arp_announce=2, which MetalLB in layer 2 mode and the like need", NULL },
        { "ipvs.tcpTimeout", "ipvs-tcp-timeout", CONFIG_TYPE_DURATION, AT(tcp_timeout_usec), "0s", FIELD_LIVE, 0, 0,
          "time after which idle TCP connections are forgotten; 0 leaves the kernel's", NULL },
        { "ipvs.tcpFinTimeout", "ipvs-tcpfin-timeout", CONFIG_TYPE_DURATION, AT(tcp_fin_timeout_usec), "0s",
          FIELD_LIVE, 0, 0,
          "time after which TCP connections that are being closed are forgotten; 0 leaves the kernel's", NULL },
        { "ipvs.udpTimeout", "ipvs-udp-timeout", CONFIG_TYPE_DURATION, AT(udp_timeout_usec), "0s", FIELD_LIVE, 0, 0,
          "time after which idle UDP flows are forgotten; 0 leaves the kernel's", NULL },
        { "winkernel", NULL, CONFIG_TYPE_ANY, FIELD_NOWHERE, "", FIELD_NO_EFFECT | FIELD_NOT_WRITTEN, 0, 0,
          "kube-proxy on Windows", NULL },
        { "windowsRunAsService", NULL, CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_NO_EFFECT | FIELD_NOT_WRITTEN,
          0, 0, "kube-proxy on Windows", NULL },
        { "detectLocalMode", "detect-local-mode", CONFIG_TYPE_DETECT_LOCAL, AT(detect_local_mode), "ClusterCIDR",
          FIELD_LIVE, 0, 0,
          "how pods of this node are told: ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix",
          NULL },
        { "detectLocal.bridgeInterface", "pod-bridge-interface", CONFIG_TYPE_INTERFACE, AT(pod_bridge_interface), "",
          FIELD_LIVE, 0, 0, "bridge of the pods, for BridgeInterface", NULL },
        { "detectLocal.interfaceNamePrefix", "pod-interface-name-prefix", CONFIG_TYPE_INTERFACE,
          AT(pod_interface_prefix), "",
          FIELD_LIVE, 0, 0, "beginning of the pods' interface names, for InterfaceNamePrefix",
          NULL },
        { "clusterCIDR", "cluster-cidr", CONFIG_TYPE_NET_PAIR, AT(cluster_cidrs), "", FIELD_LIVE, 0, 0,
          "network of all pods, or one of each family, for ClusterCIDR", NULL },
        { "nodePortAddresses", "nodeport-addresses", CONFIG_TYPE_NODE_PORT_ADDRESSES, AT(node_port_addresses), "",
          FIELD_LIVE, 0, 0, "where node ports are served: networks, primary, localhost, all; blank means all", NULL },
        { "oomScoreAdj", "oom-score-adj", CONFIG_TYPE_INT32, AT(oom_score_adj), "-999", 0, -1000, 1000,
          "OOM score of this process", NULL },
        { "conntrack.maxPerCore", "conntrack-max-per-core", CONFIG_TYPE_INT32, AT(conntrack_max_per_core), "32768",
          FIELD_LIVE, 0, POS_MAX,
          "connections to track for each CPU; 0 leaves the limit and ignores conntrack-min", NULL },
        { "conntrack.min", "conntrack-min", CONFIG_TYPE_INT32, AT(conntrack_min), "131072", FIELD_LIVE, 0, POS_MAX,
          "connections to track at least", NULL },
        { "conntrack.tcpEstablishedTimeout", "conntrack-tcp-timeout-established", CONFIG_TYPE_DURATION,
          AT(conntrack_tcp_established_usec), "24h", FIELD_LIVE, 0, 0,
          "conntrack time-out of idle TCP connections; 0 leaves the kernel's", NULL },
        { "conntrack.tcpCloseWaitTimeout", "conntrack-tcp-timeout-close-wait", CONFIG_TYPE_DURATION,
          AT(conntrack_tcp_close_wait_usec), "1h", FIELD_LIVE, 0, 0,
          "conntrack time-out of TCP in CLOSE_WAIT; 0 leaves the kernel's", NULL },
        { "conntrack.tcpBeLiberal", "conntrack-tcp-be-liberal", CONFIG_TYPE_BOOL, AT(conntrack_tcp_be_liberal), "false",
          FIELD_LIVE, 0, 0,
          "set nf_conntrack_tcp_be_liberal=1: packets out of the window do not count as invalid", NULL },
        { "conntrack.udpTimeout", "conntrack-udp-timeout", CONFIG_TYPE_DURATION, AT(conntrack_udp_usec), "0s",
          FIELD_LIVE, 0, 0, "conntrack time-out of UDP without an answer; 0 leaves the kernel's", NULL },
        { "conntrack.udpStreamTimeout", "conntrack-udp-timeout-stream", CONFIG_TYPE_DURATION,
          AT(conntrack_udp_stream_usec), "0s", FIELD_LIVE, 0, 0,
          "conntrack time-out of UDP with answers; 0 leaves the kernel's", NULL },
        { "conntrack.max", "conntrack-max", CONFIG_TYPE_INT32,
          FIELD_NOWHERE, "0", FIELD_OLD | FIELD_NOT_WRITTEN, 0, POS_MAX,
          "connections to track in all (use conntrack-max-per-core)", NULL },
        { "configSyncPeriod", "config-sync-period", CONFIG_TYPE_DURATION, AT(config_sync_period_usec), "15m",
          FIELD_NO_EFFECT | FIELD_ZERO_UNSET | FIELD_POSITIVE, 0, 0,
          "how often kube-proxy looks at its objects again: here all is compared every ipvs.syncPeriod", NULL },
        { "portRange", "proxy-port-range", CONFIG_TYPE_PORT_RANGE, FIELD_NOWHERE, "", FIELD_OLD | FIELD_NOT_WRITTEN, 0, 0,
          "ports of mode userspace", NULL },
        { "udpIdleTimeout", "udp-timeout", CONFIG_TYPE_DURATION, FIELD_NOWHERE, "250ms",
          FIELD_OLD | FIELD_NOT_WRITTEN | FIELD_ZERO_UNSET, 0, 0, "UDP time-out of mode userspace", NULL },
        { "resourceContainer", "resource-container", CONFIG_TYPE_STRING, FIELD_NOWHERE, "",
          FIELD_OLD | FIELD_NOT_WRITTEN, 0, 0, "cgroup to run in (systemd does that)", NULL },

        /* ---- ours */
        { "ipvsproxy.drainTimeout", "drain-timeout", CONFIG_TYPE_DURATION, AT(drain_timeout_usec), "15m",
          FIELD_OURS | FIELD_WITH_CONFIG | FIELD_LIVE, 0, 0,
          "how long an endpoint that left may keep its connections; 0: not at all", NULL },
        { "ipvsproxy.manifests", "manifests", CONFIG_TYPE_PATH, AT(manifests), "", FIELD_OURS | FIELD_WITH_CONFIG, 0, 0,
          "folder of Services and EndpointSlices as files", NULL },
        { "ipvsproxy.ping", "ping", CONFIG_TYPE_PING, AT(ping), "always",
          FIELD_OURS | FIELD_WITH_CONFIG | FIELD_LIVE, 0, 0,
          "when service addresses answer ping: always, with-endpoints, never", NULL },
        { "ipvsproxy.audit", "audit", CONFIG_TYPE_AUDIT, AT(audit), "enforce",
          FIELD_OURS | FIELD_WITH_CONFIG | FIELD_LIVE,
          0, 0, "what to do about changes that others make in the kernel: enforce or off", NULL },
        { "ipvsproxy.metricsDetail", "metrics-detail", CONFIG_TYPE_METRICS_DETAIL, AT(metrics_detail), "auto",
          FIELD_OURS | FIELD_WITH_CONFIG | FIELD_LIVE, 0, 0,
          "what /metrics says of each service port: auto, full, essential, namespace, none", NULL },
        { "ipvsproxy.metricsMaxSeries", "metrics-max-series", CONFIG_TYPE_INT32, AT(metrics_max_series), "50000",
          FIELD_OURS | FIELD_WITH_CONFIG | FIELD_LIVE, 1, POS_MAX,
          "most series of service ports that metrics-detail=auto makes", NULL },
        { "ipvsproxy.shutdownDelay", "shutdown-delay", CONFIG_TYPE_DURATION, AT(shutdown_delay_usec), "30s",
          FIELD_OURS | FIELD_WITH_CONFIG | FIELD_LIVE, 0, 0,
          "how long a shutdown of the machine may wait for connections; 0: not at all", NULL },
        { "ipvsproxy.watchNodes", "watch-nodes", CONFIG_TYPE_BOOL, AT(watch_nodes), "false",
          FIELD_OURS | FIELD_WITH_CONFIG, 0, 0,
          "watch all Nodes, and refuse external addresses of services that another node has", NULL },
        { "ipvsproxy.dryRun", "dry-run", CONFIG_TYPE_BOOL, AT(dry_run), "false", FIELD_OURS | FIELD_WITH_CONFIG, 0, 0,
          "compute and report, write nothing to the kernel", NULL },
        { "ipvsproxy.stateDirectory", "state-directory", CONFIG_TYPE_PATH, AT(state_directory), "/run/ipvsproxy",
          FIELD_OURS | FIELD_WITH_CONFIG, 0, 0, "folder for what must survive a restart", NULL },

        /* ---- flags of other versions, and of glog and klog */
        { NULL, "healthz-port", CONFIG_TYPE_INT32, AT(healthz_port), "10256", FIELD_RUN | FIELD_DEPRECATED, 0, 65535,
          "deprecated, use --healthz-bind-address; port of that if it has none; 0: no server", NULL },
        { NULL, "metrics-port", CONFIG_TYPE_INT32, AT(metrics_port), "10249", FIELD_RUN | FIELD_DEPRECATED, 0, 65535,
          "deprecated, use --metrics-bind-address; port of that if it has none; 0: no server", NULL },
        { NULL, "cleanup-ipvs", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "true", FIELD_OLD, 0, 0,
          "flush IPVS with --cleanup (only what is ours is ever removed)", NULL },
        { NULL, "cleanup-iptables", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD, 0, 0,
          "remove iptables rules and exit (use --cleanup)", NULL },
        { NULL, "google-json-key", CONFIG_TYPE_STRING, FIELD_NOWHERE, "", FIELD_OLD, 0, 0,
          "Google service account key (use a kubeconfig)", NULL },
        { NULL, "log-text-split-stream", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "messages to stdout, errors to stderr", NULL },
        { NULL, "log-text-info-buffer-size", CONFIG_TYPE_STRING,
          FIELD_NOWHERE, "0", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "buffer of the text format", NULL },
        { NULL, "log-json-split-stream", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "messages to stdout, errors to stderr", NULL },
        { NULL, "log-json-info-buffer-size", CONFIG_TYPE_STRING,
          FIELD_NOWHERE, "0", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "buffer of the json format", NULL },
        { NULL, "logtostderr", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "true", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "log to stderr instead of files (it is the journal, or stderr)", NULL },
        { NULL, "alsologtostderr", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "log to stderr as well as files", NULL },
        { NULL, "log-dir", CONFIG_TYPE_STRING, FIELD_NOWHERE, "", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "folder of log files (there are none: see journalctl)", NULL },
        { NULL, "log-file", CONFIG_TYPE_STRING, FIELD_NOWHERE, "", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "log file (there is none: see journalctl)", NULL },
        { NULL, "log-file-max-size", CONFIG_TYPE_INT32,
          FIELD_NOWHERE, "1800", FIELD_OLD | FIELD_WITH_CONFIG, 0, POS_MAX,
          "size of a log file in megabytes", NULL },
        { NULL, "log-backtrace-at", CONFIG_TYPE_STRING, FIELD_NOWHERE, ":0", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "stack trace at file:N", NULL },
        { NULL, "stderrthreshold", CONFIG_TYPE_STRING, FIELD_NOWHERE, "2", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "severity from which file logs go to stderr too", NULL },
        { NULL, "add-dir-header", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "folder of the source file in log lines", NULL },
        { NULL, "one-output", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "log files by severity alone", NULL },
        { NULL, "skip-headers", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "log lines without a header", NULL },
        { NULL, "skip-log-headers", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD | FIELD_WITH_CONFIG, 0, 0,
          "log files without a header", NULL },
        { NULL, "windows-service", CONFIG_TYPE_BOOL, FIELD_NOWHERE, "false", FIELD_OLD, 0, 0,
          "kube-proxy on Windows", NULL },
};
/* clang-format on */

size_t config_field_count(void) {
        return ELEMENTSOF(config_field_table);
}

const ConfigField *config_field(size_t i) {
        return &config_field_table[i];
}

static bool flag_name_equal(const char *flag, const char *name, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (flag[i] != (name[i] == '_' ? '-' : name[i])) /* also ends at flag's NUL */
                        return false;
        return flag[size] == '\0';
}

int config_field_by_flag(const char *name, size_t size, size_t *ret) {
        if (memchr(name, '\0', size))
                return -ENOENT;
        for (size_t i = 0; i < ELEMENTSOF(config_field_table); i++)
                if (config_field_table[i].flag && flag_name_equal(config_field_table[i].flag, name, size)) {
                        *ret = i;
                        return 0;
                }
        return -ENOENT;
}

size_t config_field_at(size_t offset) {
        size_t i = 0;

        while (config_field_table[i].offset != offset)
                i++;
        return i;
}

int config_field_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        const ConfigTypeOps *ops = config_type_ops(field->type);
        _cleanup_(freep) char *copy = NULL;
        char *rest, *item;
        int r = 0;

        if (!ops->list)
                return ops->parse(field, text, slot, ret_fault);
        copy = rest = strdup(text);
        if (!copy)
                return -ENOMEM;
        while (text[0] != '\0' && r >= 0 && (item = strsep(&rest, ",")))
                r = ops->parse(field, item, slot, ret_fault);
        return r;
}

int config_field_reset(const ConfigField *field, void *slot, bool with_file) {
        const ConfigTypeOps *ops = config_type_ops(field->type);
        _cleanup_(freep) char *fault = NULL;

        if (ops->list)
                ops->done(slot);
        return config_field_parse(field, with_file && field->file_fallback ? field->file_fallback : field->fallback,
                                  slot, &fault);
}
