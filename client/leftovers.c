/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/leftovers.h"

/* First: the headers of the kernel leave out then what libc has defined. */
#include <netinet/in.h>

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/leftovers-legacy.h"
#include "client/nfnl.h"

#define NFT(message) ((uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | (message)))
#define IPSET(message) ((uint16_t) (NFNL_SUBSYS_IPSET << 8 | (message)))

#define NFT_TABLE_OF_KUBE_PROXY "kube-proxy"
/* While the daemon programs, the ruleset changes and reading begins again. */
#define READS_MAX 20
/* The kernel lets go of sets a moment after the rules that used them. */
#define SET_TRIES_MAX 60
#define SET_TRY_USEC 50000

static const uint8_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
static const char *const tables[] = { "nat", "filter", "mangle" };
static const char *const builtin_chains[] = {
        "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING",
};

void leftovers_done(Leftovers *leftovers) {
        free(leftovers->items);
        *leftovers = (Leftovers){ 0 };
}

static bool is_one_of(const char *name, const char *const names[], size_t n) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

static int item_add(Leftovers *leftovers, const Leftover *item) {
        Leftover *items = reallocarray(leftovers->items, leftovers->n_items + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        leftovers->items = items;
        items[leftovers->n_items++] = *item;
        return 0;
}

/* ---- attributes: the kernel is trusted to send the right types, not to send all of them */

typedef struct Attributes {
        const struct nlattr *by_type[64]; /* by type; NULL = absent */
} Attributes;

static int attribute_take(const struct nlattr *attr, void *userdata) {
        Attributes *attributes = userdata;
        uint16_t type = mnl_attr_get_type(attr);

        if (type < ELEMENTSOF(attributes->by_type))
                attributes->by_type[type] = attr;
        return MNL_CB_OK;
}

static void attributes_read(const struct nlmsghdr *message, Attributes *ret) {
        *ret = (Attributes){ 0 };
        (void) mnl_attr_parse(message, sizeof(struct nfgenmsg), attribute_take, ret);
}

static void attributes_read_nested(const struct nlattr *attr, Attributes *ret) {
        *ret = (Attributes){ 0 };
        if (attr)
                (void) mnl_attr_parse_nested(attr, attribute_take, ret);
}

/* "" if absent or too long for `buf`, which no name of ours is. */
static const char *attribute_text(const struct nlattr *attr, char buf[static LEFTOVER_NAME_MAX]) {
        size_t n = attr ? strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)) : 0;

        if (n >= LEFTOVER_NAME_MAX)
                n = 0;
        if (n > 0)
                (void) memcpy(buf, mnl_attr_get_payload(attr), n);
        buf[n] = '\0';
        return buf;
}

/* ---- nf_tables */

static int generation_read(const struct nlmsghdr *message, uint8_t family, void *userdata) {
        Attributes a;

        attributes_read(message, &a);
        if (a.by_type[NFTA_GEN_ID])
                *(uint32_t *) userdata = be32toh(mnl_attr_get_u32(a.by_type[NFTA_GEN_ID]));
        return 0;
}

static int table_read(const struct nlmsghdr *message, uint8_t family, void *userdata) {
        Leftover item = { .kind = LEFTOVER_TABLE, .family = family };
        Attributes a;

        attributes_read(message, &a);
        (void) attribute_text(a.by_type[NFTA_TABLE_NAME], item.name);
        if ((family != NFPROTO_IPV4 && family != NFPROTO_IPV6) ||
            strcmp(item.name, NFT_TABLE_OF_KUBE_PROXY) != 0)
                return 0;
        (void) memcpy(item.table, item.name, sizeof(item.table));
        return item_add(userdata, &item);
}

static int chain_read(const struct nlmsghdr *message, uint8_t family, void *userdata) {
        Leftover item = { .kind = LEFTOVER_CHAIN, .family = family };
        Attributes a;

        attributes_read(message, &a);
        (void) attribute_text(a.by_type[NFTA_CHAIN_TABLE], item.table);
        (void) attribute_text(a.by_type[NFTA_CHAIN_NAME], item.name);
        if (!is_one_of(item.table, tables, ELEMENTSOF(tables)) || !leftover_is_chain(item.name))
                return 0;
        return item_add(userdata, &item);
}

