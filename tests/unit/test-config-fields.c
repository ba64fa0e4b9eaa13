/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every flag and every field: its default, a good value on the command line and in the file, a bad one in both, what
 * is written out, and that reading it again gives the same. A setting that is not in the table here fails the test.
 */
#include "tests/unit/test.h"

#include "config/config-private.h"
#include "tests/unit/config-util.h"

typedef struct Case {
        const char *path, *flag;
        const char *fallback; /* as it is written out: a list is "a,b", a map "k=v" */
        const char *flag_value;
        const char *file_value; /* as YAML; NULL: the same text */
        const char *written;    /* NULL: it is not written */
        const char *bad;        /* on the command line, and in the file unless bad_file; NULL: nothing is bad */
        const char *bad_file;
        const char *message; /* of both, behind "PLACE: " */
} Case;

#define MUST_DURATION "\"5\" must be a duration, such as 30s, 1m or 1h30m"
#define MUST_BOOL "\"maybe\" must be true or false"
#define MUST_NET "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)"
#define MUST_IP_PORT "must be IP:port with a port from 1 to 65535"
#define MUST_NOT_NEGATIVE "must be an integer greater than or equal to 0"
#define QUOTE "must be a string and is a number, put it in quotes"

/* clang-format off */
static const Case cases[] = {
        { NULL, "config", NULL, "/dev/null", NULL, NULL, NULL, NULL, NULL }, /* test-config.c */
        { NULL, "write-config-to", NULL, "/x", NULL, NULL, NULL, NULL, NULL },
        { NULL, "check", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "cleanup", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "init-only", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "version", NULL, "true", NULL, NULL, "maybe", NULL, "\"maybe\" must be true, false or raw" },
        { NULL, "help", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "master", NULL, "https://h", NULL, NULL, NULL, NULL, NULL },
        { "featureGates", "feature-gates", "", "AA=true,BB=false", "{AA: true, BB: false}", "AA=true,BB=false",
          "AA", "{AA: 1}", NULL },
        { "clientConnection.kubeconfig", "kubeconfig", "", "/k c", NULL, "/k c", NULL, "5", QUOTE },
        { "clientConnection.acceptContentTypes", NULL, "", NULL, "a/b", "a/b", NULL, "5", QUOTE },
        { "clientConnection.contentType", "kube-api-content-type", "application/vnd.kubernetes.protobuf",
          "application/json", NULL, "application/json", NULL, "5", QUOTE },
        { "clientConnection.qps", "kube-api-qps", "5", "2.5", NULL, "2.5", "x", "x", NULL },
        { "clientConnection.burst", "kube-api-burst", "10", "20", NULL, "20", "-1", NULL,
          "\"-1\" " MUST_NOT_NEGATIVE },
        { "logging.format", "logging-format", "text", "json", NULL, "json", "xml", NULL,
          "\"xml\" must be text or json" },
        { "logging.flushFrequency", "log-flush-frequency", "5s", "1m30s", NULL, "1m30s", "5d", NULL,
          "\"5d\" must be a duration, such as 30s, 1m or 1h30m" },
        { "logging.verbosity", "v", "0", "4", NULL, "4", "-1", NULL, "\"-1\" " MUST_NOT_NEGATIVE },
        { "logging.vmodule", "vmodule", "", "server=4,p*=2",
          "[{filePattern: server, verbosity: 4}, {filePattern: p*, verbosity: 2}]",
          "{filePattern=server,verbosity=4},{filePattern=p*,verbosity=2}", "server", "[{filePattern: server}]", NULL },
        { "logging.options", NULL, NULL, NULL, "{text: {splitStream: true}}", NULL, NULL, NULL, NULL },
        { "hostnameOverride", "hostname-override", "", "Node", NULL, "Node", " ", "\" \"",
          "a blank name is invalid, give the name of this machine's Node" },
        { "bindAddress", "bind-address", "0.0.0.0", "fd00::1", NULL, "fd00::1", "10.0.0", NULL,
          "\"10.0.0\" must be a valid IP address, such as 10.0.0.1 or fd00::1" },
        { "healthzBindAddress", "healthz-bind-address", "0.0.0.0:10256", "[fd00::1]:1", "\"[fd00::1]:1\"",
          "[fd00::1]:1", "10.0.0.1:0", NULL, "\"10.0.0.1:0\" " MUST_IP_PORT },
        { "metricsBindAddress", "metrics-bind-address", "127.0.0.1:10249", "none", NULL, "none", "host:80", NULL,
          "\"host:80\" " MUST_IP_PORT },
        { "bindAddressHardFail", "bind-address-hard-fail", "false", "true", NULL, "true", "maybe", "5", NULL },
        { "enableProfiling", "profiling", "false", "true", NULL, "true", "maybe", "maybe", NULL },
        { "showHiddenMetricsForVersion", "show-hidden-metrics-for-version", "", "1.20", "\"1.20\"", "1.20", NULL,
          "1.20", QUOTE },
        { "mode", "proxy-mode", "", "ipvs", NULL, "ipvs", "nftables", NULL,
          "\"nftables\" must be ipvs or blank: this program is the IPVS mode alone, run kube-proxy for the others" },
        { "iptables.masqueradeBit", "iptables-masquerade-bit", "14", "31", NULL, "31", "32", NULL,
          "\"32\" must be within the range [0, 31]" },
        { "iptables.masqueradeAll", "masquerade-all", "false", "true", NULL, "true", "maybe", "[]", NULL },
        { "iptables.localhostNodePorts", "iptables-localhost-nodeports", "true", "false", NULL, "false", "maybe", "{}",
          NULL },
        { "iptables.syncPeriod", "iptables-sync-period", "30s", "1h", NULL, "1h0m0s", "-1s", NULL,
          "\"-1s\" must be greater than 0" },
        { "iptables.minSyncPeriod", "iptables-min-sync-period", "1s", "10ms", NULL, "10ms", "1m", NULL, NULL },
        { "iptables.snatNodeInternalIP", NULL, NULL, NULL, "true", NULL, NULL, "\"x\"", NULL },
        { "nftables.masqueradeBit", NULL, "14", NULL, "0", "0", NULL, "-1", "\"-1\" must be within the range [0, 31]" },
        { "nftables.masqueradeAll", NULL, "false", NULL, "true", "true", NULL, "5", NULL },
        { "nftables.syncPeriod", NULL, "30s", NULL, "2m", "2m0s", NULL, "5", NULL },
        { "nftables.minSyncPeriod", NULL, "1s", NULL, "5s", "5s", NULL, "1h", NULL },
        { "ipvs.syncPeriod", "ipvs-sync-period", "30s", "90s", NULL, "1m30s", "5", "\"5\"", MUST_DURATION },
        { "ipvs.minSyncPeriod", "ipvs-min-sync-period", "1s", "250ms", NULL, "250ms", "-1s", NULL,
          "\"-1s\" must be greater than or equal to 0" },
        { "ipvs.scheduler", "ipvs-scheduler", "", "wlc", NULL, "wlc", "Round Robin", NULL,
          "\"Round Robin\" must be the name of an IPVS scheduler, such as rr, wrr, lc, wlc, sh, mh; blank means rr" },
        { "ipvs.excludeCIDRs", "ipvs-exclude-cidrs", "", "10.0.0.1/8,fd00::/8", "[10.0.0.1/8, \"fd00::/8\"]",
          "10.0.0.0/8,fd00::/8", "10.0.0.0", "[10.0.0.0]", "\"10.0.0.0\" " MUST_NET },
        { "ipvs.strictARP", "ipvs-strict-arp", "false", "true", "yes", "true", "maybe", "maybe", NULL },
        { "ipvs.tcpTimeout", "ipvs-tcp-timeout", "0s", "1h15m30s", NULL, "1h15m30s", "5", "\"5\"", MUST_DURATION },
        { "ipvs.tcpFinTimeout", "ipvs-tcpfin-timeout", "0s", "1.5s", NULL, "1.5s", "5", "\"5\"", MUST_DURATION },
        { "ipvs.udpTimeout", "ipvs-udp-timeout", "0s", "15us", NULL, "15us", "5", "\"5\"", MUST_DURATION },
        { "winkernel", NULL, NULL, NULL, "{sourceVip: a}", NULL, NULL, NULL, NULL },
        { "windowsRunAsService", NULL, NULL, NULL, "true", NULL, NULL, "5", NULL },
        { "detectLocalMode", "detect-local-mode", "ClusterCIDR", "NodeCIDR", NULL, "NodeCIDR", "nodecidr", NULL,
          "\"nodecidr\" must be ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix or blank (blank means "
          "ClusterCIDR)" },
        { "detectLocal.bridgeInterface", "pod-bridge-interface", "", "cni0", NULL, "cni0", "sixteen-letters.", NULL,
          "\"sixteen-letters.\" must be a network interface name, or its beginning, of at most 15 characters" },
        { "detectLocal.interfaceNamePrefix", "pod-interface-name-prefix", "", "cali", NULL, "cali", "a/b", NULL,
          "\"a/b\" must be a network interface name, or its beginning, of at most 15 characters" },
        { "clusterCIDR", "cluster-cidr", "", "10.0.0.0/8,fd00::/8", NULL, "10.0.0.0/8,fd00::/8",
          "10.0.0.0/8,11.0.0.0/8", NULL, "two CIDRs must be a valid DualStack CIDR, one of each family" },
        { "nodePortAddresses", "nodeport-addresses", "", "primary,10.0.0.0/8,localhost",
          "[primary, 10.0.0.0/8, localhost]",
          "primary,localhost,10.0.0.0/8", "secondary", "[secondary]",
          "\"secondary\" " MUST_NET ", primary, localhost or all" },
        { "oomScoreAdj", "oom-score-adj", "-999", "-1000", NULL, "-1000", "-1001", NULL,
          "\"-1001\" must be within the range [-1000, 1000]" },
        { "conntrack.maxPerCore", "conntrack-max-per-core", "32768", "0", NULL, "0", "-1", NULL,
          "\"-1\" " MUST_NOT_NEGATIVE },
        { "conntrack.min", "conntrack-min", "131072", "1", NULL, "1", "2147483648", NULL,
          "\"2147483648\" " MUST_NOT_NEGATIVE },
        { "conntrack.tcpEstablishedTimeout", "conntrack-tcp-timeout-established", "24h0m0s", "0s", NULL, "0s",
          "-1s", NULL, "\"-1s\" must be greater than or equal to 0" },
        { "conntrack.tcpCloseWaitTimeout", "conntrack-tcp-timeout-close-wait", "1h0m0s", "1m", NULL, "1m0s",
          "-1s", NULL, "\"-1s\" must be greater than or equal to 0" },
        { "conntrack.tcpBeLiberal", "conntrack-tcp-be-liberal", "false", "true", NULL, "true", "maybe", "maybe", NULL },
        { "conntrack.udpTimeout", "conntrack-udp-timeout", "0s", "30s", NULL, "30s", "5", "\"5\"", MUST_DURATION },
        { "conntrack.udpStreamTimeout", "conntrack-udp-timeout-stream", "0s", "2m", NULL, "2m0s", "5", "\"5\"",
          MUST_DURATION },
        { "conntrack.max", "conntrack-max", NULL, "5", NULL, NULL, "-1", NULL, "\"-1\" " MUST_NOT_NEGATIVE },
        { "configSyncPeriod", "config-sync-period", "15m0s", "1h", NULL, "1h0m0s", "soon", NULL,
          "\"soon\" must be a duration, such as 30s, 1m or 1h30m" },
        { "portRange", "proxy-port-range", NULL, "300+50", "300-2000", NULL, "2000-300", "2000-300",
          "\"2000-300\" must be a valid port range (e.g. 300-2000)" },
        { "udpIdleTimeout", "udp-timeout", NULL, "1s", NULL, NULL, "5", "\"5\"", MUST_DURATION },
        { "resourceContainer", "resource-container", NULL, "/kube-proxy", NULL, NULL, NULL, "5", QUOTE },
        { "ipvsproxy.drainTimeout", "drain-timeout", "15m0s", "0s", NULL, "0s", "-1s", NULL,
          "\"-1s\" must be greater than or equal to 0" },
        { "ipvsproxy.manifests", "manifests", "", "/etc/m", NULL, "/etc/m", "etc/m", NULL,
          "\"etc/m\" must be an absolute path, one that begins with /" },
        { "ipvsproxy.ping", "ping", "always", "with-endpoints", NULL, "with-endpoints", "yes", "\"yes\"",
          "\"yes\" must be always, with-endpoints or never" },
        { "ipvsproxy.audit", "audit", "enforce", "off", "\"off\"", "off", "on", "\"on\"",
          "\"on\" must be enforce or off" },
        { "ipvsproxy.metricsDetail", "metrics-detail", "auto", "namespace", NULL, "namespace", "much", "\"much\"",
          "\"much\" must be auto, full, essential, namespace or none" },
        { "ipvsproxy.metricsMaxSeries", "metrics-max-series", "50000", "1000", NULL, "1000", "0", NULL,
          "\"0\" must be an integer greater than or equal to 1" },
        { "ipvsproxy.shutdownDelay", "shutdown-delay", "30s", "1m", NULL, "1m0s", "-1s", NULL,
          "\"-1s\" must be greater than or equal to 0" },
        { "ipvsproxy.watchNodes", "watch-nodes", "false", "true", NULL, "true", "all", "all", NULL },
        { "ipvsproxy.dryRun", "dry-run", "false", "true", NULL, "true", "maybe", "maybe", NULL },
        { "ipvsproxy.stateDirectory", "state-directory", "/run/ipvsproxy", "/tmp/x", NULL, "/tmp/x", "x", NULL,
          "\"x\" must be an absolute path, one that begins with /" },
        { NULL, "healthz-port", NULL, "1", NULL, NULL, "65536", NULL, "\"65536\" must be within the range [0, 65535]" },
        { NULL, "metrics-port", NULL, "1", NULL, NULL, "-1", NULL, "\"-1\" must be within the range [0, 65535]" },
        { NULL, "cleanup-ipvs", NULL, "false", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "cleanup-iptables", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "google-json-key", NULL, "x", NULL, NULL, NULL, NULL, NULL },
        { NULL, "log-text-split-stream", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "log-text-info-buffer-size", NULL, "64Ki", NULL, NULL, NULL, NULL, NULL },
        { NULL, "log-json-split-stream", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "log-json-info-buffer-size", NULL, "64Ki", NULL, NULL, NULL, NULL, NULL },
        { NULL, "logtostderr", NULL, "false", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "alsologtostderr", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "log-dir", NULL, "/var/log", NULL, NULL, NULL, NULL, NULL },
        { NULL, "log-file", NULL, "/var/log/x", NULL, NULL, NULL, NULL, NULL },
        { NULL, "log-file-max-size", NULL, "1800", NULL, NULL, "big", NULL, "\"big\" " MUST_NOT_NEGATIVE },
        { NULL, "log-backtrace-at", NULL, "a.go:1", NULL, NULL, NULL, NULL, NULL },
        { NULL, "stderrthreshold", NULL, "WARNING", NULL, NULL, NULL, NULL, NULL },
        { NULL, "add-dir-header", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "one-output", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "skip-headers", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "skip-log-headers", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
        { NULL, "windows-service", NULL, "true", NULL, NULL, "maybe", NULL, MUST_BOOL },
};
/* clang-format on */

/* ---- reading what was written */

static void flatten(FILE *file, const YamlNode *node) {
        if (node->kind < YAML_KIND_LIST)
                (void) fputs(node->text, file);
        for (size_t i = 0; i < node->n_entries; i++) {
                bool nested = node->entries[i].value->kind >= YAML_KIND_LIST;

                (void) fprintf(file, "%s%s", i > 0 ? "," : "", nested ? "{" : "");
                if (node->entries[i].key)
                        (void) fprintf(file, "%s=", node->entries[i].key);
                flatten(file, node->entries[i].value);
                (void) fputs(nested ? "}" : "", file);
        }
}

/* The value at "a.b" of the written configuration; NULL if it is not there. */
static char *written_value(const Config *config, const char *path) {
        _cleanup_(yaml_tree_freep) YamlTree *tree = NULL;
        _cleanup_(freep) char *text = NULL, *copy = strdup(path);
        const YamlNode *node;
        char *value = NULL, *rest = copy, *word;
        YamlError error = {};
        size_t size;
        FILE *file;

        assert_int_equal(config_format(config, &text), 0);
        assert_int_equal(yaml_tree_parse(text, strlen(text), &tree, &error), 0);
        node = tree->root;
        while ((word = strsep(&rest, "."))) {
                const YamlEntry *entry = yaml_map_find(node, word);

                if (!entry)
                        return NULL;
                node = entry->value;
        }
        file = open_memstream(&value, &size);
        flatten(file, node);
        assert_int_equal(fclose(file), 0);
        return value;
}

static void assert_written(const Config *config, const Case *c, const char *expected) {
        _cleanup_(freep) char *value = c->path ? written_value(config, c->path) : NULL;

        if (!expected) {
                assert_null(value);
                return;
        }
        if (!value || strcmp(value, expected) != 0)
                fail_msg("%s is \"%s\" and not \"%s\"", c->path, value ? value : "(none)", expected);
}

/* "ipvs.syncPeriod", "1m" → a file that sets it */
static char *file_with(const Case *c, const char *value) {
        const char *dot = strchr(c->path, '.');
        _cleanup_(freep) char *text = NULL;

        if (dot)
                assert_true(asprintf(&text, CONFIG_HEAD "%.*s:\n  %s: %s\n", (int) (dot - c->path), c->path, dot + 1,
                                     value) > 0);
        else
                assert_true(asprintf(&text, CONFIG_HEAD "%s: %s\n", c->path, value) > 0);
        return write_file(text);
}

static const ConfigField *field_of(const Case *c) {
        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *f = config_field(i);

                if (c->path ? f->path && strcmp(f->path, c->path) == 0 : f->flag && strcmp(f->flag, c->flag) == 0)
                        return f;
        }
        fail_msg("%s is not in the table of settings", c->path ? c->path : c->flag);
        return NULL;
}

