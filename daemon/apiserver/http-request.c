/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request is made of: modes, transport, credentials, content. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/http-private.h"

#define CONNECT_TIMEOUT_MS 6000L
#define SHORT_SILENCE_SEC 30L
#define KEEPALIVE_IDLE_SEC 10L
#define KEEPALIVE_INTERVAL_SEC 5L

static void http_transfer_set_mode(HttpTransfer *transfer, HttpMode mode) {
        switch (mode) {
        case HTTP_MODE_SHORT:
                (void) curl_easy_setopt(transfer->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
                (void) curl_easy_setopt(transfer->easy, CURLOPT_LOW_SPEED_TIME, SHORT_SILENCE_SEC);
                break;
        case HTTP_MODE_WATCH:
                break;
        case HTTP_MODE_PROBE:
                (void) curl_easy_setopt(transfer->easy,
                                        CURLOPT_TIMEOUT_MS,
                                        (long) (transfer->client->probe_timeout_usec / USEC_PER_MSEC));
                break;
        case HTTP_MODE_SCOUT:
                (void) curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
                break;
        }
}

/* Options that only take numbers and pointers cannot fail for want of memory. */
static void http_transfer_set_transport(HttpTransfer *transfer) {
        CURL *easy = transfer->easy;

        (void) curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        (void) curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
        (void) curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
        (void) curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
        /* A name that leads elsewhere now is followed at once: connections are few. */
        (void) curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
        (void) curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        (void) curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_SEC);
        (void) curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SEC);
        (void) curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
        /* Wait whether the first connection turns out to be HTTP/2, instead of opening one a request. */
        (void) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

/*
 * A probe is to say something about the connection of the watch that is silent. Over HTTP/2 it goes over that very
 * connection, for which curl must not be told where to connect to; else it must at least lead to the same address. Behind a
 * proxy there is no knowing.
 */
static int http_transfer_pin(HttpTransfer *transfer) {
        const HttpTransfer *watch = http_client_quietest(transfer->client);
        _cleanup_(freep) char *to = NULL;
        const char *text = watch ? http_transfer_address(watch) : NULL;
        long version = CURL_HTTP_VERSION_2;

        if (!text || credentials_has_proxy(transfer->client->credentials) ||
            curl_easy_getinfo(watch->easy, CURLINFO_HTTP_VERSION, &version) != CURLE_OK || version > CURL_HTTP_VERSION_1_1)
                return 0;
        if (asprintf(&to, strchr(text, ':') ? "::[%s]:" : "::%s:", text) < 0)
                return -ENOMEM;
        transfer->connect_to = curl_slist_append(NULL, to); /* before what the credentials add: the first one holds */
        return transfer->connect_to ? 0 : -ENOMEM;
}

static int http_transfer_set_strings(HttpTransfer *transfer, const char *path) {
        HttpClient *client = transfer->client;
        CURL *easy = transfer->easy;
        struct curl_slist *headers;
        int r;

        if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
            curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent) != CURLE_OK)
                return -ENOMEM;
        headers = curl_slist_append(NULL, "Accept: application/json");
        if (!headers)
                return -ENOMEM;
        transfer->headers = headers;
        r = transfer->mode == HTTP_MODE_PROBE ? http_transfer_pin(transfer) : 0;
        if (r < 0)
                return r;
        r = credentials_apply(client->credentials,
                              easy,
                              path,
                              http_client_now(client),
                              &transfer->headers,
                              &transfer->connect_to);
        if (r < 0)
                return r;
        (void) curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
        (void) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to);
        return 0;
}

/* After the other headers, whose list this one joins at its end: its head stays. */
static int http_transfer_set_content(HttpTransfer *transfer, const HttpContent *content) {
        _cleanup_(freep) char *header = NULL;

        if (asprintf(&header, "Content-Type: %s", content->type) < 0) {
                header = NULL;
                return -ENOMEM;
        }
        /* A PATCH is the same with another word. COPYPOSTFIELDS makes it a POST. */
        if (!curl_slist_append(transfer->headers, header) ||
            curl_easy_setopt(transfer->easy, CURLOPT_COPYPOSTFIELDS, content->text) != CURLE_OK ||
            curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, content->method) != CURLE_OK)
                return -ENOMEM;
        return 0;
}

int http_client_get(HttpClient *client,
                    HttpMode mode,
                    const char *path,
                    const HttpHandlers *handlers,
                    void *userdata,
                    HttpTransfer **ret) {
        return http_client_send(client, mode, path, NULL, handlers, userdata, ret);
}

int http_client_send(HttpClient *client,
                     HttpMode mode,
                     const char *path,
                     const HttpContent *content,
                     const HttpHandlers *handlers,
                     void *userdata,
                     HttpTransfer **ret) {
        _cleanup_(http_transfer_freep) HttpTransfer *transfer = calloc(1, sizeof(HttpTransfer));
        int r;

        if (!transfer)
                return -ENOMEM;
        transfer->client = client;
        transfer->mode = mode;
        transfer->heard_usec = http_client_now(client);
        transfer->handlers = *handlers;
        transfer->userdata = userdata;
        transfer->easy = curl_easy_init();
        if (!transfer->easy)
                return -ENOMEM;
        http_transfer_set_callbacks(transfer);
        http_transfer_set_transport(transfer);
        http_transfer_set_mode(transfer, mode);
        r = http_transfer_set_strings(transfer, path);
        if (r >= 0 && content)
                r = http_transfer_set_content(transfer, content);
        if (r < 0)
                return r;
        if (!client->multi && http_client_open(client) < 0)
                return -ENOMEM;
        transfer->held = client->reset_due;
        if (!transfer->held && curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK)
                return -ENOMEM;
        http_transfer_link(transfer, &client->transfers);
        *ret = TAKE_PTR(transfer);
        return 0;
}
