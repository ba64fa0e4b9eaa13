/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apiserver/http-client.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "apiserver/avoid-list.h"
#include "apiserver/credentials.h"
#include "common/log.h"

#define CONNECT_TIMEOUT_MS 6000L
#define PROBE_TIMEOUT_USEC (10 * USEC_PER_SEC)
#define SHORT_SILENCE_SEC 30L
#define KEEPALIVE_IDLE_SEC 10L
#define KEEPALIVE_INTERVAL_SEC 5L
#define KEEPALIVE_PROBES 3
#define USER_TIMEOUT_MS 30000
#define CONNECTIONS_MAX 8L
#define AVOID_USEC (30 * USEC_PER_SEC)
#define PATIENCE_USEC (2 * USEC_PER_SEC)

typedef struct HttpSocket {
        struct HttpSocket *next;
        struct HttpSocket **previous;
        HttpClient *client; /* borrowed */
        sd_event_source *source; /* owned */
        curl_socket_t fd; /* curl's */
} HttpSocket;

struct HttpTransfer {
        HttpTransfer *next;
        HttpTransfer **previous; /* NULL = in no list */
        HttpClient *client; /* borrowed */
        CURL *easy; /* owned, like the lists */
        struct curl_slist *headers, *connect_to;
        HttpHandlers handlers;
        void *userdata;
        HttpMode mode;
        uint64_t heard_usec; /* when something last came, or it was begun */
        bool answered; /* `response` was called */
        bool held; /* is added to curl's handle after the reset that is due */
        unsigned n_avoided, n_tried; /* addresses */
        bool retried;
        int callback_error;
        char error[CURL_ERROR_SIZE];
};

struct HttpClient {
        sd_event *event; /* owned reference */
        int64_t priority;
        char *user_agent; /* owned */
        uint64_t probe_timeout_usec;
        Credentials *credentials; /* owned */
        CURLM *multi; /* owned */
        sd_event_source *timer, *reset; /* owned */
        bool reset_due;
        HttpReset reset_kind;
        const char *reset_reason;
        HttpSocket *sockets; /* owned */
        HttpTransfer *transfers; /* owned */
        AvoidList avoid; /* until when */
        AvoidList begun; /* since when a connection is being made, and none stands */
        bool global; /* curl_global_init() was called */
};

static uint64_t http_client_now(const HttpClient *client) {
        uint64_t now = 0;

        (void) sd_event_now(client->event, CLOCK_MONOTONIC, &now);
        return now;
}

/* ---- transfers */

static void http_transfer_unlink(HttpTransfer *transfer) {
        if (!transfer->previous)
                return;
        *transfer->previous = transfer->next;
        if (transfer->next)
                transfer->next->previous = transfer->previous;
        transfer->next = NULL;
        transfer->previous = NULL;
}

static void http_transfer_link(HttpTransfer *transfer, HttpTransfer **list) {
        transfer->next = *list;
        transfer->previous = list;
        if (*list)
                (*list)->previous = &transfer->next;
        *list = transfer;
}

static HttpTransfer *http_transfer_free(HttpTransfer *transfer) {
        if (!transfer)
                return NULL;
        http_transfer_unlink(transfer);
        if (transfer->easy) {
                if (!transfer->held)
                        (void) curl_multi_remove_handle(transfer->client->multi, transfer->easy);
                curl_easy_cleanup(transfer->easy);
        }
        curl_slist_free_all(transfer->headers);
        curl_slist_free_all(transfer->connect_to);
        free(transfer);
        return NULL;
}
DEFINE_CLEANUP(HttpTransfer *, http_transfer_free);

HttpTransfer *http_transfer_cancel(HttpTransfer *transfer) {
        return http_transfer_free(transfer);
}

static void http_transfer_finish(HttpTransfer *transfer /* taken */, int error, const char *message) {
        http_transfer_unlink(transfer);
        transfer->handlers.done(error, message, transfer->userdata);
        (void) http_transfer_free(transfer);
}

