/* SPDX-License-Identifier: GPL-2.0-or-later */
/* healthz, livez, the paths of the metrics server, and health check node ports (reference §5.1 to §5.3). */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/measure.h"
#include "control/node-drain.h"
#include "tests/unit/web-client.h"
#include "tests/unit/web-fixture.h"

static void expect(WebFixture *f, const char *which, const char *path, unsigned status, const char *contains) {
        char *body = web_fixture_get(f, which, path, status);

        if (!strstr(body, contains))
                fail_msg("%s %s: %s has no %s", which, path, body, contains);
        free(body);
}

static char *answer_of(WebFixture *f, uint16_t port, unsigned expected_status) {
        unsigned status;
        char *answer = web_get(f->event, port, "GET /any HTTP/1.1\r\nHost: a\r\n\r\n", &status);

        assert_int_equal(status, expected_status);
        return answer;
}

/* ---- healthz and livez */

static void test_startup(void **state) {
        WebFixture *f = web_fixture_new();

        web_fixture_start(f);
        expect(f, "healthz", "/livez", 200, "\"healthy\":true}");
        expect(f, "healthz", "/healthz", 503, "\"nodeEligible\":false,\"healthy\":true}"); /* the Node is not known */
        web_put_node(f, false, false);
        expect(f, "healthz", "/healthz", 200, "\"nodeEligible\":true,\"healthy\":true}");
        web_put_service(f, web_service("default", "web", "10.0.0.1"));
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        expect(f, "healthz", "/healthz", 200, "\"healthy\":true,\"status\":{\"IPv4\":{\"lastUpdated\":\"20");
        expect(f, "healthz", "/livez", 200, "\"status\":{\"IPv4\":{\"lastUpdated\":\"20");
        web_fixture_free(f);
}

static void test_node_leaves(void **state) {
        static const bool cases[][2] = { { true, false }, { false, true } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                WebFixture *f = web_fixture_new();

                web_fixture_start(f);
                web_put_node(f, cases[i][0], cases[i][1]);
                web_fixture_complete_lists(f);
                web_fixture_settle(f);
                expect(f, "healthz", "/healthz", 503, "\"nodeEligible\":false,\"healthy\":true");
                expect(f, "healthz", "/livez", 200, "\"healthy\":true");
                web_put_node(f, false, false);
                expect(f, "healthz", "/healthz", 200, "\"nodeEligible\":true");
                web_fixture_free(f);
        }
}

/* A drain is seen at once, and not by who asks whether the daemon works. */
static void test_drain(void **state) {
        WebFixture *f = web_fixture_new();

        web_fixture_start(f);
        web_put_node(f, false, false);
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        expect(f, "healthz", "/healthz", 200, "\"nodeEligible\":true");
        assert_int_equal(manager_begin_drain(f->manager, 0), 0);
        expect(f, "healthz", "/healthz", 503, "\"nodeEligible\":false,\"healthy\":true");
        expect(f, "healthz", "/livez", 200, "\"healthy\":true");
        expect(f, "metrics", "/metrics", 200, "\nipvsproxy_node_draining 1\n");
        assert_int_equal(manager_end_drain(f->manager), 0);
        expect(f, "healthz", "/healthz", 200, "\"nodeEligible\":true");
        web_fixture_free(f);
}

/* Without an API server there is no Node to wait for. */
static void test_manifests_need_no_node(void **state) {
        WebFixture *f = web_fixture_new();

        f->manager_options.needs_source[OBJECT_SOURCE_API] = false;
        web_fixture_start(f);
        expect(f, "healthz", "/healthz", 200, "\"nodeEligible\":true");
        web_fixture_free(f);
}

static bool is_unhealthy(void *userdata) {
        return !manager_is_healthy(((WebFixture *) userdata)->manager);
}

static bool is_healthy(void *userdata) {
        return !is_unhealthy(userdata);
}

/* A change that does not reach the kernel for two sync periods is unhealthy; one refused service is not. */
static void test_stuck(void **state) {
        WebFixture *f = web_fixture_new();

        f->manager_options.sync_usec = 100 * USEC_PER_MSEC;
        web_fixture_start(f);
        web_put_node(f, false, false);
        web_fixture_complete_lists(f);
        web_run_until(f->event, is_healthy, f);
        for (unsigned i = 0; i < 20; i++)
                (void) sd_event_run(f->event, USEC_PER_MSEC);
        memory_backend_fail_every(f->backend, 1, -EPERM);
        web_put_service(f, web_service("default", "web", "10.0.0.1"));
        assert_true(is_healthy(f)); /* not late yet */
        assert_true(web_run_until(f->event, is_unhealthy, f));
        expect(f, "healthz", "/healthz", 503, "\"healthy\":false,\"status\":{\"IPv4\":{");
        expect(f, "healthz", "/livez", 503, "\"healthy\":false}}}");
        memory_backend_fail_every(f->backend, 0, 0);
        assert_true(web_run_until(f->event, is_healthy, f));
        expect(f, "healthz", "/livez", 200, "\"healthy\":true");
        web_fixture_free(f);
}

