/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP server alone: what peers may do to it. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/web-client.h"
#include "web/http-server.h"

#define GET "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

static char context_first[] = "first", context_second[] = "second", context_any[] = "any";

typedef struct Fixture {
        sd_event *event;
        HttpServer *server;
        HttpListener *listener;
        uint16_t port;
        unsigned n_requests;
        unsigned n_streams; /* not freed */
        char last_path[64];
} Fixture;

static ssize_t on_stream_read(void *userdata, char *buffer, size_t size) {
        memset(buffer, 'x', size);
        return (ssize_t) size; /* without end */
}

static void on_stream_free(void *userdata) {
        ((Fixture *) userdata)->n_streams--;
}

static int on_request(const HttpRequest *request, HttpReply *reply, void *userdata) {
        Fixture *f = userdata;

        f->n_requests++;
        (void) snprintf(f->last_path, sizeof(f->last_path), "%s", request->path);
        if (strcmp(request->path, "/fail") == 0)
                return -ENOMEM;
        if (strcmp(request->path, "/endless") == 0) {
                f->n_streams++;
                reply->stream = (HttpStream) { on_stream_read, on_stream_free, f };
                return 0;
        }
        reply->content_type = "text/plain";
        reply->body = strdup(request->context ? request->context : "");
        return reply->body ? 0 : -ENOMEM;
}

static IpPort loopback(uint16_t port) {
        IpPort address = { .port = port };

        assert_int_equal(ip_addr_parse("127.0.0.1", &address.addr), 0);
        return address;
}

static Fixture *fixture_new(const HttpServerOptions *options) {
        Fixture *f = calloc(1, sizeof(Fixture));
        HttpServerOptions all = *options;
        IpPort address = loopback(0);

        all.handler = on_request;
        all.userdata = f;
        all.connection_memory = all.connection_memory > 0 ? all.connection_memory : 8192;
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(http_server_new(f->event, &all, &f->server), 0);
        assert_int_equal(http_server_listen(f->server, &address, context_first, &f->listener), 0);
        f->port = http_listener_port(f->listener);
        assert_int_not_equal(f->port, 0);
        return f;
}

static void fixture_free(Fixture *f) {
        (void) http_server_free(f->server);
        assert_int_equal(f->n_streams, 0);
        (void) sd_event_unref(f->event);
        free(f);
}

static HttpServerStatus status(const Fixture *f) {
        HttpServerStatus s;

        http_server_status(f->server, &s);
        return s;
}

static char *get(Fixture *f, const char *request, unsigned expected) {
        unsigned code;
        char *answer = web_get(f->event, f->port, request, &code);

        assert_int_equal(code, expected);
        return answer;
}

static void test_answers(void **state) {
        static const struct {
                const char *request;
                unsigned code;
                const char *contains;
        } cases[] = {
                { GET, 200, "\r\n\r\nfirst" },
                { "GET /a%20b?q=1 HTTP/1.0\r\n\r\n", 200, "X-Content-Type-Options: nosniff" },
                { "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, "Content-Length: 5" },
                { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405, "Allow: GET, HEAD" },
                { "DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", 405, "Allow: GET, HEAD" },
                { "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n", 200, "first" },
                { "GET /fail HTTP/1.1\r\nHost: a\r\n\r\n", 500, "out of memory" },
        };
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *answer = get(f, cases[i].request, cases[i].code);

                assert_non_null(strstr(answer, cases[i].contains));
                free(answer);
        }
        assert_string_equal(f->last_path, "/fail");
        fixture_free(f);
}

static void test_path_is_decoded(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
        char *answer = get(f, "GET /a%20b?q=1 HTTP/1.0\r\n\r\n", 200);

        assert_string_equal(f->last_path, "/a b");
        free(answer);
        fixture_free(f);
}

/* A connection is kept, and carries requests that come at once. */
static void test_keep_alive(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
        WebClient client = web_client_connect(AF_INET, f->port);

        for (unsigned i = 0; i < 3; i++) {
                client.size = 0;
                web_client_send(&client, GET);
                assert_true(web_client_wait(f->event, &client));
                assert_false(client.closed);
        }
        web_client_send(&client, GET GET GET);
        for (unsigned i = 0; i < 3; i++)
                web_run_idle(f->event);
        assert_int_equal(f->n_requests, 6);
        assert_int_equal(status(f).n_accepted, 1);
        web_client_done(&client);
        fixture_free(f);
}

static bool is_closed(void *userdata) {
        WebClient *client = userdata;

        web_client_read(client);
        return client->closed;
}

