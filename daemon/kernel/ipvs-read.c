/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual servers and their real servers as the kernel has them. */
#include <errno.h>
#include <linux/ip_vs.h>
#include <string.h>

#include "kernel/ipvs-message.h"
#include "kernel/ipvs-private.h"

#define IPVS_DUMP_TRIES 5

typedef struct ServiceList {
        struct ServiceItem {
                VirtualServer service;
                TrafficStats stats;
        } *items; /* owned */
        size_t n_items, n_allocated;
} ServiceList;

static void service_list_done(ServiceList *list) {
        free(list->items);
        *list = (ServiceList) {};
}

static int service_list_visit(const struct nlmsghdr *message, void *userdata) {
        ServiceList *list = userdata;
        struct ServiceItem item;
        int r;

        r = ipvs_message_parse_service(message, &item.service, &item.stats);
        if (r <= 0)
                return r;
        if (list->n_items == list->n_allocated) {
                size_t n = MAX2(list->n_allocated * 2, (size_t) 64);
                struct ServiceItem *bigger = reallocarray(list->items, n, sizeof item);

                if (!bigger)
                        return -ENOMEM;
                list->items = bigger;
                list->n_allocated = n;
        }
        list->items[list->n_items++] = item;
        return 0;
}

/* Kept from one virtual server to the next. */
typedef struct RealServerList {
        int family;
        RealServerInfo *items; /* owned */
        size_t n_items, n_allocated;
} RealServerList;

static void real_server_list_done(RealServerList *list) {
        free(list->items);
}

static int real_server_list_add(const RealServerInfo *info, void *userdata) {
        RealServerList *list = userdata;

        if (list->n_items == list->n_allocated) {
                size_t n = MAX2(list->n_allocated * 2, (size_t) 16);
                RealServerInfo *bigger = reallocarray(list->items, n, sizeof(RealServerInfo));

                if (!bigger)
                        return -ENOMEM;
                list->items = bigger;
                list->n_allocated = n;
        }
        list->items[list->n_items++] = *info;
        return 0;
}

static int real_server_list_visit(const struct nlmsghdr *message, void *userdata) {
        RealServerList *list = userdata;
        RealServerInfo info;
        int r;

        r = ipvs_message_parse_dest(message, list->family, &info);
        return r <= 0 ? r : real_server_list_add(&info, list);
}

static int ipvs_list_services(Ipvs *ipvs, ServiceList *list) {
        int r = -EINTR;

        for (unsigned i = 0; i < IPVS_DUMP_TRIES && r == -EINTR; i++) {
                list->n_items = 0;
                netlink_buffer_clear(&ipvs->buffer);
                r = ipvs_message_put_command(&ipvs->buffer, ipvs->family, IPVS_CMD_GET_SERVICE, NLM_F_DUMP);
                if (r < 0)
                        return r;
                r = netlink_dump(ipvs->netlink, &ipvs->buffer, service_list_visit, list);
        }
        return r == -EINTR ? -EAGAIN : r;
}

static int ipvs_list_dests(Ipvs *ipvs, const VirtualServerKey *key, RealServerList *list) {
        int r = -EINTR;

        list->family = key->addr.family;
        for (unsigned i = 0; i < IPVS_DUMP_TRIES && r == -EINTR; i++) {
                list->n_items = 0;
                netlink_buffer_clear(&ipvs->buffer);
                r = ipvs_message_put_get(&ipvs->buffer, ipvs->family, IPVS_CMD_GET_DEST, NLM_F_DUMP, key);
                if (r >= 0)
                        r = netlink_dump(ipvs->netlink, &ipvs->buffer, real_server_list_visit, list);
        }
        return r == -EINTR ? -EAGAIN : r;
}

/* The cheap way where there is one, which says -ESRCH; netlink has no real servers of a virtual server that is gone. */
static int ipvs_list_dests_cheaply(Ipvs *ipvs, const VirtualServerKey *key, RealServerList *list) {
        int r;

        list->n_items = 0;
        r = ipvs_sockopt_dests(&ipvs->sockopt, key, real_server_list_add, list);
        return r == -ENOPROTOOPT ? ipvs_list_dests(ipvs, key, list) : r;
}

static int ipvs_list_services_surely(Ipvs *ipvs, ServiceList *list) {
        int r = ipvs_resolve(ipvs);

        if (r >= 0)
                r = ipvs_list_services(ipvs, list);
        if (r == -ENOENT) { /* the module was loaded anew */
                ipvs->family = 0;
                r = ipvs_resolve(ipvs);
                if (r >= 0)
                        r = ipvs_list_services(ipvs, list);
        }
        return r;
}

typedef struct ListVisit {
        VirtualServerVisitor visitor;
        void *userdata;
} ListVisit;

static int list_visit(const struct nlmsghdr *message, void *userdata) {
        const ListVisit *visit = userdata;
        VirtualServer service;
        TrafficStats stats;
        int r = ipvs_message_parse_service(message, &service, &stats);

        return r <= 0 ? r : MIN2(visit->visitor(&service, visit->userdata), 0);
}

