/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP/1.1 over TLS on sd_event: requests are parsed and handed to one handler, which answers at once or streams.
 * It is also the place that breaks the protocol on demand: bytes outside of the framing, answers that stop half-way,
 * connections that are cut or say nothing.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "tests/apiserver/buffer.h"

typedef struct HttpServer HttpServer;
typedef struct HttpConnection HttpConnection;

typedef struct HttpParameter {
        char *name, *value; /* owned, decoded */
} HttpParameter;

typedef struct HttpRequest {
        char *method, *path; /* owned; the path is decoded */
        HttpParameter *query; /* owned */
        size_t n_query;
        HttpParameter *headers; /* owned; names in lower case */
        size_t n_headers;
        char *body; /* owned; NUL-terminated */
        size_t body_size;
} HttpRequest;

/* NULL if not there. */
const char *http_request_query(const HttpRequest *request, const char *name);
const char *http_request_header(const HttpRequest *request, const char *name);

typedef void (*HttpHandler)(void *userdata, HttpConnection *connection, const HttpRequest *request);

/* The caller listens; `fd` is taken over. */
int http_server_new(sd_event *event, int fd, HttpHandler handler, void *userdata, HttpServer **ret);
HttpServer *http_server_free(HttpServer *server);
/* For connections from now on; borrowed, NULL = no TLS. */
void http_server_set_credentials(HttpServer *server, gnutls_certificate_credentials_t credentials);
/* What TLS offers, in gnutls' words; borrowed, NULL = its default. */
void http_server_set_tls_priority(HttpServer *server, const char *priority);
/* Bytes in a chunk, 0 = whatever comes in one write. */
void http_server_set_chunk_size(HttpServer *server, size_t size);
/* Neither reads, writes nor accepts: like a machine that stands still. */
void http_server_set_frozen(HttpServer *server, bool frozen);
/* Stops listening (connection refused) and closes every connection, or listens again. `fd` as above, -1 = stop. */
int http_server_set_listening(HttpServer *server, int fd);
/* With a TCP reset, or a proper end. */
void http_server_close_all(HttpServer *server, bool reset);
size_t http_server_n_connections(const HttpServer *server);

/* A whole answer; `headers` are lines that end with \r\n, or NULL. */
void http_respond(HttpConnection *connection,
                  int status,
                  const char *content_type,
                  const char *headers,
                  const void *body,
                  size_t size);

/* A stream: begin, any number of chunks, end. `closed` is called once if the peer goes away first. */
typedef void (*HttpClosed)(void *userdata);
void http_stream_begin(HttpConnection *connection, const char *headers, HttpClosed closed, void *userdata);
void http_stream_write(HttpConnection *connection, const void *bytes, size_t size);
void http_stream_end(HttpConnection *connection);

/* Bytes as they are, outside of all framing. */
void http_write_raw(HttpConnection *connection, const void *bytes, size_t size);
/* Closes when everything is written, without ending an answer properly. */
void http_close(HttpConnection *connection);
/* Cuts it with a TCP reset. */
void http_reset(HttpConnection *connection);

/* What the peer has not taken yet. */
size_t http_connection_pending(const HttpConnection *connection);
/* NULL without TLS. */
gnutls_session_t http_connection_session(const HttpConnection *connection);