/* ---- paths */

static char *on_config(void *userdata) {
        return strdup("{\"mode\":\"ipvs\"}");
}

static void test_paths(void **state) {
        static const struct {
                const char *which, *path;
                unsigned status;
                const char *contains;
        } cases[] = {
                { "healthz", "/", 404, "not found" },
                { "healthz", "/metrics", 404, "not found" },
                { "healthz", "/healthz/", 404, "not found" },
                { "metrics", "/healthz", 200, "ok" },
                { "metrics", "/livez", 404, "not found" },
                { "metrics", "/proxyMode", 200, "ipvs" },
                { "metrics", "/configz", 200, "{\"kubeproxy.config.k8s.io\":{\"mode\":\"ipvs\"}}" },
                { "metrics", "/debug/pprof/", 404, "not found" },
                { "metrics", "/metrics/slis", 200, "kubernetes_healthcheck{name=\"livez\",type=\"healthz\"} 1\n" },
                { "metrics", "/metrics/slis/", 404, "not found" },
                { "metrics", "/metrics", 200, "ipvsproxy_build_info{version=\"1.2.3\"} 1\n" },
        };
        WebFixture *f = web_fixture_new();

        f->options.config = on_config;
        web_fixture_start(f);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect(f, cases[i].which, cases[i].path, cases[i].status, cases[i].contains);
        web_fixture_free(f);
}

static void test_headers(void **state) {
        WebFixture *f = web_fixture_new();
        unsigned status;
        char *answer;

        web_fixture_start(f);
        answer = web_get(f->event, web_port(f->web, "healthz"), "HEAD /livez HTTP/1.0\r\n\r\n", &status);
        assert_int_equal(status, 200);
        assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
        assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
        assert_string_equal(web_body(answer), "");
        free(answer);
        answer = web_get(f->event, web_port(f->web, "metrics"), "GET /metrics HTTP/1.0\r\n\r\n", &status);
        assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
        assert_non_null(strstr(answer, "process_virtual_memory_bytes "));
        free(answer);
        web_fixture_free(f);
}

/* ---- addresses that cannot be bound */

static uint16_t take_port(int *ret_fd) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);

        *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(*ret_fd >= 0);
        assert_int_equal(bind(*ret_fd, (struct sockaddr *) &address, size), 0);
        assert_int_equal(listen(*ret_fd, 1), 0);
        assert_int_equal(getsockname(*ret_fd, (struct sockaddr *) &address, &size), 0);
        return ntohs(address.sin_port);
}

static void test_bind_fails(void **state) {
        WebFixture *f = web_fixture_new();
        int fd;

        f->options.healthz_address.port = take_port(&fd);
        web_fixture_start(f);
        assert_int_equal(f->n_failures, 1);
        assert_non_null(strstr(f->failure, "FailedToStartProxierHealthcheck StartKubeProxy"));
        assert_non_null(strstr(f->failure, "127.0.0.1:"));
        assert_non_null(strstr(f->failure, "healthzBindAddress"));
        assert_int_equal(web_port(f->web, "healthz"), 0);
        expect(f, "metrics", "/healthz", 200, "ok"); /* the other works */
        (void) close(fd);
        web_fixture_free(f);
}

static void test_hard_fail(void **state) {
        WebFixture *f = web_fixture_new();
        int fd;

        f->options.metrics_address.port = take_port(&fd);
        f->options.hard_fail = true;
        assert_int_equal(manager_new(f->event, f->backend, &f->manager_options, &f->manager), 0);
        assert_int_equal(manager_start(f->manager), 0);
        assert_int_equal(web_new(f->event, f->manager, &f->options, &f->web), 0);
        assert_int_equal(web_start(f->web), -EADDRINUSE);
        assert_non_null(strstr(f->failure, "FailedToStartMetricServer"));
        (void) close(fd);
        web_fixture_free(f);
}