static int ipvs_list_begin(Ipvs *ipvs) {
        int r = ipvs_resolve(ipvs);

        if (r < 0)
                return r;
        netlink_buffer_clear(&ipvs->buffer);
        r = ipvs_message_put_command(&ipvs->buffer, ipvs->family, IPVS_CMD_GET_SERVICE, NLM_F_DUMP);
        return r < 0 ? r : netlink_dump_begin(ipvs->list, &ipvs->buffer);
}

int ipvs_list(Ipvs *ipvs, bool begin, VirtualServerVisitor visitor, void *userdata) {
        ListVisit visit = { visitor, userdata };
        int r = begin ? ipvs_list_begin(ipvs) : 0;

        if (r >= 0)
                r = netlink_dump_next(ipvs->list, list_visit, &visit);
        if (r == -ENOENT && begin) { /* the module was loaded anew */
                ipvs->family = 0;
                r = ipvs_list_begin(ipvs);
                if (r >= 0)
                        r = netlink_dump_next(ipvs->list, list_visit, &visit);
        }
        return r == -EINTR ? -EAGAIN : r;
}

/* -ESRCH: there is none. */
static int ipvs_get_service(Ipvs *ipvs, const VirtualServerKey *key, ServiceList *list) {
        int r;

        netlink_buffer_clear(&ipvs->buffer);
        r = ipvs_message_put_get(&ipvs->buffer, ipvs->family, IPVS_CMD_GET_SERVICE, NLM_F_ACK, key);
        if (r >= 0)
                r = netlink_call(ipvs->netlink, &ipvs->buffer, service_list_visit, list);
        return r >= 0 && list->n_items == 0 ? -ESRCH : r;
}

int ipvs_read_dests(Ipvs *ipvs, const VirtualServerKey *key, RealServersVisitor visitor, void *userdata) {
        _cleanup_(service_list_done) ServiceList services = {};
        _cleanup_(real_server_list_done) RealServerList dests = {};
        int r = ipvs_resolve(ipvs);

        if (r >= 0)
                r = ipvs_list_dests_cheaply(ipvs, key, &dests);
        if (r >= 0 && dests.n_items == 0)
                r = ipvs_get_service(ipvs, key, &services);
        return r < 0 ? r : MIN2(visitor(dests.items, dests.n_items, userdata), 0);
}

/* Nothing has come to it since it was made, or since `ipvsadm -Z`: as good as no real server has a connection. */
static bool item_is_idle(const struct ServiceItem *item) {
        return item->stats.connections == 0 && item->stats.in_packets == 0 && item->stats.out_packets == 0;
}

static int ipvs_visit(Ipvs *ipvs, const ServiceList *services, bool idle_too, IpvsVisitor visitor, void *userdata) {
        _cleanup_(real_server_list_done) RealServerList dests = {};
        int r = 0;

        for (size_t i = 0; i < services->n_items && r >= 0; i++) {
                const struct ServiceItem *item = &services->items[i];

                dests.n_items = 0;
                if (idle_too || !item_is_idle(item))
                        r = ipvs_list_dests_cheaply(ipvs, &item->service.key, &dests);
                if (r == -ESRCH)
                        r = 0; /* it went meanwhile, and its real servers with it */
                if (r >= 0)
                        r = visitor(&item->service, &item->stats, dests.items, dests.n_items, userdata);
        }
        return MIN2(r, 0);
}

int ipvs_dump(Ipvs *ipvs, IpvsVisitor visitor, void *userdata) {
        _cleanup_(service_list_done) ServiceList services = {};
        int r = ipvs_list_services_surely(ipvs, &services);

        return r < 0 ? r : ipvs_visit(ipvs, &services, /* idle_too= */ true, visitor, userdata);
}

int ipvs_read(Ipvs *ipvs, const VirtualServerKey *key, IpvsVisitor visitor, void *userdata) {
        _cleanup_(service_list_done) ServiceList services = {};
        _cleanup_(real_server_list_done) RealServerList dests = {};
        int r;

        r = ipvs_resolve(ipvs);
        if (r >= 0)
                r = ipvs_get_service(ipvs, key, &services);
        if (r >= 0)
                r = ipvs_list_dests_cheaply(ipvs, key, &dests);
        if (r < 0)
                return r;
        return MIN2(visitor(&services.items[0].service, &services.items[0].stats, dests.items, dests.n_items, userdata), 0);
}

int ipvs_read_many(Ipvs *ipvs, const VirtualServerKey *keys, size_t n_keys, IpvsVisitor visitor, void *userdata) {
        _cleanup_(service_list_done) ServiceList services = {};
        int r = ipvs_resolve(ipvs);

        netlink_buffer_clear(&ipvs->buffer);
        for (size_t i = 0; r >= 0 && i < n_keys; i++)
                r = ipvs_message_put_get(&ipvs->buffer, ipvs->family, IPVS_CMD_GET_SERVICE, 0, &keys[i]);
        if (r >= 0 && n_keys > 0)
                r = netlink_ask(ipvs->netlink, &ipvs->buffer, service_list_visit, &services);
        if (r < 0 && r != -ENOBUFS)
                return r;
        return ipvs_visit(ipvs, &services, /* idle_too= */ false, visitor, userdata);
}
