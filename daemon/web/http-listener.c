/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that listen, and what happens when somebody comes: whether there is a place, and who must go for it. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "control/priorities.h"
#include "web/http-private.h"
#include "web/http-server.h"

#define HTTP_BACKLOG 128
/* At most so many each time: other work has its turn. */
#define HTTP_ACCEPTS 32
#define HTTP_PAUSE_USEC USEC_PER_SEC

typedef union SocketAddress {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
} SocketAddress;

/* ---- places */

/* v4-mapped addresses of a socket for both families count as IPv4. */
static IpAddr socket_address_peer(const SocketAddress *address) {
        IpAddr peer = {};

        if (address->any.sa_family == AF_INET)
                (void) ip_addr_from_bytes(AF_INET, &address->in.sin_addr, 4, &peer);
        else if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
                (void) ip_addr_from_bytes(AF_INET, address->in6.sin6_addr.s6_addr + 12, 4, &peer);
        else if (address->any.sa_family == AF_INET6)
                (void) ip_addr_from_bytes(AF_INET6, &address->in6.sin6_addr, 16, &peer);
        return peer;
}

/* Of two, the one that is missed less: waiting for a request before reading an answer, then the older. */
static bool connection_goes_first(const HttpConnection *a, const HttpConnection *b) {
        if (a->answering != b->answering)
                return !a->answering;
        return a->since_usec < b->since_usec;
}

/* `peer` NULL: of any address. */
static HttpConnection *http_server_find_victim(const HttpServer *server, const IpAddr *peer, unsigned *ret_n) {
        uint64_t now = http_server_now(server);
        HttpConnection *victim = NULL;

        *ret_n = 0;
        for (HttpConnection *c = server->first; c; c = c->next) {
                if (peer && !ip_addr_equal(&c->peer, peer))
                        continue;
                (*ret_n)++;
                if (c->cut || (c->answering && now < c->since_usec + HTTP_ANSWER_SAFE_USEC))
                        continue;
                if (!victim || connection_goes_first(c, victim))
                        victim = c;
        }
        return victim;
}

static bool http_server_evict(HttpServer *server, HttpConnection *victim) {
        uint64_t before = server->status.n_connections;

        if (!victim)
                return false;
        http_connection_cut(victim);
        http_server_run(server);
        server->status.n_evicted++;
        return server->status.n_connections < before;
}

static bool http_server_make_room(HttpServer *server, const IpAddr *peer) {
        HttpConnection *victim;
        unsigned n;

        victim = http_server_find_victim(server, peer, &n);
        if (n >= server->options.max_per_address && !http_server_evict(server, victim))
                return false;
        victim = http_server_find_victim(server, NULL, &n);
        return n < server->options.max_connections || http_server_evict(server, victim);
}

/* ---- accepting */

static int http_server_add_connection(HttpServer *server, HttpListener *listener, int fd, const SocketAddress *address, socklen_t size) {
        HttpConnection *connection;

        connection = calloc(1, sizeof(HttpConnection));
        if (!connection) {
                (void) close(fd);
                return -ENOMEM;
        }
        connection->server = server;
        connection->listener = listener;
        connection->fd = fd;
        connection->peer = socket_address_peer(address);
        connection->since_usec = http_server_now(server);
        connection->deadline_usec = connection->since_usec + server->options.request_usec;
        server->accepting = connection;
        (void) MHD_add_connection(server->daemon, fd, &address->any, size); /* closes it on failure */
        free(server->accepting); /* if it was not taken */
        server->accepting = NULL;
        server->status.n_accepted++;
        return 0;
}

