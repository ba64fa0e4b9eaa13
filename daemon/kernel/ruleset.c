/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of a packet, and where IPVS is in it (priorities of net/netfilter/ipvs/ip_vs_core.c):
 *
 *   prerouting  -200 conntrack
 *               -150 ours: source ranges, policy Local, mark what is to be masqueraded
 *   input          0 ours: refuse what is no service port
 *              98/99 IPVS: replaces the destination, sends through output again
 *                101 ours: takes the mark from what stays here, a pod in the node's network
 *   output      -200 conntrack
 *               -150 ours: as prerouting, and refuses ports without endpoints
 *            -99/-98 IPVS for the node's own packets
 *   postrouting  100 ours, nat: masquerade; the destination is the endpoint by now, the mark is still on the packet
 *                101 ours: takes the mark away, nobody else shall see it
 *
 * The output chain has type filter, not route: the mark selects no route, and a packet that got one would be
 * routed anew for nothing. It sees what IPVS sends a second time, with the endpoint as destination, which is in
 * none of the sets.
 */
#include "kernel/ruleset.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "common/macros.h"
#include "kernel/backend.h"
#include "kernel/ruleset-set.h"

static inline void ruleset_fclosep(FILE **stream) {
        if (*stream)
                (void) fclose(*stream);
}

/* ---- expressions */

static const char *ruleset_name(FilterSet set) {
        return filter_set_type(set)->name;
}

/* One rule a family: address and port of the packet are in `set`. */
static void ruleset_print_port_rules(FILE *f, FilterSet set, const char *verdict) {
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                fprintf(f,
                        "\t\t%s daddr . meta l4proto . th dport @%s%c %s\n",
                        ruleset_families[i].header,
                        ruleset_name(set),
                        ruleset_families[i].digit,
                        verdict);
}

/* As `meta nfproto` says it. */
static const char *ruleset_protocol(int family) {
        return family == AF_INET ? "ipv4" : "ipv6";
}

static bool ruleset_detects_by_interface(const FilterConfig *config) {
        return (config->detect_local == DETECT_LOCAL_BRIDGE_INTERFACE ||
                config->detect_local == DETECT_LOCAL_INTERFACE_NAME_PREFIX) &&
               config->local_interface && config->local_interface[0];
}

static bool ruleset_detects_family(const FilterConfig *config, int family) {
        if (ruleset_detects_by_interface(config))
                return true;
        for (size_t i = 0; i < config->n_local_cidrs; i++)
                if (config->local_cidrs[i].addr.family == family)
                        return true;
        return false;
}

/* Rules with `verdict` for packets from pods; there may be none. */
static void ruleset_print_pod_rules(FILE *f, const FilterConfig *config, int family, const char *verdict) {
        if (ruleset_detects_by_interface(config)) {
                fprintf(f,
                        "\t\tiifname \"%s%s\" %s\n",
                        config->local_interface,
                        config->detect_local == DETECT_LOCAL_INTERFACE_NAME_PREFIX ? "*" : "",
                        verdict);
                return;
        }
        for (size_t i = 0; i < config->n_local_cidrs; i++) {
                char buf[IP_NET_STRLEN];

                if (config->local_cidrs[i].addr.family != family)
                        continue;
                /* nft 1.0 takes a prefix of 0 for a missing one: everything is from a pod then. */
                if (config->local_cidrs[i].prefix == 0)
                        fprintf(f, "\t\tmeta nfproto %s %s\n", ruleset_protocol(family), verdict);
                else
                        fprintf(f,
                                "\t\t%s saddr %s %s\n",
                                family == AF_INET ? "ip" : "ip6",
                                ip_net_format(&config->local_cidrs[i], buf),
                                verdict);
        }
}

/* ---- chains */

/*
 * Source ranges hold for every packet, not for new connections alone: who is shut out is cut off at once. The
 * node's own packets have the service address as source; it is in the ranges if the node is (reference §4.5,
 * KUBE-LOAD-BALANCER-SOURCE-IP).
 */
