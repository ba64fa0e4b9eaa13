/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /metrics: its format, what is said, and what it costs. */
#include "tests/unit/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <zlib.h>

#include "control/measure.h"
#include "tests/unit/prometheus-check.h"
#include "tests/unit/web-client.h"
#include "tests/unit/web-fixture.h"
#include "web/metric-writer.h"
#include "web/traffic.h"

#if defined(__SANITIZE_ADDRESS__)
#define TURN_USEC_MAX (60 * USEC_PER_MSEC)
#else
#define TURN_USEC_MAX (20 * USEC_PER_MSEC)
#endif

/* ---- the checker finds each fault */

static void test_checker(void **state) {
#define HEAD "# HELP a_total x\n# TYPE a_total counter\n"
#define GAUGE "# HELP g x\n# TYPE g gauge\n"
#define HISTOGRAM "# HELP h x\n# TYPE h histogram\n"
        static const char *const good[] = {
                "",
                HEAD "a_total 1\n",
                HEAD "a_total{b=\"c\\\\d\\\"e\\nf\",c=\"}\"} 1.5\n" GAUGE "g{x=\"1\"} 0\ng{x=\"2\"} 0\n",
                HISTOGRAM "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.25\nh_count 2\n",
        };
        static const char *const bad[] = {
                HEAD "a_total 1",
                HEAD "a_total 1\n\n",
                HEAD "a_total 1\na_total 2\n",
                HEAD "a_total{b=\"c\"} 1\na_total{b=\"c\"} 1\n",
                HEAD "a_total{b=\"c\",b=\"d\"} 1\n",
                HEAD "a_total{b=\"c\" 1\n",
                HEAD "a_total{1=\"c\"} 1\n",
                HEAD "a_total{b=\"\\x\"} 1\n",
                HEAD "a_total x\n",
                HEAD "a_total -1\n",
                HEAD "b_total 1\n",
                HEAD HEAD "a_total 1\n",
                GAUGE HEAD "a_total 1\n",
                "a_total 1\n",
                "# TYPE a_total counter\na_total 1\n",
                "# HELP a_total x\na_total 1\n",
                "# HELP a x\n# TYPE a counter\na 1\n",
                "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
                HISTOGRAM "h_bucket{le=\"0.5\"} 1\nh_sum 3\nh_count 1\n",
                HISTOGRAM "h_bucket{le=\"0.5\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
                HISTOGRAM "h_bucket{le=\"1\"} 1\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
                HISTOGRAM "h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 3\n",
                HISTOGRAM "h_bucket{le=\"+Inf\"} 2\nh_sum 3\n",
        };
        size_t line, n;

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                if (prometheus_check(good[i], &line, &n))
                        fail_msg("%s: %s", good[i], prometheus_check(good[i], &line, &n));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (!prometheus_check(bad[i], &line, &n))
                        fail_msg("not found: %s", bad[i]);
}

/* ---- the writer */

static void test_writer(void **state) {
        _cleanup_(text_done) Text text = {}, labels = {};
        Histogram histogram = {};

        histogram_observe(&histogram, &histogram_bounds_sync, 1500);
        metric_put_label(&labels, "a", "x\\y\"z\n");
        metric_put_label(&labels, "b", "");
        metric_put_head(&text, "n_total", METRIC_COUNTER, "He\\lp \"me\"\n");
        metric_put(&text, "n_total", labels.data, UINT64_MAX);
        metric_put_seconds(&text, "s", NULL, 1);
        metric_put_seconds(&text, "s", NULL, 61 * USEC_PER_SEC + 250000);
        metric_put_seconds(&text, "s", NULL, 0);
        assert_string_equal(text.data,
                            "# HELP n_total He\\\\lp \"me\"\\n\n# TYPE n_total counter\n"
                            "n_total{a=\"x\\\\y\\\"z\\n\",b=\"\"} 18446744073709551615\n"
                            "s 0.000001\ns 61.25\ns 0\n");
        text_clear(&text);
        metric_put_histogram(&text, "h", "l=\"1\"", &histogram, &histogram_bounds_sync);
        assert_non_null(strstr(text.data, "h_bucket{l=\"1\",le=\"0.001\"} 0\nh_bucket{l=\"1\",le=\"0.002\"} 1\n"));
        assert_non_null(strstr(text.data, "le=\"16.384\"} 1\nh_bucket{l=\"1\",le=\"+Inf\"} 1\nh_sum{l=\"1\"} 0.0015\nh_count{l=\"1\"} 1\n"));
}