/* 1 = there may be more, 0 = there is none. */
static int http_listener_accept(HttpListener *listener) {
        HttpServer *server = listener->server;
        SocketAddress address = {};
        socklen_t size = sizeof(address);
        IpAddr peer;
        int fd;

        fd = accept4(listener->fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
                return errno == ECONNABORTED || errno == EINTR || errno == EPERM ? 1 : -errno;
        peer = socket_address_peer(&address);
        if (!http_server_make_room(server, &peer)) {
                server->status.n_refused++;
                (void) close(fd);
                return 1;
        }
        return http_server_add_connection(server, listener, fd, &address, size) < 0 ? -ENOMEM : 1;
}

/* Out of descriptors or memory: asking again at once would be a busy loop. */
static void http_listener_pause(HttpListener *listener) {
        listener->resume_usec = http_server_now(listener->server) + HTTP_PAUSE_USEC;
        (void) sd_event_source_set_enabled(listener->source, SD_EVENT_OFF);
}

void http_server_resume_listeners(HttpServer *server) {
        uint64_t now = http_server_now(server);

        for (HttpListener *l = server->listeners; l; l = l->next)
                if (l->resume_usec > 0 && l->resume_usec <= now) {
                        l->resume_usec = 0;
                        (void) sd_event_source_set_enabled(l->source, SD_EVENT_ON);
                }
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        HttpListener *listener = userdata;
        int r = 1;

        for (unsigned i = 0; i < HTTP_ACCEPTS && r > 0; i++)
                r = http_listener_accept(listener);
        if (r < 0 && r != -EAGAIN)
                http_listener_pause(listener);
        http_server_run(listener->server);
        return 0;
}

/* ---- opening and closing */

static socklen_t socket_address_from(const IpPort *address, int family, SocketAddress *ret) {
        *ret = (SocketAddress) {};
        if (family == AF_INET) {
                ret->in.sin_family = AF_INET;
                ret->in.sin_port = htons(address->port);
                if (address->addr.family == AF_INET)
                        memcpy(&ret->in.sin_addr, address->addr.bytes, 4);
                return sizeof(ret->in);
        }
        ret->in6.sin6_family = AF_INET6;
        ret->in6.sin6_port = htons(address->port);
        if (address->addr.family == AF_INET6)
                memcpy(&ret->in6.sin6_addr, address->addr.bytes, 16);
        return sizeof(ret->in6);
}

static int http_socket_open(const IpPort *address, int family, bool both) {
        _cleanup_(closep) int fd = -1;
        SocketAddress local;
        socklen_t size = socket_address_from(address, family, &local);
        int one = 1, only = !both;

        fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
            (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0))
                return -errno;
        if (bind(fd, &local.any, size) < 0 || listen(fd, HTTP_BACKLOG) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int http_socket_open_any(const IpPort *address) {
        bool any = ip_addr_is_unspecified(&address->addr);
        int fd;

        if (!any)
                return http_socket_open(address, address->addr.family, /* both= */ false);
        fd = http_socket_open(address, AF_INET6, /* both= */ true);
        if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) /* ipv6.disable=1, or disabled on all devices */
                fd = http_socket_open(address, AF_INET, /* both= */ false);
        return fd;
}

int http_server_listen(HttpServer *server, const IpPort *address, void *context, HttpListener **ret) {
        HttpListener *listener = calloc(1, sizeof(HttpListener));
        int r;

        if (!listener)
                return -ENOMEM;
        listener->server = server;
        listener->context = context;
        listener->fd = http_socket_open_any(address);
        listener->next = server->listeners;
        server->listeners = listener;
        server->status.n_listeners++;
        r = listener->fd;
        if (r >= 0)
                r = sd_event_add_io(server->event, &listener->source, listener->fd, EPOLLIN, on_accept, listener);
        if (r >= 0)
                r = sd_event_source_set_priority(listener->source, EVENT_PRIORITY_HTTP);
        if (r < 0) {
                (void) http_listener_close(listener);
                return r;
        }
        (void) sd_event_source_set_description(listener->source, "http-listener");
        *ret = listener;
        return 0;
}

HttpListener *http_listener_close(HttpListener *listener) {
        HttpServer *server = listener ? listener->server : NULL;

        if (!listener)
                return NULL;
        for (HttpListener **p = &server->listeners; *p; p = &(*p)->next)
                if (*p == listener) {
                        *p = listener->next;
                        server->status.n_listeners--;
                        break;
                }
        for (HttpConnection *c = server->first; c; c = c->next)
                if (c->listener == listener) {
                        c->listener = NULL;
                        http_connection_cut(c); /* what libmicrohttpd notices by itself */
                }
        (void) sd_event_source_disable_unref(listener->source);
        closep(&listener->fd);
        free(listener);
        return NULL;
}

uint16_t http_listener_port(const HttpListener *listener) {
        SocketAddress address = {};
        socklen_t size = sizeof(address);

        if (getsockname(listener->fd, &address.any, &size) < 0)
                return 0;
        return ntohs(address.any.sa_family == AF_INET ? address.in.sin_port : address.in6.sin6_port);
}
