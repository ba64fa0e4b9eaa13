/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink backend by hand, for test-kernel.sh: each command is a few calls of the backend. Operations are lines of
 * standard input: "+vs 10.0.0.1:80/tcp rr 0x0 0", "=vs …", "-vs KEY", "+rs KEY 10.1.0.1:8080 1", "=rs …", "-rs KEY
 * DEST", "+addr 10.0.0.1", "-addr …".
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/parse.h"
#include "kernel/backend.h"

#define LINE_MAX_SIZE 256

static int bad_line(const char *line) {
        fprintf(stderr, "ipvs-test: not understood: %s\n", line);
        return -EINVAL;
}

/* ---- text */

static int parse_ip_port(char *text, IpPort *ret) {
        char *colon = strrchr(text, ':'), *ip = text;
        int r;

        if (!colon)
                return -EINVAL;
        *colon = '\0';
        if (ip[0] == '[' && colon > ip + 1) {
                ip++;
                colon[-1] = '\0';
        }
        r = ip_addr_parse(ip, &ret->addr);
        return r < 0 ? r : parse_uint16(colon + 1, &ret->port);
}

static int parse_key(char *text, VirtualServerKey *ret) {
        char *slash = strrchr(text, '/');
        Protocol protocol;
        IpPort port = {};
        int r;

        if (!slash)
                return -EINVAL;
        *slash = '\0';
        protocol = protocol_from_string(slash + 1);
        r = parse_ip_port(text, &port);
        if (r < 0 || protocol < 0)
                return -EINVAL;
        *ret = (VirtualServerKey) { .addr = port.addr, .port = port.port, .protocol = (uint8_t) protocol };
        return 0;
}

static int parse_op(char *line, IpvsOp *ret) {
        static const IpvsOpKind kinds[2][3] = {
                { IPVS_OP_ADD_SERVICE, IPVS_OP_SET_SERVICE, IPVS_OP_DELETE_SERVICE },
                { IPVS_OP_ADD_DEST, IPVS_OP_SET_DEST, IPVS_OP_DELETE_DEST },
        };
        char *rest = line, *words[5] = {}, *sign;
        IpvsOp op = {};
        bool dest;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(words) && rest; i++)
                words[i] = strsep(&rest, " \n");
        sign = words[0] ? strchr("+=-", words[0][0]) : NULL;
        if (!sign || !*sign || !words[1])
                return -EINVAL;
        dest = strcmp(words[0] + 1, "rs") == 0;
        op.kind = kinds[dest][*sign == '+' ? 0 : *sign == '=' ? 1 : 2];
        r = parse_key(words[1], &op.service.key);
        if (r >= 0 && dest) {
                r = words[2] ? parse_ip_port(words[2], &op.dest.addr) : -EINVAL;
                if (r >= 0 && words[3] && words[3][0])
                        r = parse_uint32(words[3], &op.dest.weight);
        } else if (r >= 0 && words[2] && words[2][0]) {
                (void) strncpy(op.service.scheduler, words[2], sizeof op.service.scheduler - 1);
                op.service.flags = words[3] ? (uint32_t) strtoul(words[3], NULL, 0) : 0;
                op.service.timeout_sec = words[3] && words[4] ? (uint32_t) strtoul(words[4], NULL, 0) : 0;
        }
        *ret = op;
        return r;
}

static int visit_print(const VirtualServer *service,
                       const TrafficStats *stats,
                       const RealServerInfo *dests,
                       size_t n_dests,
                       void *userdata) {
        char text[VIRTUAL_SERVER_STRLEN], addr[IP_PORT_STRLEN];

        printf("vs %s %s %#x %u\n",
               virtual_server_key_format(&service->key, text),
               service->scheduler,
               service->flags,
               service->timeout_sec);
        for (size_t i = 0; i < n_dests; i++)
                printf("  rs %s w%u m%u a%u i%u c%" PRIu64 "\n",
                       ip_port_format(&dests[i].server.addr.addr, dests[i].server.addr.port, addr),
                       dests[i].server.weight,
                       dests[i].server.forward,
                       dests[i].active,
                       dests[i].inactive,
                       dests[i].stats.connections);
        if (userdata)
                printf("  total c%" PRIu64 " in %" PRIu64 "/%" PRIu64 " out %" PRIu64 "/%" PRIu64 "\n",
                       stats->connections,
                       stats->in_packets,
                       stats->in_bytes,
                       stats->out_packets,
                       stats->out_bytes);
        return 0;
}

