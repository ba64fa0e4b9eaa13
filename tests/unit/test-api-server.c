/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client against a test API server in another process, over TLS: credentials of every kind, versions of the API, and
 * everything a server can do wrong. Cases that take half a minute run with IPVSPROXY_SLOW_TESTS=1 alone.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "common/log.h"
#include "tests/unit/api-fixture.h"
#include "tests/unit/beside.h"

#define SERVICE(name, port) \
        "apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: default}\n" \
        "spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: " port "}]}\n"
#define SLICE(name, service, addr) \
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" \
        "metadata: {name: " name ", namespace: default, labels: {kubernetes.io/service-name: " service "}}\n" \
        "addressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints: [{addresses: [" addr "], nodeName: n1}]\n"
#define NODE "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {topology.kubernetes.io/zone: z1}}\n"
#define CLUSTER SERVICE("web", "80") "---\n" SLICE("web-1", "web", "10.1.0.1") "---\n" NODE

static void start(ApiFixture *fixture, const char *const *options) {
        api_fixture_start(fixture, options);
        api_fixture_control(fixture, "put", CLUSTER);
}

static void start_and_watch(ApiFixture *fixture, const char *const *options) {
        start(fixture, options);
        api_fixture_connect(fixture, api_fixture_kubeconfig(fixture, "kubeconfig"));
        api_fixture_expect_watching(fixture, 20);
}

static bool has_web(ApiFixture *fixture) {
        return api_fixture_service(fixture, "web") && api_fixture_n_endpoints(fixture, "web") == 1;
}

static bool has_new(ApiFixture *fixture) {
        return api_fixture_service(fixture, "new") != NULL;
}

static bool has_no_web(ApiFixture *fixture) {
        return !api_fixture_service(fixture, "web");
}

static ReflectorStatus resource_status(ApiFixture *fixture, ApiResourceKind kind) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.resources[kind];
}

/* ---- credentials */

static void test_credentials(void **state) {
        static const char *const names[] = { "kubeconfig", "kubeconfig.files", "kubeconfig.token", "kubeconfig.token-file" };
        static const char *const options[] = { "--auth", "--no-anonymous", "--token", "sesame", NULL };
        ApiFixture fixture;

        start(&fixture, options);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, names[i]));
                if (!api_fixture_run(&fixture, api_fixture_is_watching, 20))
                        fail_msg("%s does not work", names[i]);
                assert_true(has_web(&fixture));
                api_fixture_disconnect(&fixture);
                fixture.state = API_STATE_CONNECTING;
        }
        api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig.anonymous"));
        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 20));
        assert_int_equal(resource_status(&fixture, API_RESOURCE_SERVICES).failure, -EACCES);
        assert_true(has_web(&fixture)); /* what is known stays */
        api_fixture_stop(&fixture);
}

/* The token expired, and the file gets the next one later: no restart, no wait for a long delay. */
static void test_expired_token(void **state) {
        static const char *const options[] = { "--auth", "--no-anonymous", "--token", "sesame", NULL };
        KubeClientConfig *config;
        ApiFixture fixture;
        char path[128];
        FILE *file;

        start(&fixture, options);
        (void) snprintf(path, sizeof(path), "%s/my-token", fixture.folder);
        for (unsigned round = 0; round < 2; round++) {
                file = fopen(path, "we");
                assert_non_null(file);
                assert_true(fputs(round == 0 ? "stale\n" : "sesame\n", file) >= 0);
                assert_int_equal(fclose(file), 0);
                if (round == 0) {
                        config = api_fixture_kubeconfig(&fixture, "kubeconfig.anonymous");
                        config->token_file = strdup(path);
                        api_fixture_connect(&fixture, config);
                        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 20));
                        assert_int_equal(resource_status(&fixture, API_RESOURCE_SERVICES).failure, -EACCES);
                } else
                        assert_true(api_fixture_run(&fixture, api_fixture_is_watching, 8));
        }
        api_fixture_stop(&fixture);
}

static char *copy(const char *text) {
        char *copied = strdup(text);

        assert_non_null(copied);
        return copied;
}