/* ---- tests */

static void test_all_are_here(void **state) {
        for (size_t i = 0; i < config_field_count(); i++) {
                const ConfigField *field = config_field(i);
                size_t n = 0;

                for (size_t k = 0; k < ELEMENTSOF(cases); k++)
                        n += field_of(&cases[k]) == field;
                if (n != 1)
                        fail_msg("%s is in this test %zu times", field->path ? field->path : field->flag, n);
        }
        for (size_t k = 0; k < ELEMENTSOF(cases); k++) {
                const ConfigField *field = field_of(&cases[k]);

                assert_int_equal(!field->flag, !cases[k].flag);
                if (field->flag)
                        assert_string_equal(field->flag, cases[k].flag);
        }
}

static void test_defaults(void **state) {
        _cleanup_(config_freep) Config *config = NULL;

        assert_int_equal(config_new(&config), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_written(config, &cases[i], cases[i].fallback);
}

static void is_change(const ConfigChange *change, void *userdata) {
        if (strcmp(change->name, userdata) != 0)
                fail_msg("%s changed beside %s", change->name, (const char *) userdata);
}

static void assert_only_change(const Config *config, const Case *c) {
        _cleanup_(config_freep) Config *fallback = NULL;
        const ConfigField *field = field_of(c);
        bool counts = field->offset != FIELD_NOWHERE && !(field->flags & (FIELD_NO_EFFECT | FIELD_RUN));

        assert_int_equal(config_new(&fallback), 0);
        if (field->offset == offsetof(Config, bind_address)) {
                /* decides about the two servers too */
                fallback->healthz_bind_address = config->healthz_bind_address;
                fallback->metrics_bind_address = config->metrics_bind_address;
        }
        assert_int_equal(
                config_compare(fallback, config, is_change, (void *) (uintptr_t) (c->path ? c->path : c->flag)),
                counts);
}

static void test_flags(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(freep) char *argument = NULL, *remark = NULL;
                const ConfigField *field = field_of(c);

                if (!c->flag || field->offset == offsetof(Config, config_file))
                        continue;
                assert_true(asprintf(&argument, "--%s=%s", c->flag, c->flag_value) > 0);
                assert_int_equal(load(&config, &messages, argument, "--nodeport-addresses=all"), 0);
                assert_true(asprintf(&remark, "--%s: has no effect here", c->flag) > 0);
                assert_int_equal(count_messages(&messages, remark),
                                 (field->flags & (FIELD_NO_EFFECT | FIELD_OLD)) != 0);
                if (field->offset == offsetof(Config, node_port_addresses))
                        continue;
                assert_written(config, c, c->written);
        }
}

