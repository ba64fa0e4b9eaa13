/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether forwarded packets are dropped by the policy of a chain: of nftables, iptables-nft, or legacy iptables. */
#include "client/doctor.h"

/* First: the headers of the kernel leave out then what libc has defined. */
#include <netinet/in.h>

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client/conditions.h"
#include "client/nfnl.h"

#define CHAIN_MAX 80

/* ---- nftables */

typedef struct ChainView {
        const char *table, *name; /* NULL = not said */
        bool forwards, drops;
} ChainView;

static int read_hook(const struct nlattr *attr, void *userdata) {
        if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM)
                *(bool *) userdata = be32toh(mnl_attr_get_u32(attr)) == NF_INET_FORWARD;
        return MNL_CB_OK;
}

static int read_attribute(const struct nlattr *attr, void *userdata) {
        ChainView *view = userdata;

        switch (mnl_attr_get_type(attr)) {
        case NFTA_CHAIN_TABLE:
                view->table = mnl_attr_get_str(attr);
                break;
        case NFTA_CHAIN_NAME:
                view->name = mnl_attr_get_str(attr);
                break;
        case NFTA_CHAIN_HOOK:
                (void) mnl_attr_parse_nested(attr, read_hook, &view->forwards);
                break;
        case NFTA_CHAIN_POLICY:
                view->drops = be32toh(mnl_attr_get_u32(attr)) == NF_DROP;
                break;
        default: /* nothing else is asked about a chain */
                break;
        }
        return MNL_CB_OK;
}

static int read_chain(const struct nlmsghdr *message, uint8_t family, void *userdata) {
        const char *name = family == NFPROTO_IPV4   ? "ip"
                           : family == NFPROTO_IPV6 ? "ip6"
                           : family == NFPROTO_INET ? "inet"
                                                    : NULL;
        char *chain = userdata;
        ChainView view = { 0 };

        (void) mnl_attr_parse(message, sizeof(struct nfgenmsg), read_attribute, &view);
        if (name && !*chain && view.forwards && view.drops && view.table && view.name)
                (void) snprintf(chain, CHAIN_MAX, "%s %s %s", name, view.table, view.name);
        return 0;
}

static int nft_find(char chain[static CHAIN_MAX]) {
        _cleanup_(nfnl_closep) Nfnl *nfnl = NULL;
        int r = nfnl_open(&nfnl);

        if (r >= 0)
                r = nfnl_dump(nfnl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NULL,
                              NULL, read_chain, chain);
        return r;
}

/* ---- legacy iptables: the policy of a chain is the verdict of the entry at its underflow */

static int legacy_policy(int fd, int level, bool *ret_drops) {
        _cleanup_(freep) struct ipt_get_entries *entries = NULL;
        struct ipt_getinfo info = { .name = "filter" };
        socklen_t size = sizeof(info);
        int32_t verdict;

        if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &size) < 0)
                return -errno;
        size = (socklen_t) (sizeof(*entries) + info.size);
        entries = calloc(1, size);
        if (!entries)
                return -ENOMEM;
        (void) snprintf(entries->name, sizeof(entries->name), "filter");
        entries->size = info.size;
        if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, entries, &size) < 0)
                return -errno;
        /* A standard target is the last of its entry, whose size differs between the families; the next
         * entry, of INPUT, FORWARD or OUTPUT, begins behind it. */
        if (info.underflow[NF_INET_FORWARD] >= info.hook_entry[NF_INET_LOCAL_OUT] ||
            info.hook_entry[NF_INET_LOCAL_OUT] > info.size)
                return -EBADMSG;
        memcpy(&verdict,
               (const char *) entries->entrytable + info.hook_entry[NF_INET_LOCAL_OUT] -
                       sizeof(struct xt_standard_target) + offsetof(struct xt_standard_target, verdict),
               sizeof(verdict));
        *ret_drops = verdict == -NF_DROP - 1;
        return 0;
}

/* A table that nobody uses must not come into being by being asked for: the file has those that there are. */
static bool legacy_has_filter(const char *file) {
        char table[XT_TABLE_MAXNAMELEN];
        FILE *f = fopen(file, "re");
        bool found = false;

        while (f && !found && fgets(table, sizeof(table), f))
                found = strcmp(table, "filter\n") == 0;
        if (f)
                (void) fclose(f);
        return found;
}

static int legacy_find(char chain[static CHAIN_MAX]) {
        static const struct {
                const char *name, *file;
                int family, level;
        } table[] = {
                { "iptables", "/proc/net/ip_tables_names", AF_INET, IPPROTO_IP },
                { "ip6tables", "/proc/net/ip6_tables_names", AF_INET6, IPPROTO_IPV6 },
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(table) && r >= 0 && !*chain; i++) {
                _cleanup_(closep) int fd = -1;
                bool drops = false;

                if (!legacy_has_filter(table[i].file))
                        continue;
                fd = socket(table[i].family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
                r = fd < 0 ? -errno : legacy_policy(fd, table[i].level, &drops);
                if (drops)
                        (void) snprintf(chain, CHAIN_MAX, "FORWARD of legacy %s", table[i].name);
        }
        return r;
}

void doctor_check_forward(Doctor *doctor) {
        char chain[CHAIN_MAX] = "";
        int r = nft_find(chain);

        if (r >= 0 && !*chain)
                r = legacy_find(chain);
        if (*chain)
                doctor_add(doctor, CHECK_WARN, "forwarding",
                           condition_remedy("ForwardAllowed", "ForwardPolicyDrop"),
                           "The chain %s drops forwarded packets that none of its rules accepts", chain);
        else if (r == -EPERM || r == -EACCES)
                doctor_add(doctor, CHECK_OK, "forwarding", NULL,
                           "Not looked at: only root may look into the packet filter");
        else if (r < 0)
                doctor_add(doctor, CHECK_WARN, "forwarding", "see whether \"nft list chains\" works",
                           "The packet filter cannot be read: %s", strerror(-r));
        else
                doctor_add(doctor, CHECK_OK, "forwarding", NULL,
                           "No packet filter drops forwarded packets by its policy");
}
