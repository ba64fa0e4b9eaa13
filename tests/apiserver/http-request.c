/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/apiserver/http-request.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/parse.h"

static void parameters_done(HttpParameter *parameters, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(parameters[i].name);
                free(parameters[i].value);
        }
        free(parameters);
}

void http_request_done(HttpRequest *request) {
        free(request->method);
        free(request->path);
        free(request->body);
        parameters_done(request->query, request->n_query);
        parameters_done(request->headers, request->n_headers);
        *request = (HttpRequest) {};
}

static const char *parameters_get(const HttpParameter *parameters, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(parameters[i].name, name) == 0)
                        return parameters[i].value;
        return NULL;
}

const char *http_request_query(const HttpRequest *request, const char *name) {
        return parameters_get(request->query, request->n_query, name);
}

const char *http_request_header(const HttpRequest *request, const char *name) {
        return parameters_get(request->headers, request->n_headers, name);
}

static int parameters_add(HttpParameter **parameters, size_t *n, char *name, char *value) {
        HttpParameter *grown = name && value ? reallocarray(*parameters, *n + 1, sizeof *grown) : NULL;

        if (!grown) {
                free(name);
                free(value);
                return -ENOMEM;
        }
        *parameters = grown;
        grown[(*n)++] = (HttpParameter) { .name = name, .value = value };
        return 0;
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char) tolower((unsigned char) c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoding, and + for a space in queries. */
static char *url_decode(const char *text, size_t size, bool query) {
        char *decoded = malloc(size + 1), *q = decoded;

        if (!decoded)
                return NULL;
        for (size_t i = 0; i < size; i++) {
                if (text[i] == '%' && i + 2 < size && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
                        *q++ = (char) (hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
                        i += 2;
                } else
                        *q++ = query && text[i] == '+' ? ' ' : text[i];
        }
        *q = '\0';
        return decoded;
}

static int request_parse_query(HttpRequest *request, const char *text) {
        while (*text) {
                size_t size = strcspn(text, "&"), name = strcspn(text, "=&");
                size_t value = name < size ? name + 1 : size;
                int r;

                r = parameters_add(&request->query,
                                   &request->n_query,
                                   url_decode(text, name, true),
                                   url_decode(text + value, size - value, true));
                if (r < 0)
                        return r;
                text += size + (text[size] == '&');
        }
        return 0;
}

/* "GET /path?query HTTP/1.1" */
static int request_parse_line(HttpRequest *request, char *line) {
        char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL, *query;

        if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0 || target[1] != '/')
                return -EBADMSG;
        *target++ = *version = '\0';
        query = strchr(target, '?');
        if (query)
                *query++ = '\0';
        request->method = strdup(line);
        request->path = url_decode(target, strlen(target), false);
        if (!request->method || !request->path)
                return -ENOMEM;
        return query ? request_parse_query(request, query) : 0;
}

static int request_parse_header(HttpRequest *request, char *line) {
        char *value = strchr(line, ':');

        if (!value)
                return -EBADMSG;
        *value++ = '\0';
        for (char *p = line; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        value += strspn(value, " \t");
        return parameters_add(&request->headers, &request->n_headers, strdup(line), strdup(value));
}

static int request_parse_head(HttpRequest *request, char *head) {
        char *rest = head, *line;
        int r;

        r = request_parse_line(request, strsep(&rest, "\n"));
        while (r >= 0 && (line = strsep(&rest, "\n"))) {
                line[strcspn(line, "\r")] = '\0';
                if (*line)
                        r = request_parse_header(request, line);
        }
        return r;
}

int http_request_parse(Buffer *in, HttpRequest *ret, bool *ret_expects_continue) {
        const char *end = in->size > 0 ? memmem(in->data, in->size, "\r\n\r\n", 4) : NULL, *length;
        _cleanup_(freep) char *head = NULL;
        HttpRequest request = {};
        uint32_t body_size = 0;
        size_t head_size;
        int r;

        *ret_expects_continue = false;
        if (!end)
                return in->size > HTTP_HEAD_MAX ? -EMSGSIZE : 0;
        head_size = (size_t) (end - in->data) + 4;
        head = strndup(in->data, head_size);
        r = head ? request_parse_head(&request, head) : -ENOMEM;
        if (r >= 0 && (length = http_request_header(&request, "content-length")))
                r = parse_uint32(length, &body_size) < 0 || body_size > HTTP_BODY_MAX ? -EMSGSIZE : 0;
        if (r >= 0 && http_request_header(&request, "transfer-encoding"))
                r = -EBADMSG; /* no client of ours sends chunks */
        if (r >= 0 && in->size < head_size + body_size) {
                *ret_expects_continue = http_request_header(&request, "expect") && in->size == head_size;
                http_request_done(&request);
                return 0;
        }
        if (r >= 0) {
                request.body = strndup(in->data + head_size, body_size);
                request.body_size = body_size;
                r = request.body ? 0 : -ENOMEM;
        }
        if (r < 0) {
                http_request_done(&request);
                return r;
        }
        buffer_consume(in, head_size + body_size);
        *ret = request;
        return 1;
}