/* The chain a rule jumps or goes to, "" if none: an immediate expression with a verdict. */
static void rule_target(const struct nlattr *expressions, char ret[static LEFTOVER_NAME_MAX]) {
        const struct nlattr *attr;
        char name[LEFTOVER_NAME_MAX];
        Attributes a;

        ret[0] = '\0';
        if (!expressions)
                return;
        mnl_attr_for_each_nested(attr, expressions) {
                attributes_read_nested(attr, &a);
                if (strcmp(attribute_text(a.by_type[NFTA_EXPR_NAME], name), "immediate") != 0)
                        continue;
                attributes_read_nested(a.by_type[NFTA_EXPR_DATA], &a);
                attributes_read_nested(a.by_type[NFTA_IMMEDIATE_DATA], &a);
                attributes_read_nested(a.by_type[NFTA_DATA_VERDICT], &a);
                if (a.by_type[NFTA_VERDICT_CHAIN])
                        (void) attribute_text(a.by_type[NFTA_VERDICT_CHAIN], ret);
        }
}

static int rule_read(const struct nlmsghdr *message, uint8_t family, void *userdata) {
        Leftover item = { .kind = LEFTOVER_RULE, .family = family };
        Leftovers *leftovers = userdata;
        Attributes a;

        attributes_read(message, &a);
        (void) attribute_text(a.by_type[NFTA_RULE_TABLE], item.table);
        (void) attribute_text(a.by_type[NFTA_RULE_CHAIN], item.name);
        rule_target(a.by_type[NFTA_RULE_EXPRESSIONS], item.target);
        if (!is_one_of(item.table, tables, ELEMENTSOF(tables)) || leftover_is_chain(item.name) ||
            !leftover_is_chain(item.target) || !a.by_type[NFTA_RULE_HANDLE])
                return 0;
        if (!is_one_of(item.name, builtin_chains, ELEMENTSOF(builtin_chains))) {
                (void) snprintf(leftovers->obstacle, sizeof(leftovers->obstacle), "%s %s -> %s",
                                item.table, item.name, item.target);
                return 0;
        }
        item.handle = be64toh(mnl_attr_get_u64(a.by_type[NFTA_RULE_HANDLE]));
        return item_add(leftovers, &item);
}

static void fill_rule_table(struct nlmsghdr *message, const void *userdata) {
        mnl_attr_put_strz(message, NFTA_RULE_TABLE, userdata);
}

static int nft_read(Nfnl *nfnl, Leftovers *ret) {
        int r;

        r = nfnl_request(nfnl, NFT(NFT_MSG_GETGEN), AF_UNSPEC, NULL, NULL, generation_read,
                         &ret->generation);
        for (size_t f = 0; r >= 0 && f < ELEMENTSOF(families); f++)
                for (size_t t = 0; r >= 0 && t < ELEMENTSOF(tables); t++)
                        r = nfnl_dump(nfnl, NFT(NFT_MSG_GETRULE), families[f], fill_rule_table,
                                      tables[t], rule_read, ret);
        for (size_t f = 0; r >= 0 && f < ELEMENTSOF(families); f++)
                r = nfnl_dump(nfnl, NFT(NFT_MSG_GETCHAIN), families[f], NULL, NULL, chain_read,
                              ret);
        if (r >= 0)
                r = nfnl_dump(nfnl, NFT(NFT_MSG_GETTABLE), AF_UNSPEC, NULL, NULL, table_read, ret);
        return r;
}

/* ---- ipset */