static void ruleset_print_firewall(FILE *f) {
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++) {
                const RulesetFamily *family = &ruleset_families[i];

                fprintf(f,
                        "\t\t%s daddr . meta l4proto . th dport @%s%c "
                        "%s daddr . meta l4proto . th dport . %s saddr != @%s%c drop\n",
                        family->header,
                        ruleset_name(FILTER_SET_FIREWALLED),
                        family->digit,
                        family->header,
                        family->header,
                        ruleset_name(FILTER_SET_SOURCE_RANGES),
                        family->digit);
        }
}

/* What prerouting and output begin with: behind it only new connections are left, none of them from 127/8. */
static void ruleset_print_entry(FILE *f) {
        ruleset_print_firewall(f);
        fputs("\t\tct state != new accept\n", f);
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                fprintf(f, "\t\t%s saddr %s accept\n", ruleset_families[i].header, ruleset_families[i].loopback);
}

/* Jumped to for addresses of cluster ports: marked unless the source is a pod (reference §4.6, KUBE-SERVICES 3). */
static void ruleset_print_cluster_chains(FILE *f, const FilterConfig *config) {
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++) {
                fprintf(f, "\tchain cluster%c {\n", ruleset_families[i].digit);
                if (config->masquerade_all) {
                        fputs("\t\tgoto set_mark\n", f);
                } else if (ruleset_detects_family(config, ruleset_families[i].family)) {
                        ruleset_print_pod_rules(f, config, ruleset_families[i].family, "return");
                        fputs("\t\tgoto set_mark\n", f);
                }
                fputs("\t}\n", f);
        }
}

/*
 * Jumped to from prerouting alone. Where nothing tells pods from others, all pass as with kube-proxy: for pods the way
 * back leads through this node, the answer to anybody else comes from an address that he did not ask.
 */
static void ruleset_print_local_only_chain(FILE *f, const FilterConfig *config) {
        fputs("\tchain local_only {\n", f);
        if (ruleset_detects_by_interface(config))
                ruleset_print_pod_rules(f, config, AF_UNSPEC, "goto set_mark");
        else
                for (size_t i = 0; i < RULESET_N_FAMILIES; i++) {
                        int family = ruleset_families[i].family;

                        if (ruleset_detects_family(config, family))
                                ruleset_print_pod_rules(f, config, family, "goto set_mark");
                        else
                                fprintf(f, "\t\tmeta nfproto %s accept\n", ruleset_protocol(family));
                }
        fputs("\t\tdrop\n\t}\n", f);
}

static void ruleset_print_services_chain(FILE *f) {
        fputs("\tchain services {\n", f);
        /* The node's packet to a service address has that address as source; no answer would come back to it. */
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                fprintf(f,
                        "\t\t%s saddr @%s%c %s daddr . meta l4proto . th dport @%s%c goto set_mark\n",
                        ruleset_families[i].header,
                        ruleset_name(FILTER_SET_SERVICE_IPS),
                        ruleset_families[i].digit,
                        ruleset_families[i].header,
                        ruleset_name(FILTER_SET_SERVICE_PORTS),
                        ruleset_families[i].digit);
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                fprintf(f,
                        "\t\t%s daddr . meta l4proto . th dport @%s%c goto cluster%c\n",
                        ruleset_families[i].header,
                        ruleset_name(FILTER_SET_CLUSTER_PORTS),
                        ruleset_families[i].digit,
                        ruleset_families[i].digit);
        ruleset_print_port_rules(f, FILTER_SET_EXTERNAL_PORTS, "goto set_mark");
        fputs("\t}\n", f);
}