static void test_flag_alone(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(freep) char *flag = NULL;
                const ConfigField *field = field_of(c);

                if (!c->flag || field->type == CONFIG_TYPE_VERSION || (field->flags & FIELD_RUN))
                        continue;
                assert_true(asprintf(&flag, "--%s", c->flag) > 0);
                for (char *p = flag + 2; *p != '\0'; p++)
                        if (*p == '-')
                                *p = '_';
                if (field->type == CONFIG_TYPE_BOOL) {
                        /* alone it is true; only what is false by default is told by that */
                        assert_int_equal(load(&config, &messages, flag), 0);
                        assert_written(config, c, c->fallback ? "true" : NULL);
                        continue;
                }
                assert_int_equal(load(&config, &messages, flag, c->flag_value), 0);
                assert_written(config, c, c->written);
                assert_only_change(config, c);
        }
}

static void test_file(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(unlink_freep) char *path = NULL;
                _cleanup_(freep) char *argument = NULL;

                if (!c->path)
                        continue;
                path = file_with(c, c->file_value ? c->file_value : c->flag_value);
                assert_true(asprintf(&argument, "--config=%s", path) > 0);
                assert_int_equal(load(&config, &messages, argument), 0);
                assert_int_equal(count_messages(&messages, "has no effect here"),
                                 (field_of(c)->flags & (FIELD_NO_EFFECT | FIELD_OLD)) != 0);
                assert_int_equal(count_messages(&messages, "unknown"), 0);
                assert_written(config, c, c->written);
        }
}

