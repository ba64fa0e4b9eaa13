/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What asks a podserver, and says in one word what came of it:
 *
 *   podclient [OPTION...] PROTO ADDRESS PORT        "NAME SOURCE", or a failure
 *   podclient [OPTION...] hold PROTO ADDRESS PORT SECONDS   one connection, ten exchanges a second
 *   podclient [OPTION...] rate PROTO ADDRESS PORT N SECONDS N new connections a second
 *   podclient [OPTION...] batch                     lines "ID PROTO ADDRESS PORT TIMES TIMEOUT" from stdin:
 *                                                   "ID<tab>ANSWER,…", each different answer once, in order
 *   podclient dns udp|tcp SERVER NAME               the address that the libc's resolver finds there (IPv4)
 *
 *   --source ADDRESS[:PORT]  bind to it     --timeout MS  (2000)
 *   --count N  asks N times and prints "TIMES NAME SOURCE" for each different answer
 *
 * Failures: refused (RST or ICMP port unreachable), reset, unreachable (ICMP host or network), prohibited (ICMP
 * administratively), timeout, closed. The exit status is 0 if all was answered, else 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "common/addr.h"
#include "common/macros.h"
#include "common/parse.h"

#define ANSWER_SIZE 256
#define ANSWERS_MAX 64
#define RATE_OPEN_MAX 1000
#define RATE_SLOW_USEC (900 * USEC_PER_MSEC) /* a lost SYN is sent again after a second */

typedef union Address {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
} Address;

typedef struct Client {
        int type, protocol; /* of socket() */
        Address to, from;
        bool has_from;
        uint32_t timeout_ms, count;
} Client;

static uint64_t now_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

static const char *failure_name(int error) {
        switch (error) {
        case ECONNREFUSED:
                return "refused";
        case ECONNRESET:
        case EPIPE:
                return "reset";
        case EHOSTUNREACH:
        case ENETUNREACH:
                return "unreachable";
        case EACCES:
        case EPERM:
                return "prohibited";
        case ETIMEDOUT:
        case EAGAIN:
                return "timeout";
        case ENODATA:
                return "closed";
        default:
                return strerrorname_np(error);
        }
}

static socklen_t address_size(const Address *address) {
        return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

static int address_set(Address *address, const char *text, uint16_t port) {
        *address = (Address) {};
        if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
                address->v4.sin_family = AF_INET;
                address->v4.sin_port = htons(port);
        } else if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
                address->v6.sin6_family = AF_INET6;
                address->v6.sin6_port = htons(port);
        } else
                return -EINVAL;
        return 0;
}

/* ---- one exchange */

/* Waits for an event until the deadline; -ETIMEDOUT. */
static int wait_for(int fd, short events, uint64_t deadline) {
        struct pollfd pollfd = { .fd = fd, .events = events };
        uint64_t now = now_usec();
        int n;

        if (now >= deadline)
                return -ETIMEDOUT;
        n = poll(&pollfd, 1, (int) ((deadline - now) / USEC_PER_MSEC) + 1);
        return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static int socket_error(int fd) {
        socklen_t size = sizeof(int);
        int error = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                return -errno;
        return -error;
}

/*
 * SCTP tells its peer all addresses of the machine, which no translation knows about; on a node these are all service
 * addresses too, more than fit into a packet. So it is bound to the one that the kernel would choose.
 */
static int client_bind_sctp(const Client *client, int fd) {
        _cleanup_(closep) int probe = socket(client->to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        Address from = {};
        socklen_t size = sizeof from;

        if (probe < 0 || connect(probe, &client->to.any, address_size(&client->to)) < 0 ||
            getsockname(probe, &from.any, &size) < 0)
                return -errno;
        if (from.any.sa_family == AF_INET)
                from.v4.sin_port = 0;
        else
                from.v6.sin6_port = 0;
        return bind(fd, &from.any, address_size(&from)) < 0 ? -errno : 0;
}

/* A socket whose connect() was begun. */
static int client_begin(const Client *client) {
        _cleanup_(closep) int fd = socket(client->to.any.sa_family, client->type | SOCK_CLOEXEC | SOCK_NONBLOCK, client->protocol);
        int one = 1, r;

        if (fd < 0)
                return -errno;
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        /* Without it SCTP takes an ICMP port unreachable for a passing trouble and goes on trying (sctp_v4_err). */
        if (client->protocol == IPPROTO_SCTP) {
                (void) setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one);
                if (client->to.any.sa_family == AF_INET6)
                        (void) setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one);
        }
        if (client->has_from && bind(fd, &client->from.any, address_size(&client->from)) < 0)
                return -errno;
        if (client->protocol == IPPROTO_SCTP && !client->has_from) {
                r = client_bind_sctp(client, fd);
                if (r < 0)
                        return r;
        }
        if (connect(fd, &client->to.any, address_size(&client->to)) < 0 && errno != EINPROGRESS)
                return -errno;
        return TAKE_FD(fd);
}

