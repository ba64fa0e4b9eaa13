/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What curl calls for a transfer: bytes and headers, and the sockets of its connections. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "apiserver/http-private.h"

#define KEEPALIVE_PROBES 3
#define USER_TIMEOUT_MS 30000
#define PATIENCE_USEC (2 * USEC_PER_SEC)

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
        if (transfer->mode == HTTP_MODE_PROBE)
                http_client_answered(transfer->client, transfer);
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

        if (transfer->mode == HTTP_MODE_SCOUT) {
                if (address_of(address, &addr))
                        http_transfer_scout(transfer, &addr);
                return CURL_SOCKET_BAD;
        }
        if (address_of(address, &addr) && http_client_avoids(client, &addr)) {
                transfer->n_avoided++;
                return CURL_SOCKET_BAD;
        }
        transfer->n_tried++;
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Options that only take pointers cannot fail for want of memory. */
void http_transfer_set_callbacks(HttpTransfer *transfer) {
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