static void test_basic_and_server_name(void **state) {
        static const char *const options[] = { "--auth", "--basic", "joe:secret", "--san", "api.example", NULL };
        KubeClientConfig *config;
        ApiFixture fixture;

        start(&fixture, options);
        config = api_fixture_kubeconfig(&fixture, "kubeconfig.anonymous");
        config->username = copy("joe");
        config->password = copy("secret");
        config->tls_server_name = copy("api.example");
        api_fixture_connect(&fixture, config);
        assert_true(api_fixture_run(&fixture, api_fixture_is_watching, 20));

        config = api_fixture_kubeconfig(&fixture, "kubeconfig");
        config->tls_server_name = copy("other.example");
        assert_int_equal(api_server_set_client(fixture.client, config), 0);
        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 20));
        assert_true(has_web(&fixture));
        config = api_fixture_kubeconfig(&fixture, "kubeconfig");
        config->tls_server_name = copy("other.example");
        config->insecure_skip_tls_verify = true;
        assert_int_equal(api_server_set_client(fixture.client, config), 0);
        assert_true(api_fixture_run(&fixture, api_fixture_is_watching, 20));
        api_fixture_stop(&fixture);
}

/* A new token in the file, a new certificate of the server by the same CA, then everything new: followed without a restart. */
static void test_rotation(void **state) {
        static const char *const options[] = { "--auth", "--token", "one", NULL };
        ApiFixture fixture;

        start(&fixture, options);
        api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig.token-file"));
        assert_true(api_fixture_run(&fixture, api_fixture_is_watching, 20));
        api_fixture_control(&fixture, "rotate token two", NULL);
        api_fixture_control(&fixture, "close", NULL);
        api_fixture_control(&fixture, "put", SERVICE("new", "81"));
        assert_true(api_fixture_run(&fixture, has_new, 20));
        api_fixture_disconnect(&fixture);

        api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig.files"));
        assert_true(api_fixture_run(&fixture, api_fixture_is_watching, 20));
        api_fixture_control(&fixture, "rotate all", NULL);
        api_fixture_control(&fixture, "close", NULL);
        api_fixture_control(&fixture, "delete services default/web", NULL);
        assert_true(api_fixture_run(&fixture, has_no_web, 20));
        api_fixture_stop(&fixture);
}

/* ---- versions of the API */

static EndpointsApi endpoints_api(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.endpoints_api;
}

static bool uses_v1(ApiFixture *fixture) {
        return endpoints_api(fixture) == ENDPOINTS_API_SLICES_V1 && api_fixture_is_watching(fixture);
}

static void test_upgrade(void **state) {
        static const char *const options[] = { "--api", "v1,discovery.k8s.io/v1beta1", NULL };
        const EndpointSlice *slice;
        ApiFixture fixture;

        start_and_watch(&fixture, options);
        assert_int_equal(endpoints_api(&fixture), ENDPOINTS_API_SLICES_V1BETA1);
        assert_true(has_web(&fixture));
        slice = slice_entry_object(store_find(fixture.store, "default", "web")->slices);
        assert_string_equal(endpoint_slice_string(slice, slice->endpoints[0].node), "n1");
        api_fixture_control(&fixture, "api discovery.k8s.io/v1 on", NULL);
        api_fixture_control(&fixture, "api discovery.k8s.io/v1beta1 off", NULL);
        api_fixture_control(&fixture, "close", NULL);
        assert_true(api_fixture_run(&fixture, uses_v1, 25));
        assert_true(has_web(&fixture));
        api_fixture_stop(&fixture);
}

static void test_core_endpoints(void **state) {
        static const char *const options[] = { "--api", "v1", "--mirror-endpoints", NULL };
        ApiFixture fixture;

        start_and_watch(&fixture, options);
        assert_int_equal(endpoints_api(&fixture), ENDPOINTS_API_ENDPOINTS);
        assert_true(has_web(&fixture));
        api_fixture_stop(&fixture);
}

static void test_watch_list_modes(void **state) {
        static const char *const modes[] = { "on", "refused", "unknown" };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                const char *options[] = { "--watch-list", modes[i], NULL };
                ApiFixture fixture;

                start_and_watch(&fixture, options);
                assert_true(has_web(&fixture));
                api_fixture_control(&fixture, "put", SERVICE("new", "81"));
                assert_true(api_fixture_run(&fixture, has_new, 5));
                api_fixture_control(&fixture, "delete services default/web", NULL);
                assert_true(api_fixture_run(&fixture, has_no_web, 5));
                api_fixture_stop(&fixture);
        }
}

static int on_other(sd_event_source *source, void *userdata) {
        return 0;
}