static void ruleset_print_marking(FILE *f, const FilterConfig *config) {
        fprintf(f, "\tchain set_mark {\n\t\tmeta mark set meta mark | 0x%08x\n\t}\n", config->mark);
        ruleset_print_cluster_chains(f, config);
        ruleset_print_local_only_chain(f, config);
        ruleset_print_services_chain(f);

        fputs("\tchain prerouting {\n\t\ttype filter hook prerouting priority -150; policy accept;\n", f);
        ruleset_print_entry(f);
        ruleset_print_port_rules(f, FILTER_SET_LOCAL_ONLY, "goto local_only");
        fputs("\t\tgoto services\n\t}\n", f);

        fputs("\tchain output {\n\t\ttype filter hook output priority -150; policy accept;\n", f);
        ruleset_print_entry(f);
        ruleset_print_port_rules(f, FILTER_SET_NO_ENDPOINTS, "goto refuse");
        ruleset_print_port_rules(f, FILTER_SET_LOCAL_ONLY, "goto set_mark");
        fputs("\t\tgoto services\n\t}\n", f);
}

static void ruleset_print_ping(FILE *f, PingMode ping, const RulesetFamily *family) {
        const char *echo = family->family == AF_INET ? "icmp type echo-request" : "icmpv6 type echo-request";

        switch (ping) {
        case PING_ALWAYS:
                fprintf(f, "\t\t%s accept\n", echo);
                return;
        case PING_WITH_ENDPOINTS:
                fprintf(f,
                        "\t\t%s daddr @%s%c %s accept\n",
                        family->header,
                        ruleset_name(FILTER_SET_PING_IPS),
                        family->digit,
                        echo);
                return;
        case PING_NEVER:
        case _PING_MAX:
        case _PING_INVALID:
                return;
        }
}

/* Errors about known connections, which IPVS translates (user-needs P17), and neighbour discovery pass. */
static void ruleset_print_guard_chains(FILE *f, const FilterConfig *config) {
        static const char *const icmp[] = {
                "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
                "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, "
                "nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept",
        };

        for (size_t i = 0; i < RULESET_N_FAMILIES; i++) {
                const RulesetFamily *family = &ruleset_families[i];

                fprintf(f, "\tchain guard%c {\n", family->digit);
                fprintf(f,
                        "\t\t%s daddr . meta l4proto . th dport @%s%c accept\n",
                        family->header,
                        ruleset_name(FILTER_SET_SERVICE_PORTS),
                        family->digit);
                /* Load balancers that keep the address ask there (reference §4.6, KUBE-IPVS-FILTER). */
                fprintf(f,
                        "\t\t%s daddr . meta l4proto . th dport @%s%c accept\n",
                        family->header,
                        ruleset_name(FILTER_SET_HEALTH_PORTS),
                        family->digit);
                fprintf(f, "\t\t%s\n", icmp[i]);
                ruleset_print_ping(f, config->ping, family);
                fputs("\t\tgoto refuse\n\t}\n", f);
        }
}

static void ruleset_print_guard(FILE *f, const FilterConfig *config) {
        fputs("\tchain refuse {\n"
              "\t\tmeta l4proto tcp reject with tcp reset\n"
              "\t\treject with icmpx type port-unreachable\n"
              "\t}\n",
              f);
        ruleset_print_guard_chains(f, config);
        fputs("\tchain input {\n\t\ttype filter hook input priority 0; policy accept;\n"
              "\t\tct state established,related accept\n",
              f);
        ruleset_print_port_rules(f, FILTER_SET_NO_ENDPOINTS, "goto refuse");
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                fprintf(f,
                        "\t\t%s daddr @%s%c goto guard%c\n",
                        ruleset_families[i].header,
                        ruleset_name(FILTER_SET_SERVICE_IPS),
                        ruleset_families[i].digit,
                        ruleset_families[i].digit);
        fputs("\t}\n", f);
}

/* Behind IPVS and masquerading. */
static void ruleset_print_unmark(FILE *f, const char *name, const char *hook, uint32_t mark) {
        fprintf(f,
                "\tchain %s {\n\t\ttype filter hook %s priority 101; policy accept;\n"
                "\t\tmeta mark & 0x%08x != 0 meta mark set meta mark & 0x%08x\n\t}\n",
                name,
                hook,
                mark,
                ~mark);
}