/* ---- IPVS */

static int verb_apply(KernelBackend *b, int argc, char **argv) {
        _cleanup_(freep) IpvsOp *ops = NULL;
        char line[LINE_MAX_SIZE], copy[LINE_MAX_SIZE];
        size_t n = 0;
        int r;

        while (fgets(line, sizeof line, stdin)) {
                IpvsOp *bigger = reallocarray(ops, n + 1, sizeof(IpvsOp));

                if (!bigger)
                        return -ENOMEM;
                ops = bigger;
                memcpy(copy, line, sizeof copy);
                if (parse_op(copy, &ops[n++]) < 0)
                        return bad_line(line);
        }
        r = b->ops->ipvs_apply(b, ops, n);
        for (size_t i = 0; i < n; i++)
                printf("%s%s", i > 0 ? " " : "", ops[i].result < 0 ? strerrorname_np(-ops[i].result) : "0");
        printf("\n");
        return r;
}

static int verb_dump(KernelBackend *b, int argc, char **argv) {
        return b->ops->ipvs_dump(b, visit_print, NULL);
}

static int verb_read(KernelBackend *b, int argc, char **argv) {
        VirtualServerKey key;

        if (argc < 1 || parse_key(argv[0], &key) < 0)
                return -EINVAL;
        return b->ops->ipvs_read(b, &key, visit_print, b);
}

/* All that are named, those that are not there left out. */
static int verb_read_many(KernelBackend *b, int argc, char **argv) {
        _cleanup_(freep) VirtualServerKey *keys = calloc((size_t) argc + 1, sizeof(VirtualServerKey));

        if (!keys)
                return -ENOMEM;
        for (int i = 0; i < argc; i++)
                if (parse_key(argv[i], &keys[i]) < 0)
                        return -EINVAL;
        return b->ops->ipvs_read_many(b, keys, (size_t) argc, visit_print, b);
}

static int verb_info(KernelBackend *b, int argc, char **argv) {
        KernelInfo info;
        int r = b->ops->get_info(b, &info);

        if (r >= 0)
                printf("%u.%u %#x %u\n",
                       info.release_major,
                       info.release_minor,
                       info.ipvs_version,
                       info.connection_table_size);
        return r;
}

/* How many virtual servers of IPv4 the kernel has, without going through them. */
static int verb_count(KernelBackend *b, int argc, char **argv) {
        struct ip_vs_getinfo info;
        socklen_t size = sizeof(info);
        int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), r;

        if (fd < 0)
                return -errno;
        r = getsockopt(fd, IPPROTO_IP, IP_VS_SO_GET_INFO, &info, &size) < 0 ? -errno : 0;
        (void) close(fd);
        if (r >= 0)
                printf("%u\n", info.num_services);
        return r;
}

static int verb_timeouts(KernelBackend *b, int argc, char **argv) {
        IpvsTimeouts timeouts = {};
        int r = 0;

        if (argc == 3 && parse_uint32(argv[0], &timeouts.tcp_sec) >= 0 &&
            parse_uint32(argv[1], &timeouts.tcp_fin_sec) >= 0 && parse_uint32(argv[2], &timeouts.udp_sec) >= 0)
                r = b->ops->ipvs_set_timeouts(b, &timeouts);
        if (r >= 0)
                r = b->ops->ipvs_get_timeouts(b, &timeouts);
        if (r >= 0)
                printf("%u %u %u\n", timeouts.tcp_sec, timeouts.tcp_fin_sec, timeouts.udp_sec);
        return r;
}

/* ---- addresses */

static int verb_device(KernelBackend *b, int argc, char **argv) {
        int r = b->ops->device_ensure(b);

        printf("%d writes %" PRIu64 "\n", r, b->n_writes);
        return r;
}

static int verb_remove(KernelBackend *b, int argc, char **argv) {
        int r = b->ops->device_remove(b);

        return r < 0 ? r : b->ops->filter_remove(b);
}

