/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink channel against a kernel that is played: what is sent goes nowhere, what is received is a list of datagrams.
 * The socket itself is a real one of NETLINK_ROUTE, which needs no rights.
 */
#include "tests/unit/test.h"

#include <linux/genetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "kernel/netlink.h"

#define DATA_TYPE (NLMSG_MIN_TYPE + 7)
#define DATAGRAMS_MAX 8

/* One datagram, or the error that receiving gives instead. */
typedef struct Datagram {
        uint8_t bytes[512];
        size_t size;
        int error;
} Datagram;

static Datagram datagrams[DATAGRAMS_MAX];
static size_t n_datagrams, n_received, n_sent;
static int send_error;

/* ---- played */

int __wrap_nl_sendto(struct nl_sock *socket, void *bytes, size_t size);
int __wrap_nl_sendto(struct nl_sock *socket, void *bytes, size_t size) {
        n_sent++;
        if (send_error) {
                errno = send_error;
                return -NLE_FAILURE;
        }
        return (int) size;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags, struct timespec *timeout) {
        unsigned got = 0;

        for (; got < n && n_received < n_datagrams; got++) {
                const Datagram *datagram = &datagrams[n_received];

                if (datagram->error && got > 0)
                        break;
                n_received++;
                if (datagram->error) {
                        errno = datagram->error;
                        return -1;
                }
                assert_true(datagram->size <= headers[got].msg_hdr.msg_iov->iov_len);
                memcpy(headers[got].msg_hdr.msg_iov->iov_base, datagram->bytes, datagram->size);
                headers[got].msg_len = (unsigned) datagram->size;
        }
        if (got > 0)
                return (int) got;
        errno = EAGAIN; /* SO_RCVTIMEO */
        return -1;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags) {
        struct iovec part = { buffer, size };
        struct mmsghdr header = { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 } };

        return __wrap_recvmmsg(fd, &header, 1, flags, NULL) < 0 ? -1 : (ssize_t) header.msg_len;
}

/* ---- what it says */

static void play_nothing(void) {
        memset(datagrams, 0, sizeof(datagrams));
        n_datagrams = n_received = n_sent = 0;
        send_error = 0;
}

static void play_error(int error) {
        datagrams[n_datagrams++].error = error;
}

static Datagram *play_datagram(void) {
        assert_true(n_datagrams < DATAGRAMS_MAX);
        return &datagrams[n_datagrams++];
}

static void put_message(Datagram *datagram, uint16_t type, uint16_t flags, uint32_t seq, const void *payload, size_t size) {
        struct nlmsghdr *message = (void *) (datagram->bytes + datagram->size);

        *message = (struct nlmsghdr) {
                .nlmsg_len = (uint32_t) NLMSG_LENGTH(size),
                .nlmsg_type = type,
                .nlmsg_flags = flags,
                .nlmsg_seq = seq,
        };
        if (size > 0)
                memcpy(NLMSG_DATA(message), payload, size);
        datagram->size += NLMSG_SPACE(size);
}

static void put_data(Datagram *datagram, uint16_t flags, uint32_t seq, char letter) {
        put_message(datagram, DATA_TYPE, (uint16_t) (NLM_F_MULTI | flags), seq, &letter, 1);
}

static void put_done(Datagram *datagram, uint16_t flags, uint32_t seq, int error) {
        put_message(datagram, NLMSG_DONE, (uint16_t) (NLM_F_MULTI | flags), seq, &error, sizeof(error));
}

static void put_answer(Datagram *datagram, uint32_t seq, int error) {
        struct nlmsgerr answer = { .error = error };

        put_message(datagram, NLMSG_ERROR, 0, seq, &answer, sizeof(answer));
}

/* ---- asking */

typedef struct Visits {
        char letters[32];
        size_t n;
        int result; /* of the visitor */
} Visits;

static int visit(const struct nlmsghdr *message, void *userdata) {
        Visits *visits = userdata;

        assert_true(visits->n + 1 < sizeof(visits->letters));
        visits->letters[visits->n++] = *(const char *) NLMSG_DATA(message);
        visits->letters[visits->n] = '\0';
        return visits->result;
}

/* A dump with the sequence number 1. */
static int dump(Netlink *netlink, Visits *visits) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        struct nlmsghdr *message;

        assert_int_equal(netlink_buffer_begin(&buffer, DATA_TYPE, NLM_F_DUMP, 0, &message), 0);
        netlink_buffer_end(&buffer);
        *visits = (Visits) { .result = visits->result };
        return netlink_dump(netlink, &buffer, visit, visits);
}

static Netlink *channel(void) {
        Netlink *netlink;

        play_nothing();
        assert_int_equal(netlink_new(NETLINK_ROUTE, &netlink), 0);
        return netlink;
}

/* ---- tests */

