/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line and the configuration file as main() loads them: origins, precedence, defaults, actions. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "tests/unit/config-util.h"

/* The command line that a node of Kubernetes 1.9 to 1.10 has in its unit file. */
static void test_founding_command_line(void **state) {
        static const char *const warned[] = {
                "--logtostderr: has no effect here",
                "--log-dir: has no effect here",
                "SupportIPVSProxyMode",
                "--nodeport-addresses: not set",
        };
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        char text[IP_NET_STRLEN], addr[IP_ADDR_STRLEN];

        assert_int_equal(load(&config, &messages, "--bind-address=172.16.1.10", "--masquerade-all=true",
                              "--feature-gates=SupportIPVSProxyMode=true", "--proxy-mode=ipvs",
                              "--cluster-cidr=10.253.0.0/16", "--kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig",
                              "--logtostderr=true", "--log-dir=/var/log/kubernetes", "--v=2"),
                         0);
        assert_int_equal(config->action, CONFIG_ACTION_RUN);
        assert_string_equal(ip_addr_format(&config->bind_address, addr), "172.16.1.10");
        assert_true(config->iptables.masquerade_all);
        assert_true(config_feature_enabled(config, "SupportIPVSProxyMode", false));
        assert_string_equal(config->mode, "ipvs");
        assert_int_equal(config->cluster_cidrs.n_items, 1);
        assert_string_equal(ip_net_format(&config->cluster_cidrs.items[0], text), "10.253.0.0/16");
        assert_string_equal(config->kubeconfig, "/etc/kubernetes/kube-proxy.kubeconfig");
        assert_int_equal(config->verbosity, 2);
        assert_int_equal(config->min_sync_period_usec, USEC_PER_SEC);
        assert_string_not_equal(config->node_name, "");
        assert_int_equal(messages.n_errors, 0);
        assert_int_equal(messages.n_items, ELEMENTSOF(warned));
        for (size_t i = 0; i < ELEMENTSOF(warned); i++)
                assert_message(&messages, CONFIG_SEVERITY_WARNING, warned[i]);
}

static void test_actions(void **state) {
        static const struct {
                const char *arguments[4];
                ConfigAction action;
        } cases[] = {
                { { NULL }, CONFIG_ACTION_RUN },
                { { "--init-only" }, CONFIG_ACTION_INIT_ONLY },
                { { "--cleanup" }, CONFIG_ACTION_CLEANUP },
                { { "--init-only", "--cleanup" }, CONFIG_ACTION_CLEANUP },
                { { "--cleanup=false" }, CONFIG_ACTION_RUN },
                { { "--check" }, CONFIG_ACTION_CHECK },
                { { "--write-config-to=/dev/null", "--check" }, CONFIG_ACTION_WRITE_CONFIG },
                { { "--version" }, CONFIG_ACTION_VERSION },
                { { "--version=true", "--bogus" }, CONFIG_ACTION_VERSION },
                { { "--version=raw" }, CONFIG_ACTION_VERSION_RAW },
                { { "--version=false" }, CONFIG_ACTION_RUN },
                { { "--help", "--version" }, CONFIG_ACTION_HELP },
                { { "-h", "--config=/nonexistent" }, CONFIG_ACTION_HELP },
                { { "-hv2" }, CONFIG_ACTION_HELP },
                { { "--help=false" }, CONFIG_ACTION_RUN },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};

                assert_int_equal(load_array(&config, &messages, cases[i].arguments), 0);
                assert_int_equal(config->action, cases[i].action);
                /* advice is for who runs it */
                assert_int_equal(messages.n_items > 0, config->action == CONFIG_ACTION_RUN || config->action == CONFIG_ACTION_CHECK ||
                                                               config->action == CONFIG_ACTION_WRITE_CONFIG);
        }
}