static void test_json_text(void **state) {
        _cleanup_(text_done) Text text = {};

        text_put_json(&text, "a\"b\\c\n\x01");
        assert_string_equal(text.data, "\"a\\\"b\\\\c\\u000a\\u0001\"");
        text_clear(&text);
        text_put_json_time(&text, UINT64_C(1700000000123400));
        text_put_json_time(&text, UINT64_C(1700000000000000));
        text_put_json_time(&text, 0);
        assert_string_equal(text.data, "\"2023-11-14T22:13:20.1234Z\"\"2023-11-14T22:13:20Z\"\"0001-01-01T00:00:00Z\"");
}

/* ---- counters that never decrease */

static void test_traffic(void **state) {
        _cleanup_(traffic_freep) Traffic *traffic = NULL;
        VirtualServerKey a = { .addr = web_addr("10.0.0.1"), .port = 80 }, b = { .addr = web_addr("192.0.2.1"), .port = 80 };

        assert_int_equal(traffic_new(&traffic), 0);
        traffic_begin(traffic);
        assert_int_equal(traffic_add(traffic, "ns/x", &a, &(TrafficStats) { .connections = 10, .in_packets = 20 }), 0);
        assert_int_equal(traffic_add(traffic, "ns/x", &b, &(TrafficStats) { .connections = 5, .in_packets = 5 }), 0);
        traffic_end(traffic);
        assert_int_equal(traffic_of_port(traffic, "ns/x").connections, 15);

        traffic_begin(traffic); /* one grew, the other was made anew */
        traffic_keep_port(traffic, "ns/x");
        assert_int_equal(traffic_add(traffic, "ns/x", &a, &(TrafficStats) { .connections = 12, .in_packets = 24 }), 0);
        assert_int_equal(traffic_add(traffic, "ns/x", &b, &(TrafficStats) { .connections = 1, .in_packets = 1 }), 0);
        traffic_end(traffic);
        assert_int_equal(traffic_of_port(traffic, "ns/x").connections, 18);
        assert_int_equal(traffic_of_port(traffic, "ns/x").in_packets, 30);

        traffic_begin(traffic); /* none is in the kernel just now */
        traffic_keep_port(traffic, "ns/x");
        traffic_end(traffic);
        assert_int_equal(traffic_of_port(traffic, "ns/x").connections, 18);

        traffic_begin(traffic); /* it comes back with counters from 0, then goes with its service */
        traffic_keep_port(traffic, "ns/x");
        assert_int_equal(traffic_add(traffic, "ns/x", &a, &(TrafficStats) { .connections = 2, .in_packets = 2 }), 0);
        traffic_end(traffic);
        assert_int_equal(traffic_of_port(traffic, "ns/x").connections, 20);
        traffic_begin(traffic);
        traffic_end(traffic);
        assert_int_equal(traffic_of_port(traffic, "ns/x").connections, 0);
        assert_int_equal(traffic_total(traffic).connections, 20);
}

/* ---- a scrape */

static char *scrape(WebFixture *f, size_t *ret_n_series) {
        char *body = web_fixture_get(f, "metrics", "/metrics", 200);
        size_t line;
        const char *fault = prometheus_check(body, &line, ret_n_series);

        if (fault) {
                const char *at = body;

                for (size_t i = 1; i < line; i++)
                        at = strchr(at, '\n') + 1;
                fail_msg("line %zu: %s: %.*s", line, fault, (int) strcspn(at, "\n"), at);
        }
        return body;
}

static void expect_line(const char *body, const char *line) {
        char whole[512];

        (void) snprintf(whole, sizeof(whole), "\n%s\n", line);
        if (!strstr(body, whole))
                fail_msg("no line: %s", line);
}

