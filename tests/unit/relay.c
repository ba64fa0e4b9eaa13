/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define PAIRS_MAX 32

typedef struct RelayChild {
        RelayKind kind;
        int listener, log;
        struct sockaddr_in to;
        int pairs[PAIRS_MAX][2]; /* client and server; -1 = free */
} RelayChild;

/* ---- the child: everything that goes wrong ends the connection */

static bool read_all(int fd, void *bytes, size_t size) {
        return recv(fd, bytes, size, MSG_WAITALL) == (ssize_t) size;
}

static bool write_all(int fd, const void *bytes, size_t size) {
        return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t) size;
}

static bool read_string(int fd, char *ret /* 256 */) {
        uint8_t size;

        if (!read_all(fd, &size, 1) || !read_all(fd, ret, size))
                return false;
        ret[size] = '\0';
        return true;
}

/* RFC 1928 §3 and RFC 1929 */
static bool socks5_greet(int fd, char *ret_user /* 256 */) {
        char methods[256], password[256];
        uint8_t head[2];

        (void) snprintf(ret_user, 256, "nobody");
        if (!read_all(fd, head, sizeof(head)) || head[0] != 5 || !read_all(fd, methods, head[1]))
                return false;
        if (!memchr(methods, 2, head[1]))
                return write_all(fd, "\5\0", 2);
        return write_all(fd, "\5\2", 2) && read_all(fd, head, 1) && head[0] == 1 && read_string(fd, ret_user) &&
               read_string(fd, password) && strcmp(password, "secret") == 0 && write_all(fd, "\1\0", 2);
}

/* RFC 1928 §4 */
static bool socks5_read(RelayChild *child, int fd) {
        char user[256], host[256] = "";
        uint8_t head[4], port[2];
        struct in_addr addr;

        if (!socks5_greet(fd, user) || !read_all(fd, head, sizeof(head)) || head[0] != 5 || head[1] != 1)
                return false;
        if (head[3] == 3 && !read_string(fd, host))
                return false;
        if (head[3] == 1 && (!read_all(fd, &addr, sizeof(addr)) || !inet_ntop(AF_INET, &addr, host, sizeof(host))))
                return false;
        if (!read_all(fd, port, sizeof(port)))
                return false;
        (void) dprintf(child->log, "%s:%d %s\n", host, port[0] << 8 | port[1], user);
        return write_all(fd, "\5\0\0\1\0\0\0\0\0\0", 10);
}

static bool connect_read(RelayChild *child, int fd) {
        char text[2048], *end;
        size_t used = 0;

        do {
                if (used == sizeof(text) - 1 || recv(fd, text + used, 1, 0) != 1)
                        return false;
                text[++used] = '\0';
        } while (used < 4 || strcmp(text + used - 4, "\r\n\r\n") != 0);
        end = strstr(text, " HTTP/");
        if (strncmp(text, "CONNECT ", 8) != 0 || !end)
                return false;
        *end = '\0';
        (void) dprintf(child->log, "%s\n", text + 8);
        return write_all(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
}

static bool relay_ask(RelayChild *child, int fd) {
        switch (child->kind) {
        case RELAY_KIND_PLAIN:
                return dprintf(child->log, "plain\n") > 0;
        case RELAY_KIND_SOCKS5:
                return socks5_read(child, fd);
        case RELAY_KIND_CONNECT:
                return connect_read(child, fd);
        }
        return false;
}

static void relay_accept(RelayChild *child) {
        int in = accept4(child->listener, NULL, NULL, SOCK_CLOEXEC), out;

        if (in < 0)
                return;
        out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        for (size_t i = 0; i < PAIRS_MAX; i++) {
                if (child->pairs[i][0] >= 0)
                        continue;
                if (!relay_ask(child, in) || connect(out, (const struct sockaddr *) &child->to, sizeof(child->to)) < 0)
                        break;
                child->pairs[i][0] = in;
                child->pairs[i][1] = out;
                return;
        }
        (void) close(in);
        (void) close(out);
}

static void relay_pass(RelayChild *child, size_t pair, int from) {
        char bytes[16384];
        ssize_t n = recv(child->pairs[pair][from], bytes, sizeof(bytes), 0);

        if (n > 0 && write_all(child->pairs[pair][!from], bytes, (size_t) n))
                return;
        for (int side = 0; side < 2; side++) {
                (void) close(child->pairs[pair][side]);
                child->pairs[pair][side] = -1;
        }
}

static void relay_run(RelayChild *child) {
        struct pollfd fds[1 + 2 * PAIRS_MAX];

        for (;;) {
                fds[0] = (struct pollfd) { .fd = child->listener, .events = POLLIN };
                for (size_t i = 0; i < 2 * PAIRS_MAX; i++)
                        fds[1 + i] = (struct pollfd) { .fd = child->pairs[i / 2][i % 2], .events = POLLIN };
                if (poll(fds, ELEMENTSOF(fds), -1) < 0)
                        _exit(1);
                for (size_t i = 0; i < 2 * PAIRS_MAX; i++)
                        if (fds[1 + i].revents && child->pairs[i / 2][i % 2] == fds[1 + i].fd)
                                relay_pass(child, i / 2, (int) (i % 2));
                if (fds[0].revents)
                        relay_accept(child);
        }
}

/* ---- the parent */

void relay_start(Relay *relay, RelayKind kind, uint16_t port, const char *to_address, uint16_t to_port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        RelayChild child = { .kind = kind, .to = { .sin_family = AF_INET, .sin_port = htons(to_port) } };
        socklen_t size = sizeof(address);
        int log[2], one = 1;

        assert_int_equal(inet_pton(AF_INET, to_address, &child.to.sin_addr), 1);
        child.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(setsockopt(child.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
        assert_int_equal(bind(child.listener, (const struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(child.listener, 16), 0);
        assert_int_equal(getsockname(child.listener, (struct sockaddr *) &address, &size), 0);
        assert_int_equal(pipe2(log, O_CLOEXEC), 0);
        assert_true(fcntl(log[0], F_SETFL, O_NONBLOCK) >= 0);
        for (size_t i = 0; i < PAIRS_MAX; i++)
                child.pairs[i][0] = child.pairs[i][1] = -1;
        child.log = log[1];
        *relay = (Relay) { .pid = fork(), .port = ntohs(address.sin_port), .log = log[0] };
        assert_true(relay->pid >= 0);
        if (relay->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies must not leave it behind */
                relay_run(&child);
        }
        (void) close(log[1]);
        (void) close(child.listener);
}

const char *relay_log(const Relay *relay, char *buffer, size_t size) {
        ssize_t n = read(relay->log, buffer, size - 1);

        buffer[n > 0 ? n : 0] = '\0';
        return buffer;
}

void relay_stop(Relay *relay) {
        int status;

        assert_int_equal(kill(relay->pid, SIGKILL), 0);
        assert_int_equal(waitpid(relay->pid, &status, 0), relay->pid);
        (void) close(relay->log);
        *relay = (Relay) {};
}