/* Work is told; and with a lower priority it waits for a source that always has something to do. */
static void test_priority(void **state) {
        sd_event_source *other = NULL;
        ApiFixture fixture;
        unsigned n;

        start_and_watch(&fixture, NULL);
        n = fixture.n_worked;
        assert_true(n > 0);
        assert_true(sd_event_add_defer(fixture.event, &other, on_other, NULL) >= 0);
        assert_true(sd_event_source_set_enabled(other, SD_EVENT_ON) >= 0);
        api_server_set_priority(fixture.client, 10);
        api_fixture_control(&fixture, "put", SERVICE("new", "81"));
        assert_false(api_fixture_run(&fixture, has_new, 1));
        assert_int_equal(fixture.n_worked, n);
        api_server_set_priority(fixture.client, -10);
        assert_true(api_fixture_run(&fixture, has_new, 5));
        assert_true(fixture.n_worked > n);
        (void) sd_event_source_disable_unref(other);
        api_fixture_stop(&fixture);
}

/* system:node-proxier before 1.21 */
static void test_node_rights(void **state) {
        static const char *const options[] = { "--auth", "--forbid", "nodes:list", "--forbid", "nodes:watch", NULL };
        ApiFixture fixture;

        start_and_watch(&fixture, options);
        assert_string_equal(store_node(fixture.store)->zone, "z1");
        api_fixture_stop(&fixture);
}

/* Only addresses are kept of the other nodes; that they may not be watched hinders nothing. */
static bool has_two_nodes(ApiFixture *fixture) {
        return store_cluster_nodes(fixture->store)->nodes.n_entries == 2;
}

static bool has_one_node(ApiFixture *fixture) {
        return store_cluster_nodes(fixture->store)->nodes.n_entries == 1;
}

static void test_all_nodes(void **state) {
        static const char other[] = "apiVersion: v1\nkind: Node\nmetadata: {name: n2}\n"
                                    "status: {addresses: [{type: InternalIP, address: 172.16.1.12}, {type: Hostname, address: n2}]}\n";
        IpAddr addr;
        ApiFixture fixture;

        assert_int_equal(ip_addr_parse("172.16.1.12", &addr), 0);
        api_fixture_start(&fixture, NULL);
        fixture.watch_nodes = true;
        api_fixture_control(&fixture, "put", CLUSTER);
        api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig"));
        assert_true(api_fixture_run(&fixture, api_fixture_is_watching, 20));
        assert_true(api_fixture_run(&fixture, has_one_node, 20));
        api_fixture_control(&fixture, "put", other);
        assert_true(api_fixture_run(&fixture, has_two_nodes, 20));
        assert_int_equal(node_set_settle(store_cluster_nodes(fixture.store)), 0);
        assert_string_equal(node_set_find(store_cluster_nodes(fixture.store), &addr, "n1"), "n2");
        assert_null(node_set_find(store_cluster_nodes(fixture.store), &addr, "n2"));
        assert_string_equal(store_node(fixture.store)->name, "n1");
        api_fixture_control(&fixture, "stop", NULL);
        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 20));
        api_fixture_control(&fixture, "delete nodes n2", NULL);
        api_fixture_control(&fixture, "compact", NULL);
        api_fixture_control(&fixture, "start", NULL);
        assert_true(api_fixture_run(&fixture, has_one_node, 20));
        api_fixture_stop(&fixture);
}

/* ---- what the status says */

static bool has_unreadable(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.n_unreadable == 1 && strstr(status.unreadable, "Service default/bad");
}

static bool has_none_unreadable(ApiFixture *fixture) {
        return !has_unreadable(fixture);
}

static bool is_refused(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.resources[API_RESOURCE_NODE].forbidden && *status.server_version;
}

/* Which server, of which version; what is left out, which ends when it is mended or gone; what is forbidden. */
static void test_status(void **state) {
        static const char *const options[] = { "--auth", "--forbid", "nodes", NULL };
        ApiServerStatus status;
        ApiFixture fixture;

        start(&fixture, options);
        api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig"));
        assert_true(api_fixture_run(&fixture, has_web, 20));
        assert_true(api_fixture_run(&fixture, is_refused, 20));
        api_server_status(fixture.client, &status);
        assert_int_equal(strncmp(status.server, "https://127.0.0.1:", 18), 0);
        assert_int_equal(*status.server_version, 'v');
        assert_non_null(strstr(status.resources[API_RESOURCE_NODE].error, "/api/v1/nodes"));
        assert_int_equal(status.n_unreadable, 0);
        api_fixture_control(&fixture, "put", SERVICE("bad", "99999"));
        assert_true(api_fixture_run(&fixture, has_unreadable, 5));
        api_fixture_control(&fixture, "put", SERVICE("bad", "9"));
        assert_true(api_fixture_run(&fixture, has_none_unreadable, 5));
        api_fixture_control(&fixture, "put", SERVICE("bad", "99999"));
        assert_true(api_fixture_run(&fixture, has_unreadable, 5));
        api_fixture_control(&fixture, "stop", NULL);
        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 20));
        api_fixture_control(&fixture, "delete services default/bad", NULL);
        api_fixture_control(&fixture, "compact", NULL);
        api_fixture_control(&fixture, "start", NULL);
        assert_true(api_fixture_run(&fixture, has_none_unreadable, 10));
        api_fixture_stop(&fixture);
}