static WebFixture *running_fixture(void) {
        WebFixture *f = web_fixture_new();

        web_fixture_start(f);
        web_put_node(f, false, false);
        return f;
}

static void test_empty(void **state) {
        WebFixture *f = web_fixture_new();
        size_t n;
        char *body;

        web_fixture_start(f);
        body = scrape(f, &n); /* before the first sync */
        expect_line(body, "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 0");
        expect_line(body, "ipvsproxy_state{state=\"syncing\"} 1");
        expect_line(body, "ipvsproxy_state{state=\"running\"} 0");
        assert_null(strstr(body, "ip_family=\"IPv6\""));
        assert_null(strstr(body, "ipvsproxy_dbus_")); /* nobody counts them */
        free(body);
        web_fixture_free(f);
}

static const char *const kube_proxy_names[] = {
        "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.001\"} ",
        "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"16.384\"} ",
        "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} ",
        "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} ",
        "kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.25\"} ",
        "kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"59\"} ",
        "kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"300\"} ",
        "kubeproxy_sync_proxy_rules_endpoint_changes_pending 0\n",
        "kubeproxy_sync_proxy_rules_endpoint_changes_total 1\n",
        "kubeproxy_sync_proxy_rules_service_changes_pending 0\n",
        "kubeproxy_sync_proxy_rules_service_changes_total 1\n",
        "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv4\",traffic_policy=\"internal\"} 0\n",
        "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv4\",traffic_policy=\"external\"} 0\n",
        "kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family=\"IPv4\"} 0\n",
        "kubeproxy_proxy_healthz_total{code=\"200\"} 1\n",
        "kubeproxy_proxy_healthz_total{code=\"503\"} 0\n",
        "kubeproxy_proxy_livez_total{code=\"200\"} 0\n",
        "kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family=\"IPv4\"} ",
        "kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family=\"IPv4\"} 0\n",
        "process_cpu_seconds_total ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_start_time_seconds ",
};

static void test_names(void **state) {
        WebFixture *f = running_fixture();
        size_t n;
        char *body;

        web_put_service(f, web_service("default", "web", "10.0.0.1"));
        web_put_slice(f, "default", "web", AF_INET, 1, 2);
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        free(web_fixture_get(f, "healthz", "/healthz", 200));
        body = scrape(f, &n);
        for (size_t i = 0; i < ELEMENTSOF(kube_proxy_names); i++)
                if (!strstr(body, kube_proxy_names[i]))
                        fail_msg("no %s", kube_proxy_names[i]);
        expect_line(body, "ipvsproxy_state{state=\"running\"} 1");
        expect_line(body, "ipvsproxy_service_ports{state=\"synced\"} 1");
        expect_line(body, "ipvsproxy_virtual_servers 1");
        expect_line(body, "ipvsproxy_service_endpoints{namespace=\"default\",service=\"web\",port=\"http\",protocol=\"TCP\",state=\"ready\"} 3");
        expect_line(body, "ipvsproxy_service_connections_total{namespace=\"default\",service=\"web\",port=\"http\",protocol=\"TCP\"} 0");
        free(body);
        web_fixture_free(f);
}

/* Counters as the kernel has them, over removal and return of the service's address. */
static void test_service_traffic(void **state) {
        WebFixture *f = running_fixture();
        VirtualServerKey key = { .addr = web_addr("10.0.0.1"), .port = 80 };
        IpPort dest = { web_addr("10.1.1.1"), 8080 };
        size_t n;
        char *body;

        web_put_service(f, web_service("default", "web", "10.0.0.1"));
        web_put_slice(f, "default", "web", AF_INET, 1, 0);
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        memory_backend_set_connections(f->backend, &key, &dest, 7, 2);
        body = scrape(f, &n);
        expect_line(body, "ipvsproxy_service_connections_total{namespace=\"default\",service=\"web\",port=\"http\",protocol=\"TCP\"} 7");
        expect_line(body, "ipvsproxy_service_active_connections{namespace=\"default\",service=\"web\",port=\"http\",protocol=\"TCP\"} 7");
        expect_line(body, "ipvsproxy_service_inactive_connections{namespace=\"default\",service=\"web\",port=\"http\",protocol=\"TCP\"} 2");
        expect_line(body, "ipvsproxy_connections_total 7");
        expect_line(body, "ipvsproxy_active_connections 7");
        free(body);
        web_fixture_free(f);
}