/* "+ADDR" and "-ADDR" */
static int verb_addresses(KernelBackend *b, int argc, char **argv) {
        _cleanup_(freep) AddressOp *ops = calloc((size_t) argc + 1, sizeof(AddressOp));
        int r;

        for (int i = 0; i < argc; i++) {
                ops[i].add = argv[i][0] == '+';
                if (ip_addr_parse(argv[i] + 1, &ops[i].addr) < 0)
                        return bad_line(argv[i]);
        }
        r = b->ops->device_ensure(b);
        if (r >= 0)
                r = b->ops->address_apply(b, ops, (size_t) argc);
        for (int i = 0; i < argc; i++)
                printf("%s%s", i > 0 ? " " : "", ops[i].result < 0 ? strerrorname_np(-ops[i].result) : "0");
        printf("\n");
        return r;
}

static int visit_address(const AddressInfo *info, void *userdata) {
        char text[IP_ADDR_STRLEN];

        printf("%s %s/%u\n", info->on_device ? "device" : "host", ip_addr_format(&info->addr, text), info->prefix);
        return 0;
}

static int verb_list_addresses(KernelBackend *b, int argc, char **argv) {
        return b->ops->address_dump(b, visit_address, NULL);
}

/* ---- notifications: what this process does itself is not seen, what others do is, until standard input ends */

static const char *const event_names[_KERNEL_EVENT_MAX] = {
        [KERNEL_EVENT_ADDRESS] = "address",
        [KERNEL_EVENT_DEVICE] = "device",
        [KERNEL_EVENT_FILTER] = "filter",
        [KERNEL_EVENT_OVERRUN] = "overrun",
};

static void on_event(KernelEvent event, void *userdata) {
        KernelBackend *b = userdata;

        printf("event %s\n", event_names[event]);
        (void) fflush(stdout);
        if (event == KERNEL_EVENT_DEVICE)
                (void) b->ops->device_ensure(b);
}

static const FilterConfig filter_config = { .mark = 0x4000 }, other_config = { .mark = 0x8000 };

/* As a daemon would: the lines are "own" (do something ourselves) and nothing else. */
static int own_writes(KernelBackend *b) {
        static const char *const texts[] = { "10.9.0.1", "10.9.0.2", "fd00:9::1", "fd00:9::2" };
        AddressOp ops[ELEMENTSOF(texts)] = {};
        FilterOp filter = { .element = { .set = FILTER_SET_SERVICE_IPS }, .add = true };
        int r = 0;

        for (int round = 0; round < 2 && r >= 0; round++) {
                for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                        ops[i].add = round == 0;
                        (void) ip_addr_parse(texts[i], &ops[i].addr);
                }
                filter.add = round == 0;
                filter.element.addr = ops[0].addr;
                r = b->ops->address_apply(b, ops, ELEMENTSOF(ops));
                for (size_t i = 0; i < ELEMENTSOF(ops) && r >= 0; i++)
                        r = ops[i].result;
                if (r >= 0)
                        r = b->ops->filter_apply(b, &filter, 1);
        }
        if (r >= 0)
                r = b->ops->filter_ensure(b, &other_config, NULL, 0);
        if (r >= 0)
                r = MIN2(b->ops->filter_ensure(b, &filter_config, NULL, 0), 0);
        printf("own %d\n", r);
        (void) fflush(stdout);
        return r;
}

static int on_line(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        char buf[LINE_MAX_SIZE];
        ssize_t n = read(fd, buf, sizeof buf);

        if (n <= 0)
                return sd_event_exit(sd_event_source_get_event(source), 0);
        return own_writes(userdata);
}

static int verb_watch(KernelBackend *b, int argc, char **argv) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_line, b);
        if (r >= 0)
                r = b->ops->watch(b, event, 0, on_event, b);
        if (r >= 0)
                r = b->ops->device_ensure(b);
        if (r >= 0)
                r = b->ops->filter_ensure(b, &filter_config, NULL, 0);
        if (r < 0)
                return r;
        printf("ready\n");
        (void) fflush(stdout);
        return sd_event_loop(event);
}

/* ---- the cost */

static uint64_t now_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

static int step(const char *what, uint64_t since, size_t n, int r) {
        uint64_t usec = now_usec() - since;

        printf("%-24s %8" PRIu64 " us, %.2f us each\n", what, usec, (double) usec / (double) n);
        return r;
}

