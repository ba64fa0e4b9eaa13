/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/http.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "tests/apiserver/http-request.h"

#define HTTP_PENDING_MAX (512U * 1024U * 1024U)
#define HTTP_READS_PER_TURN 16

/*
 * HANDSHAKE ─► IDLE ─► ANSWERING ─► IDLE …
 *                 any ─► CLOSING (when all is written) ─► DEAD (freed by the server's reaper)
 */
typedef enum HttpState {
        HTTP_STATE_HANDSHAKE,
        HTTP_STATE_IDLE,
        HTTP_STATE_ANSWERING,
        HTTP_STATE_CLOSING,
        HTTP_STATE_DEAD,
} HttpState;

struct HttpConnection {
        HttpServer *server; /* borrowed */
        HttpConnection *next, *previous; /* all connections of the server */
        int fd; /* owned */
        sd_event_source *source; /* owned */
        gnutls_session_t tls; /* owned; NULL = plain */
        HttpState state;
        Buffer in, out;
        size_t n_sent; /* bytes of `out` that are gone */
        bool send_interrupted; /* gnutls holds a record back */
        HttpClosed closed;
        void *closed_userdata;
};

struct HttpServer {
        sd_event *event; /* owned reference */
        sd_event_source *source; /* owned; accepts */
        sd_event_source *reaper; /* owned; frees dead connections outside of their callbacks */
        HttpHandler handler;
        void *userdata;
        gnutls_certificate_credentials_t credentials; /* borrowed */
        const char *priority; /* borrowed */
        HttpConnection *connections; /* owned */
        size_t n_connections;
        size_t chunk_size;
        bool frozen;
};

/* ---- end of a connection */

static void connection_free(HttpConnection *c) {
        if (c->closed)
                c->closed(c->closed_userdata);
        if (c->previous)
                c->previous->next = c->next;
        else
                c->server->connections = c->next;
        if (c->next)
                c->next->previous = c->previous;
        c->server->n_connections--;
        (void) sd_event_source_disable_unref(c->source);
        if (c->tls)
                gnutls_deinit(c->tls);
        (void) close(c->fd);
        buffer_done(&c->in);
        buffer_done(&c->out);
        free(c);
}

static void connection_kill(HttpConnection *c) {
        c->state = HTTP_STATE_DEAD;
        (void) sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(c->server->reaper, SD_EVENT_ONESHOT);
}

static int server_on_reap(sd_event_source *source, void *userdata) {
        HttpServer *server = userdata;

        for (HttpConnection *c = server->connections, *next; c; c = next) {
                next = c->next;
                if (c->state == HTTP_STATE_DEAD)
                        connection_free(c);
        }
        return 0;
}

/* ---- writing */

static ssize_t connection_send(HttpConnection *c) {
        const char *bytes = c->out.data + c->n_sent;
        size_t size = c->out.size - c->n_sent;
        ssize_t n;

        if (!c->tls) {
                n = send(c->fd, bytes, size, MSG_NOSIGNAL);
                return n >= 0 ? n : -errno;
        }
        /* An interrupted record is kept by gnutls and continued with no data. */
        n = c->send_interrupted ? gnutls_record_send(c->tls, NULL, 0) : gnutls_record_send(c->tls, bytes, size);
        c->send_interrupted = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
        if (n >= 0)
                return n;
        return c->send_interrupted ? -EAGAIN : -EPIPE;
}

static void connection_update_events(HttpConnection *c) {
        uint32_t events = EPOLLIN;

        if (c->state == HTTP_STATE_DEAD)
                return;
        if (c->out.size > c->n_sent ||
            (c->state == HTTP_STATE_HANDSHAKE && c->tls && gnutls_record_get_direction(c->tls) == 1))
                events |= EPOLLOUT;
        (void) sd_event_source_set_io_events(c->source, events);
        (void) sd_event_source_set_enabled(c->source, c->server->frozen ? SD_EVENT_OFF : SD_EVENT_ON);
}

static void connection_flush(HttpConnection *c) {
        ssize_t n = 0;

        if (c->state == HTTP_STATE_DEAD || c->state == HTTP_STATE_HANDSHAKE || c->server->frozen)
                return;
        while (n >= 0 && c->n_sent < c->out.size) {
                n = connection_send(c);
                if (n > 0)
                        c->n_sent += (size_t) n;
        }
        if ((n < 0 && n != -EAGAIN && n != -EINTR) || c->out.failed ||
            http_connection_pending(c) > HTTP_PENDING_MAX) {
                connection_kill(c);
                return;
        }
        if (c->n_sent > c->out.size / 2) {
                buffer_consume(&c->out, c->n_sent);
                c->n_sent = 0;
        }
        if (c->out.size == 0 && c->out.n_allocated > 1024U * 1024U)
                buffer_done(&c->out);
        if (c->state == HTTP_STATE_CLOSING && c->out.size == 0) {
                if (c->tls)
                        (void) gnutls_bye(c->tls, GNUTLS_SHUT_WR);
                connection_kill(c);
                return;
        }
        connection_update_events(c);
}