static void test_no_servers(void **state) {
        WebFixture *f = web_fixture_new();

        f->options.healthz_address = f->options.metrics_address = (IpPort) {};
        web_fixture_start(f);
        assert_int_equal(web_port(f->web, "healthz"), 0);
        assert_int_equal(web_port(f->web, "metrics"), 0);
        web_fixture_free(f);
}

/* ---- health check node ports */

static Service *load_balancer(const char *name, const char *ip, uint16_t health_port) {
        Service *service = web_service("default", name, ip);

        service->type = SERVICE_TYPE_LOAD_BALANCER;
        service->external_policy = TRAFFIC_POLICY_LOCAL;
        service->health_check_node_port = health_port;
        return service;
}

static uint16_t free_port(void) {
        int fd;
        uint16_t port = take_port(&fd);

        (void) close(fd);
        return port;
}

static bool refuses(uint16_t port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool refused = connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0 && errno == ECONNREFUSED;

        (void) close(fd);
        return refused;
}

static WebFixture *running_fixture(void) {
        WebFixture *f = web_fixture_new();

        web_fixture_start(f);
        web_put_node(f, false, false);
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        return f;
}

static void test_health_port_answer(void **state) {
        WebFixture *f = running_fixture();
        uint16_t port = free_port();
        char *answer;

        web_put_service(f, load_balancer("lb", "10.0.0.1", port));
        web_put_slice(f, "default", "lb", AF_INET, 2, 3);
        web_fixture_settle(f);
        answer = answer_of(f, port, 200);
        assert_non_null(strstr(answer, "X-Load-Balancing-Endpoint-Weight: 2\r\n"));
        assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
        assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
        assert_string_equal(web_body(answer),
                            "{\n\t\"service\": {\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"lb\"\n\t},\n"
                            "\t\"localEndpoints\": 2,\n\t\"serviceProxyHealthy\": true\n}");
        free(answer);

        web_put_slice(f, "default", "lb", AF_INET, 0, 3);
        web_fixture_settle(f);
        answer = answer_of(f, port, 503);
        assert_non_null(strstr(answer, "X-Load-Balancing-Endpoint-Weight: 0\r\n"));
        assert_non_null(strstr(answer, "\"localEndpoints\": 0,\n\t\"serviceProxyHealthy\": true"));
        free(answer);
        web_fixture_free(f);
}

/* Distinct addresses; a pod of both families is one; not ready ones do not count. */
static void test_health_port_count(void **state) {
        WebFixture *f = running_fixture();
        uint16_t port = free_port();
        char *answer;

        web_put_service(f, load_balancer("lb", "10.0.0.1", port));
        web_put_slice(f, "default", "lb", AF_INET, 3, 1);
        web_put_slice(f, "default", "lb", AF_INET6, 3, 1);
        web_fixture_settle(f);
        answer = answer_of(f, port, 200);
        assert_non_null(strstr(answer, "\"localEndpoints\": 3,"));
        free(answer);
        web_fixture_free(f);
}

static void test_health_port_only_where_due(void **state) {
        WebFixture *f = running_fixture();
        uint16_t port = free_port();
        Service *service = load_balancer("lb", "10.0.0.1", port);

        service->external_policy = TRAFFIC_POLICY_CLUSTER;
        web_put_service(f, service);
        web_fixture_settle(f);
        assert_true(refuses(port));
        service = load_balancer("lb", "10.0.0.1", port);
        service->type = SERVICE_TYPE_NODE_PORT;
        web_put_service(f, service);
        web_fixture_settle(f);
        assert_true(refuses(port));
        service = load_balancer("lb", "10.0.0.1", port);
        service->other_proxy = true;
        web_put_service(f, service);
        web_fixture_settle(f);
        assert_true(refuses(port));
        web_put_service(f, load_balancer("lb", "10.0.0.1", port));
        web_fixture_settle(f);
        free(answer_of(f, port, 503));
        web_fixture_free(f);
}

/* Changed port: closed and opened; service gone: closed. */
static void test_health_port_follows(void **state) {
        WebFixture *f = running_fixture();
        uint16_t first = free_port(), second = free_port();

        web_put_service(f, load_balancer("lb", "10.0.0.1", first));
        web_fixture_settle(f);
        free(answer_of(f, first, 503));
        web_put_service(f, load_balancer("lb", "10.0.0.1", second));
        web_fixture_settle(f);
        assert_true(refuses(first));
        free(answer_of(f, second, 503));
        assert_int_equal(store_remove(manager_store(f->manager), OBJECT_SOURCE_API, OBJECT_KIND_SERVICE, "default", "lb"), 1);
        web_fixture_settle(f);
        assert_true(refuses(second));
        assert_int_equal(f->n_failures, 0);
        web_fixture_free(f);
}