/* How pflag splits a command line. */
static void test_flag_syntax(void **state) {
        static const struct {
                const char *arguments[5];
                int32_t verbosity;
                const char *kubeconfig;
                const char *error;
        } cases[] = {
                { { "-v", "2" }, 2, "", NULL },
                { { "-v=3" }, 3, "", NULL },
                { { "-v4" }, 4, "", NULL },
                { { "--v", "5" }, 5, "", NULL },
                { { "--v=6", "--v=7" }, 7, "", NULL },
                { { "--v=0x10" }, 16, "", NULL },
                { { "--kubeconfig", "/k" }, 0, "/k", NULL },
                { { "--kubeconfig", "--v=1" }, 0, "--v=1", NULL },
                { { "--kubeconfig=" }, 0, "", NULL },
                { { "--kubeconfig=a=b" }, 0, "a=b", NULL },
                { { "--log_dir=/x", "--v=1" }, 1, "", NULL },
                { { "--ipvs_min-sync_period=1s" }, 0, "", NULL },
                { { "" }, 0, "", NULL },
                { { "--" }, 0, "", NULL },
                { { "--", "--v=1" }, 0, NULL, "\"--v=1\": there are no arguments but flags" },
                { { "start" }, 0, NULL, "\"start\": there are no arguments but flags" },
                { { "--masquerade-all", "true" }, 0, NULL, "a boolean is written --masquerade-all=false" },
                { { "--kubeconfig" }, 0, NULL, "--kubeconfig: flag needs an argument" },
                { { "-v" }, 0, NULL, "-v: flag needs an argument" },
                { { "--cluster-cdir=10.0.0.0/8" }, 0, NULL, "unknown flag, did you mean --cluster-cidr?" },
                { { "--Kubeconfig=/k" }, 0, NULL, "unknown flag, did you mean --kubeconfig?" },
                { { "--no-such-thing-at-all" }, 0, NULL, "\"--no-such-thing-at-all\": unknown flag, see --help" },
                { { "-logtostderr" }, 0, NULL, "unknown flag, did you mean --logtostderr?" },
                { { "-x" }, 0, NULL, "\"-x\": unknown flag" },
                { { "--=1" }, 0, NULL, "\"--=1\": unknown flag" },
                { { "---v=1" }, 0, NULL, "unknown flag" },
                { { "--kubeconfig=\xff" }, 0, NULL, "--kubeconfig: must be UTF-8 text" },
                { { "--kubeconfig=\xc0\x80" }, 0, NULL, "--kubeconfig: must be UTF-8 text" },
                { { "--kubeconfig=\xed\xa0\x80" }, 0, NULL, "--kubeconfig: must be UTF-8 text" },
                { { "--kubeconfig=\xf4\x90\x80\x80" }, 0, NULL, "--kubeconfig: must be UTF-8 text" },
                { { "--kubeconfig=\xe2\x82" }, 0, NULL, "--kubeconfig: must be UTF-8 text" },
                { { "--kubeconfig=\xe2\x82\xac\xf0\x9f\x98\x80" }, 0, "\xe2\x82\xac\xf0\x9f\x98\x80", NULL },
                { { "--v=\x1b[31m" }, 0, NULL, "--v: \"\\x1b[31m\" must be an integer" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                int r = load_array(&config, &messages, cases[i].arguments);

                if (cases[i].error) {
                        assert_int_equal(r, -EINVAL);
                        assert_null(config);
                        assert_message(&messages, CONFIG_SEVERITY_ERROR, cases[i].error);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(config->verbosity, cases[i].verbosity);
                assert_string_equal(config->kubeconfig, cases[i].kubeconfig);
        }
}

/* Lists grow with every use; each flag that means nothing is told once. */
static void test_repeated_flags(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};

        assert_int_equal(load(&config, &messages, "--nodeport-addresses=10.0.0.0/8,fd00::/8",
                              "--nodeport-addresses=primary", "--cluster-cidr=10.0.0.0/8", "--cluster-cidr=fd00::/8",
                              "--feature-gates=AA=true,BB=false", "--feature-gates=BB=true, CC = false ,",
                              "--log-dir=/a", "--log-dir=/b"),
                         0);
        assert_int_equal(config->node_port_addresses.nets.n_items, 2);
        assert_true(config->node_port_addresses.primary);
        assert_int_equal(config->cluster_cidrs.n_items, 1);
        assert_int_equal(config->cluster_cidrs.items[0].addr.family, AF_INET6);
        assert_int_equal(config->feature_gates.n_items, 3);
        assert_true(config_feature_enabled(config, "BB", false));
        assert_false(config_feature_enabled(config, "CC", true));
        assert_true(config_feature_enabled(config, "DD", true));
        assert_int_equal(count_messages(&messages, "--log-dir"), 1);
}

/* Beside --config only few flags count. */
static void test_flags_beside_file(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(unlink_freep) char *path = write_file(CONFIG_HEAD "mode: ipvs\n"
                                                                    "clusterCIDR: 10.1.0.0/16\n"
                                                                    "hostnameOverride: from-file\n"
                                                                    "logging: {verbosity: 1}\n"
                                                                    "ipvsproxy: {drainTimeout: 1m, ping: never}\n"
                                                                    "nodePortAddresses: [primary]\n");
        _cleanup_(freep) char *argument = NULL;

        assert_true(asprintf(&argument, "--config=%s", path) > 0);
        assert_int_equal(load(&config, &messages, "--cluster-cidr=10.2.0.0/16", argument,
                              "--hostname-override= Node-A ", "--v=4", "--master=https://10.0.0.1:6443",
                              "--drain-timeout=2m", "--nodeport-addresses=10.0.0.0/8"),
                         0);
        assert_int_equal(config->cluster_cidrs.items[0].addr.bytes[1], 1);
        assert_string_equal(config->node_name, "node-a");
        assert_int_equal(config->verbosity, 4);
        assert_string_equal(config->master, "https://10.0.0.1:6443");
        assert_int_equal(config->drain_timeout_usec, 120 * USEC_PER_SEC);
        assert_int_equal(config->ping, PING_NEVER);
        assert_int_equal(config->node_port_addresses.nets.n_items, 0);
        assert_int_equal(config->min_sync_period_usec, 0); /* the file's default, not the flag's 1s */
        assert_message(&messages, CONFIG_SEVERITY_WARNING,
                       "--cluster-cidr: ignored because --config is given, set clusterCIDR in ");
        assert_int_equal(count_messages(&messages, "--nodeport-addresses: ignored"), 1);
        assert_int_equal(messages.n_items, 2);
}

/* The value of a flag that --config overrules must be right all the same, as kube-proxy reads flags first. */
static void test_ignored_flag_is_checked(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(unlink_freep) char *path = write_file(CONFIG_HEAD);
        _cleanup_(freep) char *argument = NULL;

        assert_true(asprintf(&argument, "--config=%s", path) > 0);
        assert_int_equal(load(&config, &messages, argument, "--ipvs-sync-period=soon"), -EINVAL);
        assert_message(&messages, CONFIG_SEVERITY_ERROR,
                       "--ipvs-sync-period: \"soon\" must be a duration, such as 30s, 1m or 1h30m");
}

static void test_addresses(void **state) {
        static const struct {
                const char *arguments[5];
                const char *healthz, *metrics;
        } cases[] = {
                { { NULL }, "0.0.0.0:10256", "127.0.0.1:10249" },
                { { "--bind-address=fd00::1" }, "[::]:10256", "[::1]:10249" },
                { { "--bind-address=fd00::1", "--healthz-bind-address=0.0.0.0" }, "0.0.0.0:10256", "[::1]:10249" },
                { { "--healthz-bind-address=10.0.0.1", "--metrics-bind-address=::" }, "10.0.0.1:10256", "[::]:10249" },
                { { "--healthz-bind-address=[fd00::1]:1" }, "[fd00::1]:1", "127.0.0.1:10249" },
                { { "--healthz-bind-address=", "--metrics-bind-address=none" }, ":0", ":0" },
                { { "--healthz-port=0", "--metrics-port=0" }, ":0", ":0" },
                { { "--healthz-port=10300" }, "0.0.0.0:10300", "127.0.0.1:10249" },
                { { "--healthz-bind-address=127.0.0.1", "--healthz-port=9" }, "127.0.0.1:9", "127.0.0.1:10249" },
                { { "--metrics-bind-address=0.0.0.0:1", "--metrics-port=9" }, "0.0.0.0:10256", "0.0.0.0:1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                char text[IP_PORT_STRLEN];

                assert_int_equal(load_array(&config, &messages, cases[i].arguments), 0);
                assert_string_equal(
                        ip_port_format(&config->healthz_bind_address.addr, config->healthz_bind_address.port, text),
                        cases[i].healthz);
                assert_string_equal(
                        ip_port_format(&config->metrics_bind_address.addr, config->metrics_bind_address.port, text),
                        cases[i].metrics);
        }
}

static void test_node_name(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};

        assert_int_equal(load(&config, &messages, "--hostname-override=  "), -EINVAL);
        assert_message(&messages, CONFIG_SEVERITY_ERROR, "--hostname-override: a blank name is invalid");
        assert_int_equal(load(&config, &messages, "--hostname-override= NODE.Example "), 0);
        assert_string_equal(config->node_name, "node.example");
        assert_string_equal(config->hostname_override, " NODE.Example ");
}

/* Where nothing tells pods from others it is said: it is what kube-proxy logs too. */
static void test_no_cluster_cidr(void **state) {
        static const char message[] = "--cluster-cidr: detect-local-mode set to ClusterCIDR, but no cluster CIDR defined";
        static const struct {
                const char *arguments[3];
                bool warned;
        } cases[] = {
                { { NULL }, true },
                { { "--detect-local-mode=ClusterCIDR", "--cluster-cidr=" }, true },
                { { "--cluster-cidr=10.0.0.0/8" }, false },
                { { "--cluster-cidr=10.0.0.0/8,fd00::/64" }, false },
                { { "--detect-local-mode=NodeCIDR" }, false },
                { { "--detect-local-mode=BridgeInterface", "--pod-bridge-interface=cni0" }, false },
                { { "--masquerade-all" }, false }, /* whoever it is from */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};

                assert_int_equal(load_array(&config, &messages, cases[i].arguments), 0);
                assert_int_equal(count_messages(&messages, message), cases[i].warned);
        }
}