static int client_connect(const Client *client, uint64_t deadline) {
        _cleanup_(closep) int fd = client_begin(client);
        int r;

        if (fd < 0)
                return fd;
        if (client->type == SOCK_STREAM) {
                r = wait_for(fd, POLLOUT, deadline);
                if (r >= 0)
                        r = socket_error(fd);
                if (r < 0)
                        return r;
        }
        return TAKE_FD(fd);
}

static int client_receive(int fd, char *bytes, size_t size, uint64_t deadline) {
        ssize_t n;
        int r;

        r = wait_for(fd, POLLIN, deadline);
        if (r < 0)
                return r;
        n = recv(fd, bytes, size - 1, 0);
        if (n < 0)
                return -errno;
        if (n == 0)
                return -ENODATA;
        bytes[n] = '\0';
        return 0;
}

/*
 * The node's own datagram that is rejected fails with EPERM, and the ICMP error that says why comes right behind: what a
 * program sees next is that.
 */
static int client_send(int fd, const char *bytes, size_t size) {
        int error;

        if (send(fd, bytes, size, MSG_NOSIGNAL) >= 0)
                return 0;
        error = -errno;
        if (error == -EPERM && wait_for(fd, POLLIN, now_usec() + 100 * USEC_PER_MSEC) >= 0)
                return socket_error(fd) ?: error;
        return error;
}

/* "NAME SOURCE" without the source's port. */
static int client_ask(const Client *client, char answer[static ANSWER_SIZE]) {
        uint64_t deadline = now_usec() + client->timeout_ms * USEC_PER_MSEC;
        _cleanup_(closep) int fd = client_connect(client, deadline);
        char *space;
        int r = 0;

        if (fd < 0)
                return fd;
        if (client->type == SOCK_DGRAM)
                r = client_send(fd, "who\n", 4);
        if (r >= 0)
                r = client_receive(fd, answer, ANSWER_SIZE, deadline);
        if (r < 0)
                return r;
        space = strrchr(answer, ' ');
        if (!space)
                return -EPROTO;
        *space = '\0';
        return 0;
}

/* ---- asking: once, or several times */

typedef struct Tally {
        char text[ANSWER_SIZE];
        unsigned n;
} Tally;

static int tally_compare(const void *a, const void *b) {
        const Tally *x = a, *y = b;

        return strcmp(x->text, y->text);
}

static void tally_add(Tally *tallies, size_t *n, const char *text) {
        size_t i = 0;

        while (i < *n && strcmp(tallies[i].text, text) != 0)
                i++;
        if (i == ANSWERS_MAX)
                return;
        if (i == *n)
                (void) snprintf(tallies[(*n)++].text, ANSWER_SIZE, "%s", text);
        tallies[i].n++;
}

/* Asks client->count times; the different answers in order. True if one of them was a failure. */
static bool client_ask_all(const Client *client, Tally tallies[static ANSWERS_MAX], size_t *ret_n) {
        bool failed = false;

        *ret_n = 0;
        for (uint32_t i = 0; i < client->count; i++) {
                char answer[ANSWER_SIZE];
                int r = client_ask(client, answer);

                failed = failed || r < 0;
                tally_add(tallies, ret_n, r < 0 ? failure_name(-r) : answer);
                if (r == -ETIMEDOUT)
                        break; /* the others would take as long */
        }
        qsort(tallies, *ret_n, sizeof *tallies, tally_compare);
        return failed;
}

