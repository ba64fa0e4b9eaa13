/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

#define CHUNK_SIZE GATE_MESSAGE_MAX
#define FDS_MAX 253 /* of one message, SCM_MAX_FD */
/* In one turn of the event loop: so much is done in a fraction of a millisecond. */
#define STEPS_MAX 16

/*
 * One direction: a message at a time, of that a piece at a time. Descriptors go with the first byte of their message, as they
 * came: the next recvmsg() of whoever reads them must not belong to another one.
 */
typedef struct Pump {
        size_t limit; /* of a message; 0 = none */
        uint8_t data[CHUNK_SIZE]; /* a piece: `size` of `wanted` bytes are read, of those `sent` are written */
        size_t size, wanted, sent;
        uint64_t left; /* bytes of the message behind this piece */
        bool begun; /* the piece begins with the header, which says how many they are once it is read */
        bool judged; /* whether the message is skipped is decided */
        bool skipping;
        int fds[FDS_MAX]; /* owned */
        size_t n_fds;
} Pump;

struct Gate {
        int socket, inner; /* owned: the bus, and the other end of what sd-bus has; -1 = closed */
        sd_event_source *socket_source, *inner_source;
        Pump in, out;
        GateHandler handler;
        void *userdata;
};

/* ---- one direction */

static void pump_close_fds(Pump *pump) {
        while (pump->n_fds > 0)
                (void) close(pump->fds[--pump->n_fds]);
}

static void pump_begin_message(Pump *pump) {
        pump->size = pump->sent = 0;
        pump->wanted = MESSAGE_HEADER_FIXED;
        pump->left = 0;
        pump->begun = pump->judged = pump->skipping = false;
}

static void pump_begin_piece(Pump *pump) {
        pump->size = pump->sent = 0;
        pump->wanted = (size_t) MIN2(pump->left, (uint64_t) sizeof(pump->data));
        pump->left -= pump->wanted;
}

/* The header is there: how long is the rest? */
static int pump_begin_rest(Pump *pump) {
        uint64_t size;
        int r = message_header_size(pump->data, &size);

        if (r < 0)
                return r;
        pump->begun = true;
        pump->skipping = pump->limit > 0 && size > pump->limit;
        pump->wanted = (size_t) MIN2(size, (uint64_t) sizeof(pump->data));
        pump->left = size - pump->wanted;
        return 0;
}

/* -EXFULL where descriptors were lost: there was no room for them in this process. */
static int pump_take_fds(Pump *pump, struct msghdr *m) {
        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                size_t n = c->cmsg_len - CMSG_LEN(0);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                n = MIN2(n / sizeof(int), FDS_MAX - pump->n_fds);
                memcpy(pump->fds + pump->n_fds, CMSG_DATA(c), n * sizeof(int));
                pump->n_fds += n;
        }
        return m->msg_flags & MSG_CTRUNC ? -EXFULL : 0;
}

static int pump_read(Pump *pump, int from) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control;
        struct iovec piece = { .iov_base = pump->data + pump->size, .iov_len = pump->wanted - pump->size };
        struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
        ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int r;

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        r = pump_take_fds(pump, &m);
        if (r < 0)
                return r;
        pump->size += (size_t) n;
        if (!pump->begun && pump->size == MESSAGE_HEADER_FIXED)
                r = pump_begin_rest(pump);
        return r < 0 ? r : 1;
}

static int pump_write(Pump *pump, int to) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control;
        struct iovec piece = { .iov_base = pump->data + pump->sent, .iov_len = pump->size - pump->sent };
        struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };
        ssize_t n;

        if (pump->n_fds > 0) {
                size_t n_bytes = pump->n_fds * sizeof(int);

                control.align = (struct cmsghdr) { CMSG_LEN(n_bytes), SOL_SOCKET, SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.align), pump->fds, n_bytes);
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(n_bytes);
        }
        n = sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        pump_close_fds(pump);
        pump->sent += (size_t) n;
        return 1;
}

static bool pump_is_full(const Pump *pump) {
        return pump->begun && pump->size == pump->wanted;
}

/* Whether it waits for room, and not for bytes. */
static bool pump_writes(const Pump *pump) {
        return pump_is_full(pump) && !pump->skipping;
}

/*
 * The first piece is full, which is the whole message unless that is too long. One whose sender is not found goes nowhere: it
 * would be nobody's budget that it takes.
 */
static void pump_judge(Pump *pump, Gate *gate) {
        MessageHeader header;

        pump->judged = true;
        if (message_header_read(pump->data, pump->size, &header) < 0 || !gate->handler(&header, pump->skipping, gate->userdata))
                pump->skipping = true;
}

/* 1 = something was done, 0 = nothing can be done now, -errno: this direction has come to its end. */
static int pump_step(Pump *pump, int from, int to, Gate *gate) {
        int r;

        if (!pump_is_full(pump))
                return pump_read(pump, from);
        if (pump->limit > 0 && !pump->judged)
                pump_judge(pump, gate);
        if (pump->skipping) {
                pump_close_fds(pump);
        } else if (pump->sent < pump->size) {
                r = pump_write(pump, to);
                if (r <= 0 || pump->sent < pump->size)
                        return r;
        }
        if (pump->left == 0)
                pump_begin_message(pump);
        else
                pump_begin_piece(pump);
        return 1;
}

