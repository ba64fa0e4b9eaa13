/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a change takes from the API server to the kernel, seen from outside:
 *
 *   latency SOCKET NAMESPACE SERVICE PORT-NAME ADDRESS PORT COUNT PAUSE-MS
 *
 * gives test-apiserver a slice of the service with another endpoint COUNT times and reads the virtual server until the
 * endpoint is its only one; where IPVSPROXY_TEST_NOTICES names a datagram socket, kernel-in-memory.c tells it instead.
 * Prints "COUNT changes, N in time, p50 …, p99 …, max … us"; one that takes a minute is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/parse.h"
#include "kernel/backend.h"

#define CHANGES_MAX 10000
#define LOST_USEC (60 * USEC_PER_SEC)
#define LOOK_USEC 200

typedef struct Probe {
        KernelBackend *backend; /* owned */
        int notices; /* -1: the backend is read */
        const char *socket, *namespace, *service, *port_name; /* borrowed */
        VirtualServerKey key;
        IpPort wanted;
        bool in_use; /* and nothing else, as last read */
} Probe;

static uint64_t now_usec(void) {
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

static void pause_usec(uint64_t usec) {
        (void) nanosleep(&(struct timespec) { (time_t) (usec / USEC_PER_SEC), (long) (usec % USEC_PER_SEC * NSEC_PER_USEC) }, NULL);
}

static int probe_connect(const Probe *probe) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", probe->socket);
        if (fd >= 0 && connect(fd, (const struct sockaddr *) &address, sizeof(address)) >= 0)
                return fd;
        (void) closep(&fd);
        return -errno;
}

/* Returns when the server has the whole command; its answer is read later. */
static int probe_put(const Probe *probe) {
        char text[1024], address[IP_ADDR_STRLEN];
        int fd = probe_connect(probe), n;

        if (fd < 0)
                return fd;
        n = snprintf(text,
                     sizeof(text),
                     "put\n"
                     "apiVersion: discovery.k8s.io/v1\n"
                     "kind: EndpointSlice\n"
                     "metadata: {name: %s-latency, namespace: %s, labels: {kubernetes.io/service-name: %s}}\n"
                     "addressType: IPv4\n"
                     "ports: [{name: \"%s\", port: %u, protocol: TCP}]\n"
                     "endpoints: [{addresses: [\"%s\"], conditions: {ready: true}}]\n",
                     probe->service,
                     probe->namespace,
                     probe->service,
                     probe->port_name,
                     probe->wanted.port,
                     ip_addr_format(&probe->wanted.addr, address));
        if (send(fd, text, (size_t) n, MSG_NOSIGNAL) != n || shutdown(fd, SHUT_WR) < 0) {
                n = -errno;
                (void) close(fd);
                return n;
        }
        return fd;
}

/* Only what has a weight is in use: what leaves with connections stays for a while. */
static int on_server(const VirtualServer *service, const TrafficStats *stats, const RealServerInfo *dests, size_t n_dests, void *userdata) {
        Probe *probe = userdata;
        size_t n_used = 0;
        bool found = false;

        for (size_t i = 0; i < n_dests; i++) {
                n_used += dests[i].server.weight > 0;
                found = found || (dests[i].server.weight > 0 && ip_port_compare(&dests[i].server.addr, &probe->wanted) == 0);
        }
        probe->in_use = found && n_used == 1;
        return 0;
}

/* Waits for the next notice, for a second at most. */
static int probe_hear(Probe *probe) {
        struct timeval second = { .tv_sec = 1 };
        char text[IP_ADDR_STRLEN] = "";
        IpAddr addr;
        ssize_t n;

        if (setsockopt(probe->notices, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)) < 0)
                return -errno;
        n = recv(probe->notices, text, sizeof(text) - 1, 0);
        probe->in_use = n > 0 && ip_addr_parse(text, &addr) >= 0 && ip_addr_compare(&addr, &probe->wanted.addr) == 0;
        return 0;
}

static int probe_read(Probe *probe) {
        int r = probe->backend->ops->ipvs_read(probe->backend, &probe->key, on_server, probe);

        if (!probe->in_use)
                pause_usec(LOOK_USEC);
        return r == -ESRCH ? 0 : r; /* it is not there yet */
}

static int probe_change(Probe *probe, uint64_t *ret_usec) {
        uint64_t began = now_usec();
        char answer[256];
        int fd = probe_put(probe), r = MIN2(fd, 0);

        probe->in_use = false;
        while (r >= 0 && !probe->in_use && now_usec() - began < LOST_USEC)
                r = probe->notices >= 0 ? probe_hear(probe) : probe_read(probe);
        *ret_usec = now_usec() - began;
        while (fd >= 0 && recv(fd, answer, sizeof(answer), 0) > 0)
                ;
        (void) closep(&fd);
        return r;
}

static int compare(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static int probe_run(Probe *probe, uint32_t count, uint32_t pause_msec) {
        static uint64_t times[CHANGES_MAX];
        uint32_t n = 0;
        int r = 0;

        for (uint32_t i = 0; i < count && r >= 0; i++) {
                (void) ip_addr_parse(i % 2 ? "172.30.21.101" : "172.30.21.102", &probe->wanted.addr);
                r = probe_change(probe, &times[n]);
                n += probe->in_use;
                pause_usec(pause_msec * USEC_PER_MSEC);
        }
        if (r < 0)
                return r;
        qsort(times, n, sizeof(times[0]), compare);
        if (n > 0)
                printf("%u changes, %u in time, p50 %llu, p99 %llu, max %llu us\n",
                       count,
                       n,
                       (unsigned long long) times[n / 2],
                       (unsigned long long) times[MIN2(n - 1, n * 99 / 100)],
                       (unsigned long long) times[n - 1]);
        return n > 0 ? 0 : -ETIMEDOUT;
}

static int open_notices(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        (void) unlink(path);
        if (fd >= 0 && bind(fd, (const struct sockaddr *) &address, sizeof(address)) >= 0)
                return fd;
        (void) closep(&fd);
        return -errno;
}

int main(int argc, char **argv) {
        _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL;
        const char *notices = getenv("IPVSPROXY_TEST_NOTICES");
        Probe probe = { .key = { .protocol = PROTOCOL_TCP }, .wanted = { .port = 8080 } };
        uint32_t count, pause_msec;
        int r;

        if (argc != 9 || ip_addr_parse(argv[5], &probe.key.addr) < 0 || parse_uint16(argv[6], &probe.key.port) < 0 ||
            parse_uint32(argv[7], &count) < 0 || count > CHANGES_MAX || parse_uint32(argv[8], &pause_msec) < 0) {
                fprintf(stderr, "usage: latency SOCKET NAMESPACE SERVICE PORT-NAME ADDRESS PORT COUNT PAUSE-MS\n");
                return 2;
        }
        probe.socket = argv[1];
        probe.namespace = argv[2];
        probe.service = argv[3];
        probe.port_name = argv[4];
        r = kernel_backend_new(&backend);
        probe.backend = backend;
        probe.notices = notices ? open_notices(notices) : -1;
        if (notices && probe.notices < 0)
                r = probe.notices;
        if (r >= 0)
                r = probe_run(&probe, count, pause_msec);
        if (r < 0)
                fprintf(stderr, "latency: %s\n", strerror(-r));
        return r < 0;
}