static int http_error_to_errno(const HttpTransfer *transfer, CURLcode code) {
        if (transfer->callback_error < 0)
                return transfer->callback_error;
        switch (code) {
        case CURLE_OK:
                return 0;
        case CURLE_OUT_OF_MEMORY:
                return -ENOMEM;
        case CURLE_OPERATION_TIMEDOUT:
                return -ETIMEDOUT;
        case CURLE_COULDNT_CONNECT:
                return -ECONNREFUSED;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return -EHOSTUNREACH;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
                return -EKEYREJECTED;
        default:
                return -ECONNRESET;
        }
}

/* An address that lets one connect and then says nothing is worse than one that is dead. Without a connection there is none. */
static void http_transfer_avoid(const HttpTransfer *transfer) {
        HttpClient *client = transfer->client;
        char *text = NULL;
        IpAddr addr;

        if (curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK && text && *text &&
            ip_addr_parse(text, &addr) >= 0)
                avoid_list_add(&client->avoid, &addr, http_client_now(client) + AVOID_USEC);
}

/* The watch that was silent for longest, NULL = there is none. */
static const HttpTransfer *http_client_quietest(const HttpClient *client) {
        const HttpTransfer *quietest = NULL;

        for (const HttpTransfer *transfer = client->transfers; transfer; transfer = transfer->next)
                if (transfer->mode == HTTP_MODE_WATCH && transfer->answered &&
                    (!quietest || transfer->heard_usec < quietest->heard_usec))
                        quietest = transfer;
        return quietest;
}

/* All addresses were to be avoided: then none is. */
static bool http_transfer_retry(HttpTransfer *transfer, CURLcode code) {
        if (code != CURLE_COULDNT_CONNECT || transfer->n_avoided == 0 || transfer->n_tried > 0 || transfer->retried)
                return false;
        transfer->retried = true;
        avoid_list_clear(&transfer->client->avoid);
        avoid_list_clear(&transfer->client->begun);
        (void) curl_multi_remove_handle(transfer->client->multi, transfer->easy);
        return curl_multi_add_handle(transfer->client->multi, transfer->easy) == CURLM_OK;
}

static void http_transfer_ended(HttpTransfer *transfer, CURLcode code) {
        int error = http_error_to_errno(transfer, code);
        char message[CURL_ERROR_SIZE + 64];

        if (http_transfer_retry(transfer, code))
                return;
        if (code == CURLE_OPERATION_TIMEDOUT && !transfer->answered)
                http_transfer_avoid(transfer);
        if (transfer->callback_error < 0)
                (void) snprintf(message, sizeof(message), "%s", strerror(-transfer->callback_error));
        else
                (void) snprintf(message, sizeof(message), "%s", transfer->error[0] ? transfer->error : curl_easy_strerror(code));
        http_transfer_finish(transfer, error, message);
}

static void http_client_collect(HttpClient *client) {
        CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(client->multi, &left))) {
                HttpTransfer *transfer = NULL;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
                http_transfer_ended(transfer, message->data.result);
        }
}

/* ---- curl's callbacks */

static size_t on_body(char *bytes, size_t size, size_t n, void *userdata) {
        HttpTransfer *transfer = userdata;
        int r;

        transfer->heard_usec = http_client_now(transfer->client);
        r = transfer->handlers.data(bytes, size * n, transfer->userdata);
        if (r >= 0)
                return size * n;
        transfer->callback_error = r;
        return 0; /* not CURL_WRITEFUNC_ERROR, which is newer than the oldest curl this is built with */
}

/* The empty line ends a header; that of 1xx answers is not the last. */
static size_t on_header(char *bytes, size_t size, size_t n, void *userdata) {
        HttpTransfer *transfer = userdata;
        curl_off_t retry_after = 0;
        long status = 0;

        if (size * n > 2 || transfer->answered)
                return size * n;
        (void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status < 200)
                return size * n;
        (void) curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
        if (retry_after < 0 || retry_after > INT32_MAX)
                retry_after = 0;
        transfer->answered = true;
        transfer->heard_usec = http_client_now(transfer->client);
        transfer->handlers.response((unsigned) status, (uint64_t) retry_after * USEC_PER_SEC, transfer->userdata);
        return size * n;
}

