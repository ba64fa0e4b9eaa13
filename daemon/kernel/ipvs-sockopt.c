/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvs-sockopt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <string.h>
#include <sys/socket.h>

#define SOCKOPT_FIRST_ROOM 32
#define SOCKOPT_ROOM_MAX (1U << 20)

void ipvs_sockopt_done(IpvsSockopt *sockopt) {
        if (sockopt->fd >= 0)
                (void) close(sockopt->fd);
        free(sockopt->request);
        *sockopt = (IpvsSockopt) IPVS_SOCKOPT_INIT;
}

static int sockopt_reserve(IpvsSockopt *sockopt, size_t n) {
        void *bigger;

        if (n > SOCKOPT_ROOM_MAX)
                return -E2BIG;
        bigger = realloc(sockopt->request, sizeof(struct ip_vs_get_dests) + n * sizeof(struct ip_vs_dest_entry));
        if (!bigger)
                return -ENOMEM;
        sockopt->request = bigger;
        sockopt->n_allocated = n;
        return 0;
}

/* The kernel does not say how many there are: what it leaves zero is the end. */
static int sockopt_ask(IpvsSockopt *sockopt, const VirtualServerKey *key) {
        struct ip_vs_get_dests *get = sockopt->request;
        socklen_t size = (socklen_t) (sizeof *get + sockopt->n_allocated * sizeof(struct ip_vs_dest_entry));

        memset(get, 0, size);
        get->fwmark = key->fwmark;
        if (key->fwmark == 0) {
                get->protocol = (uint16_t) protocol_to_ip((Protocol) key->protocol);
                memcpy(&get->addr, key->addr.bytes, sizeof get->addr);
                get->port = htons(key->port);
        }
        get->num_dests = (unsigned) sockopt->n_allocated;
        return getsockopt(sockopt->fd, IPPROTO_IP, IP_VS_SO_GET_DESTS, get, &size) < 0 ? -errno : 0;
}

static bool entry_is_empty(const struct ip_vs_dest_entry *entry) {
        return entry->addr == 0 && entry->port == 0;
}

static void entry_to_info(const struct ip_vs_dest_entry *entry, RealServerInfo *ret) {
        RealServerInfo info = {
                .server = { .addr.port = ntohs(entry->port),
                            .weight = (uint32_t) entry->weight,
                            .forward = (uint8_t) (entry->conn_flags & IP_VS_CONN_F_FWD_MASK) },
                .active = entry->activeconns,
                .inactive = entry->inactconns,
                .persistent = entry->persistconns,
                .stats = { .connections = entry->stats.conns,
                           .in_packets = entry->stats.inpkts,
                           .out_packets = entry->stats.outpkts,
                           .in_bytes = entry->stats.inbytes,
                           .out_bytes = entry->stats.outbytes,
                           .cps = entry->stats.cps,
                           .in_pps = entry->stats.inpps,
                           .out_pps = entry->stats.outpps,
                           .in_bps = entry->stats.inbps,
                           .out_bps = entry->stats.outbps },
        };

        (void) ip_addr_from_bytes(AF_INET, &entry->addr, sizeof entry->addr, &info.server.addr.addr);
        *ret = info;
}

int ipvs_sockopt_dests(IpvsSockopt *sockopt, const VirtualServerKey *key, RealServerVisitor visitor, void *userdata) {
        const struct ip_vs_get_dests *get;
        RealServerInfo info;
        int r;

        if (key->addr.family != AF_INET)
                return -ENOPROTOOPT;
        if (sockopt->fd < 0)
                sockopt->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (sockopt->fd < 0)
                return -errno;
        r = sockopt->n_allocated == 0 ? sockopt_reserve(sockopt, SOCKOPT_FIRST_ROOM) : 0;
        while (r >= 0) {
                r = sockopt_ask(sockopt, key);
                get = sockopt->request;
                if (r < 0 || entry_is_empty(&get->entrytable[sockopt->n_allocated - 1]))
                        break;
                r = sockopt_reserve(sockopt, 2 * sockopt->n_allocated);
        }
        for (size_t i = 0; r >= 0 && i < sockopt->n_allocated; i++) {
                if (entry_is_empty(&get->entrytable[i]))
                        break;
                entry_to_info(&get->entrytable[i], &info);
                r = visitor(&info, userdata);
        }
        return r;
}