static int run_ask(const Client *client) {
        Tally tallies[ANSWERS_MAX] = {};
        size_t n;
        bool failed = client_ask_all(client, tallies, &n);

        for (size_t i = 0; i < n; i++)
                if (client->count > 1)
                        printf("%u %s\n", tallies[i].n, tallies[i].text);
                else
                        printf("%s\n", tallies[i].text);
        return failed;
}

/* ---- holding one connection */

static int hold_exchange(const Client *client, int fd, unsigned number) {
        char sent[32], answer[ANSWER_SIZE];
        uint64_t deadline = now_usec() + client->timeout_ms * USEC_PER_MSEC;
        int n = snprintf(sent, sizeof sent, "%u\n", number), r;

        if (send(fd, sent, (size_t) n, MSG_NOSIGNAL) < 0)
                return -errno;
        r = client_receive(fd, answer, sizeof answer, deadline);
        if (r < 0)
                return r;
        /* A datagram is answered with who it is. */
        return client->type == SOCK_DGRAM || strcmp(sent, answer) == 0 ? 0 : -EPROTO;
}

static int run_hold(const Client *client, uint32_t seconds) {
        uint64_t start = now_usec(), end = start + seconds * USEC_PER_SEC;
        _cleanup_(closep) int fd = client_connect(client, start + client->timeout_ms * USEC_PER_MSEC);
        char answer[ANSWER_SIZE];
        unsigned n = 0;
        int r = fd < 0 ? fd : 0;

        if (r >= 0 && client->type == SOCK_STREAM)
                r = client_receive(fd, answer, sizeof answer, start + client->timeout_ms * USEC_PER_MSEC);
        if (r >= 0) {
                printf("connected\n");
                (void) fflush(stdout);
        }
        while (r >= 0 && now_usec() < end) {
                r = hold_exchange(client, fd, n);
                n += r >= 0;
                (void) poll(NULL, 0, 100);
        }
        if (r >= 0)
                printf("held for %u exchanges\n", n);
        else
                printf("%s after %u exchanges, %.1f s\n",
                       failure_name(-r),
                       n,
                       (double) (now_usec() - start) / (double) USEC_PER_SEC);
        return r < 0;
}

/* ---- many new connections */

typedef struct Attempt {
        int fd; /* owned, -1 = free */
        uint64_t started;
} Attempt;

typedef struct Rate {
        const Client *client;
        Attempt *attempts; /* owned */
        size_t n_attempts, n_open;
        int epoll; /* owned */
        uint64_t n_started, n_answered, n_slow, worst_usec;
        Tally failures[ANSWERS_MAX];
        size_t n_failures;
} Rate;

