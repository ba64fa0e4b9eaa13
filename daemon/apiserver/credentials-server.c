/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the server is: its URL, the name that TLS goes by, the proxy on the way. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "apiserver/credentials-private.h"
#include "apiserver/proxy-rules.h"
#include "common/parse.h"

static const char *environment(const char *lower, const char *upper) {
        const char *text = getenv(lower);

        if (!text || !*text)
                text = getenv(upper);
        return text && *text ? text : NULL;
}

/* Go's socks5 leaves names to the proxy; curl calls that socks5h. */
static char *proxy_url_dup(const char *url) {
        static const char socks5[] = "socks5://";
        char *text;

        if (strncasecmp(url, socks5, strlen(socks5)) != 0)
                return strdup(url);
        return asprintf(&text, "socks5h://%s", url + strlen(socks5)) < 0 ? NULL : text;
}

typedef struct ServerUrl {
        CURLU *url; /* owned */
        char *scheme, *host, *port; /* curl's */
} ServerUrl;

static int credentials_set_proxy(Credentials *credentials, const ServerUrl *server) {
        const char *proxy = credentials->config->proxy_url;
        uint16_t port = 0;

        (void) parse_uint16(server->port, &port); /* curl has checked it */
        if (!proxy && !proxy_rules_bypass(environment("no_proxy", "NO_PROXY"), server->host, port))
                proxy = strcasecmp(server->scheme, "https") == 0 ? environment("https_proxy", "HTTPS_PROXY")
                                                                 : environment("http_proxy", "HTTP_PROXY");
        credentials->proxy = proxy_url_dup(proxy ? proxy : "");
        return credentials->proxy ? 0 : -ENOMEM;
}

static void server_url_done(ServerUrl *server) {
        curl_free(server->scheme);
        curl_free(server->host);
        curl_free(server->port);
        curl_url_cleanup(server->url);
}

/* curl_url_get() allocates with curl's allocator; everything else here is ours. */
static int server_url_text(const ServerUrl *server, char **ret) {
        char *text = NULL, *copy;

        if (curl_url_get(server->url, CURLUPART_URL, &text, 0) != CURLUE_OK)
                return -ENOMEM;
        copy = strdup(text);
        curl_free(text);
        if (!copy)
                return -ENOMEM;
        while (*copy && copy[strlen(copy) - 1] == '/')
                copy[strlen(copy) - 1] = '\0';
        *ret = copy;
        return 0;
}

static int server_url_parse(const char *text, ServerUrl *ret) {
        ret->url = curl_url();
        if (!ret->url)
                return -ENOMEM;
        if (curl_url_set(ret->url, CURLUPART_URL, text, 0) != CURLUE_OK ||
            curl_url_get(ret->url, CURLUPART_SCHEME, &ret->scheme, 0) != CURLUE_OK ||
            curl_url_get(ret->url, CURLUPART_HOST, &ret->host, 0) != CURLUE_OK ||
            curl_url_get(ret->url, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
            (strcasecmp(ret->scheme, "https") != 0 && strcasecmp(ret->scheme, "http") != 0))
                return -EINVAL;
        /* Not kubeconfig's way of saying it, and it would end up in logs. */
        (void) curl_url_set(ret->url, CURLUPART_USER, NULL, 0);
        (void) curl_url_set(ret->url, CURLUPART_PASSWORD, NULL, 0);
        (void) curl_url_set(ret->url, CURLUPART_QUERY, NULL, 0);
        (void) curl_url_set(ret->url, CURLUPART_FRAGMENT, NULL, 0);
        return 0;
}

/* Another name for TLS: the URL gets it, the connection goes where it went before. */
static int credentials_set_server_name(Credentials *credentials, ServerUrl *server) {
        const char *name = credentials->config->tls_server_name;
        bool v6 = strchr(name, ':') != NULL && *name != '[';
        _cleanup_(freep) char *host = NULL;

        if (asprintf(&host, "%s%s%s", v6 ? "[" : "", name, v6 ? "]" : "") < 0 ||
            asprintf(&credentials->connect_to, "%s:%s:%s:%s", host, server->port, server->host, server->port) < 0 ||
            asprintf(&credentials->host_header, "Host: %s:%s", server->host, server->port) < 0)
                return -ENOMEM;
        if (curl_url_set(server->url, CURLUPART_HOST, host, 0) != CURLUE_OK)
                return -EINVAL;
        free(credentials->url);
        credentials->url = NULL;
        return server_url_text(server, &credentials->url);
}

int credentials_set_server(Credentials *credentials) {
        _cleanup_(server_url_done) ServerUrl server = {};
        int r;

        if (!credentials->config->server)
                return -EINVAL;
        r = server_url_parse(credentials->config->server, &server);
        if (r >= 0)
                r = server_url_text(&server, &credentials->server);
        if (r >= 0)
                r = server_url_text(&server, &credentials->url);
        if (r >= 0)
                r = credentials_set_proxy(credentials, &server);
        if (r >= 0 && credentials->config->tls_server_name && strcasecmp(server.scheme, "https") == 0)
                r = credentials_set_server_name(credentials, &server);
        return r;
}