/* ---- both */

/* sd-bus, or the bus, has closed: the other one sees it too. What was read before was written before. */
static void gate_close(Gate *gate) {
        gate->socket_source = sd_event_source_disable_unref(gate->socket_source);
        gate->inner_source = sd_event_source_disable_unref(gate->inner_source);
        closep(&gate->socket);
        closep(&gate->inner);
        gate->socket = gate->inner = -1;
}

/* What each end is looked at for. */
static int gate_arm(Gate *gate) {
        int r = sd_event_source_set_io_events(
                gate->socket_source, (pump_writes(&gate->in) ? 0u : EPOLLIN) | (pump_writes(&gate->out) ? EPOLLOUT : 0u));

        return r < 0 ? r :
                       sd_event_source_set_io_events(gate->inner_source,
                                                     (pump_writes(&gate->out) ? 0u : EPOLLIN) |
                                                             (pump_writes(&gate->in) ? EPOLLOUT : 0u));
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Gate *gate = userdata;
        int in = 1, out = 1, r;

        for (unsigned i = 0; i < STEPS_MAX && (in > 0 || out > 0); i++) {
                in = in > 0 ? pump_step(&gate->in, gate->socket, gate->inner, gate) : in;
                out = out > 0 ? pump_step(&gate->out, gate->inner, gate->socket, gate) : out;
        }
        r = in < 0 ? in : out;
        if (r >= 0)
                r = gate_arm(gate);
        if (r < 0 && r != -ECONNRESET && r != -EPIPE)
                (void) log_debug_errno(r, "The connection to the bus ends: %m");
        if (r < 0)
                gate_close(gate);
        return 0;
}

void gate_flush(Gate *gate, uint64_t usec) {
        struct timespec until;
        int r = clock_gettime(CLOCK_MONOTONIC, &until) < 0 ? -errno : 1;
        int64_t left_msec = (int64_t) (usec / USEC_PER_MSEC);

        while (r >= 0 && gate->socket >= 0 && left_msec > 0) {
                struct pollfd socket = { .fd = gate->socket, .events = POLLOUT };
                struct timespec now;

                r = pump_step(&gate->out, gate->inner, gate->socket, gate);
                if (r > 0)
                        continue;
                if (r < 0 || !pump_writes(&gate->out))
                        return; /* all that was there */
                (void) poll(&socket, 1, (int) left_msec);
                (void) clock_gettime(CLOCK_MONOTONIC, &now);
                left_msec = (int64_t) (usec / USEC_PER_MSEC) - ((int64_t) now.tv_sec - until.tv_sec) * 1000 -
                            (now.tv_nsec - until.tv_nsec) / 1000000;
        }
}

static int gate_add_source(Gate *gate, sd_event *event, sd_event_source **ret, int fd, int64_t priority, const char *name) {
        int r = sd_event_add_io(event, ret, fd, EPOLLIN, on_io, gate);

        if (r >= 0)
                r = sd_event_source_set_priority(*ret, priority);
        return r < 0 ? r : sd_event_source_set_description(*ret, name);
}

/* sd-bus goes on with the same number, which is another socket; the event loop knows both by their number. */
static int gate_swap(Gate *gate, sd_event *event, sd_bus *bus, int64_t priority) {
        int fd = sd_bus_get_fd(bus), ends[2], r;

        if (fd < 0)
                return fd;
        gate->socket = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (gate->socket < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
                return -errno;
        gate->inner = ends[1];
        r = sd_bus_detach_event(bus);
        if (r >= 0 && dup3(ends[0], fd, O_CLOEXEC) < 0)
                r = -errno;
        (void) close(ends[0]);
        return r < 0 ? r : sd_bus_attach_event(bus, event, (int) priority);
}

int gate_new(sd_event *event, sd_bus *bus, int64_t priority, GateHandler handler, void *userdata, Gate **ret) {
        _cleanup_(gate_freep) Gate *gate = calloc(1, sizeof(Gate));
        int r;

        if (!gate)
                return -ENOMEM;
        gate->socket = gate->inner = -1;
        gate->handler = handler;
        gate->userdata = userdata;
        gate->in.limit = GATE_MESSAGE_MAX;
        pump_begin_message(&gate->in);
        pump_begin_message(&gate->out);
        r = gate_swap(gate, event, bus, priority);
        if (r >= 0)
                r = gate_add_source(gate, event, &gate->socket_source, gate->socket, priority, "bus-gate");
        if (r >= 0)
                r = gate_add_source(gate, event, &gate->inner_source, gate->inner, priority, "bus-gate-inner");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(gate);
        return 0;
}

Gate *gate_free(Gate *gate) {
        if (!gate)
                return NULL;
        gate_close(gate);
        pump_close_fds(&gate->in);
        pump_close_fds(&gate->out);
        free(gate);
        return NULL;
}