/* A port that somebody has is reported once, on the service. */
static void test_health_port_conflict(void **state) {
        WebFixture *f = running_fixture();
        int fd;
        uint16_t port = take_port(&fd);
        char expected[160];

        web_put_service(f, load_balancer("lb", "10.0.0.1", port));
        web_fixture_settle(f);
        assert_int_equal(f->n_failures, 1);
        (void) snprintf(expected,
                        sizeof(expected),
                        "FailedToStartServiceHealthcheck Listen default/lb: node node-a failed to start healthcheck \"default/lb\" on port %u: ",
                        (unsigned) port);
        assert_int_equal(strncmp(f->failure, expected, strlen(expected)), 0);
        web_put_slice(f, "default", "lb", AF_INET, 1, 0);
        web_fixture_settle(f);
        assert_int_equal(f->n_failures, 1);
        expect(f, "metrics", "/metrics", 200, "ipvsproxy_health_check_ports{state=\"failed\"} 1\n");
        (void) close(fd);
        web_put_slice(f, "default", "lb", AF_INET, 2, 0); /* tried again when the service is computed */
        web_fixture_settle(f);
        free(answer_of(f, port, 200));
        web_fixture_free(f);
}

/* Only on the addresses where node ports are served. */
static void test_health_port_addresses(void **state) {
        WebFixture *f = web_fixture_new();
        IpNet nets[2] = { { web_addr("127.0.0.0"), 8 }, { web_addr("192.0.2.0"), 24 } };
        uint16_t port = free_port();

        assert_int_equal(memory_backend_add_host_address(f->backend, "192.0.2.7", 24), 0);
        f->manager_options.node_port_nets = nets;
        f->manager_options.n_node_port_nets = 2;
        web_fixture_start(f);
        web_put_node(f, false, false);
        web_put_service(f, load_balancer("lb", "10.0.0.1", port));
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        assert_int_equal(f->n_failures, 1); /* this host does not really have 192.0.2.7 */
        assert_non_null(strstr(f->failure, "192.0.2.7"));
        assert_true(refuses(port)); /* all or none */
        web_fixture_free(f);
}

static void test_health_port_unhealthy(void **state) {
        WebFixture *f = running_fixture();
        uint16_t port = free_port();
        char *answer;

        web_put_service(f, load_balancer("lb", "10.0.0.1", port));
        web_put_slice(f, "default", "lb", AF_INET, 1, 0);
        web_fixture_settle(f);
        free(answer_of(f, port, 200));
        web_put_node(f, false, true); /* the autoscaler will delete it */
        answer = answer_of(f, port, 503);
        assert_non_null(strstr(answer, "\"localEndpoints\": 1,\n\t\"serviceProxyHealthy\": false"));
        free(answer);
        web_put_node(f, false, false);
        free(answer_of(f, port, 200));
        assert_int_equal(manager_begin_drain(f->manager, 0), 0);
        free(answer_of(f, port, 503));
        web_fixture_free(f);
}

/* Services that were there before the web began. */
static void test_health_port_late_start(void **state) {
        WebFixture *f = web_fixture_new();
        uint16_t port = free_port();

        assert_int_equal(manager_new(f->event, f->backend, &f->manager_options, &f->manager), 0);
        assert_int_equal(manager_start(f->manager), 0);
        web_put_node(f, false, false);
        web_put_service(f, load_balancer("lb", "10.0.0.1", port));
        web_put_slice(f, "default", "lb", AF_INET, 1, 0);
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        assert_int_equal(web_new(f->event, f->manager, &f->options, &f->web), 0);
        assert_int_equal(web_start(f->web), 0);
        free(answer_of(f, port, 200));
        web_fixture_free(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_startup),
                cmocka_unit_test(test_node_leaves),
                cmocka_unit_test(test_drain),
                cmocka_unit_test(test_manifests_need_no_node),
                cmocka_unit_test(test_stuck),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_bind_fails),
                cmocka_unit_test(test_hard_fail),
                cmocka_unit_test(test_no_servers),
                cmocka_unit_test(test_health_port_answer),
                cmocka_unit_test(test_health_port_count),
                cmocka_unit_test(test_health_port_only_where_due),
                cmocka_unit_test(test_health_port_follows),
                cmocka_unit_test(test_health_port_conflict),
                cmocka_unit_test(test_health_port_addresses),
                cmocka_unit_test(test_health_port_unhealthy),
                cmocka_unit_test(test_health_port_late_start),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