/* null is the default, whatever the type. */
static void test_null(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(unlink_freep) char *path = NULL;
                _cleanup_(freep) char *argument = NULL;

                if (!c->path)
                        continue;
                path = file_with(c, "null");
                assert_true(asprintf(&argument, "--config=%s", path) > 0);
                assert_int_equal(load(&config, &messages, argument), 0);
                assert_written(config, c, field_of(c)->file_fallback ? "0s" : c->fallback);
                assert_int_equal(messages.n_items, 2); /* that nodePortAddresses and clusterCIDR are not set */
        }
}

static void test_bad_flags(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(freep) char *argument = NULL, *message = NULL;

                if (!c->flag || !c->bad)
                        continue;
                assert_true(asprintf(&argument, "--%s=%s", c->flag, c->bad) > 0);
                assert_true(asprintf(&message, "--%s: %s", c->flag, c->message && !c->bad_file ? c->message : "") > 0);
                if (load(&config, &messages, argument) != -EINVAL)
                        fail_msg("%s was accepted", argument);
                if (strcmp(c->flag, "iptables-min-sync-period") != 0)
                        assert_message(&messages, CONFIG_SEVERITY_ERROR, message);
        }
}

static void test_bad_file(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                const char *bad = c->bad_file ? c->bad_file : c->bad;
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(unlink_freep) char *path = NULL;
                _cleanup_(freep) char *argument = NULL, *message = NULL;

                if (!c->path || !bad)
                        continue;
                path = file_with(c, bad);
                assert_true(asprintf(&argument, "--config=%s", path) > 0);
                assert_true(asprintf(&message, "%s:%d: %s: %s", path, strchr(c->path, '.') ? 4 : 3, c->path,
                                     c->message ? c->message : "") > 0);
                if (load(&config, &messages, argument) != -EINVAL)
                        fail_msg("%s: %s was accepted", c->path, bad);
                if (!strstr(c->path, "minSyncPeriod") || c->message)
                        assert_message(&messages, CONFIG_SEVERITY_ERROR, message);
        }
}