/* All faults of a command line are told at once. */
static void test_all_faults(void **state) {
        static const char *const errors[] = {
                "--proxy-mode: \"iptables\" must be ipvs or blank: this program is the IPVS mode alone",
                "--cluster-cidr: \"10.0.0.0\" must be a valid CIDR block",
                "--ipvs-sync-period: must be greater than or equal to ipvs-min-sync-period",
                "--oom-score-adj: \"1001\" must be within the range [-1000, 1000]",
                "--pod-bridge-interface: must not be empty when the mode is BridgeInterface",
        };
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};

        assert_int_equal(load(&config, &messages, "--proxy-mode=iptables", "--cluster-cidr=10.0.0.0",
                              "--ipvs-sync-period=1s", "--ipvs-min-sync-period=2s", "--oom-score-adj=1001",
                              "--detect-local-mode=BridgeInterface"),
                         -EINVAL);
        assert_int_equal(messages.n_errors, ELEMENTSOF(errors));
        for (size_t i = 0; i < ELEMENTSOF(errors); i++)
                assert_message(&messages, CONFIG_SEVERITY_ERROR, errors[i]);
}

static void test_feature_gates(void **state) {
        static const struct {
                const char *argument, *message;
                int result;
        } cases[] = {
                { "PreferSameTrafficDistribution=true", NULL, 0 },
                { "TopologyAwareHints=true,IPv6DualStack=true", NULL, 0 },
                { "IPv6DualStack=false", "--feature-gates: \"IPv6DualStack\" is always on here, false is ignored", 0 },
                { "SupportIPVSProxyMode=true",
                  "--feature-gates: \"SupportIPVSProxyMode\" has not been needed since Kubernetes 1.11, remove it", 0 },
                { "ContextualLogging=true", "\"ContextualLogging\" changes nothing here", 0 },
                { "WindowsEndpointSliceProxying=true", "is no feature gate of this program, ignored", 0 },
                { "PreferSameTraficDistribution=true",
                  "--feature-gates: \"PreferSameTraficDistribution\" is an unknown feature gate, did you mean "
                  "PreferSameTrafficDistribution?",
                  -EINVAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(freep) char *argument = NULL;

                assert_true(asprintf(&argument, "--feature-gates=%s", cases[i].argument) > 0);
                assert_int_equal(load(&config, &messages, argument, "--nodeport-addresses=primary", "--masquerade-all"),
                                 cases[i].result);
                if (cases[i].message)
                        assert_message(&messages, cases[i].result < 0 ? CONFIG_SEVERITY_ERROR : CONFIG_SEVERITY_WARNING,
                                       cases[i].message);
                else
                        assert_int_equal(messages.n_items, 0);
        }
}

/* --check says what is wrong with the configuration and with the kubeconfig at once. */
static void test_check(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(unlink_freep) char *kubeconfig = write_file("clusters: 5\ncurrent-context: x\n");
        _cleanup_(unlink_freep) char *good = write_file("kind: Config\n");
        _cleanup_(freep) char *argument = NULL, *good_argument = NULL, *error = NULL;

        assert_true(asprintf(&argument, "--kubeconfig=%s", kubeconfig) > 0);
        assert_true(asprintf(&good_argument, "--kubeconfig=%s", good) > 0);
        assert_true(asprintf(&error, "%s:1: clusters: must be a list", kubeconfig) > 0);
        assert_int_equal(load(&config, &messages, argument), 0); /* that is for who connects */
        config = config_free(config);
        assert_int_equal(load(&config, &messages, "--check", "--proxy-mode=x", argument), -EINVAL);
        assert_int_equal(messages.n_errors, 3);
        assert_message(&messages, CONFIG_SEVERITY_ERROR, "--proxy-mode: ");
        assert_message(&messages, CONFIG_SEVERITY_ERROR, error);
        assert_message(&messages, CONFIG_SEVERITY_ERROR, ":2: current-context: context was not found");
        assert_int_equal(load(&config, &messages, "--check", "--master=https://h", good_argument), 0);
        assert_int_equal(config->action, CONFIG_ACTION_CHECK);
}

static void test_help_and_version(void **state) {
        _cleanup_(freep) char *help = NULL, *version = NULL, *raw = NULL;

        assert_int_equal(config_help(&help), 0);
        assert_non_null(strstr(help, "Usage:\n  ipvsproxyd [flags]\n"));
        assert_non_null(strstr(help, "  -v, --v int32 "));
        assert_non_null(strstr(help, "(default 24h)"));
        assert_int_equal(config_version(CONFIG_ACTION_VERSION, &version), 0);
        assert_int_equal(strncmp(version, "ipvsproxyd ", strlen("ipvsproxyd ")), 0);
        assert_int_equal(config_version(CONFIG_ACTION_VERSION_RAW, &raw), 0);
        assert_non_null(strstr(raw, "Platform:\"linux/"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_founding_command_line),
                cmocka_unit_test(test_actions),
                cmocka_unit_test(test_flag_syntax),
                cmocka_unit_test(test_repeated_flags),
                cmocka_unit_test(test_flags_beside_file),
                cmocka_unit_test(test_ignored_flag_is_checked),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_node_name),
                cmocka_unit_test(test_no_cluster_cidr),
                cmocka_unit_test(test_all_faults),
                cmocka_unit_test(test_feature_gates),
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_help_and_version),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
