/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways to the API server: a name with several addresses of which some are dead, proxies of all kinds, what is offered on
 * the way (compression, versions of TLS). The names are made up here: libcurl's look-ups find this getaddrinfo().
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

#include "apiserver/http-client.h"
#include "common/log.h"
#include "tests/unit/api-fixture.h"
#include "tests/unit/beside.h"
#include "tests/unit/relay.h"

#define NAME "api.test"
#define SERVICE(name) \
        "apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: default}\n" \
        "spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}\n"

/* ---- names */

static const char *_Atomic names[4]; /* the addresses of NAME; NULL = no more, none at all: it is not known */
static atomic_uint n_lookups; /* of NAME; libcurl asks in threads */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
        static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
        struct addrinfo *all = NULL;

        if (!real)
                real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym(RTLD_NEXT, "getaddrinfo");
        if (!node || strcmp(node, NAME) != 0)
                return real(node, service, hints, ret);
        n_lookups++;
        for (size_t i = 0; i < ELEMENTSOF(names) && names[i]; i++) {
                struct addrinfo *one, *last;
                int r = real(names[i], service, hints, &one);

                if (r != 0)
                        return r;
                for (last = one; last->ai_next;)
                        last = last->ai_next;
                last->ai_next = all; /* each was allocated alone: freeaddrinfo() takes chains of any origin */
                all = one;
        }
        *ret = all;
        return all ? 0 : EAI_NONAME;
}

static void set_names(const char *first, const char *second) {
        names[0] = first;
        names[1] = second;
}

/* ---- a server behind them */

static uint16_t server_port(const ApiFixture *fixture) {
        char path[128];
        unsigned port = 0;
        FILE *file;

        (void) snprintf(path, sizeof(path), "%s/port", fixture->folder);
        file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%u", &port), 1);
        assert_int_equal(fclose(file), 0);
        return (uint16_t) port;
}

/* A kubeconfig for https://NAME:port */
static KubeClientConfig *config_of_name(const ApiFixture *fixture, uint16_t port) {
        KubeClientConfig *config = api_fixture_kubeconfig(fixture, "kubeconfig");

        free(config->server);
        assert_true(asprintf(&config->server, "https://" NAME ":%u", port) > 0);
        return config;
}

static bool has_new(ApiFixture *fixture) {
        return api_fixture_service(fixture, "new") != NULL;
}

static bool was_lost(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.n_lost > 0;
}

static bool has_version(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return *status.server_version;
}

static bool has_no_new(ApiFixture *fixture) {
        return !has_new(fixture);
}

/* What is put into the server now is known here within so many seconds, and gone as soon when it is deleted. */
static void expect_changes(ApiFixture *fixture, unsigned seconds) {
        api_fixture_control(fixture, "put", SERVICE("new"));
        if (!api_fixture_run(fixture, has_new, seconds))
                fail_msg("nothing came within %u s", seconds);
        api_fixture_control(fixture, "delete services default/new", NULL);
        assert_true(api_fixture_run(fixture, has_no_new, 5));
}

/* ---- several addresses */

/* One of two addresses is dead from the start, whichever each connection tries first: refusing, or accepting and silent. */
static void connect_beside_dead(bool silent) {
        static const char *const options[] = { "--listen", "127.0.0.2", "--san", NAME, NULL };
        ApiFixture fixture;
        Relay relay = {};
        uint16_t port;

        api_fixture_start(&fixture, options);
        port = server_port(&fixture);
        set_names("127.0.0.1", "127.0.0.2");
        if (silent) {
                relay_start(&relay, RELAY_KIND_PLAIN, port, "127.0.0.2", port);
                assert_int_equal(kill(relay.pid, SIGSTOP), 0);
        }
        api_fixture_connect(&fixture, config_of_name(&fixture, port));
        api_fixture_expect_watching(&fixture, 10);
        api_fixture_disconnect(&fixture);
        if (silent)
                relay_stop(&relay);
        assert_true(n_lookups > 0);
        api_fixture_stop(&fixture);
}

static void test_address_refuses(void **state) {
        for (unsigned i = 0; i < 4; i++)
                connect_beside_dead(false);
}

static void test_address_is_silent(void **state) {
        connect_beside_dead(true);
}

/*
 * Connected through one address when it dies: the other one is used, and nothing is missing for longer than 10 s, from when
 * a silent one was noticed.
 */
static void test_address_dies(void **state) {
        static const char *const options[] = { "--listen", "127.0.0.2", "--san", NAME, NULL };

        for (unsigned stopped = 0; stopped < 2; stopped++) {
                char log[256];
                ApiFixture fixture;
                Relay relay;
                uint16_t port;

                api_fixture_start(&fixture, options);
                fixture.silence_usec = 1500 * USEC_PER_MSEC; /* a tenth of the real patience with a silent one */
                port = server_port(&fixture);
                relay_start(&relay, RELAY_KIND_PLAIN, port, "127.0.0.2", port);
                set_names("127.0.0.1", NULL);
                api_fixture_connect(&fixture, config_of_name(&fixture, port));
                api_fixture_expect_watching(&fixture, 10);
                assert_non_null(strstr(relay_log(&relay, log, sizeof(log)), "plain"));
                set_names("127.0.0.1", "127.0.0.2");
                if (stopped) {
                        assert_int_equal(kill(relay.pid, SIGSTOP), 0);
                        assert_true(api_fixture_run(&fixture, was_lost, 10));
                } else
                        relay_stop(&relay);
                expect_changes(&fixture, 10);
                if (stopped)
                        relay_stop(&relay);
                api_fixture_stop(&fixture);
        }
}

