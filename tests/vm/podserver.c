/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pod: what answers behind a service in tests and in the demonstration. It says who it is and which source address it
 * saw, over TCP, UDP and SCTP; it speaks enough HTTP for curl and enough DNS for one name. IPv4 and IPv6 on one socket.
 *
 *   TCP, SCTP   "NAME SOURCE PORT" at once; what is sent is echoed
 *   UDP         "NAME SOURCE PORT" for each datagram
 *   HTTP        /hello: the given text; everything else: "NAME SOURCE PORT"
 *   DNS         A or AAAA of one name, over UDP and TCP
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "common/addr.h"
#include "common/macros.h"
#include "common/parse.h"

#define CONNECTION_BUFFER 4096

typedef enum Service {
        SERVICE_TCP,
        SERVICE_UDP,
        SERVICE_SCTP,
        SERVICE_HTTP,
        SERVICE_DNS_UDP,
        SERVICE_DNS_TCP,
} Service;

typedef struct Pod {
        sd_event *event; /* owned */
        const char *name, *hello; /* borrowed from argv */
        char *dns_name; /* owned, NULL = no DNS */
        IpAddr dns_addr;
} Pod;

typedef struct Socket {
        Pod *pod; /* borrowed */
        Service service;
} Socket;

typedef struct Connection {
        const Socket *socket; /* borrowed, lives as long as the program */
        int fd; /* owned */
        sd_event_source *source; /* owned */
        char source_text[IP_ADDR_STRLEN + 8]; /* "SOURCE PORT" */
        char in[CONNECTION_BUFFER];
        size_t n_in;
} Connection;

/* ---- who asks */

static void format_source(const struct sockaddr_in6 *address, char *buf, size_t size) {
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        char text[INET6_ADDRSTRLEN] = "";

        if (memcmp(&address->sin6_addr, mapped, sizeof mapped) == 0)
                (void) inet_ntop(AF_INET, address->sin6_addr.s6_addr + 12, text, sizeof text);
        else
                (void) inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
        (void) snprintf(buf, size, "%s %u", text, ntohs(address->sin6_port));
}

/* ---- DNS: one question, one answer (RFC 1035 §4.1) */

#define DNS_HEADER 12U
#define DNS_TYPE_A 1U
#define DNS_TYPE_AAAA 28U

/* Whether the question's labels are the name; *ret_end is where its type begins. */
static bool dns_name_matches(const uint8_t *query, size_t size, const char *name, size_t *ret_end) {
        size_t i = DNS_HEADER;
        bool equal = true;

        *ret_end = size;
        while (i < size && query[i] != 0) {
                size_t n = query[i];

                if (n > 63 || i + 1 + n >= size)
                        return false;
                equal = equal && strncasecmp(name, (const char *) query + i + 1, n) == 0 &&
                        (name[n] == '.' || name[n] == '\0');
                if (equal)
                        name += n + (name[n] == '.');
                i += 1 + n;
        }
        *ret_end = i + 1;
        return equal && *name == '\0' && i + 5 <= size;
}

/* Turns the query into an answer in place; 0 = no answer. `max` is the buffer's size. */
static size_t dns_answer(const Pod *pod, uint8_t *message, size_t size, size_t max) {
        size_t end, n = ip_addr_size(&pod->dns_addr);
        bool known;
        unsigned type;

        if (size < DNS_HEADER + 5 || message[2] & 0x80 || message[5] != 1)
                return 0;
        known = dns_name_matches(message, size, pod->dns_name, &end);
        if (end + 4 > size)
                return 0;
        type = (unsigned) message[end] << 8 | message[end + 1];
        message[2] = (uint8_t) (0x84 | (message[2] & 1)); /* an authoritative answer */
        message[3] = known ? 0 : 3; /* NXDOMAIN */
        memset(message + 6, 0, 6);
        size = end + 4;
        if (!known || type != (pod->dns_addr.family == AF_INET ? DNS_TYPE_A : DNS_TYPE_AAAA) || size + 12 + n > max)
                return size;
        message[7] = 1;
        /* The question's name, its type and class, 30 seconds, the address. */
        memcpy(message + size, (const uint8_t[]) { 0xc0, DNS_HEADER, 0, (uint8_t) type, 0, 1, 0, 0, 0, 30, 0, (uint8_t) n }, 12);
        memcpy(message + size + 12, pod->dns_addr.bytes, n);
        return size + 12 + n;
}