static IpAddr bench_addr(uint8_t net, size_t i) {
        uint8_t bytes[4] = { net, (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i };
        IpAddr addr = {};

        (void) ip_addr_from_bytes(AF_INET, bytes, sizeof bytes, &addr);
        return addr;
}

static int visit_count(const VirtualServer *service,
                       const TrafficStats *stats,
                       const RealServerInfo *dests,
                       size_t n_dests,
                       void *userdata) {
        *(size_t *) userdata += 1 + n_dests;
        return 0;
}

static int bench_addresses(KernelBackend *b, size_t n) {
        _cleanup_(freep) AddressOp *ops = calloc(n, sizeof(AddressOp));
        uint64_t since;
        int r = 0;

        if (!ops)
                return -ENOMEM;
        for (int round = 0; round < 2 && r >= 0; round++) {
                for (size_t i = 0; i < n; i++)
                        ops[i] = (AddressOp) { .addr = bench_addr(20, i), .add = round == 0 };
                since = now_usec();
                r = step(round == 0 ? "addresses added" : "addresses removed", since, n, b->ops->address_apply(b, ops, n));
        }
        return r;
}

static int verb_bench(KernelBackend *b, int argc, char **argv) {
        uint32_t n_services = 10000, n_dests = 10;
        _cleanup_(freep) IpvsOp *ops = NULL;
        size_t n = 0, n_seen = 0, n_failed = 0;
        uint64_t since;
        int r;

        if ((argc > 0 && parse_uint32(argv[0], &n_services) < 0) || (argc > 1 && parse_uint32(argv[1], &n_dests) < 0))
                return -EINVAL;
        ops = calloc((size_t) n_services * (n_dests + 1), sizeof(IpvsOp));
        if (!ops)
                return -ENOMEM;
        for (size_t i = 0; i < n_services; i++) {
                VirtualServer vs = { .key = { .addr = bench_addr(20, i), .port = 80 }, .scheduler = "rr" };

                ops[n++] = (IpvsOp) { .kind = IPVS_OP_ADD_SERVICE, .service = vs };
                for (size_t k = 0; k < n_dests; k++)
                        ops[n++] = (IpvsOp) {
                                .kind = IPVS_OP_ADD_DEST,
                                .service = vs,
                                .dest = { .addr = { bench_addr(30, i * n_dests + k), 8080 }, .weight = 1 },
                        };
        }
        r = b->ops->device_ensure(b);
        since = now_usec();
        if (r >= 0)
                r = step("services and dests added", since, n, b->ops->ipvs_apply(b, ops, n));
        for (size_t i = 0; i < n; i++)
                n_failed += ops[i].result < 0;
        since = now_usec();
        if (r >= 0)
                r = step("dump", since, n, b->ops->ipvs_dump(b, visit_count, &n_seen));
        printf("failed %zu seen %zu of %zu\n", n_failed, n_seen, n);
        if (r >= 0)
                r = bench_addresses(b, n_services);
        for (size_t i = 0; i < n_services; i++)
                ops[i] = (IpvsOp) { .kind = IPVS_OP_DELETE_SERVICE, .service = ops[i * (n_dests + 1)].service };
        since = now_usec();
        if (r >= 0)
                r = step("services deleted", since, n_services, b->ops->ipvs_apply(b, ops, n_services));
        return r;
}

typedef struct Verb {
        const char *name;
        int (*run)(KernelBackend *backend, int argc, char **argv);
} Verb;

static const Verb verbs[] = {
        { "apply", verb_apply },         { "dump", verb_dump },     { "read", verb_read },
        { "read-many", verb_read_many },
        { "info", verb_info },           { "count", verb_count },       { "timeouts", verb_timeouts }, { "device", verb_device }, { "remove", verb_remove },
        { "addresses", verb_addresses }, { "list-addresses", verb_list_addresses },
        { "watch", verb_watch },         { "bench", verb_bench },
};

int main(int argc, char **argv) {
        _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL;
        int r = kernel_backend_new(&backend);

        if (r < 0 || argc < 2)
                return 2;
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].name, argv[1]) == 0) {
                        r = verbs[i].run(backend, argc - 2, argv + 2);
                        if (r < 0)
                                fprintf(stderr, "ipvs-test: %s: %s\n", argv[1], strerrorname_np(-r));
                        return r < 0;
                }
        fprintf(stderr, "ipvs-test: no command: %s\n", argv[1]);
        return 2;
}