/*
 * One of two addresses accepts connections and hangs, which is noticed sooner than where there is one: after 4.8 s here, not
 * 15. Before, everything is connected through it, or (`other` answers) some through the other.
 */
static void hang_beside(const char *other, bool all_hang) {
        static const char *const options[] = { "--listen", "127.0.0.2", "--san", NAME, NULL };
        ApiFixture fixture;
        Relay relay;
        uint16_t port;

        api_fixture_start(&fixture, options);
        fixture.silence_usec = 9 * USEC_PER_SEC;
        port = server_port(&fixture);
        relay_start(&relay, RELAY_KIND_PLAIN, port, "127.0.0.2", port);
        set_names("127.0.0.1", other);
        api_fixture_connect(&fixture, config_of_name(&fixture, port));
        api_fixture_expect_watching(&fixture, 10);
        assert_true(api_fixture_run(&fixture, has_version, 10)); /* and it is found out how many addresses there are */
        set_names("127.0.0.1", "127.0.0.2");
        assert_int_equal(kill(relay.pid, SIGSTOP), 0);
        if (all_hang)
                assert_true(api_fixture_run(&fixture, was_lost, 8));
        expect_changes(&fixture, all_hang ? 2 : 10);
        relay_stop(&relay);
        api_fixture_stop(&fixture);
}

static void test_address_hangs(void **state) {
        hang_beside("127.0.0.3" /* refuses */, true);
}

static void test_address_of_some_hangs(void **state) {
        hang_beside("127.0.0.2", false);
}

/* Whether a scout finds several addresses; with the second one the first has ended. */
static bool finds_several(HttpClient *http, sd_event *event) {
        n_lookups = 0;
        for (unsigned i = 0; i < 1000 && n_lookups < 2; i++) {
                assert_int_equal(http_client_scout(http), 0);
                assert_true(sd_event_run(event, 10 * USEC_PER_MSEC) >= 0);
        }
        assert_true(n_lookups >= 2);
        return http_client_has_several(http);
}

static void test_scout(void **state) {
        static const struct {
                const char *first, *second;
                bool several;
        } cases[] = {
                { "127.0.0.1", NULL, false },         { "127.0.0.1", "127.0.0.1", false },
                { "127.0.0.1", "127.0.0.2", true },   { NULL, NULL, true /* nothing new */ },
                { "127.0.0.2", "127.0.0.2", false },
        };
        KubeClientConfig *config;
        HttpClient *http = NULL;
        ApiFixture fixture;
        char log[64];
        Relay relay;

        api_fixture_start(&fixture, NULL);
        relay_start(&relay, RELAY_KIND_PLAIN, 0, "127.0.0.1", server_port(&fixture));
        config = config_of_name(&fixture, relay.port);
        assert_int_equal(http_client_new(fixture.event, 0, "test", config, &http), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                set_names(cases[i].first, cases[i].second);
                if (finds_several(http, fixture.event) != cases[i].several)
                        fail_msg("%s and %s", cases[i].first, cases[i].second);
        }
        assert_string_equal(relay_log(&relay, log, sizeof(log)), ""); /* nobody was connected */

        /* Names are the proxy's business. */
        set_names("127.0.0.1", "127.0.0.2");
        assert_true(finds_several(http, fixture.event));
        config = config_of_name(&fixture, relay.port);
        config->proxy_url = strdup("http://127.0.0.1:1");
        assert_non_null(config->proxy_url);
        assert_int_equal(http_client_set_config(http, config), 0);
        n_lookups = 0;
        assert_int_equal(http_client_scout(http), 0);
        assert_true(sd_event_run(fixture.event, 10 * USEC_PER_MSEC) >= 0);
        assert_false(http_client_has_several(http));
        assert_int_equal(n_lookups, 0);
        assert_null(http_client_free(http));
        relay_stop(&relay);
        api_fixture_stop(&fixture);
}

/* ---- proxies */

