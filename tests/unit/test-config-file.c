/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole configuration files: kubeadm's, JSON, what is lenient and what is not, and where messages point. */
#include "tests/unit/test.h"

#include <sys/stat.h>

#include "config/config.h"
#include "tests/unit/config-util.h"

static int load_text(const char *text, Config **ret, ConfigMessages *messages, char **ret_path) {
        _cleanup_(freep) char *argument = NULL;

        *ret_path = write_file(text);
        assert_true(asprintf(&argument, "--config=%s", *ret_path) > 0);
        return load(ret, messages, argument);
}

/* kubeadm writes every field, most of them as the nothing of its type; that is no reason for a word. */
static void test_kubeadm(void **state) {
        const char *srcdir = getenv("srcdir");
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(freep) char *argument = NULL;
        char text[IP_PORT_STRLEN];

        assert_true(asprintf(&argument, "--config=%s/tests/fuzz/corpus/config/kubeadm.yaml", srcdir ? srcdir : ".") >
                    0);
        assert_int_equal(load(&config, &messages, argument), 0);
        assert_int_equal(messages.n_items, 1);
        assert_message(&messages, CONFIG_SEVERITY_WARNING, ": nodePortAddresses: not set");
        assert_string_equal(config->mode, "ipvs");
        assert_string_equal(config->kubeconfig, "/var/lib/kube-proxy/kubeconfig.conf");
        assert_true(config->strict_arp);
        assert_int_equal(config->burst, 10);
        assert_string_equal(config->content_type, "application/vnd.kubernetes.protobuf");
        assert_int_equal(config->iptables.masquerade_bit, 14);
        assert_int_equal(config->iptables.min_sync_period_usec, USEC_PER_SEC);
        assert_int_equal(config->sync_period_usec, 30 * USEC_PER_SEC);
        assert_int_equal(config->min_sync_period_usec, 0);
        assert_int_equal(config->log_flush_usec, 5 * USEC_PER_SEC);
        assert_int_equal(config->config_sync_period_usec, 900 * USEC_PER_SEC);
        assert_int_equal(config->oom_score_adj, -999);
        assert_int_equal(config->conntrack_max_per_core, 32768);
        assert_int_equal(config->conntrack_tcp_established_usec, 86400 * USEC_PER_SEC);
        assert_int_equal(config->conntrack_udp_usec, 0);
        assert_string_equal(ip_port_format(&config->healthz_bind_address.addr, config->healthz_bind_address.port, text),
                            "0.0.0.0:10256");
        assert_string_equal(ip_port_format(&config->metrics_bind_address.addr, config->metrics_bind_address.port, text),
                            "127.0.0.1:10249");
}