/* Whatever a name holds, the format stands. */
static void test_hostile_names(void **state) {
        WebFixture *f = running_fixture();
        size_t n;
        char *body;

        web_put_service(f, web_service("a\"b\\c\nd", "x} 1\nevil_total 1", "10.0.0.1"));
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        body = scrape(f, &n);
        assert_non_null(strstr(body, "namespace=\"a\\\"b\\\\c\\nd\",service=\"x} 1\\nevil_total 1\""));
        free(body);
        web_fixture_free(f);
}

static void test_problems(void **state) {
        WebFixture *f = running_fixture();
        Service *young = web_service("default", "young", "10.0.0.1");
        size_t n;
        char *body;

        young->created_usec = 2;
        web_put_service(f, web_service("default", "old", "10.0.0.1"));
        web_put_service(f, young);
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        body = scrape(f, &n);
        expect_line(body, "ipvsproxy_service_ports{state=\"refused\"} 1");
        expect_line(body, "ipvsproxy_service_problem{namespace=\"default\",service=\"young\",port=\"http\",protocol=\"TCP\",state=\"refused\",reason=\"Conflict\"} 1");
        assert_null(strstr(body, "ipvsproxy_service_problem{namespace=\"default\",service=\"old\""));
        free(body);
        web_fixture_free(f);
}

/* Policy Local, endpoints elsewhere only; both families. */
static void test_no_local_endpoints(void **state) {
        WebFixture *f = running_fixture();
        Service *service = web_service("default", "lb", "10.0.0.1");
        size_t n;
        char *body;

        service->type = SERVICE_TYPE_LOAD_BALANCER;
        service->external_policy = TRAFFIC_POLICY_LOCAL;
        web_put_service(f, service);
        web_put_slice(f, "default", "lb", AF_INET, 0, 2);
        service = web_service("default", "six", "fd00::1");
        service->internal_policy = TRAFFIC_POLICY_LOCAL;
        web_put_service(f, service);
        web_put_slice(f, "default", "six", AF_INET6, 0, 2);
        service = web_service("default", "none", "10.0.0.3"); /* no endpoints at all: not counted */
        service->internal_policy = TRAFFIC_POLICY_LOCAL;
        web_put_service(f, service);
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
        body = scrape(f, &n);
        expect_line(body, "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv4\",traffic_policy=\"external\"} 1");
        expect_line(body, "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv4\",traffic_policy=\"internal\"} 0");
        expect_line(body, "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv6\",traffic_policy=\"internal\"} 1");
        expect_line(body, "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv6\",traffic_policy=\"external\"} 0");
        free(body);
        web_fixture_free(f);
}

static void on_counters(WebCounters *ret, void *userdata) {
        *ret = (WebCounters) {
                .resources = { { .resource = "services", .n_lists = 11, .n_events = 7 } },
                .n_resources = 1,
                .api_lost = 3,
                .bus_denied = 5,
                .bus_signals = 9,
                .events_sent = 2,
        };
}

static void test_counters_of_others(void **state) {
        WebFixture *f = web_fixture_new();
        size_t n;
        char *body;

        f->options.counters = on_counters;
        web_fixture_start(f);
        body = scrape(f, &n);
        expect_line(body, "ipvsproxy_api_lists_total{resource=\"services\"} 11");
        expect_line(body, "ipvsproxy_api_watch_events_total{resource=\"services\"} 7");
        expect_line(body, "ipvsproxy_api_lost_total 3");
        expect_line(body, "ipvsproxy_dbus_denied_total 5");
        expect_line(body, "ipvsproxy_dbus_signals_total 9");
        expect_line(body, "ipvsproxy_dbus_clients 0");
        expect_line(body, "ipvsproxy_events_sent_total 2");
        free(body);
        web_fixture_free(f);
}

/* ---- size */