static void test_proxies(void **state) {
        static const struct {
                RelayKind kind;
                const char *url; /* before the port */
                const char *who; /* said so to the proxy */
        } cases[] = {
                { RELAY_KIND_SOCKS5, "socks5://127.0.0.1", " nobody" },
                { RELAY_KIND_SOCKS5, "socks5://user:secret@127.0.0.1", " user" },
                { RELAY_KIND_SOCKS5, "socks5h://127.0.0.1", " nobody" },
                { RELAY_KIND_CONNECT, "http://127.0.0.1", "" },
        };
        static const char *const options[] = { "--san", NAME, NULL };
        ApiFixture fixture;
        uint16_t port;

        api_fixture_start(&fixture, options);
        port = server_port(&fixture);
        set_names(NULL, NULL);
        n_lookups = 0;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char expected[128], log[256];
                KubeClientConfig *config = config_of_name(&fixture, port);
                Relay relay;

                relay_start(&relay, cases[i].kind, 0, "127.0.0.1", port);
                assert_true(asprintf(&config->proxy_url, "%s:%u", cases[i].url, relay.port) > 0);
                api_fixture_connect(&fixture, config);
                api_fixture_expect_watching(&fixture, 10);
                expect_changes(&fixture, 5);
                (void) snprintf(expected, sizeof(expected), NAME ":%u%s\n", port, cases[i].who);
                if (strncmp(relay_log(&relay, log, sizeof(log)), expected, strlen(expected)) != 0)
                        fail_msg("%s was asked for %s", cases[i].url, log);
                relay_stop(&relay);
                assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 10));
                api_fixture_disconnect(&fixture);
                fixture.state = API_STATE_CONNECTING;
        }
        assert_int_equal(n_lookups, 0); /* names are the proxy's business */
        api_fixture_stop(&fixture);
}

/* A proxy that wants another password. */
static void test_proxy_refuses(void **state) {
        static const char *const options[] = { "--san", NAME, NULL };
        KubeClientConfig *config;
        ApiServerStatus status;
        ApiFixture fixture;
        uint16_t port;
        Relay relay;

        api_fixture_start(&fixture, options);
        port = server_port(&fixture);
        relay_start(&relay, RELAY_KIND_SOCKS5, 0, "127.0.0.1", port);
        config = config_of_name(&fixture, port);
        assert_true(asprintf(&config->proxy_url, "socks5://user:hush@127.0.0.1:%u", relay.port) > 0);
        api_fixture_connect(&fixture, config);
        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 10));
        api_server_status(fixture.client, &status);
        assert_true(*status.error);
        assert_null(strstr(status.error, "hush"));
        relay_stop(&relay);
        api_fixture_stop(&fixture);
}

/* ---- what is offered */

/* The first request that comes to a plain listener. */
static void catch_request(ApiFixture *fixture, KubeClientConfig *config, char *request, size_t size) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), fd = -1;
        socklen_t length = sizeof(address);
        size_t used = 0;

        assert_int_equal(bind(listener, (const struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 8), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &length), 0);
        free(config->server);
        assert_true(asprintf(&config->server, "http://127.0.0.1:%u", ntohs(address.sin_port)) > 0);
        api_fixture_connect(fixture, config);
        request[0] = '\0';
        for (unsigned i = 0; i < 1000 && !strstr(request, "\r\n\r\n"); i++) {
                ssize_t n;

                assert_true(sd_event_run(fixture->event, 10 * USEC_PER_MSEC) >= 0);
                if (fd < 0)
                        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                n = fd < 0 ? -1 : recv(fd, request + used, size - 1 - used, 0);
                used += n > 0 ? (size_t) n : 0;
                request[used] = '\0';
        }
        api_fixture_disconnect(fixture);
        (void) close(fd);
        (void) close(listener);
        assert_non_null(strstr(request, "\r\n\r\n"));
}

static void test_headers(void **state) {
        KubeClientConfig *config;
        ApiFixture fixture;
        char request[4096];

        api_fixture_start(&fixture, NULL);
        catch_request(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig"), request, sizeof(request));
        assert_non_null(strstr(request, "Accept-Encoding: gzip\r\n"));
        assert_non_null(strstr(request, "Accept: application/json\r\n"));
        assert_non_null(strstr(request, "User-Agent: test\r\n"));
        assert_null(strstr(request, "Authorization:"));
        config = api_fixture_kubeconfig(&fixture, "kubeconfig");
        config->disable_compression = true;
        catch_request(&fixture, config, request, sizeof(request));
        assert_null(strstr(request, "Accept-Encoding:"));
        api_fixture_stop(&fixture);
}

/* TLS 1.2 or newer. */
static void test_tls_versions(void **state) {
        static const struct {
                const char *version;
                bool works;
        } cases[] = { { "1.1", false }, { "1.2", true }, { "1.3", true } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *options[] = { "--tls", cases[i].version, NULL };
                ApiFixture fixture;

                api_fixture_start(&fixture, options);
                api_fixture_connect(&fixture, api_fixture_kubeconfig(&fixture, "kubeconfig"));
                if (cases[i].works)
                        api_fixture_expect_watching(&fixture, 10);
                else
                        assert_true(api_fixture_run(&fixture, api_fixture_is_disconnected, 10));
                api_fixture_stop(&fixture);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_address_hangs),
                cmocka_unit_test(test_address_is_silent),
                cmocka_unit_test(test_address_dies),
                cmocka_unit_test(test_address_refuses),
                cmocka_unit_test(test_address_of_some_hangs),
                cmocka_unit_test(test_scout),
                cmocka_unit_test(test_proxies),
                cmocka_unit_test(test_proxy_refuses),
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_tls_versions),
        };

        log_set_max_level(getenv("IPVSPROXY_TEST_LOG") ? LOG_DEBUG : LOG_CRIT);
        return run_tests_beside(tests, NULL, NULL);
}