void http_write_raw(HttpConnection *c, const void *bytes, size_t size) {
        buffer_append(&c->out, bytes, size);
        connection_flush(c);
}

static void connection_put_chunks(HttpConnection *c, const char *bytes, size_t size) {
        while (size > 0) {
                size_t n = c->server->chunk_size > 0 ? MIN2(size, c->server->chunk_size) : size;

                buffer_printf(&c->out, "%zx\r\n", n);
                buffer_append(&c->out, bytes, n);
                buffer_text(&c->out, "\r\n");
                bytes += n;
                size -= n;
        }
}

static const char *status_phrase(int status) {
        static const struct {
                int status;
                const char *phrase;
        } phrases[] = {
                { 200, "OK" },
                { 201, "Created" },
                { 400, "Bad Request" },
                { 401, "Unauthorized" },
                { 403, "Forbidden" },
                { 404, "Not Found" },
                { 405, "Method Not Allowed" },
                { 409, "Conflict" },
                { 410, "Gone" },
                { 422, "Unprocessable Entity" },
                { 429, "Too Many Requests" },
                { 500, "Internal Server Error" },
                { 503, "Service Unavailable" },
                { 504, "Gateway Timeout" },
        };

        for (size_t i = 0; i < ELEMENTSOF(phrases); i++)
                if (phrases[i].status == status)
                        return phrases[i].phrase;
        return "Status";
}

static void connection_finish_answer(HttpConnection *c) {
        c->closed = NULL;
        if (c->state == HTTP_STATE_ANSWERING)
                c->state = HTTP_STATE_IDLE;
        connection_flush(c);
}

/* Small answers with their length and large ones in chunks, as Go's server decides. */
void http_respond(HttpConnection *c,
                  int status,
                  const char *content_type,
                  const char *headers,
                  const void *body,
                  size_t size) {
        bool chunked = size > 2048;

        buffer_printf(&c->out,
                      "HTTP/1.1 %d %s\r\nCache-Control: no-cache, private\r\nContent-Type: %s\r\n%s",
                      status,
                      status_phrase(status),
                      content_type,
                      headers ? headers : "");
        if (chunked) {
                buffer_text(&c->out, "Transfer-Encoding: chunked\r\n\r\n");
                connection_put_chunks(c, body, size);
                buffer_text(&c->out, "0\r\n\r\n");
        } else {
                buffer_printf(&c->out, "Content-Length: %zu\r\n\r\n", size);
                buffer_append(&c->out, body, size);
        }
        connection_finish_answer(c);
}

void http_stream_begin(HttpConnection *c, const char *headers, HttpClosed closed, void *userdata) {
        c->closed = closed;
        c->closed_userdata = userdata;
        buffer_printf(&c->out,
                      "HTTP/1.1 200 OK\r\nCache-Control: no-cache, private\r\nContent-Type: application/json\r\n"
                      "%sTransfer-Encoding: chunked\r\n\r\n",
                      headers ? headers : "");
        connection_flush(c);
}

void http_stream_write(HttpConnection *c, const void *bytes, size_t size) {
        connection_put_chunks(c, bytes, size);
        connection_flush(c);
}

void http_stream_end(HttpConnection *c) {
        buffer_text(&c->out, "0\r\n\r\n");
        connection_finish_answer(c);
}

void http_close(HttpConnection *c) {
        if (c->state == HTTP_STATE_DEAD)
                return;
        c->state = HTTP_STATE_CLOSING;
        connection_flush(c);
}

void http_reset(HttpConnection *c) {
        struct linger linger = { .l_onoff = 1 };

        (void) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        connection_kill(c);
}

size_t http_connection_pending(const HttpConnection *c) {
        return c->out.size - c->n_sent;
}

gnutls_session_t http_connection_session(const HttpConnection *c) {
        return c->tls;
}

/* ---- reading */

static ssize_t connection_recv(HttpConnection *c, char *bytes, size_t size) {
        ssize_t n;

        if (!c->tls) {
                n = recv(c->fd, bytes, size, 0);
                return n >= 0 ? n : -errno;
        }
        n = gnutls_record_recv(c->tls, bytes, size);
        if (n >= 0)
                return n;
        return gnutls_error_is_fatal((int) n) ? -EPIPE : -EAGAIN;
}

static void connection_read(HttpConnection *c) {
        char bytes[16384];
        ssize_t n = 1;

        for (unsigned i = 0; (i < HTTP_READS_PER_TURN || (c->tls && gnutls_record_check_pending(c->tls) > 0)) && n > 0;
             i++) {
                n = connection_recv(c, bytes, sizeof bytes);
                if (n > 0)
                        buffer_append(&c->in, bytes, (size_t) n);
        }
        if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR) || c->in.failed ||
            c->in.size > HTTP_HEAD_MAX + HTTP_BODY_MAX)
                connection_kill(c);
}

