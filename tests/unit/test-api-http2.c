/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP/2, which every real API server speaks and the test API server does not: nghttpx (Debian: nghttp2-proxy) stands before
 * it as its other address. All requests are streams of one connection there, so that whatever happens to it happens to all.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

#include "common/log.h"
#include "tests/unit/api-fixture.h"
#include "tests/unit/beside.h"

#define FRONT "127.0.0.5" /* at the server's port */
#define SERVICE(name) \
        "apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: default}\n" \
        "spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}\n"

/* ---- nghttpx */

static void front_exec(const ApiFixture *fixture, uint16_t port) {
        char frontend[64], backend[64], key[128], cert[128], log[128], errors[128];

        (void) snprintf(frontend, sizeof(frontend), "--frontend=" FRONT ",%u", port);
        (void) snprintf(backend, sizeof(backend), "--backend=127.0.0.1,%u;;tls", port);
        (void) snprintf(key, sizeof(key), "%s/server.key", fixture->folder);
        (void) snprintf(cert, sizeof(cert), "%s/server.crt", fixture->folder);
        (void) snprintf(log, sizeof(log), "--accesslog-file=%s/front.log", fixture->folder);
        (void) snprintf(errors, sizeof(errors), "--errorlog-file=%s/front.errors", fixture->folder);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies must not leave it behind */
        (void) setpgid(0, 0);
        (void) execlp("nghttpx", "nghttpx", "--conf=/dev/null", "--no-ocsp", "--insecure", "--log-level=WARN", frontend, backend,
                      "--backend-read-timeout=10m", "--accesslog-write-early", "--accesslog-format=$alpn $remote_port $method $path",
                      log, errors, key, cert, (char *) NULL);
        (void) fprintf(stderr, "Failed to run nghttpx (./bootstrap installs it): %m\n");
        _exit(127);
}

static bool front_accepts(uint16_t port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
        _cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(inet_pton(AF_INET, FRONT, &address.sin_addr), 1);
        return connect(fd, (const struct sockaddr *) &address, sizeof(address)) >= 0;
}

static void front_wait(ApiFixture *fixture, uint16_t port, bool accepts) {
        for (unsigned i = 0; front_accepts(port) != accepts; i++) {
                assert_true(i < 1000);
                assert_true(sd_event_run(fixture->event, 10 * USEC_PER_MSEC) >= 0);
        }
}

/* Two processes, one of which works: the leader of a group. */
static pid_t front_start(ApiFixture *fixture, uint16_t port) {
        pid_t pid;

        front_wait(fixture, port, false);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                front_exec(fixture, port);
        (void) setpgid(pid, pid); /* by whoever comes first */
        front_wait(fixture, port, true);
        return pid;
}

