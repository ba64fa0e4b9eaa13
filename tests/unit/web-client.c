/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/web-client.h"

#define WAIT_USEC (5 * USEC_PER_SEC)
#define TURN_USEC (2 * USEC_PER_MSEC)

WebClient web_client_connect(int family, uint16_t port) {
        WebClient client = { .fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0) };
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };

        assert_true(client.fd >= 0);
        assert_int_equal(family == AF_INET ? connect(client.fd, (struct sockaddr *) &in, sizeof(in)) :
                                             connect(client.fd, (struct sockaddr *) &in6, sizeof(in6)),
                         0);
        assert_int_equal(fcntl(client.fd, F_SETFL, O_NONBLOCK), 0);
        return client;
}

void web_client_done(WebClient *client) {
        if (client->fd >= 0)
                (void) close(client->fd);
        free(client->data);
        *client = (WebClient) { .fd = -1 };
}

void web_client_send(WebClient *client, const char *text) {
        size_t size = strlen(text), sent = 0;

        while (sent < size) {
                ssize_t n = send(client->fd, text + sent, size - sent, MSG_NOSIGNAL);

                if (n < 0)
                        return; /* the server has closed, or takes no more */
                sent += (size_t) n;
        }
}

void web_client_read(WebClient *client) {
        for (;;) {
                ssize_t n;

                if (client->n_allocated - client->size < 65536) {
                        client->n_allocated = client->n_allocated * 2 + 131072;
                        client->data = realloc(client->data, client->n_allocated);
                        assert_non_null(client->data);
                }
                n = recv(client->fd, client->data + client->size, client->n_allocated - client->size - 1, 0);
                if (n <= 0) {
                        client->closed = client->closed || n == 0 || errno != EAGAIN;
                        client->data[client->size] = '\0';
                        return;
                }
                client->size += (size_t) n;
        }
}

static uint64_t now_usec(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

bool web_run_until(sd_event *event, WebCondition condition, void *userdata) {
        uint64_t end = now_usec() + WAIT_USEC;

        while (!condition(userdata)) {
                if (now_usec() > end)
                        return false;
                assert_true(sd_event_run(event, TURN_USEC) >= 0);
        }
        return true;
}

void web_run_idle(sd_event *event) {
        while (sd_event_run(event, TURN_USEC) > 0)
                ;
}

static bool answer_is_complete(void *userdata) {
        WebClient *client = userdata;
        const char *body, *length;

        web_client_read(client);
        if (client->closed)
                return true;
        body = strstr(client->data, "\r\n\r\n");
        if (!body)
                return false;
        body += 4;
        if (strstr(client->data, "Transfer-Encoding: chunked"))
                return client->size >= 5 && strcmp(client->data + client->size - 5, "0\r\n\r\n") == 0;
        length = strstr(client->data, "Content-Length: ");
        return length && strtoul(length + 16, NULL, 10) <= client->size - (size_t) (body - client->data);
}

bool web_client_wait(sd_event *event, WebClient *client) {
        return web_run_until(event, answer_is_complete, client);
}

char *web_get(sd_event *event, uint16_t port, const char *request, unsigned *ret_status) {
        WebClient client = web_client_connect(AF_INET, port);
        char *answer;

        web_client_send(&client, request);
        assert_true(web_client_wait(event, &client));
        *ret_status = 0;
        (void) sscanf(client.data, "HTTP/1.%*d %u", ret_status);
        answer = TAKE_PTR(client.data);
        web_client_done(&client);
        return answer;
}

const char *web_body(const char *answer) {
        const char *body = strstr(answer, "\r\n\r\n");

        assert_non_null(body);
        return body + 4;
}

void web_dechunk(char *body) {
        char *out = body, *in = body;

        for (;;) {
                char *line;
                size_t n = strtoul(in, &line, 16);

                assert_true(line[0] == '\r' && line[1] == '\n');
                if (n == 0)
                        break;
                memmove(out, line + 2, n);
                out += n;
                in = line + 2 + n;
                assert_true(in[0] == '\r' && in[1] == '\n');
                in += 2;
        }
        *out = '\0';
}
