/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table, conntrack and sysctls by hand, for test-filter.sh: each command is one call of the room's functions.
 * Elements are written "set:field,field…": "service_ips:10.0.0.1", "service_ports:10.0.0.1,tcp,80",
 * "source_ranges:10.0.0.1,tcp,80,10.0.0.0/8".
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/log.h"
#include "common/macros.h"
#include "common/parse.h"
#include "kernel/conntrack.h"
#include "kernel/nftables.h"
#include "kernel/ruleset-set.h"
#include "kernel/ruleset.h"
#include "kernel/sysctl.h"
#include "model/service.h"

static FilterConfig arg_config = { .mark = 0x4000, .detect_local = DETECT_LOCAL_CLUSTER_CIDR };
static IpNet arg_cidrs[8];

static int element_fail(const char *text) {
        fprintf(stderr, "filter-test: no element: %s\n", text);
        return -EINVAL;
}

static int element_parse_net(const char *text, FilterElement *element) {
        IpNet net;

        if (ip_net_parse(text, &net) >= 0) {
                element->source = net.addr;
                element->source_prefix = net.prefix;
                return 0;
        }
        return ip_addr_parse(text, &element->source);
}

static int element_parse(const char *text, FilterElement *ret) {
        _cleanup_(freep) char *copy = strdup(text);
        char *rest = copy, *name = copy ? strsep(&rest, ":") : NULL, *field;
        FilterElement element = {};
        const FilterSetType *type = NULL;
        int r;

        for (FilterSet set = 0; name && set < _FILTER_SET_MAX; set++)
                if (strcmp(filter_set_type(set)->name, name) == 0) {
                        element.set = (uint8_t) set;
                        type = filter_set_type(set);
                }
        if (!type || !rest)
                return element_fail(text);
        field = strsep(&rest, ",");
        r = field ? ip_addr_parse(field, &element.addr) : -EINVAL;
        if (r >= 0 && type->has_port) {
                Protocol protocol = _PROTOCOL_INVALID;

                field = strsep(&rest, ",");
                if (field)
                        protocol = protocol_from_string(field);
                field = strsep(&rest, ",");
                if (protocol < 0 || !field || parse_uint16(field, &element.port) < 0)
                        return element_fail(text);
                element.protocol = (uint8_t) protocol;
        }
        if (r >= 0 && type->has_source) {
                field = strsep(&rest, ",");
                r = field ? element_parse_net(field, &element) : -EINVAL;
        }
        if (r < 0 || rest)
                return element_fail(text);
        *ret = element;
        return 0;
}

static uint64_t now_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

static long peak_kib(void) {
        struct rusage usage;

        (void) getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
}

/* ---- commands: the rest of argv, 0 or negative errno */

static int verb_ensure(Nftables *nft, int argc, char **argv) {
        _cleanup_(freep) FilterElement *elements = calloc((size_t) argc + 1, sizeof *elements);
        uint64_t n_writes = 0;
        int r = 0;

        for (int i = 0; i < argc && r >= 0; i++)
                r = element_parse(argv[i], &elements[i]);
        if (r >= 0)
                r = nftables_ensure(nft, &arg_config, elements, (size_t) argc, &n_writes);
        if (r >= 0)
                printf("made %d writes %" PRIu64 "\n", r, n_writes);
        return r;
}

/* "+element" and "-element", in one transaction */
static int verb_apply(Nftables *nft, int argc, char **argv) {
        _cleanup_(freep) FilterOp *ops = calloc((size_t) argc + 1, sizeof *ops);
        uint64_t n_writes = 0;
        int r = 0;

        for (int i = 0; i < argc && r >= 0; i++) {
                ops[i].add = argv[i][0] == '+';
                r = element_parse(argv[i] + 1, &ops[i].element);
        }
        return r < 0 ? r : nftables_apply(nft, ops, (size_t) argc, &n_writes);
}

static int visit_print(const FilterElement *element, void *userdata) {
        char name[RULESET_SET_NAME_SIZE];
        int r = ruleset_set_name(element, name);

        if (r < 0)
                return r;
        printf("%s ", name);
        ruleset_print_element(stdout, element);
        putchar('\n');
        return 0;
}

static int dump_all(Nftables *nft, FilterVisitor visitor, void *userdata) {
        int r = 0;

        for (unsigned part = 0; part < FILTER_DUMP_PARTS && r >= 0; part++)
                r = nftables_dump(nft, part, visitor, userdata);
        return r;
}

