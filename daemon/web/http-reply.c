/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request to libmicrohttpd's response. */
#include <errno.h>
#include <string.h>

#include "web/http-gzip.h"
#include "web/http-private.h"
#include "web/http-server.h"

#define HTTP_STREAM_BLOCK (16 * 1024)

static void http_reply_done(HttpReply *reply) {
        free(reply->body);
        if (reply->stream.free)
                reply->stream.free(reply->stream.userdata);
        *reply = (HttpReply) {};
}

static ssize_t on_stream_read(void *userdata, uint64_t position, char *buffer, size_t size) {
        const HttpStream *stream = userdata;
        ssize_t n = stream->read(stream->userdata, buffer, size);

        if (n == -EAGAIN)
                return 0; /* libmicrohttpd comes again with its next run, which it asks for at once */
        return n > 0 ? n : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void on_stream_free(void *userdata) {
        HttpStream *stream = userdata;

        stream->free(stream->userdata);
        free(stream);
}

/* Takes body or stream. NULL when out of memory. */
static struct MHD_Response *http_reply_to_response(HttpReply *reply) {
        struct MHD_Response *response;
        HttpStream *stream;
        size_t size = reply->body ? strlen(reply->body) : 0;

        if (!reply->stream.read) {
                response = reply->body ?
                                   MHD_create_response_from_buffer(size, reply->body, MHD_RESPMEM_MUST_FREE) :
                                   MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
                if (response)
                        reply->body = NULL;
                return response;
        }
        stream = malloc(sizeof(HttpStream));
        if (!stream)
                return NULL;
        *stream = reply->stream;
        response = MHD_create_response_from_callback(
                MHD_SIZE_UNKNOWN, HTTP_STREAM_BLOCK, on_stream_read, stream, on_stream_free);
        if (response)
                reply->stream = (HttpStream) {};
        else
                free(stream);
        return response;
}

static enum MHD_Result http_reply_send(HttpReply *reply, struct MHD_Connection *mhd) {
        struct MHD_Response *response = http_reply_to_response(reply);
        enum MHD_Result sent = MHD_NO;

        if (response &&
            (!reply->content_type ||
             MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type) == MHD_YES) &&
            (!reply->gzip || (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip") == MHD_YES &&
                              MHD_add_response_header(response, "Vary", MHD_HTTP_HEADER_ACCEPT_ENCODING) == MHD_YES)) &&
            (!reply->header || MHD_add_response_header(response, reply->header, reply->header_value) == MHD_YES) &&
            MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES)
                sent = MHD_queue_response(mhd, reply->status == 0 ? MHD_HTTP_OK : reply->status, response);
        if (response)
                MHD_destroy_response(response);
        http_reply_done(reply);
        return sent;
}

static void http_reply_set_error(HttpReply *reply, unsigned status, const char *text) {
        http_reply_done(reply);
        reply->status = status;
        reply->content_type = "text/plain; charset=utf-8";
        reply->body = strdup(text); /* without memory there is no text */
}

static bool request_has_body(struct MHD_Connection *mhd) {
        return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH) ||
               MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static void http_server_answer(HttpServer *server, HttpConnection *connection, const char *url, HttpReply *reply) {
        HttpRequest request = { .path = url };
        int r;

        if (!connection || !connection->listener) {
                http_reply_set_error(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "this port is closed\n");
                return;
        }
        request.context = connection->listener->context;
        r = server->options.handler(&request, reply, server->options.userdata);
        if (r < 0)
                http_reply_set_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
}

/* What is streamed is large; without memory for that it goes as it is. */
static void http_reply_compress(HttpReply *reply, struct MHD_Connection *mhd) {
        const char *accepted = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING);

        if (reply->stream.read && http_gzip_is_accepted(accepted))
                reply->gzip = http_gzip_wrap(&reply->stream) >= 0;
}

/*
 * Called once when the headers are there, and again when the request is complete. Answers are given the second time,
 * for only then the connection stays open; who sends a body is answered at once and the connection closed, for
 * nothing here reads one.
 */
enum MHD_Result http_server_on_request(void *userdata,
                                       struct MHD_Connection *mhd,
                                       const char *url,
                                       const char *method,
                                       const char *version,
                                       const char *upload,
                                       size_t *upload_size,
                                       void **request) {
        HttpServer *server = userdata;
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        HttpConnection *connection = info ? info->socket_context : NULL;
        HttpReply reply = {};

        if (!*request && !request_has_body(mhd)) {
                *request = server;
                return MHD_YES;
        }
        if (connection) {
                connection->answering = true;
                connection->since_usec = http_server_now(server);
                connection->deadline_usec = connection->since_usec + server->options.answer_usec;
        }
        if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0) {
                http_server_answer(server, connection, url, &reply);
                http_reply_compress(&reply, mhd);
        } else {
                http_reply_set_error(&reply, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
                reply.header = MHD_HTTP_HEADER_ALLOW;
                (void) strcpy(reply.header_value, "GET, HEAD");
        }
        return http_reply_send(&reply, mhd);
}
