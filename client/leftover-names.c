/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names kube-proxy uses, in its IPVS and iptables modes and all versions since 1.9. */
#include "client/leftovers.h"

#include <stdio.h>
#include <string.h>

#define SET_NAME_MAX 31 /* longer names of IPv6 sets are cut, as kube-proxy cuts them */

static const char *const kind_table[_LEFTOVER_KIND_MAX] = {
        [LEFTOVER_RULE] = "rule",
        [LEFTOVER_CHAIN] = "chain",
        [LEFTOVER_TABLE] = "table",
        [LEFTOVER_SET] = "set",
};

/* IPVS: reference §4.6; iptables: the proxier's own list. KUBE-FIRE-WALL is IPVS's of 1.20 and
 * earlier, KUBE-FIREWALL the kubelet's. */
static const char *const chains[] = {
        "KUBE-SERVICES",          "KUBE-POSTROUTING",
        "KUBE-NODE-PORT",         "KUBE-LOAD-BALANCER",
        "KUBE-FIRE-WALL",         "KUBE-FORWARD",
        "KUBE-PROXY-FIREWALL",    "KUBE-SOURCE-RANGES-FIREWALL",
        "KUBE-IPVS-FILTER",       "KUBE-IPVS-OUT-FILTER",
        "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS",
        "KUBE-PROXY-CANARY",
};

/* One chain a service or endpoint, of the iptables mode: these and 16 letters of a hash. */
static const char *const hashed_chains[] = {
        "KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-XLB-", "KUBE-EXT-",
};
#define HASH_LENGTH 16

/* Behind "KUBE-" or, for IPv6, "KUBE-6-" (reference §4.5) */
static const char *const sets[] = {
        "LOOP-BACK",
        "CLUSTER-IP",
        "EXTERNAL-IP",
        "EXTERNAL-IP-LOCAL",
        "LOAD-BALANCER",
        "LOAD-BALANCER-LOCAL",
        "LOAD-BALANCER-FW",
        "LOAD-BALANCER-SOURCE-CIDR",
        "LOAD-BALANCER-SOURCE-IP",
        "NODE-PORT-TCP",
        "NODE-PORT-LOCAL-TCP",
        "NODE-PORT-UDP",
        "NODE-PORT-LOCAL-UDP",
        "NODE-PORT-SCTP",
        "NODE-PORT-LOCAL-SCTP",
        "NODE-PORT-SCTP-HASH",
        "NODE-PORT-LOCAL-SCTP-HASH",
        "HEALTH-CHECK-NODE-PORT",
        "IPVS-IPS",
};

const char *leftover_kind_to_string(LeftoverKind kind) {
        return kind_table[kind];
}

bool leftover_is_chain(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(chains); i++)
                if (strcmp(chains[i], name) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(hashed_chains); i++) {
                size_t n = strlen(hashed_chains[i]);

                if (strncmp(name, hashed_chains[i], n) == 0 &&
                    strspn(name + n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == HASH_LENGTH &&
                    !name[n + HASH_LENGTH])
                        return true;
        }
        return false;
}

bool leftover_is_set(const char *name) {
        char wanted[64];

        for (size_t i = 0; i < ELEMENTSOF(sets); i++) {
                (void) snprintf(wanted, sizeof(wanted), "KUBE-%s", sets[i]);
                if (strcmp(wanted, name) == 0)
                        return true;
                (void) snprintf(wanted, SET_NAME_MAX + 1, "KUBE-6-%s", sets[i]);
                if (strcmp(wanted, name) == 0)
                        return true;
        }
        return false;
}