/* ---- datagrams */

/* Answers from the address that was asked, which may be one of several. */
static int on_datagram(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        const Socket *s = userdata;
        uint8_t bytes[2048], control[256];
        char from[IP_ADDR_STRLEN + 8], answer[256];
        struct sockaddr_in6 peer;
        struct iovec iov = { .iov_base = bytes, .iov_len = sizeof bytes };
        struct msghdr message = { .msg_name = &peer,
                                  .msg_namelen = sizeof peer,
                                  .msg_iov = &iov,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof control };
        ssize_t n = recvmsg(fd, &message, 0);

        if (n < 0)
                return 0;
        if (s->service == SERVICE_DNS_UDP) {
                iov.iov_len = dns_answer(s->pod, bytes, (size_t) n, sizeof bytes);
        } else {
                format_source(&peer, from, sizeof from);
                iov.iov_base = answer;
                iov.iov_len = (size_t) snprintf(answer, sizeof answer, "%s %s\n", s->pod->name, from);
        }
        if (iov.iov_len > 0)
                (void) sendmsg(fd, &message, 0); /* the client asks again or reports it */
        return 0;
}

/* ---- connections */

static void connection_free(Connection *c) {
        (void) sd_event_source_disable_unref(c->source);
        (void) close(c->fd);
        free(c);
}

/* Answers are far smaller than a socket's buffer. */
static void connection_send(Connection *c, const void *bytes, size_t size) {
        (void) send(c->fd, bytes, size, MSG_NOSIGNAL);
}

static void connection_send_identity(Connection *c) {
        char text[256];
        int n = snprintf(text, sizeof text, "%s %s\n", c->socket->pod->name, c->source_text);

        connection_send(c, text, (size_t) n);
}

/* True if the connection goes on. */
static bool connection_http(Connection *c) {
        char body[512], head[256];
        int n_body, n_head;

        if (!memmem(c->in, c->n_in, "\r\n\r\n", 4))
                return c->n_in < sizeof c->in;
        if (c->n_in > 11 && strncmp(c->in, "GET /hello ", 11) == 0)
                n_body = snprintf(body, sizeof body, "%s\n", c->socket->pod->hello);
        else
                n_body = snprintf(body, sizeof body, "%s %s\n", c->socket->pod->name, c->source_text);
        n_head = snprintf(head,
                          sizeof head,
                          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
                          n_body);
        connection_send(c, head, (size_t) n_head);
        connection_send(c, body, (size_t) n_body);
        return false;
}

static bool connection_dns(Connection *c) {
        uint8_t *bytes = (uint8_t *) c->in, answer[CONNECTION_BUFFER];
        size_t size = c->n_in >= 2 ? (size_t) bytes[0] << 8 | bytes[1] : SIZE_MAX;

        if (size == SIZE_MAX || c->n_in < size + 2)
                return c->n_in < sizeof c->in;
        memcpy(answer + 2, bytes + 2, size);
        size = dns_answer(c->socket->pod, answer + 2, size, sizeof answer - 2);
        if (size == 0)
                return false;
        answer[0] = (uint8_t) (size >> 8);
        answer[1] = (uint8_t) size;
        connection_send(c, answer, size + 2);
        c->n_in = 0;
        return true;
}

static bool connection_echo(Connection *c) {
        connection_send(c, c->in, c->n_in);
        c->n_in = 0;
        return true;
}

static bool connection_handle(Connection *c) {
        switch (c->socket->service) {
        case SERVICE_HTTP:
                return connection_http(c);
        case SERVICE_DNS_TCP:
                return connection_dns(c);
        case SERVICE_TCP:
        case SERVICE_SCTP:
                return connection_echo(c);
        case SERVICE_UDP:
        case SERVICE_DNS_UDP:
                break;
        }
        return false;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Connection *c = userdata;
        ssize_t n = recv(fd, c->in + c->n_in, sizeof c->in - c->n_in, 0);

        if (n > 0)
                c->n_in += (size_t) n;
        if (n <= 0 || !connection_handle(c))
                connection_free(c);
        return 0;
}