static void test_dump(void **state) {
        _cleanup_(netlink_freep) Netlink *netlink = channel();
        Visits visits = {};
        Datagram *datagram = play_datagram();

        put_data(datagram, 0, 1, 'a');
        put_data(datagram, 0, 77, 'x'); /* late, of another exchange */
        put_data(datagram, 0, 1, 'b');
        play_error(EINTR); /* a signal: nothing is lost by it */
        datagram = play_datagram();
        put_data(datagram, 0, 1, 'c');
        put_done(datagram, 0, 1, 0);
        assert_int_equal(dump(netlink, &visits), 0);
        assert_string_equal(visits.letters, "abc");
        assert_int_equal(n_sent, 1);
}

/* NLM_F_DUMP_INTR: the table changed between two parts. In whichever message it stands it counts for all of them. */
static void test_dump_interrupted(void **state) {
        for (unsigned at = 0; at < 3; at++) {
                _cleanup_(netlink_freep) Netlink *netlink = channel();
                Datagram *first = play_datagram(), *second = play_datagram();
                Visits visits = {};

                put_data(first, at == 0 ? NLM_F_DUMP_INTR : 0, 1, 'a');
                put_data(second, at == 1 ? NLM_F_DUMP_INTR : 0, 1, 'b');
                put_done(second, at == 2 ? NLM_F_DUMP_INTR : 0, 1, 0);
                assert_int_equal(dump(netlink, &visits), -EINTR);
                assert_string_equal(visits.letters, "ab"); /* read to its end: the next one begins clean */

                play_nothing();
                put_data(play_datagram(), 0, 1, 'a');
                put_done(play_datagram(), 0, 1, 0);
                assert_int_equal(dump(netlink, &visits), 0);
        }
}

/* One part after the other; one that is begun anew does not hear of the last. */
static void test_dump_in_steps(void **state) {
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        _cleanup_(netlink_freep) Netlink *netlink = channel();
        struct nlmsghdr *message;
        Visits visits = {};

        assert_int_equal(netlink_dump_next(netlink, visit, &visits), -ESTALE);
        assert_int_equal(netlink_buffer_begin(&buffer, DATA_TYPE, NLM_F_DUMP, 0, &message), 0);
        netlink_buffer_end(&buffer);
        for (unsigned i = 0; i < 4; i++)
                put_data(play_datagram(), 0, 1, (char) ('a' + i));
        put_done(play_datagram(), 0, 1, 0);
        assert_int_equal(netlink_dump_begin(netlink, &buffer), 0);
        assert_int_equal(netlink_dump_next(netlink, visit, &visits), 1);
        assert_string_equal(visits.letters, "ab"); /* two datagrams at a time */
        assert_int_equal(netlink_dump_next(netlink, visit, &visits), 1);
        assert_int_equal(netlink_dump_next(netlink, visit, &visits), 0);
        assert_string_equal(visits.letters, "abcd");
        assert_int_equal(netlink_dump_next(netlink, visit, &visits), -ESTALE);

        play_nothing();
        put_data(play_datagram(), 0, 1, 'a');
        put_data(play_datagram(), 0, 1, 'b');
        put_data(play_datagram(), 0, 1, 'c');
        visits = (Visits) {};
        assert_int_equal(netlink_dump_begin(netlink, &buffer), 0);
        assert_int_equal(netlink_dump_next(netlink, visit, &visits), 1);
        play_nothing(); /* what the kernel had for it went with the socket */
        put_data(play_datagram(), 0, 1, 'x');
        put_done(play_datagram(), NLM_F_DUMP_INTR, 1, 0);
        visits = (Visits) {};
        assert_int_equal(netlink_dump_begin(netlink, &buffer), 0);
        assert_int_equal(netlink_dump_next(netlink, visit, &visits), -EINTR);
        assert_string_equal(visits.letters, "x");
        assert_int_equal(netlink_dump_next(netlink, visit, &visits), -ESTALE);
}

/* Somebody else's interrupted dump is not ours. */
static void test_interrupted_by_number(void **state) {
        _cleanup_(netlink_freep) Netlink *netlink = channel();
        Datagram *datagram = play_datagram();
        Visits visits = {};

        put_data(datagram, NLM_F_DUMP_INTR, 77, 'x');
        put_data(datagram, 0, 1, 'a');
        put_done(datagram, 0, 1, 0);
        assert_int_equal(dump(netlink, &visits), 0);
        assert_string_equal(visits.letters, "a");
}

static void test_dump_errors(void **state) {
        static const int errors[] = { ENOBUFS, ENOMEM, EBADF };
        _cleanup_(netlink_freep) Netlink *netlink = channel();
        Datagram *datagram = play_datagram();
        Visits visits = {};

        put_data(datagram, 0, 1, 'a'); /* the kernel fails amid it */
        put_done(datagram, 0, 1, -ENOMEM);
        assert_int_equal(dump(netlink, &visits), -ENOMEM);

        play_nothing(); /* it refuses to begin */
        put_answer(play_datagram(), 1, -EPERM);
        assert_int_equal(dump(netlink, &visits), -EPERM);
        assert_int_equal(visits.n, 0);

        play_nothing(); /* an error too short to hold one */
        put_message(play_datagram(), NLMSG_ERROR, 0, 1, "x", 1);
        assert_int_equal(dump(netlink, &visits), -EBADMSG);

        play_nothing(); /* it says nothing any more */
        put_data(play_datagram(), 0, 1, 'a');
        assert_int_equal(dump(netlink, &visits), -ETIMEDOUT);

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                play_nothing();
                put_data(play_datagram(), 0, 1, 'a');
                play_error(errors[i]);
                assert_int_equal(dump(netlink, &visits), -errors[i]);
        }
        play_nothing();
        send_error = ENOBUFS;
        assert_int_equal(dump(netlink, &visits), -ENOBUFS);
        assert_int_equal(n_received, 0);
}