/* Ends with a reset: closed properly, its port would be taken for a minute. */
static void rate_finish(Rate *rate, Attempt *attempt, int error) {
        struct linger linger = { .l_onoff = 1 };
        uint64_t usec = now_usec() - attempt->started;

        if (error < 0)
                tally_add(rate->failures, &rate->n_failures, failure_name(-error));
        else {
                rate->n_answered++;
                rate->n_slow += usec > RATE_SLOW_USEC;
                rate->worst_usec = MAX2(rate->worst_usec, usec);
        }
        if (attempt->fd >= 0) {
                (void) setsockopt(attempt->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
                (void) close(attempt->fd);
                rate->n_open--;
        }
        attempt->fd = -1;
}

static void rate_start(Rate *rate) {
        struct epoll_event event = { .events = EPOLLIN };
        Attempt *attempt = NULL;

        for (size_t i = 0; i < rate->n_attempts && !attempt; i++)
                if (rate->attempts[i].fd < 0)
                        attempt = &rate->attempts[i];
        if (!attempt)
                return;
        rate->n_started++;
        attempt->started = now_usec();
        attempt->fd = client_begin(rate->client);
        if (attempt->fd < 0) {
                rate_finish(rate, attempt, attempt->fd);
                return;
        }
        rate->n_open++;
        event.data.ptr = attempt;
        if (epoll_ctl(rate->epoll, EPOLL_CTL_ADD, attempt->fd, &event) < 0 ||
            (rate->client->type == SOCK_DGRAM && send(attempt->fd, "who\n", 4, MSG_NOSIGNAL) < 0))
                rate_finish(rate, attempt, -errno);
}

static void rate_collect(Rate *rate, int timeout_ms) {
        struct epoll_event events[64];
        int n = epoll_wait(rate->epoll, events, ELEMENTSOF(events), timeout_ms);

        for (int i = 0; i < n; i++) {
                Attempt *attempt = events[i].data.ptr;
                char answer[ANSWER_SIZE];
                ssize_t size = recv(attempt->fd, answer, sizeof answer, 0);

                rate_finish(rate, attempt, size > 0 ? 0 : size == 0 ? -ENODATA : -errno);
        }
        for (size_t i = 0; i < rate->n_attempts; i++)
                if (rate->attempts[i].fd >= 0 &&
                    now_usec() - rate->attempts[i].started > rate->client->timeout_ms * USEC_PER_MSEC)
                        rate_finish(rate, &rate->attempts[i], -ETIMEDOUT);
}

static volatile sig_atomic_t rate_stop;

static void on_interrupt(int signal_number) {
        rate_stop = 1;
}

static int rate_report(const Rate *rate) {
        printf("%" PRIu64 " connections, %" PRIu64 " answered, %" PRIu64 " slow, worst %.1f ms",
               rate->n_started,
               rate->n_answered,
               rate->n_slow,
               (double) rate->worst_usec / (double) USEC_PER_MSEC);
        for (size_t i = 0; i < rate->n_failures; i++)
                printf(", %u %s", rate->failures[i].n, rate->failures[i].text);
        printf("\n");
        return rate->n_answered != rate->n_started;
}

static int run_rate(const Client *client, uint32_t per_second, uint32_t seconds) {
        Rate rate = { .client = client, .n_attempts = RATE_OPEN_MAX, .epoll = epoll_create1(EPOLL_CLOEXEC) };
        uint64_t start = now_usec(), n_total = (uint64_t) per_second * seconds;
        int r;

        rate.attempts = calloc(rate.n_attempts, sizeof(Attempt));
        if (!rate.attempts || rate.epoll < 0)
                return 1;
        for (size_t i = 0; i < rate.n_attempts; i++)
                rate.attempts[i].fd = -1;
        (void) signal(SIGINT, on_interrupt); /* ends it early, with its report */
        printf("running\n");
        (void) fflush(stdout);
        while ((rate.n_started < n_total && !rate_stop) || rate.n_open > 0) {
                uint64_t due = MIN2((now_usec() - start) * per_second / USEC_PER_SEC + 1, n_total);

                /* A machine that cannot do so many gets fewer: what is asked is whether one of them fails. */
                while (rate.n_started < due && rate.n_open < RATE_OPEN_MAX && !rate_stop)
                        rate_start(&rate);
                rate_collect(&rate, 1);
        }
        r = rate_report(&rate);
        (void) close(rate.epoll);
        free(rate.attempts);
        return r;
}

/* ---- asking a DNS server */

static int run_dns(const char *protocol, const char *server, const char *name) {
        struct __res_state state = {};
        unsigned char answer[1024];
        char text[INET6_ADDRSTRLEN];
        Address address;
        ns_msg message;
        ns_rr record;
        int n;

        if (address_set(&address, server, 53) < 0 || address.any.sa_family != AF_INET || res_ninit(&state) < 0)
                return 2;
        state.nscount = 1;
        state.nsaddr_list[0] = address.v4;
        state.retrans = 2;
        state.retry = 2;
        if (strcmp(protocol, "tcp") == 0)
                state.options |= RES_USEVC;
        n = res_nquery(&state, name, ns_c_in, ns_t_a, answer, sizeof answer);
        if (n < 0 || ns_initparse(answer, n, &message) < 0 || ns_parserr(&message, ns_s_an, 0, &record) < 0 ||
            ns_rr_type(record) != ns_t_a || !inet_ntop(AF_INET, ns_rr_rdata(record), text, sizeof text)) {
                printf("%s\n", n < 0 ? hstrerror(state.res_h_errno) : "no answer");
                res_nclose(&state);
                return 1;
        }
        printf("%s\n", text);
        res_nclose(&state);
        return 0;
}

/* ---- arguments */

static int client_parse_source(Client *client, char *text) {
        char *colon = strrchr(text, ':');
        uint16_t port = 0;

        if (colon && strchr(text, ':') == colon) {
                *colon++ = '\0';
                if (parse_uint16(colon, &port) < 0)
                        return -EINVAL;
        }
        client->has_from = true;
        return address_set(&client->from, text, port);
}

static int client_parse_options(Client *client, int argc, char **argv) {
        static const struct option options[] = {
                { "source", required_argument, NULL, 's' },
                { "timeout", required_argument, NULL, 't' },
                { "count", required_argument, NULL, 'c' },
                {},
        };
        int c, r = 0;

        while (r >= 0 && (c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                r = c == 's'   ? client_parse_source(client, optarg)
                    : c == 't' ? parse_uint32(optarg, &client->timeout_ms)
                    : c == 'c' ? parse_uint32(optarg, &client->count)
                               : -EINVAL;
        return r;
}

static int client_parse_target(Client *client, char **argv) {
        uint16_t port;

        client->type = strcmp(argv[0], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
        client->protocol = strcmp(argv[0], "sctp") == 0 ? IPPROTO_SCTP : 0;
        if (strcmp(argv[0], "tcp") != 0 && strcmp(argv[0], "udp") != 0 && strcmp(argv[0], "sctp") != 0)
                return -EINVAL;
        if (parse_uint16(argv[2], &port) < 0)
                return -EINVAL;
        return address_set(&client->to, argv[1], port);
}

static int batch_line(const Client *options, char *line) {
        Client client = *options;
        Tally tallies[ANSWERS_MAX] = {};
        char *words[6], *id;
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                words[i] = strsep(&line, " \n");
                if (!words[i] || !*words[i])
                        return -EINVAL;
        }
        id = words[0];
        if (client_parse_target(&client, words + 1) < 0 || parse_uint32(words[4], &client.count) < 0 ||
            parse_uint32(words[5], &client.timeout_ms) < 0)
                return -EINVAL;
        (void) client_ask_all(&client, tallies, &n);
        printf("%s\t", id);
        for (size_t i = 0; i < n; i++)
                printf("%s%s", i > 0 ? "," : "", tallies[i].text);
        printf("\n");
        (void) fflush(stdout);
        return 0;
}

static int run_batch(const Client *options) {
        char line[512];

        while (fgets(line, sizeof line, stdin))
                if (batch_line(options, line) < 0) {
                        fprintf(stderr, "podclient: not a line of a batch\n");
                        return 2;
                }
        return 0;
}

static int usage(void) {
        fputs("usage: podclient [--source ADDRESS[:PORT]] [--timeout MS] [--count N] PROTO ADDRESS PORT\n"
              "       podclient [...] hold PROTO ADDRESS PORT SECONDS\n"
              "       podclient [...] rate PROTO ADDRESS PORT PER-SECOND SECONDS\n"
              "       podclient [...] batch\n"
              "       podclient dns udp|tcp SERVER NAME\n",
              stderr);
        return 2;
}

int main(int argc, char **argv) {
        Client client = { .timeout_ms = 2000, .count = 1 };
        uint32_t first, second;

        (void) signal(SIGPIPE, SIG_IGN);
        if (client_parse_options(&client, argc, argv) < 0)
                return usage();
        argc -= optind;
        argv += optind;
        if (argc == 3 && client_parse_target(&client, argv) >= 0)
                return run_ask(&client);
        if (argc == 1 && strcmp(argv[0], "batch") == 0)
                return run_batch(&client);
        if (argc == 4 && strcmp(argv[0], "dns") == 0)
                return run_dns(argv[1], argv[2], argv[3]);
        if (argc == 5 && strcmp(argv[0], "hold") == 0 && client_parse_target(&client, argv + 1) >= 0 &&
            parse_uint32(argv[4], &first) >= 0)
                return run_hold(&client, first);
        if (argc == 6 && strcmp(argv[0], "rate") == 0 && client_parse_target(&client, argv + 1) >= 0 &&
            parse_uint32(argv[4], &first) >= 0 && parse_uint32(argv[5], &second) >= 0)
                return run_rate(&client, first, second);
        return usage();
}
