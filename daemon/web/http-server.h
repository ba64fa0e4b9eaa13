/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small HTTP/1.1 server for answers that are known at once: libmicrohttpd without threads, its epoll descriptor in
 * the event loop, and listeners that come and go while it runs. Peers cost what they may cost and no more: so many
 * connections in all and from one address, so much memory each, so much time for a request and for reading its
 * answer. Where all places are taken the oldest connection that waits for nothing of ours gives way, so that a probe
 * is answered however many others dawdle. It knows no paths and no meaning; only GET and HEAD reach the handler.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/addr.h"
#include "common/macros.h"

typedef struct HttpServer HttpServer;
typedef struct HttpListener HttpListener;

typedef struct HttpRequest {
        const char *path; /* decoded, without query */
        void *context; /* of the listener it came in by */
} HttpRequest;

/* A body made piece by piece while the peer takes it. */
typedef struct HttpStream {
        /* Up to `size` bytes into `buffer`; 0 = that was all; -EAGAIN = again in the next turn; -errno cuts the connection. */
        ssize_t (*read)(void *userdata, char *buffer, size_t size);
        void (*free)(void *userdata); /* called in every case */
        void *userdata;
} HttpStream;

/* All zero is an empty answer 200. */
typedef struct HttpReply {
        unsigned status; /* 0 = 200 */
        const char *content_type; /* static */
        char *body; /* owned, from malloc; NUL-terminated */
        HttpStream stream; /* used where `read` is set, instead of `body` */
        const char *header; /* static: name of one more header, or NULL */
        char header_value[32];
        bool gzip; /* set by the server: the stream is compressed */
} HttpReply;

/* -errno is answered with 500; what the reply owns is then freed. */
typedef int (*HttpHandler)(const HttpRequest *request, HttpReply *reply, void *userdata);

typedef struct HttpServerOptions {
        unsigned max_connections;
        unsigned max_per_address;
        size_t connection_memory; /* bytes of request line, headers and answer in flight */
        HttpHandler handler;
        void *userdata; /* of the handler */
        uint64_t request_usec; /* from accept to complete headers; 0 = 10 s */
        uint64_t idle_usec; /* from an answer to the next request's headers; 0 = 60 s */
        uint64_t answer_usec; /* from the headers to the last byte of the answer; 0 = 30 s */
} HttpServerOptions;

/* No socket is opened. -ENOMEM, or -EMFILE where the epoll descriptor cannot be had. */
int http_server_new(sd_event *event, const HttpServerOptions *options, HttpServer **ret);
/* Closes listeners and connections. */
HttpServer *http_server_free(HttpServer *server);
DEFINE_CLEANUP(HttpServer *, http_server_free);

/*
 * Binds and listens. 0.0.0.0 and :: both mean every address of both families (as Go's net.Listen has it), IPv4 alone
 * where the kernel has no IPv6. `context` is handed to the handler. The listener belongs to the server and may be
 * closed earlier. -errno of socket, bind or listen.
 */
int http_server_listen(HttpServer *server, const IpPort *address, void *context, HttpListener **ret);
/* Cuts its connections too. NULL is fine; returns NULL. */
HttpListener *http_listener_close(HttpListener *listener);
/* The port it is bound to, where the address said 0. */
uint16_t http_listener_port(const HttpListener *listener);

typedef struct HttpServerStatus {
        uint64_t n_connections, n_listeners;
        uint64_t n_accepted;
        uint64_t n_evicted; /* gave way to another, or took too long */
        uint64_t n_refused; /* no place could be made */
} HttpServerStatus;

void http_server_status(const HttpServer *server, HttpServerStatus *ret);