static void front_kill(pid_t pid) {
        assert_int_equal(kill(-pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- the client behind it */

typedef struct Behind {
        ApiFixture fixture;
        uint16_t port;
        pid_t front;
} Behind;

/* The kubeconfig of a token: client certificates end at the front. */
static void behind_start(Behind *behind, uint64_t silence_usec) {
        static const char *const options[] = { "--auth", "--token", "sesame", "--san", FRONT, NULL };
        KubeClientConfig *config;
        const char *colon;

        api_fixture_start(&behind->fixture, options);
        config = api_fixture_kubeconfig(&behind->fixture, "kubeconfig.token");
        colon = strrchr(config->server, ':');
        assert_non_null(colon);
        behind->port = (uint16_t) strtoul(colon + 1, NULL, 10);
        free(config->server);
        assert_true(asprintf(&config->server, "https://" FRONT ":%u", behind->port) > 0);
        behind->front = front_start(&behind->fixture, behind->port);
        behind->fixture.silence_usec = silence_usec;
        api_fixture_connect(&behind->fixture, config);
        api_fixture_expect_watching(&behind->fixture, 10);
}

static void behind_stop(Behind *behind) {
        front_kill(behind->front);
        api_fixture_stop(&behind->fixture);
}

static bool has_new(ApiFixture *fixture) {
        return api_fixture_service(fixture, "new") != NULL;
}

static bool has_no_new(ApiFixture *fixture) {
        return !has_new(fixture);
}

static bool was_lost(ApiFixture *fixture) {
        ApiServerStatus status;

        api_server_status(fixture->client, &status);
        return status.n_lost > 0;
}

/* What is put into the server now is known here within 5 s, and so is its end. */
static void expect_changes(Behind *behind) {
        api_fixture_control(&behind->fixture, "put", SERVICE("new"));
        assert_true(api_fixture_run(&behind->fixture, has_new, 5));
        api_fixture_control(&behind->fixture, "delete services default/new", NULL);
        assert_true(api_fixture_run(&behind->fixture, has_no_new, 5));
}

/* How many connections it came over, all of HTTP/2, and how many requests. */
static unsigned count_connections(const Behind *behind, unsigned *ret_requests) {
        unsigned ports[64], n_ports = 0, n = 0, port, i;
        char path[128], line[1024], alpn[16];
        FILE *file;

        (void) snprintf(path, sizeof(path), "%s/front.log", behind->fixture.folder);
        file = fopen(path, "re");
        assert_non_null(file);
        for (; fgets(line, sizeof(line), file); n++) {
                assert_int_equal(sscanf(line, "%15s %u", alpn, &port), 2);
                assert_string_equal(alpn, "h2");
                for (i = 0; i < n_ports && ports[i] != port; i++)
                        ;
                if (i < n_ports)
                        continue;
                assert_true(n_ports < ELEMENTSOF(ports));
                ports[n_ports++] = port;
        }
        assert_int_equal(fclose(file), 0);
        *ret_requests = n;
        return n_ports;
}

/* ---- what happens to it */

static void test_one_connection(void **state) {
        Behind behind;
        unsigned n;

        behind_start(&behind, 0);
        expect_changes(&behind);
        assert_int_equal(count_connections(&behind, &n), 1);
        assert_true(n >= 5); /* the version, the APIs, three watches at least */
        behind_stop(&behind);
}

/* GOAWAY: streams go on, new ones go over another connection, to whoever has the address then. */
static void test_goaway(void **state) {
        Behind behind;
        pid_t old;
        unsigned n;

        behind_start(&behind, 0);
        old = behind.front;
        assert_int_equal(kill(old, SIGQUIT), 0);
        behind.front = front_start(&behind.fixture, behind.port);
        expect_changes(&behind);
        api_fixture_control(&behind.fixture, "watch-end *", NULL);
        expect_changes(&behind);
        api_fixture_expect_watching(&behind.fixture, 5);
        assert_int_equal(waitpid(old, NULL, 0), old); /* nobody holds it any more */
        assert_int_equal(count_connections(&behind, &n), 2);
        behind_stop(&behind);
}

/* The connection stands, and nothing comes over it. */
static void test_silent(void **state) {
        Behind behind;

        behind_start(&behind, 1500 * USEC_PER_MSEC); /* a tenth of the real patience */
        assert_int_equal(kill(-behind.front, SIGSTOP), 0);
        assert_true(api_fixture_run(&behind.fixture, was_lost, 8));
        assert_true(api_fixture_run(&behind.fixture, api_fixture_is_disconnected, 5));
        assert_int_equal(kill(-behind.front, SIGCONT), 0);
        expect_changes(&behind);
        behind_stop(&behind);
}

static void test_killed(void **state) {
        Behind behind;

        behind_start(&behind, 0);
        front_kill(behind.front);
        assert_true(api_fixture_run(&behind.fixture, api_fixture_is_disconnected, 5));
        behind.front = front_start(&behind.fixture, behind.port);
        expect_changes(&behind);
        behind_stop(&behind);
}

/* RST_STREAM, of each watch in turn and of all of them; the connection stays. */
static void test_stream_reset(void **state) {
        static const char *const orders[] = { "watch-reset services", "watch-reset endpointslices", "watch-reset nodes", "watch-reset *" };
        Behind behind;
        unsigned n;

        behind_start(&behind, 0);
        for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
                api_fixture_control(&behind.fixture, orders[i], NULL);
                expect_changes(&behind);
        }
        api_fixture_expect_watching(&behind.fixture, 5);
        assert_int_equal(count_connections(&behind, &n), 1);
        behind_stop(&behind);
}

/* The front is well, the server behind it is not there: 502 and 503. */
static void test_server_away(void **state) {
        Behind behind;

        behind_start(&behind, 0);
        api_fixture_control(&behind.fixture, "stop", NULL);
        assert_true(api_fixture_run(&behind.fixture, api_fixture_is_disconnected, 5));
        api_fixture_control(&behind.fixture, "start", NULL);
        expect_changes(&behind);
        behind_stop(&behind);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_connection), cmocka_unit_test(test_goaway),       cmocka_unit_test(test_silent),
                cmocka_unit_test(test_killed),         cmocka_unit_test(test_stream_reset), cmocka_unit_test(test_server_away),
        };

        log_set_max_level(getenv("IPVSPROXY_TEST_LOG") ? LOG_DEBUG : LOG_CRIT);
        return run_tests_beside(tests, NULL, NULL);
}
