/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmicrohttpd's own time-outs start anew with each byte, so that a peer who sends one now and then would stay for
 * ever; here each connection has one deadline for its request and one for its answer. It also has no way to prefer
 * one connection to another. Both are done from outside, with shutdown(2) on the socket: libmicrohttpd then finds the
 * peer gone, as if it had left by itself.
 */
#include "web/http-server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "control/priorities.h"
#include "web/http-private.h"

/* HTTP comes before the bus; of so many runs one comes after it, so that a flood here does not silence it. */
#define HTTP_YIELD_EVERY 4

#define HTTP_REQUEST_USEC (10 * USEC_PER_SEC)
#define HTTP_IDLE_USEC (60 * USEC_PER_SEC)
#define HTTP_ANSWER_USEC (30 * USEC_PER_SEC)

uint64_t http_server_now(const HttpServer *server) {
        uint64_t now = 0;

        (void) sd_event_now(server->event, CLOCK_MONOTONIC, &now);
        return now;
}

/* ---- connections */

static void http_connection_unlink(HttpConnection *connection) {
        HttpServer *server = connection->server;

        if (connection->previous)
                connection->previous->next = connection->next;
        else
                server->first = connection->next;
        if (connection->next)
                connection->next->previous = connection->previous;
        else
                server->last = connection->previous;
        server->status.n_connections--;
}

static void http_connection_append(HttpConnection *connection) {
        HttpServer *server = connection->server;

        connection->previous = server->last;
        connection->next = NULL;
        if (server->last)
                server->last->next = connection;
        else
                server->first = connection;
        server->last = connection;
        server->status.n_connections++;
}

void http_connection_cut(HttpConnection *connection) {
        if (connection->cut)
                return;
        connection->cut = true;
        (void) shutdown(connection->fd, SHUT_RDWR);
}

/* A connection begins with being taken by libmicrohttpd, and ends before it closes the socket. */
static void http_server_on_connection(void *userdata,
                                      struct MHD_Connection *mhd,
                                      void **context,
                                      enum MHD_ConnectionNotificationCode code) {
        HttpServer *server = userdata;
        HttpConnection *connection = *context;

        switch (code) {
        case MHD_CONNECTION_NOTIFY_STARTED:
                *context = TAKE_PTR(server->accepting);
                if (*context)
                        http_connection_append(*context);
                break;
        case MHD_CONNECTION_NOTIFY_CLOSED:
                *context = NULL;
                if (connection) {
                        http_connection_unlink(connection);
                        free(connection);
                }
                break;
        }
}

static void http_server_on_completed(void *userdata,
                                     struct MHD_Connection *mhd,
                                     void **request,
                                     enum MHD_RequestTerminationCode code) {
        HttpServer *server = userdata;
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        HttpConnection *connection = info ? info->socket_context : NULL;

        if (!connection)
                return;
        connection->answering = false;
        connection->since_usec = http_server_now(server);
        connection->deadline_usec = connection->since_usec + server->options.idle_usec;
}

/* ---- event loop */

static void http_server_cut_late(HttpServer *server) {
        uint64_t now = http_server_now(server);

        for (HttpConnection *c = server->first; c; c = c->next)
                if (!c->cut && c->deadline_usec <= now) {
                        server->status.n_evicted++;
                        http_connection_cut(c);
                }
}

static void http_server_arm(HttpServer *server) {
        uint64_t due = USEC_INFINITY;
        MHD_UNSIGNED_LONG_LONG wait_msec = 0;

        for (const HttpConnection *c = server->first; c; c = c->next)
                if (!c->cut) /* else the epoll descriptor says so */
                        due = MIN2(due, c->deadline_usec);
        if (MHD_get_timeout(server->daemon, &wait_msec) == MHD_YES)
                due = MIN2(due, http_server_now(server) + wait_msec * USEC_PER_MSEC);
        for (const HttpListener *l = server->listeners; l; l = l->next)
                if (l->resume_usec > 0)
                        due = MIN2(due, l->resume_usec);
        (void) sd_event_source_set_time(server->timer, due);
        (void) sd_event_source_set_enabled(server->timer, due == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

void http_server_run(HttpServer *server) {
        int64_t priority = ++server->n_runs % HTTP_YIELD_EVERY == 0 ? EVENT_PRIORITY_YIELD :
                                                                      EVENT_PRIORITY_HTTP;

        /* Not left to the timer: setting it anew takes back that it has run out, and each byte of a peer does so. */
        http_server_cut_late(server);
        http_server_resume_listeners(server);
        (void) MHD_run(server->daemon);
        http_server_arm(server);
        (void) sd_event_source_set_priority(server->io, priority);
        (void) sd_event_source_set_priority(server->timer, priority);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        http_server_run(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        http_server_run(userdata);
        return 0;
}

static int http_server_add_sources(HttpServer *server) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        int r;

        if (!info || info->epoll_fd < 0)
                return -EMFILE;
        r = sd_event_add_io(server->event, &server->io, info->epoll_fd, EPOLLIN, on_io, server);
        if (r >= 0)
                r = sd_event_add_time(
                        server->event, &server->timer, CLOCK_MONOTONIC, USEC_INFINITY, USEC_PER_MSEC, on_timer, server);
        if (r >= 0)
                r = sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(server->io, EVENT_PRIORITY_HTTP);
        if (r >= 0)
                r = sd_event_source_set_priority(server->timer, EVENT_PRIORITY_HTTP);
        (void) sd_event_source_set_description(server->io, "http");
        (void) sd_event_source_set_description(server->timer, "http-timer");
        return r;
}

/* ---- life */

static struct MHD_Daemon *http_server_start_daemon(HttpServer *server) {
        return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET,
                                0,
                                NULL,
                                NULL,
                                http_server_on_request,
                                server,
                                MHD_OPTION_CONNECTION_LIMIT,
                                server->options.max_connections + 1, /* ours is the lower one */
                                MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                server->options.connection_memory,
                                MHD_OPTION_CONNECTION_TIMEOUT,
                                0U,
                                MHD_OPTION_NOTIFY_CONNECTION,
                                http_server_on_connection,
                                server,
                                MHD_OPTION_NOTIFY_COMPLETED,
                                http_server_on_completed,
                                server,
                                MHD_OPTION_END);
}

int http_server_new(sd_event *event, const HttpServerOptions *options, HttpServer **ret) {
        _cleanup_(http_server_freep) HttpServer *server = calloc(1, sizeof(HttpServer));
        int r;

        if (!server)
                return -ENOMEM;
        server->event = sd_event_ref(event);
        server->options = *options;
        server->options.request_usec = options->request_usec > 0 ? options->request_usec : HTTP_REQUEST_USEC;
        server->options.idle_usec = options->idle_usec > 0 ? options->idle_usec : HTTP_IDLE_USEC;
        server->options.answer_usec = options->answer_usec > 0 ? options->answer_usec : HTTP_ANSWER_USEC;
        server->daemon = http_server_start_daemon(server);
        if (!server->daemon)
                return -EMFILE;
        r = http_server_add_sources(server);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(server);
        return 0;
}

HttpServer *http_server_free(HttpServer *server) {
        if (!server)
                return NULL;
        while (server->listeners)
                (void) http_listener_close(server->listeners);
        (void) sd_event_source_disable_unref(server->io);
        (void) sd_event_source_disable_unref(server->timer);
        if (server->daemon)
                MHD_stop_daemon(server->daemon); /* ends each connection with http_server_on_connection() */
        (void) sd_event_unref(server->event);
        free(server);
        return NULL;
}

void http_server_status(const HttpServer *server, HttpServerStatus *ret) {
        *ret = server->status;
}