/* Called when the connection stands, before the request is written. */
static int on_connected(void *userdata, char *primary_ip, char *local_ip, int primary_port, int local_port) {
        HttpTransfer *transfer = userdata;
        IpAddr addr;

        if (ip_addr_parse(primary_ip, &addr) >= 0)
                avoid_list_remove(&transfer->client->begun, &addr);
        if (transfer->handlers.sent)
                transfer->handlers.sent(transfer->userdata);
        return CURL_PREREQFUNC_OK;
}

static int on_socket_made(void *userdata, curl_socket_t fd, curlsocktype purpose) {
        int probes = KEEPALIVE_PROBES, timeout = USER_TIMEOUT_MS;

        /* Without them only the probes by requests are left. */
        (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
        (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
        return CURL_SOCKOPT_OK;
}

static bool address_of(const struct curl_sockaddr *address, IpAddr *ret) {
        const void *sockaddr = &address->addr;

        if (address->family == AF_INET) {
                const struct sockaddr_in *v4 = sockaddr;

                return ip_addr_from_bytes(AF_INET, &v4->sin_addr, sizeof(v4->sin_addr), ret) >= 0;
        }
        if (address->family == AF_INET6) {
                const struct sockaddr_in6 *v6 = sockaddr;

                return ip_addr_from_bytes(AF_INET6, &v6->sin6_addr, sizeof(v6->sin6_addr), ret) >= 0;
        }
        return false;
}

/*
 * Whether to pass over the address. libcurl lets the next of several waiting requests connect before it reports that the
 * first one failed: what is known of a connection in the making has to count too.
 */
static bool http_client_avoids(HttpClient *client, const IpAddr *addr) {
        uint64_t now = http_client_now(client), begun = avoid_list_time(&client->begun, addr);

        if (begun > 0 && now - begun >= PATIENCE_USEC) {
                avoid_list_remove(&client->begun, addr);
                avoid_list_add(&client->avoid, addr, now + AVOID_USEC);
        }
        if (avoid_list_time(&client->avoid, addr) > now)
                return true;
        if (begun == 0)
                avoid_list_add(&client->begun, addr, now);
        return false;
}

/* CURL_SOCKET_BAD makes curl go on to the name's next address. */
static curl_socket_t on_open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address) {
        HttpTransfer *transfer = userdata;
        HttpClient *client = transfer->client;
        IpAddr addr;

        if (address_of(address, &addr) && http_client_avoids(client, &addr)) {
                transfer->n_avoided++;
                return CURL_SOCKET_BAD;
        }
        transfer->n_tried++;
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- sockets and timer on the event loop */

static void http_socket_free(HttpSocket *s) {
        *s->previous = s->next;
        if (s->next)
                s->next->previous = s->previous;
        (void) sd_event_source_disable_unref(s->source);
        free(s);
}

static int on_socket_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        HttpClient *client = ((HttpSocket *) userdata)->client; /* the socket may be gone in a moment */
        int flags = 0, running;

        if (events & EPOLLIN)
                flags |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                flags |= CURL_CSELECT_OUT;
        if (events & (EPOLLERR | EPOLLHUP))
                flags |= CURL_CSELECT_ERR;
        (void) curl_multi_socket_action(client->multi, fd, flags, &running);
        http_client_collect(client);
        return 0;
}

static int http_socket_new(HttpClient *client, curl_socket_t fd, uint32_t events, HttpSocket **ret) {
        HttpSocket *s = calloc(1, sizeof(HttpSocket));
        int r;

        if (!s)
                return -ENOMEM;
        s->client = client;
        s->fd = fd;
        r = sd_event_add_io(client->event, &s->source, fd, events, on_socket_event, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->source, client->priority);
        if (r < 0) {
                (void) sd_event_source_disable_unref(s->source);
                free(s);
                return r;
        }
        (void) sd_event_source_set_description(s->source, "api-socket");
        s->next = client->sockets;
        s->previous = &client->sockets;
        if (s->next)
                s->next->previous = &s->next;
        client->sockets = s;
        *ret = s;
        return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data) {
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
        HttpClient *client = userdata;
        HttpSocket *s = socket_data;

        if (what == CURL_POLL_REMOVE) {
                if (s)
                        http_socket_free(s);
                return 0;
        }
        if (s)
                return sd_event_source_set_io_events(s->source, events) < 0 ? -1 : 0;
        if (http_socket_new(client, fd, events, &s) < 0)
                return -1; /* curl fails the transfers */
        return curl_multi_assign(client->multi, fd, s) == CURLM_OK ? 0 : -1;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        HttpClient *client = userdata;
        int running;

        (void) curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        http_client_collect(client);
        return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata) {
        HttpClient *client = userdata;

        if (timeout_ms < 0)
                return sd_event_source_set_enabled(client->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
        if (sd_event_source_set_time_relative(client->timer, (uint64_t) timeout_ms * USEC_PER_MSEC) < 0)
                return -1;
        return sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

/* ---- curl's handle */

static void http_client_close(HttpClient *client) {
        if (client->multi)
                (void) curl_multi_cleanup(client->multi);
        client->multi = NULL;
        while (client->sockets)
                http_socket_free(client->sockets);
        if (client->timer)
                (void) sd_event_source_set_enabled(client->timer, SD_EVENT_OFF);
}

static int http_client_open(HttpClient *client) {
        CURLM *multi = curl_multi_init();

        if (!multi)
                return -ENOMEM;
        (void) curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        (void) curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
        (void) curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        (void) curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
        (void) curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        (void) curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
        client->multi = multi;
        return 0;
}

/* ---- requests */

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
        }
}

/* Options that only take numbers and pointers cannot fail for want of memory. */
static void http_transfer_set_callbacks(HttpTransfer *transfer) {
        CURL *easy = transfer->easy;

        (void) curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
        (void) curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
        (void) curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        (void) curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
        (void) curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        (void) curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
        (void) curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        (void) curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
        (void) curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
        (void) curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
        (void) curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        (void) curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
}

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
        long version = CURL_HTTP_VERSION_2;
        char *text = NULL;

        if (!watch || credentials_has_proxy(transfer->client->credentials) ||
            curl_easy_getinfo(watch->easy, CURLINFO_HTTP_VERSION, &version) != CURLE_OK || version > CURL_HTTP_VERSION_1_1 ||
            curl_easy_getinfo(watch->easy, CURLINFO_PRIMARY_IP, &text) != CURLE_OK || !text || !*text)
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

/* ---- the client */

/* What cannot be sent stays in the list. */
static void http_client_send_held(HttpClient *client, HttpTransfer **held) {
        HttpTransfer *next;

        for (HttpTransfer *transfer = *held; transfer; transfer = next) {
                next = transfer->next;
                if (curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK)
                        continue;
                transfer->held = false;
                http_transfer_unlink(transfer);
                http_transfer_link(transfer, &client->transfers);
        }
}

/*
 * All connections go with their multi handle: libcurl has no other way to keep a connection from being used again that
 * also holds for HTTP/2, where new requests join old connections.
 */
static int on_reset(sd_event_source *source, void *userdata) {
        HttpClient *client = userdata;
        HttpTransfer *ended = NULL, *held = NULL, *transfer;
        int error = client->reset_kind == HTTP_RESET_LOST ? -ECONNRESET : -ESTALE;
        const char *reason = client->reset_reason;
        int r;

        (void) sd_event_source_set_enabled(client->reset, SD_EVENT_OFF);
        client->reset_due = false;
        while ((transfer = client->transfers)) {
                http_transfer_unlink(transfer);
                http_transfer_link(transfer, transfer->held ? &held : &ended);
                if (transfer->held)
                        continue;
                (void) curl_multi_remove_handle(client->multi, transfer->easy);
                curl_easy_cleanup(transfer->easy);
                transfer->easy = NULL;
        }
        http_client_close(client);
        r = http_client_open(client); /* else the next request tries */
        if (r < 0)
                (void) log_error_errno(r, "Failed to make a new HTTP client, retrying: %m");
        http_client_send_held(client, &held);
        while (ended)
                http_transfer_finish(ended, error, reason);
        while (held)
                http_transfer_finish(held, -ENOMEM, "out of memory");
        return 0;
}

void http_client_reset(HttpClient *client, HttpReset kind, const char *reason) {
        client->reset_due = true;
        client->reset_kind = kind;
        client->reset_reason = reason;
        if (kind == HTTP_RESET_LOST && http_client_quietest(client))
                http_transfer_avoid(http_client_quietest(client));
        (void) sd_event_source_set_enabled(client->reset, SD_EVENT_ONESHOT);
}

int http_client_set_config(HttpClient *client, KubeClientConfig *config) {
        Credentials *credentials;
        int r = credentials_new(config, &credentials);

        if (r < 0)
                return r;
        (void) credentials_free(client->credentials);
        client->credentials = credentials;
        avoid_list_clear(&client->avoid);
        avoid_list_clear(&client->begun);
        http_client_reset(client, HTTP_RESET_RENEWED, "the configuration was reloaded");
        return 0;
}

void http_client_set_probe_timeout(HttpClient *client, uint64_t usec) {
        client->probe_timeout_usec = usec;
}

const char *http_client_server(const HttpClient *client) {
        return credentials_server(client->credentials);
}

bool http_client_rotated(HttpClient *client) {
        return credentials_rotated(client->credentials);
}

bool http_client_token_changed(HttpClient *client) {
        return credentials_token_changed(client->credentials);
}

bool http_client_renew_token(HttpClient *client) {
        return credentials_renew_token(client->credentials);
}

static int http_client_add_sources(HttpClient *client) {
        int r;

        r = sd_event_add_time_relative(client->event, &client->timer, CLOCK_MONOTONIC, 0, 1, on_timer, client);
        if (r >= 0)
                r = sd_event_source_set_enabled(client->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(client->timer, client->priority);
        if (r >= 0)
                r = sd_event_add_defer(client->event, &client->reset, on_reset, client);
        if (r >= 0)
                r = sd_event_source_set_enabled(client->reset, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(client->reset, client->priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(client->timer, "api-timer");
        (void) sd_event_source_set_description(client->reset, "api-reset");
        return 0;
}

int http_client_new(sd_event *event,
                    int64_t priority,
                    const char *user_agent,
                    KubeClientConfig *config,
                    HttpClient **ret) {
        _cleanup_(http_client_freep) HttpClient *client = calloc(1, sizeof(HttpClient));
        int r;

        if (!client) {
                (void) kube_client_config_free(config);
                return -ENOMEM;
        }
        client->event = sd_event_ref(event);
        client->priority = priority;
        client->probe_timeout_usec = PROBE_TIMEOUT_USEC;
        client->user_agent = strdup(user_agent);
        client->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        r = credentials_new(config, &client->credentials);
        if (r < 0)
                return r;
        if (!client->user_agent || !client->global)
                return -ENOMEM;
        r = http_client_add_sources(client);
        if (r >= 0)
                r = http_client_open(client);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(client);
        return 0;
}

HttpClient *http_client_free(HttpClient *client) {
        if (!client)
                return NULL;
        while (client->transfers)
                (void) http_transfer_free(client->transfers);
        http_client_close(client);
        (void) sd_event_source_disable_unref(client->timer);
        (void) sd_event_source_disable_unref(client->reset);
        (void) credentials_free(client->credentials);
        (void) sd_event_unref(client->event);
        if (client->global)
                curl_global_cleanup();
        free(client->user_agent);
        free(client);
        return NULL;
}
