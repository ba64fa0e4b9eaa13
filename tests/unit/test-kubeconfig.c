/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kubeconfig files, good and bad: what comes of them, and that no secret is in what is said about them. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config/kubeconfig.h"
#include "tests/unit/config-util.h"

/* "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n" and the same of a key */
#define CERT_DATA "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
#define KEY_DATA "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1BPT0KLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo="
#define SECRET "s3cret"

#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443'}}]\n"
#define CONTEXT "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
#define USER(fields) "users: [{name: u, user: {" fields "}}]\n"

static void test_full(void **state) {
        _cleanup_(kube_client_config_freep) KubeClientConfig *config = NULL;
        _cleanup_(unlink_freep) char *path = write_file("apiVersion: v1\n"
                                                        "kind: Config\n"
                                                        "preferences: {}\n"
                                                        "clusters:\n"
                                                        "- name: other\n"
                                                        "  cluster: {server: https://other}\n"
                                                        "- name: kubernetes\n"
                                                        "  cluster:\n"
                                                        "    server: https://api.example.com:6443/prefix/\n"
                                                        "    tls-server-name: kubernetes.default\n"
                                                        "    proxy-url: socks5://user:" SECRET "@127.0.0.1:1080\n"
                                                        "    certificate-authority: pki/ca.crt\n"
                                                        "    certificate-authority-data: " CERT_DATA "\n"
                                                        "    disable-compression: true\n"
                                                        "    future-field: {a: [1]}\n"
                                                        "contexts:\n"
                                                        "- name: ctx\n"
                                                        "  context: {cluster: kubernetes, user: proxy, namespace: n}\n"
                                                        "- name: second\n"
                                                        "  context: {cluster: other, user: token}\n"
                                                        "current-context: ctx\n"
                                                        "users:\n"
                                                        "- name: proxy\n"
                                                        "  user:\n"
                                                        "    client-certificate: /etc/pki/proxy.crt\n"
                                                        "    client-key-data: |\n"
                                                        "      " KEY_DATA "\n"
                                                        "- name: token\n"
                                                        "  user: {token: " SECRET ", tokenFile: token}\n");
        char *error = NULL;

        assert_int_equal(kubeconfig_load(path, NULL, NULL, &config, &error), 0);
        assert_string_equal(config->server, "https://api.example.com:6443/prefix");
        assert_string_equal(config->tls_server_name, "kubernetes.default");
        assert_string_equal(config->proxy_url, "socks5://user:" SECRET "@127.0.0.1:1080");
        assert_true(config->disable_compression);
        assert_false(config->insecure_skip_tls_verify);
        assert_string_equal(config->ca_file, "/tmp/pki/ca.crt");
        assert_int_equal(config->ca_data.size,
                         strlen("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"));
        assert_memory_equal(config->ca_data.data, "-----BEGIN", 10);
        assert_string_equal(config->cert_file, "/etc/pki/proxy.crt");
        assert_true(config->key_data.size > 0);
        assert_null(config->token);

        config = kube_client_config_free(config);
        assert_int_equal(kubeconfig_load(path, "second", NULL, &config, &error), 0);
        assert_string_equal(config->server, "https://other");
        assert_string_equal(config->token, SECRET);
        assert_string_equal(config->token_file, "/tmp/token");

        /* Another server has another name in its certificate. */
        config = kube_client_config_free(config);
        assert_int_equal(kubeconfig_load(path, NULL, "https://10.0.0.9:6443/", &config, &error), 0);
        assert_string_equal(config->server, "https://10.0.0.9:6443");
        assert_null(config->tls_server_name);
        assert_string_equal(config->cert_file, "/etc/pki/proxy.crt");
}

static void test_json(void **state) {
        _cleanup_(kube_client_config_freep) KubeClientConfig *config = NULL;
        _cleanup_(unlink_freep) char *path =
                write_file("{\n\t\"kind\":\"Config\",\"apiVersion\":\"v1\",\"current-context\":\"x\",\n"
                           "\t\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https:\\/\\/h\"}}],\n"
                           "\t\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}],\n"
                           "\t\"users\":[{\"name\":\"u\",\"user\":{\"username\":\"a\",\"password\":\"0123\"}}]}\n");
        char *error = NULL;

        assert_int_equal(kubeconfig_load(path, NULL, NULL, &config, &error), 0);
        assert_string_equal(config->server, "https://h");
        assert_string_equal(config->username, "a");
        assert_string_equal(config->password, "0123");
}