static void put_many(WebFixture *f, unsigned n_services, unsigned n_namespaces) {
        char name[32], namespace[32], ip[32];

        for (unsigned i = 0; i < n_services; i++) {
                (void) snprintf(name, sizeof(name), "service-%u", i);
                (void) snprintf(namespace, sizeof(namespace), "namespace-%u", i % n_namespaces);
                (void) snprintf(ip, sizeof(ip), "10.%u.%u.%u", 64 + i / 65536, i / 256 % 256, i % 256);
                web_put_service(f, web_service(namespace, name, ip));
                web_put_slice(f, namespace, name, AF_INET, 1, 1);
        }
        web_fixture_complete_lists(f);
        web_fixture_settle(f);
}

static uint64_t cpu_usec(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

/* The counters of many come in few calls of the kernel. */
static void test_reads_are_few(void **state) {
        WebFixture *f = running_fixture();
        uint64_t before;
        size_t n;

        put_many(f, 100, 10);
        before = memory_backend_n_operations(f->backend);
        free(scrape(f, &n));
        assert_in_range(memory_backend_n_operations(f->backend) - before, 1, 10);
        web_fixture_free(f);
}

/* user-needs P36: below 60,000 series with 10,000 services; this project: below 2 s of CPU. The client is in here too. */
static void test_many_services(void **state) {
        WebFixture *f = running_fixture();
        uint64_t begun;
        size_t n;
        char *body;

        put_many(f, 10000, 50);
        begun = cpu_usec();
        body = web_fixture_get(f, "metrics", "/metrics", 200);
        assert_in_range(cpu_usec() - begun, 1, 2 * USEC_PER_SEC);
        free(body);
        body = scrape(f, &n);
        assert_in_range(n, 10000, 60000);
        expect_line(body, "ipvsproxy_metrics_detail{detail=\"essential\"} 1");
        expect_line(body, "ipvsproxy_service_ports{state=\"synced\"} 10000");
        free(body);
        web_fixture_free(f);
}

/* Making it does not keep the loop from everything else: the longest turn, in CPU time, which other programs cannot lengthen. */
static void test_turns_are_short(void **state) {
        WebFixture *f = running_fixture();
        uint64_t longest = 0;
        WebClient client;

        put_many(f, 10000, 50);
        client = web_client_connect(AF_INET, web_port(f->web, "metrics"));
        web_client_send(&client, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        while (!client.closed) {
                uint64_t begun = cpu_usec();

                assert_true(sd_event_run(f->event, 10 * USEC_PER_MSEC) >= 0);
                longest = MAX2(longest, cpu_usec() - begun);
                web_client_read(&client);
        }
        assert_non_null(strstr(client.data, "ipvsproxy_service_ports{state=\"synced\"} 10000"));
        print_message("the longest turn took %" PRIu64 " us\n", longest);
        if (longest > TURN_USEC_MAX)
                fail_msg("one turn of the loop took %" PRIu64 " us", longest);
        web_client_done(&client);
        web_fixture_free(f);
}

/* The whole answer of a server that closes, as bytes. */
static WebClient get_bytes(WebFixture *f, const char *headers) {
        WebClient client = web_client_connect(AF_INET, web_port(f->web, "metrics"));
        char request[256];

        (void) snprintf(request, sizeof(request), "GET /metrics HTTP/1.0\r\n%s\r\n", headers);
        web_client_send(&client, request);
        while (!client.closed) {
                assert_true(sd_event_run(f->event, 10 * USEC_PER_MSEC) >= 0);
                web_client_read(&client);
        }
        return client;
}

static char *unzip(const char *bytes, size_t size) {
        z_stream z = { .next_in = (Bytef *) (uintptr_t) bytes, .avail_in = (uInt) size };
        size_t room = 32 << 20;
        char *text = malloc(room);

        assert_non_null(text);
        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        z.next_out = (Bytef *) text;
        z.avail_out = (uInt) room - 1;
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(z.avail_in, 0);
        text[z.total_out] = '\0';
        assert_int_equal(inflateEnd(&z), Z_OK);
        return text;
}

static void test_gzip(void **state) {
        static const struct {
                const char *header;
                bool gzip;
        } cases[] = {
                { "Accept-Encoding: gzip\r\n", true },
                { "Accept-Encoding: deflate, GZIP ;q=0.5, br\r\n", true },
                { "Accept-Encoding: gzip;q=0\r\n", false },
                { "Accept-Encoding: gzip ; q=0.000, identity\r\n", false },
                { "Accept-Encoding: xgzip, gzipped, *;q=0\r\n", false },
                { "Accept-Encoding: ,;,q=1\r\n", false },
                { "", false },
        };
        WebFixture *f = running_fixture();

        put_many(f, 2000, 50);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                WebClient client = get_bytes(f, cases[i].header);
                const char *body = web_body(client.data);
                size_t size = client.size - (size_t) (body - client.data), n, line;
                bool gzip = strstr(client.data, "Content-Encoding: gzip\r\n") != NULL;
                char *text;

                if (gzip != cases[i].gzip)
                        fail_msg("%s gives%s gzip", cases[i].header, gzip ? "" : " no");
                text = gzip ? unzip(body, size) : strdup(body);
                assert_null(prometheus_check(text, &line, &n));
                assert_in_range(n, 20000, 30000);
                if (gzip)
                        assert_true(size < strlen(text) / 8);
                free(text);
                web_client_done(&client);
        }
        web_fixture_free(f);
}

/* Beyond that namespaces are summed up, and the whole stays bounded. */
static void test_series_are_bounded(void **state) {
        static const struct {
                size_t max_series;
                MetricsDetail detail;
                const char *line;
                size_t n_rows;
        } cases[] = {
                { 0, METRICS_DETAIL_AUTO, "ipvsproxy_metrics_detail{detail=\"full\"} 1", 600 * 10 },
                { 3000, METRICS_DETAIL_AUTO, "ipvsproxy_metrics_detail{detail=\"essential\"} 1", 600 * 5 },
                { 2000, METRICS_DETAIL_AUTO, "ipvsproxy_metrics_detail{detail=\"namespace\"} 1", 20 * 10 },
                { 0, METRICS_DETAIL_NONE, "ipvsproxy_metrics_detail{detail=\"none\"} 1", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                WebFixture *f = web_fixture_new();
                size_t n;
                char *body;

                f->options.max_series = cases[i].max_series;
                f->options.metrics_detail = cases[i].detail;
                web_fixture_start(f);
                web_put_node(f, false, false);
                put_many(f, 600, 20);
                body = scrape(f, &n);
                expect_line(body, cases[i].line);
                assert_in_range(n, cases[i].n_rows, cases[i].n_rows + 300);
                if (strstr(cases[i].line, "namespace\""))
                        expect_line(body, "ipvsproxy_service_endpoints{namespace=\"namespace-3\",state=\"ready\"} 60");
                free(body);
                web_fixture_free(f);
        }
}

/* Many who read slowly share few snapshots: memory does not grow with them. */
static void test_slow_scrapers(void **state) {
        WebFixture *f = running_fixture();
        WebClient clients[8];
        size_t n;

        put_many(f, 2000, 20);
        for (unsigned i = 0; i < ELEMENTSOF(clients); i++) {
                clients[i] = web_client_connect(AF_INET, web_port(f->web, "metrics"));
                web_client_send(&clients[i], "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
                web_run_idle(f->event);
        }
        for (unsigned i = 0; i < ELEMENTSOF(clients); i++) {
                assert_true(web_client_wait(f->event, &clients[i]));
                assert_non_null(strstr(clients[i].data, "process_virtual_memory_bytes"));
                web_client_done(&clients[i]);
        }
        free(scrape(f, &n));
        web_fixture_free(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_checker),
                cmocka_unit_test(test_writer),
                cmocka_unit_test(test_json_text),
                cmocka_unit_test(test_traffic),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_service_traffic),
                cmocka_unit_test(test_hostile_names),
                cmocka_unit_test(test_problems),
                cmocka_unit_test(test_no_local_endpoints),
                cmocka_unit_test(test_counters_of_others),
                cmocka_unit_test(test_reads_are_few), cmocka_unit_test(test_many_services),
                cmocka_unit_test(test_turns_are_short), cmocka_unit_test(test_gzip),
                cmocka_unit_test(test_series_are_bounded),
                cmocka_unit_test(test_slow_scrapers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