/* What is let pass with a word, as kube-proxy's lenient decoding does. */
static void test_lenient(void **state) {
        static const struct {
                const char *text, *warning;
        } cases[] = {
                { CONFIG_HEAD "ipvs:\n  shceduler: rr\n",
                  ":4: \"ipvs.shceduler\": unknown field, ignored; did you mean ipvs.scheduler?" },
                { CONFIG_HEAD "clusterCidr: 10.0.0.0/8\n",
                  ":3: \"clusterCidr\": unknown field, ignored; did you mean clusterCIDR?" },
                { CONFIG_HEAD "somethingOfTheFuture: {a: [1]}\n",
                  ":3: \"somethingOfTheFuture\": unknown field, ignored" },
                { CONFIG_HEAD "\"a\\e[31mb\": 1\n", ":3: \"a\\x1b[31mb\": unknown field, ignored" },
                { CONFIG_HEAD "mode: iptables\nmode: ipvs\n", ":4: mode: given before on line 3, the last one counts" },
                { CONFIG_HEAD "ipvs: {scheduler: rr, scheduler: wrr}\n", ":3: ipvs.scheduler: given before on line 3" },
                { CONFIG_HEAD "---\nmode: nftables\n", ":3: only the first document is read" },
                { CONFIG_HEAD "winkernel: {enableDSR: true}\n", ":3: winkernel: has no effect here" },
                { CONFIG_HEAD "udpIdleTimeout: 1s\n", ":3: udpIdleTimeout: has no effect here" },
                { CONFIG_HEAD "nodePortAddresses: [all, primary]\n", ":3: nodePortAddresses: \"all\" is given" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(unlink_freep) char *path = NULL;
                _cleanup_(freep) char *warning = NULL;

                assert_int_equal(load_text(cases[i].text, &config, &messages, &path), 0);
                assert_true(asprintf(&warning, "%s%s", path, cases[i].warning) > 0);
                assert_message(&messages, CONFIG_SEVERITY_WARNING, warning);
        }
}

static void test_errors(void **state) {
        static const struct {
                const char *text, *error;
        } cases[] = {
                { "", ": must hold a KubeProxyConfiguration (apiVersion kubeproxy.config.k8s.io/v1alpha1) and holds "
                      "nothing" },
                { "[]",
                  ": must hold a KubeProxyConfiguration (apiVersion kubeproxy.config.k8s.io/v1alpha1) and holds a "
                  "list" },
                { "kind: KubeProxyConfiguration\n",
                  ": apiVersion: is missing, add \"apiVersion: kubeproxy.config.k8s.io/v1alpha1\"" },
                { "apiVersion: kubeproxy.config.k8s.io/v1alpha1\n", ": kind: is missing" },
                { "apiVersion: kubeproxy.config.k8s.io/v1alpha2\nkind: KubeProxyConfiguration\n",
                  ":1: apiVersion: \"kubeproxy.config.k8s.io/v1alpha2\" must be kubeproxy.config.k8s.io/v1alpha1" },
                { "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: Config\n",
                  ":2: kind: \"Config\" must be KubeProxyConfiguration" },
                { CONFIG_HEAD "mode: 'ipvs\n", ":4: cannot be read as YAML or JSON: " },
                { CONFIG_HEAD "\tmode: ipvs\n", ":3: cannot be read as YAML or JSON: " },
                { CONFIG_HEAD "mode: \xff\n", ":3: cannot be read as YAML or JSON: " },
                { CONFIG_HEAD "ipvs: rr\n", ":3: ipvs: must be a map and is a string" },
                { CONFIG_HEAD "ipvs:\n- scheduler: rr\n", ":3: ipvs: must be a map and is a list" },
                { CONFIG_HEAD "iptables: {masqueradeBit: \"14\"}\n",
                  ":3: iptables.masqueradeBit: must be a number and is a string, write it without quotes" },
                { CONFIG_HEAD "bindAddress: 10\n",
                  ":3: bindAddress: must be a string and is a number, put it in quotes" },
                { CONFIG_HEAD "clusterCIDR: [10.0.0.0/8]\n", ":3: clusterCIDR: must be a string and is a list" },
                { CONFIG_HEAD "nodePortAddresses: primary\n", ":3: nodePortAddresses: must be a list and is a string" },
                { CONFIG_HEAD "nodePortAddresses:\n- primary\n- 5\n",
                  ":5: nodePortAddresses: each entry must be a string" },
                { CONFIG_HEAD "featureGates: [A]\n", ":3: featureGates: must be a map and is a list" },
                { CONFIG_HEAD "featureGates:\n  A: \"true\"\n", ":4: featureGates: each entry must be true or false" },
                { CONFIG_HEAD "logging: {vmodule: [a=1]}\n", ":3: logging.vmodule: each entry must be {filePattern" },
                { CONFIG_HEAD "logging: {flushFrequency: -1}\n", ":3: logging.flushFrequency: must be a duration" },
                { CONFIG_HEAD "ipvs: {syncPeriod: 1s, minSyncPeriod: 2s}\n",
                  ":3: ipvs.syncPeriod: must be greater than or equal to ipvs.minSyncPeriod" },
                { CONFIG_HEAD "iptables: {minSyncPeriod: 1m}\n",
                  ": iptables.syncPeriod: must be greater than or equal to iptables.minSyncPeriod" },
                { CONFIG_HEAD "detectLocalMode: BridgeInterface\n",
                  ": detectLocal.bridgeInterface: must not be empty when the mode is BridgeInterface" },
                { CONFIG_HEAD "detectLocalMode: InterfaceNamePrefix\n",
                  ": detectLocal.interfaceNamePrefix: must not be empty when the mode is InterfaceNamePrefix" },
                { CONFIG_HEAD "clusterCIDR: 10.0.0.0/8,fd00::/8,11.0.0.0/8\n",
                  ":3: clusterCIDR: only one CIDR allowed or a valid DualStack CIDR" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(unlink_freep) char *path = NULL;
                _cleanup_(freep) char *error = NULL;

                if (load_text(cases[i].text, &config, &messages, &path) != -EINVAL)
                        fail_msg("accepted: %s", cases[i].text);
                assert_null(config);
                assert_true(asprintf(&error, "%s%s", path, cases[i].error) > 0);
                assert_message(&messages, CONFIG_SEVERITY_ERROR, error);
        }
}

static void test_json(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(unlink_freep) char *path = NULL;

        assert_int_equal(load_text("{\n"
                                   "\t\"apiVersion\":\"kubeproxy.config.k8s.io\\/v1alpha1\",\n"
                                   "\t\"kind\":\"KubeProxyConfiguration\",\n"
                                   "\t\"nodePortAddresses\":[\"primary\",\"10.0.0.0/8\"],\"clusterCIDR\":\"10.0.0.0/8\",\n"
                                   "\t\"ipvs\":{\"scheduler\":\"w\\u0072r\",\"strictARP\":true,\"tcpTimeout\":null},\n"
                                   "\t\"conntrack\":{\"min\":5}}\n",
                                   &config, &messages, &path),
                         0);
        assert_int_equal(messages.n_items, 0);
        assert_string_equal(config->scheduler, "wrr");
        assert_true(config->strict_arp);
        assert_true(config->node_port_addresses.primary);
        assert_int_equal(config->conntrack_min, 5);
}

/* Anchors and aliases are part of YAML, so of a file that kube-proxy takes. */
static void test_aliases(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(unlink_freep) char *path = NULL;

        assert_int_equal(load_text(CONFIG_HEAD "clusterCIDR: &net 10.0.0.0/8\n"
                                               "nodePortAddresses: &nets [*net]\n"
                                               "ipvs: {excludeCIDRs: *nets}\n",
                                   &config, &messages, &path),
                         0);
        assert_int_equal(config->cluster_cidrs.n_items, 1);
        assert_int_equal(config->exclude_cidrs.n_items, 1);
        assert_int_equal(config->exclude_cidrs.items[0].addr.bytes[0], 10);
}

static void test_flush_frequency(void **state) {
        static const struct {
                const char *text;
                uint64_t usec;
        } cases[] = { { "0", 5000000 }, { "7000000000", 7000000 }, { "1m", 60000000 }, { "0s", 5000000 } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                _cleanup_(config_messages_done) ConfigMessages messages = {};
                _cleanup_(unlink_freep) char *path = NULL;
                _cleanup_(freep) char *text = NULL;

                assert_true(asprintf(&text, CONFIG_HEAD "logging: {flushFrequency: %s}\n", cases[i].text) > 0);
                assert_int_equal(load_text(text, &config, &messages, &path), 0);
                assert_int_equal(config->log_flush_usec, cases[i].usec);
        }
}

static void test_unreadable(void **state) {
        char fifo[] = "/tmp/ipvsproxy-fifo-XXXXXX";
        static const struct {
                const char *argument, *error;
        } cases[] = {
                { "--config=/nonexistent", "/nonexistent: cannot be read (--config): No such file or directory" },
                { "--config=/tmp", "/tmp: cannot be read (--config): Is a directory" },
                { "--config=/dev/zero", "/dev/zero: cannot be read (--config): it is larger than 1 MiB" },
        };
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(freep) char *argument = NULL;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(load(&config, &messages, cases[i].argument), -EINVAL);
                assert_message(&messages, CONFIG_SEVERITY_ERROR, cases[i].error);
        }
        /* A FIFO without a writer must not keep the daemon from starting, it is empty. */
        assert_non_null(mkdtemp(fifo));
        assert_int_equal(rmdir(fifo), 0);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_true(asprintf(&argument, "--config=%s", fifo) > 0);
        assert_int_equal(load(&config, &messages, argument), -EINVAL);
        assert_message(&messages, CONFIG_SEVERITY_ERROR, "and holds nothing");
        (void) unlink(fifo);
}

/* A file of nothing but faults makes a bounded number of messages. */
static void test_many_faults(void **state) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(unlink_freep) char *path = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        (void) fputs(CONFIG_HEAD "nodePortAddresses:\n", file);
        for (unsigned i = 0; i < 5000; i++)
                (void) fprintf(file, "- bad%u\n", i);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(load_text(text, &config, &messages, &path), -EINVAL);
        assert_int_equal(messages.n_errors, 5000);
        assert_int_equal(messages.n_items, 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kubeadm),    cmocka_unit_test(test_lenient),
                cmocka_unit_test(test_errors),     cmocka_unit_test(test_json),
                cmocka_unit_test(test_aliases),    cmocka_unit_test(test_flush_frequency),
                cmocka_unit_test(test_unreadable), cmocka_unit_test(test_many_faults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