static void connection_handle_requests(HttpConnection *c) {
        while (c->state == HTTP_STATE_IDLE) {
                HttpRequest request;
                bool expects_continue;
                int r;

                r = http_request_parse(&c->in, &request, &expects_continue);
                if (r == 0) {
                        if (expects_continue)
                                http_write_raw(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
                        return;
                }
                c->state = HTTP_STATE_ANSWERING;
                if (r < 0) {
                        http_respond(c, 400, "text/plain", "Connection: close\r\n", "400 Bad Request", 15);
                        http_close(c);
                        return;
                }
                c->server->handler(c->server->userdata, c, &request);
                http_request_done(&request);
        }
}

static void connection_handshake(HttpConnection *c) {
        int r = c->tls ? gnutls_handshake(c->tls) : 0;

        if (r == 0)
                c->state = HTTP_STATE_IDLE;
        else if (gnutls_error_is_fatal(r))
                connection_kill(c);
        connection_update_events(c);
}

static int connection_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        HttpConnection *c = userdata;

        if (c->state == HTTP_STATE_HANDSHAKE)
                connection_handshake(c);
        if (c->state != HTTP_STATE_HANDSHAKE && c->state != HTTP_STATE_DEAD && revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
                connection_read(c);
        connection_handle_requests(c);
        connection_flush(c);
        /* The rest of a pipeline, when an answer has just ended. */
        connection_handle_requests(c);
        return 0;
}

/* ---- the server */

static int connection_start_tls(HttpConnection *c) {
        if (!c->server->credentials)
                return 0;
        if (gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK) < 0)
                return -ENOMEM;
        gnutls_certificate_server_set_request(c->tls, GNUTLS_CERT_REQUEST);
        gnutls_transport_set_int(c->tls, c->fd);
        gnutls_handshake_set_timeout(c->tls, GNUTLS_INDEFINITE_TIMEOUT);
        if ((c->server->priority ? gnutls_priority_set_direct(c->tls, c->server->priority, NULL)
                                 : gnutls_set_default_priority(c->tls)) < 0 ||
            gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->server->credentials) < 0)
                return -EINVAL;
        return 0;
}

static int server_accept(HttpServer *server, int fd) {
        HttpConnection *c = calloc(1, sizeof *c);
        int one = 1, r;

        if (!c) {
                (void) close(fd);
                return -ENOMEM;
        }
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->server = server;
        c->fd = fd;
        c->next = server->connections;
        if (c->next)
                c->next->previous = c;
        server->connections = c;
        server->n_connections++;
        r = sd_event_add_io(server->event, &c->source, fd, EPOLLIN, connection_on_io, c);
        if (r >= 0)
                r = connection_start_tls(c);
        if (r < 0)
                connection_free(c);
        return r;
}

static int server_on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (connection >= 0)
                (void) server_accept(userdata, connection); /* a peer that finds it closed tries again */
        return 0;
}

int http_server_set_listening(HttpServer *server, int fd) {
        int r;

        server->source = sd_event_source_disable_unref(server->source);
        if (fd < 0)
                return 0;
        r = sd_event_add_io(server->event, &server->source, fd, EPOLLIN, server_on_accept, server);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(server->source, true);
        return r;
}

int http_server_new(sd_event *event, int fd, HttpHandler handler, void *userdata, HttpServer **ret) {
        HttpServer *server = calloc(1, sizeof *server);
        int r;

        if (!server)
                return -ENOMEM;
        server->event = sd_event_ref(event);
        server->handler = handler;
        server->userdata = userdata;
        r = sd_event_add_defer(event, &server->reaper, server_on_reap, server);
        if (r >= 0)
                r = sd_event_source_set_enabled(server->reaper, SD_EVENT_OFF);
        if (r >= 0)
                r = http_server_set_listening(server, fd);
        if (r < 0) {
                (void) http_server_free(server);
                return r;
        }
        *ret = server;
        return 0;
}

HttpServer *http_server_free(HttpServer *server) {
        if (!server)
                return NULL;
        while (server->connections)
                connection_free(server->connections);
        (void) sd_event_source_disable_unref(server->source);
        (void) sd_event_source_disable_unref(server->reaper);
        (void) sd_event_unref(server->event);
        free(server);
        return NULL;
}

void http_server_set_credentials(HttpServer *server, gnutls_certificate_credentials_t credentials) {
        server->credentials = credentials;
}

void http_server_set_tls_priority(HttpServer *server, const char *priority) {
        server->priority = priority;
}

void http_server_set_chunk_size(HttpServer *server, size_t size) {
        server->chunk_size = size;
}

void http_server_set_frozen(HttpServer *server, bool frozen) {
        server->frozen = frozen;
        if (server->source)
                (void) sd_event_source_set_enabled(server->source, frozen ? SD_EVENT_OFF : SD_EVENT_ON);
        for (HttpConnection *c = server->connections, *next; c; c = next) {
                next = c->next;
                if (c->state == HTTP_STATE_DEAD)
                        continue;
                connection_update_events(c);
                connection_flush(c);
        }
}

void http_server_close_all(HttpServer *server, bool reset) {
        for (HttpConnection *c = server->connections; c; c = c->next) {
                if (c->state == HTTP_STATE_DEAD)
                        continue;
                if (reset)
                        http_reset(c);
                else
                        http_close(c);
        }
}

size_t http_server_n_connections(const HttpServer *server) {
        return server->n_connections;
}
