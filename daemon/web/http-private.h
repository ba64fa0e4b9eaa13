/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP server's inside, for the http-*.c files. */
#pragma once

#include <microhttpd.h>

#include "web/http-server.h"

/* An answer that the peer has not taken by then may be given up for somebody else's request. */
#define HTTP_ANSWER_SAFE_USEC (2 * USEC_PER_SEC)

typedef struct HttpConnection HttpConnection;

struct HttpListener {
        HttpListener *next;
        HttpServer *server; /* borrowed */
        int fd; /* owned */
        sd_event_source *source; /* owned */
        void *context;
        uint64_t resume_usec; /* descriptors ran out: until then nobody is accepted; 0 = they did not */
};

struct HttpConnection {
        HttpConnection *previous, *next; /* the oldest first */
        HttpServer *server; /* borrowed */
        HttpListener *listener; /* borrowed; NULL once it is closed */
        int fd; /* libmicrohttpd's */
        IpAddr peer;
        uint64_t since_usec; /* when its present state began; CLOCK_MONOTONIC */
        uint64_t deadline_usec;
        bool answering; /* has asked, and is not done reading */
        bool cut; /* was shut down, and is gone with the next run */
};

struct HttpServer {
        sd_event *event; /* owned reference */
        HttpServerOptions options;
        struct MHD_Daemon *daemon; /* owned */
        sd_event_source *io, *timer; /* owned */
        HttpListener *listeners; /* owned */
        HttpConnection *first, *last; /* owned */
        HttpConnection *accepting; /* handed to libmicrohttpd, not yet taken by it */
        HttpServerStatus status;
        unsigned n_runs;
};

uint64_t http_server_now(const HttpServer *server);
/* Cuts who is late, lets libmicrohttpd do what there is to do, and sets the timer for what comes next. */
void http_server_run(HttpServer *server);
/* Shuts it down; it goes with the next run. */
void http_connection_cut(HttpConnection *connection);

/* http-reply.c: libmicrohttpd's access handler; `userdata` is the HttpServer. */
enum MHD_Result http_server_on_request(void *userdata,
                                       struct MHD_Connection *mhd,
                                       const char *url,
                                       const char *method,
                                       const char *version,
                                       const char *upload,
                                       size_t *upload_size,
                                       void **request);

/* http-listener.c: those whose time has come. */
void http_server_resume_listeners(HttpServer *server);