/* A datagram that ends amid a message: what is whole in it counts, the rest is waited for in vain. */
static void test_dump_cut(void **state) {
        _cleanup_(netlink_freep) Netlink *netlink = channel();
        Datagram *datagram = play_datagram();
        Visits visits = {};

        put_data(datagram, 0, 1, 'a');
        put_data(datagram, 0, 1, 'b');
        datagram->size -= 4;
        assert_int_equal(dump(netlink, &visits), -ETIMEDOUT);
        assert_string_equal(visits.letters, "a");
}

/* The visitor's error ends it, and the rest is not taken for the answer to the next. */
static void test_visitor_fails(void **state) {
        _cleanup_(netlink_freep) Netlink *netlink = channel();
        Visits visits = { .result = -ENOMEM };
        Datagram *datagram = play_datagram();
        uint32_t before, after;

        assert_int_equal(netlink_port_id(netlink, &before), 0);
        put_data(datagram, 0, 1, 'a');
        put_data(datagram, 0, 1, 'b');
        assert_int_equal(dump(netlink, &visits), -ENOMEM);
        assert_string_equal(visits.letters, "a");
        assert_int_equal(netlink_port_id(netlink, &after), 0);
        assert_int_equal(before, after); /* another socket, with the address that notifications know us by */
}

typedef struct Answers {
        uint32_t seq[8];
        int error[8];
        size_t n;
} Answers;

static void on_answer(uint32_t seq, int error, void *userdata) {
        Answers *answers = userdata;

        answers->seq[answers->n] = seq;
        answers->error[answers->n++] = error;
}

/* Answers are matched by number, however many come at once; lost ones are told. */
static void test_send(void **state) {
        _cleanup_(netlink_freep) Netlink *netlink = channel();
        _cleanup_(netlink_buffer_done) NetlinkBuffer buffer = {};
        struct nlmsghdr *message;
        Datagram *datagram;
        Answers answers = {};

        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(netlink_buffer_begin(&buffer, DATA_TYPE, 0, 0, &message), 0);
                netlink_buffer_end(&buffer);
        }
        netlink_buffer_acknowledge(&buffer);
        datagram = play_datagram();
        put_answer(datagram, 2, -EEXIST);
        play_error(EINTR);
        put_answer(play_datagram(), 3, 0);
        assert_int_equal(netlink_send(netlink, &buffer, on_answer, &answers), 0);
        assert_int_equal(answers.n, 2);
        assert_int_equal(answers.seq[0], 2);
        assert_int_equal(answers.error[0], -EEXIST);
        assert_int_equal(answers.seq[1], 3);
        assert_int_equal(answers.error[1], 0);

        play_nothing();
        play_error(ENOBUFS);
        put_answer(play_datagram(), 3, 0);
        answers = (Answers) {};
        assert_int_equal(netlink_send(netlink, &buffer, on_answer, &answers), -ENOBUFS);
        assert_int_equal(answers.n, 1);

        play_nothing();
        send_error = ENOMEM;
        assert_int_equal(netlink_send(netlink, &buffer, on_answer, &answers), -ENOMEM);
}

static int resolved;

int __wrap_genl_ctrl_resolve(struct nl_sock *socket, const char *family);
int __wrap_genl_ctrl_resolve(struct nl_sock *socket, const char *family) {
        return resolved;
}

/* That the kernel has no IPVS is said where it says so, not where it could not be asked. */
static void test_resolve(void **state) {
        static const struct {
                int libnl, expected;
        } cases[] = { { 28, 28 }, { -NLE_OBJ_NOTFOUND, -ENOENT }, { -NLE_NOMEM, -ENOMEM }, { -NLE_AGAIN, -EIO } };
        _cleanup_(netlink_freep) Netlink *netlink = NULL;

        assert_int_equal(netlink_new(NETLINK_GENERIC, &netlink), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                resolved = cases[i].libnl;
                assert_int_equal(netlink_resolve(netlink, "IPVS"), cases[i].expected);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dump),          cmocka_unit_test(test_dump_interrupted),
                cmocka_unit_test(test_dump_errors),   cmocka_unit_test(test_interrupted_by_number),
                cmocka_unit_test(test_dump_cut),      cmocka_unit_test(test_visitor_fails),
                cmocka_unit_test(test_send),          cmocka_unit_test(test_dump_in_steps),
                cmocka_unit_test(test_resolve),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