static void no_change(const ConfigChange *change, void *userdata) {
        fail_msg("%s is not the same", change->name);
}

/* All good values together, written by --write-config-to and read back. */
static void test_round_trip(void **state) {
        _cleanup_(config_freep) Config *config = NULL, *again = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(unlink_freep) char *path = write_file("old");
        _cleanup_(freep) char *write_to = NULL, *argument = NULL, *text = NULL, *text_again = NULL;
        char *argv[ELEMENTSOF(cases) + 2] = { (char[]){ "ipvsproxyd" } };
        int argc = 1;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (cases[i].flag && !(field_of(&cases[i])->flags & FIELD_RUN) && strcmp(cases[i].flag, "master") != 0)
                        assert_true(asprintf(&argv[argc++], "--%s=%s", cases[i].flag, cases[i].flag_value) > 0);
        assert_true(asprintf(&write_to, "--write-config-to=%s", path) > 0);
        argv[argc] = write_to;
        assert_int_equal(config_load(argc + 1, argv, &config, &messages), 0);
        assert_int_equal(config->action, CONFIG_ACTION_WRITE_CONFIG);
        assert_int_equal(config_write(config), 0);
        for (int i = 1; i < argc; i++)
                free(argv[i]);

        assert_true(asprintf(&argument, "--config=%s", path) > 0);
        assert_int_equal(load(&again, &messages, argument), 0);
        assert_int_equal(config_compare(config, again, no_change, NULL), 0);
        assert_int_equal(config_format(config, &text), 0);
        assert_int_equal(config_format(again, &text_again), 0);
        assert_string_equal(text, text_again);
}