static void ruleset_print_postrouting(FILE *f, const FilterConfig *config) {
        fputs("\tchain postrouting {\n\t\ttype nat hook postrouting priority 100; policy accept;\n", f);
        fprintf(f, "\t\tmeta mark & 0x%08x != 0 masquerade fully-random\n", config->mark);
        for (size_t i = 0; i < RULESET_N_FAMILIES; i++)
                fprintf(f,
                        "\t\t%s daddr . meta l4proto . th dport . %s saddr @%s%c masquerade fully-random\n",
                        ruleset_families[i].header,
                        ruleset_families[i].header,
                        ruleset_name(FILTER_SET_HAIRPIN),
                        ruleset_families[i].digit);
        fputs("\t}\n", f);
        ruleset_print_unmark(f, "unmark", "postrouting", config->mark);
        ruleset_print_unmark(f, "unmark_local", "input", config->mark);
}

/* ---- the whole */

static int ruleset_check(const FilterConfig *config) {
        const char *name = config->local_interface;

        if (config->mark == 0 || (config->mark & (config->mark - 1)) != 0)
                return -EINVAL;
        for (size_t i = 0; i < config->n_local_cidrs; i++)
                if (ip_addr_size(&config->local_cidrs[i].addr) == 0)
                        return -EINVAL;
        if (!ruleset_detects_by_interface(config))
                return 0;
        if (strlen(name) >= IFNAMSIZ)
                return -EINVAL;
        /* The kernel takes almost anything for a name; here it stands in quotes. */
        for (; *name; name++)
                if (*name <= ' ' || *name > '~' || strchr("\"\\*/", *name))
                        return -EINVAL;
        return 0;
}

static void ruleset_print(FILE *f, const FilterConfig *config, const char *flags) {
        fprintf(f, "table inet " KERNEL_TABLE_NAME " {\n%s", flags);
        ruleset_print_sets(f);
        ruleset_print_guard(f, config);
        ruleset_print_marking(f, config);
        ruleset_print_postrouting(f, config);
        fputs("}\n", f);
}

typedef enum RulesetForm {
        RULESET_FORM_PLAIN,
        RULESET_FORM_DORMANT,
        RULESET_FORM_REPLACEMENT,
} RulesetForm;

static int ruleset_format_as(RulesetForm form,
                             const FilterConfig *config,
                             const FilterElement *elements,
                             size_t n_elements,
                             char **ret) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(ruleset_fclosep) FILE *f = NULL;
        size_t size;
        bool failed;
        int r;

        r = ruleset_check(config);
        if (r < 0)
                return r;
        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        /* Made first, so that deleting works where there was none. */
        if (form != RULESET_FORM_PLAIN)
                fputs("add table inet " KERNEL_TABLE_NAME "\ndelete table inet " KERNEL_TABLE_NAME "\n", f);
        ruleset_print(f, config, form == RULESET_FORM_DORMANT ? "\tflags dormant\n" : "");
        ruleset_print_elements(f, elements, n_elements);
        failed = ferror(f);
        if (fclose(TAKE_PTR(f)) != 0 || failed)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

int ruleset_format(const FilterConfig *config, char **ret) {
        return ruleset_format_as(RULESET_FORM_PLAIN, config, NULL, 0, ret);
}

int ruleset_format_dormant(const FilterConfig *config, char **ret) {
        return ruleset_format_as(RULESET_FORM_DORMANT, config, NULL, 0, ret);
}

int ruleset_format_replacement(const FilterConfig *config,
                               const FilterElement *elements,
                               size_t n_elements,
                               char **ret) {
        char name[RULESET_SET_NAME_SIZE];
        int r = 0;

        for (size_t i = 0; i < n_elements && r >= 0; i++)
                r = ruleset_set_name(&elements[i], name);
        return r < 0 ? r : ruleset_format_as(RULESET_FORM_REPLACEMENT, config, elements, n_elements, ret);
}