static int verb_dump(Nftables *nft, int argc, char **argv) {
        return dump_all(nft, visit_print, NULL);
}

/* Reads the table, then prints with each element, added as "+element" by us or "~element" by somebody else, whether all is known still. */
static int verb_known(Nftables *nft, int argc, char **argv) {
        _cleanup_(nftables_freep) Nftables *somebody = NULL;
        FilterOp op = { .add = true };
        uint64_t n_writes = 0;
        int r = nftables_new(&somebody);

        if (r >= 0)
                r = dump_all(nft, visit_print, NULL);
        if (r >= 0)
                r = nftables_ensure(nft, &arg_config, NULL, 0, &n_writes);
        if (r >= 0)
                r = printf("known %d\n", nftables_is_unchanged(nft, &arg_config));
        for (int i = 0; i < argc && r >= 0; i++) {
                r = element_parse(argv[i] + 1, &op.element);
                if (r >= 0)
                        r = nftables_apply(argv[i][0] == '+' ? nft : somebody, &op, 1, &n_writes);
                printf("%s %d, known %d\n", argv[i], r, nftables_is_unchanged(nft, &arg_config));
                r = r == -ENOENT ? 0 : r;
        }
        return MIN2(r, 0);
}

static int verb_remove(Nftables *nft, int argc, char **argv) {
        return nftables_remove(nft);
}

static int verb_rules(Nftables *nft, int argc, char **argv) {
        _cleanup_(freep) char *text = NULL;
        int r = ruleset_format(&arg_config, &text);

        if (r >= 0)
                fputs(text, stdout);
        return r;
}

/* "ADDR|- PORT ENDPOINT|- PORT" for each flow */
static int verb_flush_udp(Nftables *nft, int argc, char **argv) {
        _cleanup_(conntrack_freep) Conntrack *conntrack = NULL;
        _cleanup_(freep) ConntrackFlow *flows = calloc((size_t) argc / 4 + 1, sizeof *flows);
        size_t n = 0, n_deleted;
        int r;

        for (; argc >= 4; argc -= 4, argv += 4, n++)
                if ((strcmp(argv[0], "-") != 0 && ip_addr_parse(argv[0], &flows[n].addr) < 0) ||
                    parse_uint16(argv[1], &flows[n].port) < 0 ||
                    (strcmp(argv[2], "-") != 0 && ip_addr_parse(argv[2], &flows[n].endpoint.addr) < 0) ||
                    parse_uint16(argv[3], &flows[n].endpoint.port) < 0)
                        return -EINVAL;
        r = conntrack_new(&conntrack);
        if (r >= 0)
                r = conntrack_flush_udp(conntrack, flows, n, &n_deleted);
        if (r >= 0)
                printf("deleted %zu\n", n_deleted);
        return r;
}

static int verb_sysctl(Nftables *nft, int argc, char **argv) {
        _cleanup_(freep) char *value = NULL;
        int r = 0;

        if (argc == 2)
                r = sysctl_write(argv[0], argv[1]);
        if (argc >= 1 && r >= 0)
                r = sysctl_read(argv[0], &value);
        if (value)
                puts(value);
        return r;
}

/* ---- the cost: N elements in one transaction, then single ones, a dump, and the table made with them */