static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        const Socket *s = userdata;
        struct sockaddr_in6 peer = {};
        socklen_t size = sizeof peer;
        int connection = accept4(fd, (struct sockaddr *) &peer, &size, SOCK_CLOEXEC);
        Connection *c;

        if (connection < 0)
                return 0;
        c = calloc(1, sizeof *c);
        if (!c) {
                (void) close(connection);
                return 0;
        }
        c->socket = s;
        c->fd = connection;
        format_source(&peer, c->source_text, sizeof c->source_text);
        if (sd_event_add_io(s->pod->event, &c->source, connection, EPOLLIN, on_connection, c) < 0) {
                connection_free(c);
                return 0;
        }
        if (s->service == SERVICE_TCP || s->service == SERVICE_SCTP)
                connection_send_identity(c);
        return 0;
}

/* ---- start */

static int pod_listen(Pod *pod, Service service, uint16_t port) {
        bool datagram = service == SERVICE_UDP || service == SERVICE_DNS_UDP;
        struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
        int one = 1, zero = 0, fd;
        Socket *s = calloc(1, sizeof *s); /* never freed */

        if (!s)
                return -ENOMEM;
        *s = (Socket) { .pod = pod, .service = service };
        fd = socket(AF_INET6,
                    (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC,
                    service == SERVICE_SCTP ? IPPROTO_SCTP : 0);
        if (fd < 0)
                return -errno;
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero) < 0 ||
            (datagram && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one) < 0) ||
            bind(fd, (const struct sockaddr *) &address, sizeof address) < 0 || (!datagram && listen(fd, 1024) < 0))
                return -errno;
        return sd_event_add_io(pod->event, NULL, fd, EPOLLIN, datagram ? on_datagram : on_accept, s);
}

static int pod_set_dns(Pod *pod, const char *text) {
        const char *value = strchr(text, '=');
        int r;

        if (!value || ip_addr_parse(value + 1, &pod->dns_addr) < 0)
                return -EINVAL;
        pod->dns_name = strndup(text, (size_t) (value - text));
        if (!pod->dns_name)
                return -ENOMEM;
        r = pod_listen(pod, SERVICE_DNS_UDP, 53);
        return r < 0 ? r : pod_listen(pod, SERVICE_DNS_TCP, 53);
}

static int pod_add_port(Pod *pod, Service service, const char *text) {
        uint16_t port;
        int r = parse_uint16(text, &port);

        return r < 0 ? r : pod_listen(pod, service, port);
}

static int pod_parse(Pod *pod, int argc, char **argv) {
        static const struct option options[] = {
                { "name", required_argument, NULL, 'n' }, { "hello", required_argument, NULL, 'g' },
                { "tcp", required_argument, NULL, 't' },  { "udp", required_argument, NULL, 'u' },
                { "sctp", required_argument, NULL, 's' }, { "http", required_argument, NULL, 'h' },
                { "dns", required_argument, NULL, 'd' },  {},
        };
        int c, r = 0;

        while (r >= 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'n':
                        pod->name = optarg;
                        break;
                case 'g':
                        pod->hello = optarg;
                        break;
                case 't':
                        r = pod_add_port(pod, SERVICE_TCP, optarg);
                        break;
                case 'u':
                        r = pod_add_port(pod, SERVICE_UDP, optarg);
                        break;
                case 's':
                        r = pod_add_port(pod, SERVICE_SCTP, optarg);
                        break;
                case 'h':
                        r = pod_add_port(pod, SERVICE_HTTP, optarg);
                        break;
                case 'd':
                        r = pod_set_dns(pod, optarg);
                        break;
                default:
                        r = -EINVAL;
                        break;
                }
        return r;
}

int main(int argc, char **argv) {
        Pod pod = { .name = "pod", .hello = "Hello" };
        int r;

        (void) signal(SIGPIPE, SIG_IGN);
        r = sd_event_new(&pod.event);
        if (r >= 0)
                r = pod_parse(&pod, argc, argv);
        if (r < 0 || optind < argc) {
                fprintf(stderr,
                        "podserver: %s\nusage: podserver [--name NAME] [--hello TEXT] [--tcp PORT] [--udp PORT] "
                        "[--sctp PORT] [--http PORT] [--dns NAME=ADDRESS]\n",
                        strerror(r < 0 ? -r : EINVAL));
                return 2;
        }
        printf("ready\n");
        (void) fflush(stdout);
        r = sd_event_loop(pod.event);
        free(pod.dns_name);
        (void) sd_event_unref(pod.event);
        return r < 0;
}