/* Headers above the connection's memory are refused, and end it. */
static void test_huge_headers(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
        WebClient client = web_client_connect(AF_INET, f->port);
        char line[1100];

        memset(line, 'a', sizeof(line));
        (void) memcpy(line, "X: ", 3);
        (void) memcpy(line + sizeof(line) - 3, "\r\n", 3);
        web_client_send(&client, "GET /x HTTP/1.1\r\nHost: a\r\n");
        for (unsigned i = 0; i < 20; i++) {
                web_client_send(&client, line);
                (void) sd_event_run(f->event, 0);
        }
        assert_true(web_run_until(f->event, is_closed, &client));
        assert_int_equal(f->n_requests, 0);
        assert_true(strncmp(client.data, "HTTP/1.1 4", 10) == 0);
        web_client_done(&client);

        client = web_client_connect(AF_INET, f->port); /* an endless request line */
        web_client_send(&client, "GET /");
        for (unsigned i = 0; i < 20; i++) {
                web_client_send(&client, line + 3);
                (void) sd_event_run(f->event, 0);
        }
        assert_true(web_run_until(f->event, is_closed, &client));
        web_client_done(&client);
        free(get(f, GET, 200));
        fixture_free(f);
}

static uint64_t monotonic_now(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

/* A peer that sends a byte now and then is cut at the deadline of its request, not of its last byte. */
static void test_slow_loris(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) {
                .max_connections = 8, .max_per_address = 8, .request_usec = 200 * USEC_PER_MSEC });
        WebClient client = web_client_connect(AF_INET, f->port);
        uint64_t begun = monotonic_now(), sent = 0;

        web_client_send(&client, "GET /x HTTP/1.1\r\nHost: a\r\nX: ");
        while (!is_closed(&client) && monotonic_now() < begun + 5 * USEC_PER_SEC) {
                if (monotonic_now() > sent + 5 * USEC_PER_MSEC) {
                        web_client_send(&client, "a");
                        sent = monotonic_now();
                }
                (void) sd_event_run(f->event, 5 * USEC_PER_MSEC);
        }
        assert_true(client.closed);
        assert_in_range(monotonic_now() - begun, 150 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
        assert_int_equal(f->n_requests, 0);
        assert_int_equal(status(f).n_connections, 0);
        assert_int_equal(status(f).n_evicted, 1);
        web_client_done(&client);
        fixture_free(f);
}

/* Who does not read an answer that never ends is cut at its deadline, and its memory given back. */
static void test_slow_reader(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) {
                .max_connections = 8, .max_per_address = 8, .answer_usec = 300 * USEC_PER_MSEC });
        WebClient client = web_client_connect(AF_INET, f->port);
        uint64_t begun = monotonic_now();

        web_client_send(&client, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
        while ((f->n_requests == 0 || f->n_streams > 0) && monotonic_now() < begun + 5 * USEC_PER_SEC)
                (void) sd_event_run(f->event, 10 * USEC_PER_MSEC);
        assert_int_equal(f->n_requests, 1);
        assert_int_equal(f->n_streams, 0);
        assert_int_equal(status(f).n_connections, 0);
        web_client_done(&client);
        fixture_free(f);
}

/* While all places are taken by peers who send nothing, a request is answered; the oldest of them goes. */
static void test_full(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
        WebClient idle[8];

        for (unsigned i = 0; i < ELEMENTSOF(idle); i++) {
                idle[i] = web_client_connect(AF_INET, f->port);
                web_client_send(&idle[i], "GET ");
                web_run_idle(f->event);
        }
        assert_int_equal(status(f).n_connections, 8);
        free(get(f, GET, 200));
        assert_true(web_run_until(f->event, is_closed, &idle[0]));
        web_client_read(&idle[7]);
        assert_false(idle[7].closed);
        assert_int_equal(status(f).n_evicted, 1);
        assert_true(status(f).n_connections <= 8);
        for (unsigned i = 0; i < ELEMENTSOF(idle); i++)
                web_client_done(&idle[i]);
        fixture_free(f);
}

/* One address cannot take the places of others. */
static void test_per_address(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 64, .max_per_address = 4 });
        WebClient idle[32];

        for (unsigned i = 0; i < ELEMENTSOF(idle); i++) {
                idle[i] = web_client_connect(AF_INET, f->port);
                (void) sd_event_run(f->event, 0);
        }
        web_run_idle(f->event);
        assert_int_equal(status(f).n_connections, 4);
        free(get(f, GET, 200));
        for (unsigned i = 0; i < ELEMENTSOF(idle); i++)
                web_client_done(&idle[i]);
        fixture_free(f);
}

/* Answers being read are not given up for newcomers at once; those are refused. */
static void test_answers_are_safe(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 2, .max_per_address = 2 });
        WebClient readers[2], late;

        for (unsigned i = 0; i < 2; i++) {
                readers[i] = web_client_connect(AF_INET, f->port);
                web_client_send(&readers[i], "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
                while (f->n_requests == i)
                        (void) sd_event_run(f->event, USEC_PER_MSEC);
        }
        late = web_client_connect(AF_INET, f->port);
        assert_true(web_run_until(f->event, is_closed, &late));
        assert_int_equal(f->n_streams, 2);
        assert_int_equal(status(f).n_refused, 1);
        web_client_done(&late);
        web_client_done(&readers[0]);
        web_client_done(&readers[1]);
        fixture_free(f);
}