static void bench_element(FilterElement *element, size_t i) {
        static const FilterSet sets[] = { FILTER_SET_CLUSTER_PORTS, FILTER_SET_SERVICE_PORTS, FILTER_SET_HAIRPIN };
        uint8_t bytes[4] = { 10, (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i };

        *element = (FilterElement) { .set = (uint8_t) sets[i % ELEMENTSOF(sets)], .port = 80 };
        (void) ip_addr_from_bytes(AF_INET, bytes, sizeof bytes, &element->addr);
        if (element->set == FILTER_SET_HAIRPIN)
                element->source = element->addr;
}

static int visit_count(const FilterElement *element, void *userdata) {
        ++*(size_t *) userdata;
        return 0;
}

static int bench_step(const char *what, uint64_t since, size_t n, int r) {
        uint64_t usec = now_usec() - since;

        printf("%-28s %8" PRIu64 " us, %.2f us each, peak %ld KiB\n",
               what,
               usec,
               (double) usec / (double) MAX2(n, (size_t) 1),
               peak_kib());
        return r;
}

static int bench_single(Nftables *nft, const FilterElement *element, uint64_t *n_writes) {
        enum { N = 200 };
        FilterOp op = { .element = *element };
        uint64_t since = now_usec();
        int r = 0;

        for (int i = 0; i < N && r >= 0; i++) {
                op.add = i % 2 == 1;
                r = nftables_apply(nft, &op, 1, n_writes);
        }
        return bench_step("one element, each", since, N, r);
}

static int verb_bench(Nftables *nft, int argc, char **argv) {
        uint32_t n = 10000;
        _cleanup_(freep) FilterOp *ops = NULL;
        _cleanup_(freep) FilterElement *elements = NULL;
        uint64_t since, n_writes = 0;
        size_t n_seen = 0;
        int r;

        if (argc > 0 && parse_uint32(argv[0], &n) < 0)
                return -EINVAL;
        ops = calloc(n, sizeof *ops);
        elements = calloc(n, sizeof *elements);
        for (size_t i = 0; i < n; i++) {
                bench_element(&elements[i], i);
                ops[i] = (FilterOp) { .element = elements[i], .add = true };
        }
        since = now_usec();
        r = bench_step("ensure, empty", since, 1, nftables_ensure(nft, &arg_config, NULL, 0, &n_writes));
        since = now_usec();
        if (r >= 0)
                r = bench_step("add all", since, n, nftables_apply(nft, ops, n, &n_writes));
        if (r >= 0)
                r = bench_single(nft, &elements[n / 2], &n_writes);
        since = now_usec();
        if (r >= 0)
                r = bench_step("dump", since, n, dump_all(nft, visit_count, &n_seen));
        if (r >= 0 && n_seen != n)
                r = -EPROTO;
        since = now_usec();
        if (r >= 0)
                r = bench_step("ensure, the same", since, 1, nftables_ensure(nft, &arg_config, NULL, 0, &n_writes));
        if (r == 0)
                r = nftables_remove(nft);
        since = now_usec();
        if (r >= 0)
                r = bench_step("ensure, with all", since, n, nftables_ensure(nft, &arg_config, elements, n, &n_writes));
        return r;
}

typedef struct Verb {
        const char *name;
        int (*run)(Nftables *nft, int argc, char **argv);
} Verb;

static const Verb verbs[] = {
        { "ensure", verb_ensure }, { "apply", verb_apply },         { "dump", verb_dump },     { "remove", verb_remove },
        { "rules", verb_rules },   { "flush-udp", verb_flush_udp }, { "sysctl", verb_sysctl }, { "bench", verb_bench },
        { "known", verb_known },
};

static int parse_options(int argc, char **argv) {
        static const struct option options[] = {
                { "mark", required_argument, NULL, 'm' },      { "masquerade-all", no_argument, NULL, 'a' },
                { "ping", required_argument, NULL, 'p' },      { "detect", required_argument, NULL, 'd' },
                { "cidr", required_argument, NULL, 'c' },      { "interface", required_argument, NULL, 'i' },
                { "debug", no_argument, NULL, 'D' },           {},
        };
        int c, r = 0;

        while (r >= 0 && (c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                switch (c) {
                case 'm':
                        arg_config.mark = (uint32_t) strtoul(optarg, NULL, 0);
                        break;
                case 'a':
                        arg_config.masquerade_all = true;
                        break;
                case 'p':
                        arg_config.ping = ping_mode_from_string(optarg);
                        break;
                case 'd':
                        arg_config.detect_local = detect_local_mode_from_string(optarg);
                        break;
                case 'c':
                        if (arg_config.n_local_cidrs == ELEMENTSOF(arg_cidrs))
                                return -E2BIG;
                        r = ip_net_parse(optarg, &arg_cidrs[arg_config.n_local_cidrs++]);
                        break;
                case 'i':
                        arg_config.local_interface = optarg;
                        break;
                case 'D':
                        log_set_max_level(LOG_DEBUG);
                        break;
                default:
                        return -EINVAL;
                }
        arg_config.local_cidrs = arg_cidrs;
        return r;
}

int main(int argc, char **argv) {
        _cleanup_(nftables_freep) Nftables *nft = NULL;
        int r;

        r = parse_options(argc, argv);
        if (r >= 0)
                r = nftables_new(&nft);
        if (r < 0 || optind >= argc)
                return 2;
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].name, argv[optind]) == 0) {
                        r = verbs[i].run(nft, argc - optind - 1, argv + optind + 1);
                        if (r < 0)
                                fprintf(stderr, "filter-test: %s: %s\n", argv[optind], strerrorname_np(-r));
                        return r < 0;
                }
        fprintf(stderr, "filter-test: no command: %s\n", argv[optind]);
        return 2;
}