static void fill_set(struct nlmsghdr *message, const void *userdata) {
        mnl_attr_put_u8(message, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
        if (userdata)
                mnl_attr_put_strz(message, IPSET_ATTR_SETNAME, userdata);
        else
                mnl_attr_put_u32(message, IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER,
                                 htobe32(IPSET_FLAG_LIST_SETNAME));
}

static int set_read(const struct nlmsghdr *message, uint8_t family, void *userdata) {
        Leftover item = { .kind = LEFTOVER_SET };
        Attributes a;

        attributes_read(message, &a);
        (void) attribute_text(a.by_type[IPSET_ATTR_SETNAME], item.name);
        return leftover_is_set(item.name) ? item_add(userdata, &item) : 0;
}

/* Asking would load the module, and where it is not loaded there are no sets. */
static int sets_read(Nfnl *nfnl, Leftovers *ret) {
        int r;

        if (access("/sys/module/ip_set", F_OK) < 0)
                return 0;
        r = nfnl_dump(nfnl, IPSET(IPSET_CMD_LIST), AF_UNSPEC, fill_set, NULL, set_read, ret);
        return r == -ENOENT ? 0 : r;
}

/* ---- all of it */

int leftovers_read(Leftovers *ret) {
        _cleanup_(nfnl_closep) Nfnl *nfnl = NULL;
        Leftovers leftovers = { 0 };
        int r = nfnl_open(&nfnl);

        for (int i = 0; i < READS_MAX && r >= 0; i++) {
                r = nft_read(nfnl, &leftovers);
                if (r >= 0)
                        r = sets_read(nfnl, &leftovers);
                if (r != -EINTR)
                        break;
                leftovers_done(&leftovers);
                r = i + 1 < READS_MAX ? 0 : -EBUSY;
        }
        if (r >= 0)
                r = legacy_read(leftovers.legacy, sizeof(leftovers.legacy));
        if (r < 0) {
                leftovers_done(&leftovers);
                return r;
        }
        *ret = leftovers;
        return 0;
}

static void fill_rule(struct nlmsghdr *message, const void *userdata) {
        const Leftover *item = userdata;

        mnl_attr_put_strz(message, NFTA_RULE_TABLE, item->table);
        mnl_attr_put_strz(message, NFTA_RULE_CHAIN, item->name);
        if (item->kind == LEFTOVER_RULE)
                mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(item->handle));
}

static void fill_chain(struct nlmsghdr *message, const void *userdata) {
        const Leftover *item = userdata;

        mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, item->table);
        mnl_attr_put_strz(message, NFTA_CHAIN_NAME, item->name);
}

static void fill_table(struct nlmsghdr *message, const void *userdata) {
        const Leftover *item = userdata;

        mnl_attr_put_strz(message, NFTA_TABLE_NAME, item->table);
}

/* Jumps, then what the chains hold, then the chains: so nothing is in use when its turn comes. */
static int batch_fill(NfnlBatch *batch, const Leftovers *leftovers) {
        static const struct {
                LeftoverKind kind;
                uint16_t message;
                NfnlFill fill;
        } passes[] = {
                { LEFTOVER_RULE, NFT_MSG_DELRULE, fill_rule },
                { LEFTOVER_CHAIN, NFT_MSG_DELRULE, fill_rule },
                { LEFTOVER_CHAIN, NFT_MSG_DELCHAIN, fill_chain },
                { LEFTOVER_TABLE, NFT_MSG_DELTABLE, fill_table },
        };
        int r = 0;

        for (size_t p = 0; p < ELEMENTSOF(passes); p++)
                for (size_t i = 0; r >= 0 && i < leftovers->n_items; i++) {
                        const Leftover *item = &leftovers->items[i];

                        if (item->kind == passes[p].kind)
                                r = nfnl_batch_add(batch, passes[p].message, item->family,
                                                   passes[p].fill, item);
                }
        return r;
}

static bool has_nft(const Leftovers *leftovers) {
        for (size_t i = 0; i < leftovers->n_items; i++)
                if (leftovers->items[i].kind != LEFTOVER_SET)
                        return true;
        return false;
}

static int set_destroy(Nfnl *nfnl, const char *name) {
        int r = 0;

        for (int i = 0; i < SET_TRIES_MAX; i++) {
                r = nfnl_request(nfnl, IPSET(IPSET_CMD_DESTROY), AF_UNSPEC, fill_set, name, NULL,
                                 NULL);
                if (r != -IPSET_ERR_BUSY)
                        break;
                (void) usleep(SET_TRY_USEC);
        }
        return r == -ENOENT ? 0 : r == -IPSET_ERR_BUSY ? -EBUSY : r;
}

int leftovers_remove(const Leftovers *leftovers) {
        _cleanup_(nfnl_batch_freep) NfnlBatch *batch = NULL;
        _cleanup_(nfnl_closep) Nfnl *nfnl = NULL;
        int r;

        if (leftovers->obstacle[0])
                return -EBUSY;
        r = nfnl_open(&nfnl);
        if (r >= 0 && has_nft(leftovers)) {
                r = nfnl_batch_new(leftovers->generation, &batch);
                if (r >= 0)
                        r = batch_fill(batch, leftovers);
                if (r >= 0)
                        r = nfnl_batch_commit(nfnl, batch);
        }
        for (size_t i = 0; r >= 0 && i < leftovers->n_items; i++)
                if (leftovers->items[i].kind == LEFTOVER_SET)
                        r = set_destroy(nfnl, leftovers->items[i].name);
        return r;
}