static void collect_live(const ConfigChange *change, void *userdata) {
        bool *live = userdata;

        live[strcmp(change->name, "logging.verbosity") == 0] = change->live;
}

static void test_compare(void **state) {
        _cleanup_(config_freep) Config *a = NULL, *b = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        bool live[2] = { true, false };

        assert_int_equal(load(&a, &messages, "--v=1", "--state-directory=/a", "--kube-api-qps=1", "--check"), 0);
        assert_int_equal(load(&b, &messages, "--v=2", "--state-directory=/b", "--kube-api-qps=2", "--cleanup"), 0);
        assert_int_equal(config_compare(a, b, collect_live, live), 2);
        assert_false(live[0]);
        assert_true(live[1]);
}

static void test_write_error(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};

        assert_int_equal(load(&config, &messages, "--write-config-to=/nonexistent/x"), 0);
        assert_int_equal(config_write(config), -ENOENT);
        config = config_free(config);
        assert_int_equal(load(&config, &messages, "--write-config-to=/dev/full"), 0);
        assert_int_equal(config_write(config), -ENOSPC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_are_here), cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_flags),        cmocka_unit_test(test_flag_alone),
                cmocka_unit_test(test_file),         cmocka_unit_test(test_null),
                cmocka_unit_test(test_bad_flags),    cmocka_unit_test(test_bad_file),
                cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_compare),
                cmocka_unit_test(test_write_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