/* ---- faults */

/* Deleted and added while the server was away, and its history forgotten. */
static void test_away(void **state) {
        ApiFixture fixture;

        start_and_watch(&fixture, NULL);
        api_fixture_control(&fixture, "stop", NULL);
        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 20));
        assert_true(has_web(&fixture));
        api_fixture_control(&fixture, "delete services default/web", NULL);
        api_fixture_control(&fixture, "put", SERVICE("new", "81"));
        api_fixture_control(&fixture, "compact", NULL);
        api_fixture_control(&fixture, "start", NULL);
        assert_true(api_fixture_run(&fixture, has_no_web, 10));
        assert_true(has_new(&fixture));
        api_fixture_stop(&fixture);
}

static void test_faults(void **state) {
        static const char *const faults[] = {
                "fail services:watch 1 status 410", "fail services:watch 1 status 429 1", "fail services:watch 1 status 500",
                "fail services 2 half",             "fail services 2 garbage",            "fail services 2 framing",
                "fail services 1 close",            "fail services 1 reset",              "fail services 1 error-event 410",
        };

        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                ApiFixture fixture;

                if (i % 2 == 1 && !getenv("IPVSPROXY_SLOW_TESTS"))
                        continue; /* each costs a delay or two; the machine has all of them in test-reflector */
                start_and_watch(&fixture, NULL); /* each with delays that begin anew */
                api_fixture_control(&fixture, faults[i], NULL);
                api_fixture_control(&fixture, i % 4 == 0 ? "watch-end services" : "watch-reset services", NULL);
                api_fixture_control(&fixture, "put", SERVICE("new", "81"));
                api_fixture_control(&fixture, "delete services default/web", NULL);
                if (!api_fixture_run(&fixture, has_new, 20) || !api_fixture_run(&fixture, has_no_web, 20))
                        fail_msg("not after: %s", faults[i]);
                api_fixture_stop(&fixture);
        }
}

static bool has_all_generated(ApiFixture *fixture) {
        return api_fixture_is_watching(fixture) && store_n_services(fixture->store) >= 2001;
}

/* Many objects in tiny chunks, and compressed. */
static void test_generated(void **state) {
        static const char *const options[] = { "--generate", "services=2000,endpoints=3", "--gzip", "always", "--chunks", "700", NULL };
        ApiFixture fixture;

        start(&fixture, options);
        api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig"));
        assert_true(api_fixture_run(&fixture, has_all_generated, 60));
        api_fixture_stop(&fixture);
}

static bool was_lost(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.n_lost > 0;
}

/* The process hangs; its kernel goes on to acknowledge. A tenth of the patience of the real one, without the variable. */
static void test_frozen(void **state) {
        bool slow = getenv("IPVSPROXY_SLOW_TESTS") != NULL;
        ApiFixture fixture;

        start(&fixture, NULL);
        fixture.silence_usec = slow ? 0 : 1500 * USEC_PER_MSEC;
        api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig"));
        assert_true(api_fixture_run(&fixture, api_fixture_is_watching, 20));
        assert_int_equal(kill(fixture.pid, SIGSTOP), 0);
        assert_true(api_fixture_run(&fixture, was_lost, slow ? 40 : 10));
        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 5));
        assert_int_equal(kill(fixture.pid, SIGCONT), 0);
        api_fixture_control(&fixture, "put", SERVICE("new", "81"));
        assert_true(api_fixture_run(&fixture, has_new, 6));
        api_fixture_stop(&fixture);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_credentials),    cmocka_unit_test(test_basic_and_server_name),
                cmocka_unit_test(test_rotation),       cmocka_unit_test(test_upgrade),
                cmocka_unit_test(test_core_endpoints), cmocka_unit_test(test_watch_list_modes),
                cmocka_unit_test(test_priority),
                cmocka_unit_test(test_node_rights), cmocka_unit_test(test_all_nodes),    cmocka_unit_test(test_away),
                cmocka_unit_test(test_faults),         cmocka_unit_test(test_generated),
                cmocka_unit_test(test_frozen),
                cmocka_unit_test(test_status),         cmocka_unit_test(test_expired_token),
        };

        log_set_max_level(getenv("IPVSPROXY_TEST_LOG") ? LOG_DEBUG : LOG_CRIT);
        return run_tests_beside(tests, NULL, NULL);
}