/* What is wrong with a file, where, and what to do. */
static void test_faults(void **state) {
        static const struct {
                const char *text, *error;
        } cases[] = {
                { "", ": invalid configuration: no configuration has been provided" },
                { "- a\n", ": must hold a map, kind Config" },
                { "a: [\n", ":2: cannot be read as YAML or JSON: " },
                { "kind: Pod\n", ":1: kind: must be Config" },
                { "kind: Config\napiVersion: v2\n", ":2: apiVersion: must be v1" },
                { CLUSTER USER("") "contexts: [{name: x, context: {cluster: c, user: u}}]\n",
                  ":1: current-context: no context chosen, set it to one of: \"x\"" },
                { CLUSTER USER("") "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: z\n",
                  ":4: current-context: context was not found for specified context: \"z\", there are: \"x\"" },
                { CLUSTER USER("") "contexts:\n- {name: x, context: {cluster: d, user: u}}\ncurrent-context: x\n",
                  ":4: contexts[].context.cluster: there is no cluster \"d\", there are: \"c\"" },
                { CLUSTER USER("") "contexts:\n- {name: x, context: {cluster: c, user: v}}\ncurrent-context: x\n",
                  ":4: contexts[].context.user: there is no user \"v\", there are: \"u\"" },
                { CLUSTER USER("") "contexts:\n- {name: x, context: {user: u}}\ncurrent-context: x\n",
                  ":4: contexts[\"x\"].context.cluster: cluster was not specified" },
                { CLUSTER USER("") CONTEXT "current-context: [x]\n", ":5: current-context: must be a string" },
                { "clusters: 5\n", ":1: clusters: must be a list" },
                { "clusters: [5]\n", ":1: clusters: each entry must be a map with a name" },
                { "clusters: [{name: 5}]\n", ":1: clusters: a name must be a string, put it in quotes" },
                { CONTEXT CLUSTER "users:\n- {name: u, user: {token: a}}\n- {name: u, user: {token: b}}\n",
                  ":6: users[\"u\"].user: duplicate name in list" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {}}]\n",
                  ":4: clusters[\"c\"].cluster.server: no server found" },
                { CONTEXT USER("") "clusters:\n- name: c\n  cluster:\n    server: ftp://h\n",
                  ":7: clusters[\"c\"].cluster.server: must be an https or http URL" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://u:" SECRET "@h'}}]\n",
                  "server: must not contain a user name or password" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://fd00::1'}}]\n",
                  "server: has a malformed host" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://[fd00::1]x'}}]\n",
                  "server: has a malformed host" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://h:99999'}}]\n",
                  "server: has a malformed port" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'h/p'}}]\n",
                  "server: must be a URL or a host:port pair" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://'}}]\n",
                  "server: must name a host" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://a b'}}]\n",
                  "server: must be a URL without blanks" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 5}}]\n",
                  "server: must be a string, put it in quotes" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://h', proxy-url: 'ftp://" SECRET
                                   "'}}]\n",
                  "proxy-url: must be an http, https or socks5 URL" },
                { CONTEXT USER(
                          "") "clusters: [{name: c, cluster: {server: 'https://h', insecure-skip-tls-verify: 'x'}}]\n",
                  "insecure-skip-tls-verify: must be true or false" },
                { CONTEXT USER(
                          "") "clusters: [{name: c, cluster: {server: 'https://h', insecure-skip-tls-verify: true, "
                              "certificate-authority: ca}}]\n",
                  "insecure-skip-tls-verify: a certificate authority and this exclude each other" },
                { CONTEXT USER("") "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority-data: "
                                   "'c2VjcmV0'}}]\n",
                  "certificate-authority-data: is base64 of something that is no PEM certificate" },
                { CONTEXT CLUSTER USER("client-certificate-data: '" SECRET "'"),
                  "client-certificate-data: must be base64 of a PEM file" },
                { CONTEXT CLUSTER USER("client-certificate-data: " CERT_DATA ", client-key-data: " CERT_DATA),
                  "client-key-data: is base64 of something that is no PEM private key" },
                { CONTEXT CLUSTER USER("client-certificate: a.crt"),
                  ":4: users[\"u\"].user.client-key: client-key-data or client-key must be specified" },
                { CONTEXT CLUSTER USER("token: " SECRET ", username: a, password: " SECRET),
                  "token: token and username exclude each other" },
                { CONTEXT CLUSTER USER("password: 12345"), "password: must be a string, put it in quotes" },
                { CONTEXT CLUSTER USER("token: [" SECRET "]"), "token: must be a string" },
                { CONTEXT CLUSTER USER("exec: {command: aws, args: [" SECRET "]}"),
                  "users[\"u\"].user.exec: this program executes nothing; use a client certificate, or tokenFile" },
                { CONTEXT CLUSTER USER("auth-provider: {name: gcp}"),
                  "users[\"u\"].user.auth-provider: is refused, as by Kubernetes since 1.26; use a client "
                  "certificate" },
                { CONTEXT CLUSTER USER("token: " SECRET ", as: admin"), "user.as: impersonation is not supported" },
                { CONTEXT CLUSTER USER("as-groups: [a]"), "user.as-groups: impersonation is not supported" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(kube_client_config_freep) KubeClientConfig *config = NULL;
                _cleanup_(unlink_freep) char *path = write_file(cases[i].text);
                _cleanup_(freep) char *error = NULL;

                assert_int_equal(kubeconfig_load(path, NULL, NULL, &config, &error), -EINVAL);
                assert_null(config);
                assert_non_null(error);
                assert_int_equal(strncmp(error, path, strlen(path)), 0);
                if (!strstr(error, cases[i].error))
                        fail_msg("%s\n  lacks: %s", error, cases[i].error);
                assert_null(strstr(error, SECRET));
        }
}

