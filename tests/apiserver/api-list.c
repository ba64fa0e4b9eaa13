/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists and single objects. resourceVersion: none and "0" give the newest state ("0" without paging, as the watch cache
 * does), N with Exact or with a limit the state at N, else N is only compared. A continue token names the version of its
 * first page; when that is compacted, 410 brings a token that goes on in the newest state.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "tests/apiserver/api.h"

#define GZIP_AUTO_SIZE (128U * 1024U)

/* ---- answers */

static int gzip(const Buffer *in, Buffer *out) {
        z_stream stream = {};
        int r;

        if (deflateInit2(&stream, 4, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                return -ENOMEM;
        out->n_allocated = deflateBound(&stream, in->size);
        out->data = malloc(out->n_allocated);
        if (!out->data) {
                (void) deflateEnd(&stream);
                return -ENOMEM;
        }
        stream.next_in = (Bytef *) in->data;
        stream.avail_in = (uInt) in->size;
        stream.next_out = (Bytef *) out->data;
        stream.avail_out = (uInt) out->n_allocated;
        r = deflate(&stream, Z_FINISH);
        out->size = stream.total_out;
        (void) deflateEnd(&stream);
        return r == Z_STREAM_END ? 0 : -EIO;
}

static bool wants_gzip(const ApiRequest *request, size_t size) {
        const char *accept = http_request_header(request->http, "accept-encoding");

        if (!accept || !strstr(accept, "gzip"))
                return false;
        switch (request->server->gzip) {
        case GZIP_AUTO:
                return size > GZIP_AUTO_SIZE;
        case GZIP_ALWAYS:
                return true;
        case GZIP_NEVER:
        case _GZIP_MODE_MAX:
        case _GZIP_MODE_INVALID:
                break;
        }
        return false;
}

/* Half of a body that promises to be whole, and the end. */
static void respond_half(ApiRequest *request, const Buffer *body) {
        Buffer head = {};

        buffer_printf(&head,
                      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
                      body->size);
        http_write_raw(request->connection, head.data, head.size);
        http_write_raw(request->connection, body->data, body->size / 2);
        http_close(request->connection);
        buffer_done(&head);
}

static void respond(ApiRequest *request, Buffer *body) {
        Buffer compressed = {}, headers = {};
        const Buffer *sent = body;

        buffer_text(body, "\n");
        if (api_version_warning(request->version))
                buffer_text(&headers, api_version_warning(request->version));
        if (request->fault && request->fault->action == FAULT_HALF) {
                respond_half(request, body);
                return;
        }
        if (wants_gzip(request, body->size) && gzip(body, &compressed) >= 0) {
                buffer_text(&headers, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
                sent = &compressed;
        }
        if (body->failed)
                api_fail(request->connection, &(ApiStatus) { .code = 500, .reason = "InternalError" }, "out of memory");
        else
                http_respond(
                        request->connection, 200, "application/json", buffer_cstring(&headers), sent->data, sent->size);
        buffer_done(&headers);
        buffer_done(&compressed);
}

void api_get(ApiRequest *request) {
        const ResourceType *type = resource_type(request->resource);
        _cleanup_(freep) char *key = NULL;
        const ApiObject *object;
        Buffer b = {};

        if (type->namespaced ? asprintf(&key, "%s/%s", request->namespace ? request->namespace : "", request->name) < 0
                             : !(key = strdup(request->name)))
                key = NULL;
        object = key ? store_get(&request->server->store, request->resource, key) : NULL;
        if (object) {
                object_write(object, request->version, object->version, true, &b);
                respond(request, &b);
        } else {
                const char *group = api_version_group(request->version);

                buffer_printf(&b, "{\"name\":\"%s\",", request->name);
                if (*group)
                        buffer_printf(&b, "\"group\":\"%s\",", group);
                buffer_printf(&b, "\"kind\":\"%s\"}", type->plural);
                api_fail(request->connection,
                         &(ApiStatus) { .code = 404, .reason = "NotFound", .details = buffer_cstring(&b) },
                         "%s%s%s \"%s\" not found",
                         type->plural,
                         *group ? "." : "",
                         group,
                         request->name);
        }
        buffer_done(&b);
}

/* ---- continue tokens: base64url of {"v":"meta.k8s.io/v1","rv":266,"start":"default/nginx\u0000"} */

typedef struct Token {
        int64_t version; /* -1 = the newest, whatever it is */
        char *start; /* owned; the key after which the page begins */
} Token;

static void token_write(Buffer *out, int64_t version, const char *last_key) {
        Buffer json = {};
        gnutls_datum_t bytes, text = {};

        buffer_printf(&json, "{\"v\":\"meta.k8s.io/v1\",\"rv\":%" PRId64 ",\"start\":", version);
        buffer_json_string(&json, last_key);
        if (!json.failed && json.size > 0)
                json.size--; /* the closing quote */
        buffer_text(&json, "\\u0000\"}");
        bytes = (gnutls_datum_t) { .data = (unsigned char *) json.data, .size = (unsigned) json.size };
        if (json.failed || gnutls_base64_encode2(&bytes, &text) < 0) {
                out->failed = true;
        } else {
                for (unsigned i = 0; i < text.size && text.data[i] != '='; i++) {
                        char c = (char) text.data[i];

                        buffer_append(out, c == '+' ? "-" : c == '/' ? "_" : &c, 1);
                }
                gnutls_free(text.data);
        }
        buffer_done(&json);
}

static int token_parse(const char *text, Token *ret) {
        Buffer padded = {};
        gnutls_datum_t bytes = {}, encoded;
        struct json_object *json = NULL, *version, *start;
        int r = -EINVAL;

        for (const char *p = text; *p; p++)
                buffer_append(&padded, *p == '-' ? "+" : *p == '_' ? "/" : p, 1);
        while (padded.size % 4 != 0 && !padded.failed)
                buffer_text(&padded, "=");
        encoded = (gnutls_datum_t) { .data = (unsigned char *) padded.data, .size = (unsigned) padded.size };
        if (!padded.failed && gnutls_base64_decode2(&encoded, &bytes) >= 0) {
                _cleanup_(freep) char *copy = strndup((const char *) bytes.data, bytes.size);

                json = copy ? json_tokener_parse(copy) : NULL;
                gnutls_free(bytes.data);
        }
        if (json && json_object_object_get_ex(json, "rv", &version) && json_object_object_get_ex(json, "start", &start)) {
                ret->version = json_object_get_int64(version);
                ret->start = strdup(json_object_get_string(start)); /* ends at its \0, which is the last byte */
                r = ret->start ? 0 : -ENOMEM;
        }
        json_object_put(json);
        buffer_done(&padded);
        return r;
}

static void fail_token_expired(ApiRequest *request, const Token *token) {
        Buffer metadata = {};

        buffer_text(&metadata, "{\"continue\":\"");
        token_write(&metadata, -1, token->start);
        buffer_text(&metadata, "\"}");
        api_fail(request->connection,
                 &(ApiStatus) { .code = 410, .reason = "Expired", .metadata = buffer_cstring(&metadata) },
                 "The provided continue parameter is too old to display a consistent list result. You can start a new list "
                 "without the continue parameter, or use the continue token in this response to retrieve the remainder of "
                 "the results. Continuing with the provided token results in an inconsistent list - objects that were "
                 "created, modified, or deleted between the time the first chunk was returned and now may show up in the "
                 "list.");
        buffer_done(&metadata);
}

static void fail_too_large(ApiRequest *request, uint64_t version) {
        api_fail(request->connection,
                 &(ApiStatus) { .code = 504,
                                .reason = "Timeout",
                                .details = "{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\",\"message\":"
                                           "\"Too large resource version\"}],\"retryAfterSeconds\":1}" },
                 "Timeout: Too large resource version: %" PRIu64 ", current: %" PRIu64,
                 version,
                 request->server->store.version);
}

/* ---- lists */

typedef struct Page {
        ApiObject **objects; /* of the store, or a snapshot */
        size_t n_objects, first, n_items, n_remaining;
        size_t last; /* index of the last one that is in it */
        uint64_t version;
        bool snapshot; /* objects are owned */
} Page;

/* Which objects are in the page: up to `limit` that match, from `first` on. */
static void page_count(Page *page, const Selector *selector, uint64_t limit) {
        for (size_t i = page->first; i < page->n_objects; i++) {
                if (!selector_matches(selector, page->objects[i]))
                        continue;
                if (limit > 0 && page->n_items >= limit) {
                        page->n_remaining++;
                        continue;
                }
                page->n_items++;
                page->last = i;
        }
}

static void page_write(const ApiRequest *request, const ApiListOptions *options, const Page *page, Buffer *b) {
        const char *comma = "";

        buffer_printf(b,
                      "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"%" PRIu64 "\"",
                      resource_type(request->resource)->kind,
                      api_version_to_string(request->version),
                      page->version);
        if (page->n_remaining > 0) {
                buffer_text(b, ",\"continue\":\"");
                token_write(b, (int64_t) page->version, page->objects[page->last]->key);
                buffer_text(b, "\"");
                /* Only where it costs the real server nothing. */
                if (selector_is_empty(&options->selector))
                        buffer_printf(b, ",\"remainingItemCount\":%zu", page->n_remaining);
        }
        buffer_text(b, "},\"items\":[");
        for (size_t i = page->first; page->n_items > 0 && i <= page->last; i++) {
                const ApiObject *object = page->objects[i];

                if (!selector_matches(&options->selector, object))
                        continue;
                buffer_text(b, comma);
                object_write(object, request->version, object->version, false, b);
                comma = ",";
        }
        buffer_text(b, "]}");
}

/* The first object of a page after a key. */
static size_t page_find(const Page *page, const char *key) {
        size_t low = 0, high = page->n_objects;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(page->objects[middle]->key, key) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* `version` is what the page shows; -ESTALE if it is compacted. */
static int page_open(ApiRequest *request, uint64_t version, Page *page) {
        Store *store = &request->server->store;
        int r;

        page->version = version;
        if (store_event_after(store, request->resource, version) < store->tables[request->resource].n_events ||
            version < store->tables[request->resource].compacted) {
                r = store_snapshot(store, request->resource, version, &page->objects, &page->n_objects);
                page->snapshot = r >= 0;
                return r;
        }
        page->objects = store->tables[request->resource].objects;
        page->n_objects = store->tables[request->resource].n_objects;
        return 0;
}

static void page_respond(ApiRequest *request, const ApiListOptions *options, Page *page, uint64_t limit) {
        Buffer b = {};

        page_count(page, &options->selector, limit);
        page_write(request, options, page, &b);
        respond(request, &b);
        buffer_done(&b);
        if (page->snapshot)
                store_snapshot_free(page->objects, page->n_objects);
}

static void list_continue(ApiRequest *request, const ApiListOptions *options) {
        Token token = {};
        Page page = {};
        int r;

        r = token_parse(options->token, &token);
        if (r < 0) {
                api_fail(request->connection,
                         &(ApiStatus) { .code = 400, .reason = "BadRequest" },
                         "continue key is not valid: %s",
                         options->token);
                return;
        }
        r = page_open(request, token.version < 0 ? request->server->store.version : (uint64_t) token.version, &page);
        if (r == -ESTALE)
                fail_token_expired(request, &token);
        else if (r < 0)
                api_fail(request->connection, &(ApiStatus) { .code = 500, .reason = "InternalError" }, "out of memory");
        else {
                page.first = page_find(&page, token.start);
                page_respond(request, options, &page, options->limit);
        }
        free(token.start);
}

static void list_first(ApiRequest *request, const ApiListOptions *options) {
        bool exact = options->match ? strcmp(options->match, "Exact") == 0 : options->limit > 0;
        uint64_t limit = options->has_version && options->version == 0 ? 0 : options->limit;
        Store *store = &request->server->store;
        Page page = {};
        int r;

        if (options->version > store->version) {
                fail_too_large(request, options->version);
                return;
        }
        r = page_open(request, options->version > 0 && exact ? options->version : store->version, &page);
        if (r == -ESTALE)
                api_fail(request->connection,
                         &(ApiStatus) { .code = 410, .reason = "Expired" },
                         "The resourceVersion for the provided list is too old.");
        else if (r < 0)
                api_fail(request->connection, &(ApiStatus) { .code = 500, .reason = "InternalError" }, "out of memory");
        else
                page_respond(request, options, &page, limit);
}

void api_list(ApiRequest *request) {
        ApiListOptions options;

        if (api_list_options_parse(request, &options)) {
                if (options.token)
                        list_continue(request, &options);
                else
                        list_first(request, &options);
        }
        api_list_options_done(&options);
}