static bool has_no_connections(void *userdata) {
        return status(userdata).n_connections == 0;
}

/* A closed listener takes its connections along; others stay. */
static void test_close_listener(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
        WebClient client = web_client_connect(AF_INET, f->port);
        IpPort address = loopback(0);
        HttpListener *second;
        unsigned code;
        char *answer;

        web_client_send(&client, GET);
        assert_true(web_client_wait(f->event, &client));
        assert_int_equal(http_server_listen(f->server, &address, context_second, &second), 0);
        assert_int_equal(status(f).n_listeners, 2);
        f->listener = http_listener_close(f->listener);
        assert_true(web_run_until(f->event, is_closed, &client));
        assert_true(web_run_until(f->event, has_no_connections, f));
        answer = web_get(f->event, http_listener_port(second), GET, &code);
        assert_string_equal(web_body(answer), "second");
        free(answer);
        web_client_done(&client);
        fixture_free(f);
}

static void test_port_in_use(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
        IpPort address = loopback(f->port), elsewhere = { .port = 0 };
        HttpListener *second = NULL;

        assert_int_equal(http_server_listen(f->server, &address, NULL, &second), -EADDRINUSE);
        assert_null(second);
        assert_int_equal(ip_addr_parse("192.0.2.1", &elsewhere.addr), 0);
        assert_int_equal(http_server_listen(f->server, &elsewhere, NULL, &second), -EADDRNOTAVAIL);
        assert_int_equal(status(f).n_listeners, 1);
        free(get(f, GET, 200));
        fixture_free(f);
}

/* 0.0.0.0 and :: serve both families. */
static void test_both_families(void **state) {
        static const char *const texts[] = { "0.0.0.0", "::" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
                int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
                IpPort address = {};
                HttpListener *any;
                WebClient client;

                assert_int_equal(ip_addr_parse(texts[i], &address.addr), 0);
                assert_int_equal(http_server_listen(f->server, &address, context_any, &any), 0);
                client = web_client_connect(AF_INET, http_listener_port(any));
                web_client_send(&client, GET);
                assert_true(web_client_wait(f->event, &client));
                assert_non_null(strstr(client.data, "\r\n\r\nany"));
                web_client_done(&client);
                if (access("/proc/net/if_inet6", F_OK) == 0 && probe >= 0) {
                        client = web_client_connect(AF_INET6, http_listener_port(any));
                        web_client_send(&client, GET);
                        assert_true(web_client_wait(f->event, &client));
                        assert_non_null(strstr(client.data, "\r\n\r\nany"));
                        web_client_done(&client);
                }
                (void) close(probe);
                fixture_free(f);
        }
}

/* Out of descriptors the loop does not spin, and the server answers again when there are some. */
static void test_descriptors_run_out(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 64, .max_per_address = 64 });
        struct rlimit before, low;
        WebClient client = web_client_connect(AF_INET, f->port);
        unsigned n_turns = 0;
        uint64_t begun;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        low = before;
        low.rlim_cur = 3; /* below what is open: no more can be had */
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        web_client_send(&client, GET);
        begun = monotonic_now();
        while (monotonic_now() < begun + 200 * USEC_PER_MSEC) {
                (void) sd_event_run(f->event, 50 * USEC_PER_MSEC);
                n_turns++;
        }
        assert_true(n_turns < 20);
        assert_int_equal(status(f).n_connections, 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_true(web_client_wait(f->event, &client));
        assert_non_null(strstr(client.data, "first"));
        web_client_done(&client);
        fixture_free(f);
}

/* The loop sleeps while nobody asks. */
static void test_idle(void **state) {
        Fixture *f = fixture_new(&(HttpServerOptions) { .max_connections = 8, .max_per_address = 8 });
        WebClient client = web_client_connect(AF_INET, f->port);

        web_client_send(&client, GET);
        assert_true(web_client_wait(f->event, &client));
        web_run_idle(f->event);
        assert_int_equal(sd_event_run(f->event, 100 * USEC_PER_MSEC), 0);
        web_client_done(&client);
        web_run_idle(f->event);
        assert_int_equal(status(f).n_connections, 0);
        assert_int_equal(sd_event_run(f->event, 100 * USEC_PER_MSEC), 0);
        fixture_free(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_answers),         cmocka_unit_test(test_path_is_decoded),
                cmocka_unit_test(test_keep_alive),      cmocka_unit_test(test_huge_headers),
                cmocka_unit_test(test_slow_loris),      cmocka_unit_test(test_slow_reader),
                cmocka_unit_test(test_full),            cmocka_unit_test(test_per_address),
                cmocka_unit_test(test_answers_are_safe), cmocka_unit_test(test_close_listener),
                cmocka_unit_test(test_port_in_use),     cmocka_unit_test(test_both_families),
                cmocka_unit_test(test_descriptors_run_out), cmocka_unit_test(test_idle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