static void test_servers(void **state) {
        static const struct {
                const char *master, *server; /* NULL: no URL */
        } cases[] = {
                { "https://10.0.0.1:6443", "https://10.0.0.1:6443" },
                { "https://h///", "https://h" },
                { "HTTPS://h", "https://h" },
                { "https://h/a/b/?x=1#y", "https://h/a/b" },
                { "https://[fd00::1]:6443", "https://[fd00::1]:6443" },
                { "https://[fd00::1]", "https://[fd00::1]" },
                { "10.0.0.1:8080", "http://10.0.0.1:8080" },
                { "localhost", "http://localhost" },
                { "localhost/", "http://localhost" },
                { "localhost/x", NULL },
                { "unix:///run/x", NULL },
                { "https://[fd00::zz]", NULL },
                { "https://h:0", NULL },
                { "https://:6443", NULL },
                { "https://h\n", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(kube_client_config_freep) KubeClientConfig *config = NULL;
                _cleanup_(freep) char *error = NULL;
                int r = kubeconfig_from_master(cases[i].master, &config, &error);

                assert_int_equal(r, cases[i].server ? 0 : -EINVAL);
                if (cases[i].server)
                        assert_string_equal(config->server, cases[i].server);
                else
                        assert_int_equal(strncmp(error, "--master: ", 10), 0);
        }
}

/* A server over plain HTTP gets no credentials; a master without context neither. */
static void test_without_credentials(void **state) {
        _cleanup_(unlink_freep) char *plain = write_file(
                "clusters: [{name: c, cluster: {server: 'localhost:8080', certificate-authority: ca}}]\n" CONTEXT USER(
                        "token: " SECRET));
        _cleanup_(unlink_freep) char *empty = write_file("kind: Config\n");
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(kube_client_config_freep) KubeClientConfig *config = NULL;
        char *error = NULL;

        assert_int_equal(kubeconfig_load(plain, NULL, NULL, &config, &error), 0);
        assert_string_equal(config->server, "http://localhost:8080");
        assert_null(config->token);
        assert_null(config->ca_file);
        assert_int_equal(kubeconfig_check(plain, NULL, NULL, &messages), 0);
        assert_message(&messages, CONFIG_SEVERITY_WARNING,
                       "server: is http, so the credentials of the user are not sent");

        config = kube_client_config_free(config);
        assert_int_equal(kubeconfig_load(empty, NULL, "https://h", &config, &error), 0);
        assert_string_equal(config->server, "https://h");
}

/* --check says all at once, and looks at the files. */
static void test_check(void **state) {
        _cleanup_(unlink_freep) char *ca = write_file("no certificate\n");
        _cleanup_(unlink_freep) char *token = write_file("\n");
        _cleanup_(config_messages_done) ConfigMessages messages = {}, more = {};
        _cleanup_(unlink_freep) char *bad =
                write_file("clusters: [{name: c, cluster: {server: 'x://', proxy-url: y}}]\n" CONTEXT USER(
                        "exec: {command: a}, token: 5"));
        _cleanup_(unlink_freep) char *files = NULL;
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(kubeconfig_check(bad, NULL, NULL, &messages), -EINVAL);
        assert_int_equal(messages.n_errors, 4);
        assert_message(&messages, CONFIG_SEVERITY_ERROR, "cluster.server: must be");
        assert_message(&messages, CONFIG_SEVERITY_ERROR, "cluster.proxy-url: must be");
        assert_message(&messages, CONFIG_SEVERITY_ERROR, "user.exec: this program");
        assert_message(&messages, CONFIG_SEVERITY_ERROR, "user.token: must be");

        assert_true(
                asprintf(&text,
                         "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: %s}}]\n" CONTEXT
                                 USER("tokenFile: %s, client-certificate: /nonexistent/crt, client-key: "
                                      "/nonexistent/key"),
                         ca, token) > 0);
        files = write_file(text);
        assert_int_equal(kubeconfig_check(files, NULL, NULL, &more), -EINVAL);
        assert_message(&more, CONFIG_SEVERITY_ERROR, "holds no PEM block CERTIFICATE");
        assert_message(&more, CONFIG_SEVERITY_ERROR, "holds no token");
        assert_message(&more, CONFIG_SEVERITY_ERROR,
                       "client-certificate: unable to read /nonexistent/crt: No such file");
        assert_message(&more, CONFIG_SEVERITY_ERROR, "client-key: unable to read /nonexistent/key: No such file");
        assert_int_equal(more.n_errors, 4);
        assert_int_equal(kubeconfig_check("/nonexistent", NULL, NULL, &more), -EINVAL);
        assert_message(&more, CONFIG_SEVERITY_ERROR, "/nonexistent: the kubeconfig cannot be read: No such file");
}

static void test_missing_file(void **state) {
        KubeClientConfig *config = NULL;
        _cleanup_(freep) char *error = NULL, *directory = NULL;

        assert_int_equal(kubeconfig_load("/nonexistent/kubeconfig", NULL, NULL, &config, &error), -ENOENT);
        assert_string_equal(error, "/nonexistent/kubeconfig: the kubeconfig cannot be read: No such file or directory");
        assert_int_equal(kubeconfig_load("/tmp", NULL, NULL, &config, &directory), -EISDIR);
}

static void test_in_cluster(void **state) {
        char directory[] = "/tmp/ipvsproxy-pod-XXXXXX";
        _cleanup_(kube_client_config_freep) KubeClientConfig *config = NULL;
        _cleanup_(freep) char *token = NULL, *ca = NULL, *no_pod = NULL, *no_token = NULL, *no_port = NULL,
                              *none = NULL;
        int fd;

        assert_non_null(mkdtemp(directory));
        assert_true(asprintf(&token, "%s/token", directory) > 0);
        assert_true(asprintf(&ca, "%s/ca.crt", directory) > 0);
        assert_int_equal(kubeconfig_in_cluster_from(directory, NULL, "443", &config, &no_pod), -ENOENT);
        assert_non_null(strstr(no_pod, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"));
        assert_int_equal(kubeconfig_in_cluster_from(directory, "10.0.0.1", "443", &config, &no_token), -ENOENT);
        assert_non_null(strstr(no_token, token));
        fd = open(token, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        (void) close(fd);
        assert_int_equal(kubeconfig_in_cluster_from(directory, "10.0.0.1", "http", &config, &no_port), -EINVAL);
        assert_int_equal(kubeconfig_in_cluster_from(directory, "fd00::1", "443", &config, &none), 0);
        assert_string_equal(config->server, "https://[fd00::1]:443");
        assert_string_equal(config->token_file, token);
        assert_null(config->ca_file);
        config = kube_client_config_free(config);

        fd = open(ca, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        (void) close(fd);
        assert_int_equal(kubeconfig_in_cluster_from(directory, "10.0.0.1", "443", &config, &none), 0);
        assert_string_equal(config->server, "https://10.0.0.1:443");
        assert_string_equal(config->ca_file, ca);
        (void) unlink(ca);
        (void) unlink(token);
        (void) rmdir(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_servers),
                cmocka_unit_test(test_without_credentials),
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_missing_file),
                cmocka_unit_test(test_in_cluster),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
