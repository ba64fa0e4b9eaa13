/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <netinet/in.h> /* before its kernel twin */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MONITOR_RECEIVE_SIZE (32 * 1024)
/* A thousand pods that start at once, or ten thousand elements of somebody else's table. */
#define MONITOR_BUFFER (8 * 1024 * 1024)
/* Datagrams in one event: others in the loop have their turn too. */
#define MONITOR_READS 64

struct Monitor {
        struct mnl_socket *route, *filter; /* owned */
        sd_event_source *route_source, *filter_source, *deliver; /* owned */
        KernelEventHandler handler;
        void *userdata;
        unsigned pending; /* 1 << KernelEvent, delivered by `deliver` */
        int ifindex; /* of kube-ipvs0 */
        uint32_t address_port_id, filter_port_id;
        bool table_touched; /* by the transaction that is being told of */
        uint8_t *received; /* owned */
};

static void monitor_note(Monitor *monitor, KernelEvent event) {
        monitor->pending |= 1U << event;
        (void) sd_event_source_set_enabled(monitor->deliver, SD_EVENT_ONESHOT);
}

static int on_deliver(sd_event_source *source, void *userdata) {
        Monitor *monitor = userdata;
        unsigned pending = monitor->pending;

        monitor->pending = 0;
        for (KernelEvent event = 0; event < _KERNEL_EVENT_MAX; event++)
                if (pending & 1U << event)
                        monitor->handler(event, monitor->userdata);
        return 0;
}

/* ---- addresses and links */

/* What those who pump said that we did, for the messages they read. */
typedef struct OwnOps {
        const AddressOp *ops;
        size_t n_ops;
        pid_t process; /* made the table; 0 = none */
} OwnOps;

static bool own_ops_have(const OwnOps *own, const IpAddr *addr) {
        for (size_t i = 0; i < own->n_ops; i++)
                if (ip_addr_equal(&own->ops[i].addr, addr))
                        return true;
        return false;
}

/* On our device only a removal matters here; what others add is found by the audit. */
static void monitor_see_address(Monitor *monitor, const struct nlmsghdr *message, const OwnOps *own) {
        const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
        const struct nlattr *attr;
        IpAddr addr = {};

        if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
                return;
        mnl_attr_for_each(attr, message, sizeof *header)
                if (mnl_attr_get_type(attr) == IFA_LOCAL ||
                    (mnl_attr_get_type(attr) == IFA_ADDRESS && addr.family == 0))
                        (void) ip_addr_from_bytes(header->ifa_family,
                                                  mnl_attr_get_payload(attr),
                                                  mnl_attr_get_payload_len(attr),
                                                  &addr);
        if (addr.family == 0 || ip_addr_is_link_local(&addr) || ip_addr_is_loopback(&addr))
                return;
        if (monitor->ifindex == 0 || (int) header->ifa_index != monitor->ifindex)
                monitor_note(monitor, KERNEL_EVENT_ADDRESS);
        else if (message->nlmsg_type == RTM_DELADDR && !own_ops_have(own, &addr))
                monitor_note(monitor, KERNEL_EVENT_DEVICE);
}

static void monitor_see_link(Monitor *monitor, const struct nlmsghdr *message) {
        const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
        const struct nlattr *attr;
        bool named = false, ours;

        if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
                return;
        mnl_attr_for_each(attr, message, sizeof *header)
                if (mnl_attr_get_type(attr) == IFLA_IFNAME)
                        named = mnl_attr_get_payload_len(attr) == sizeof KERNEL_DEVICE_NAME &&
                                memcmp(mnl_attr_get_payload(attr), KERNEL_DEVICE_NAME, sizeof KERNEL_DEVICE_NAME) == 0;
        ours = monitor->ifindex > 0 && header->ifi_index == monitor->ifindex;
        if (message->nlmsg_type == RTM_DELLINK ? ours : ours != named)
                monitor_note(monitor, KERNEL_EVENT_DEVICE);
}

static void monitor_see_route(Monitor *monitor, const struct nlmsghdr *message, const OwnOps *own) {
        if (message->nlmsg_pid == monitor->address_port_id)
                return;
        switch (message->nlmsg_type) {
        case RTM_NEWADDR:
        case RTM_DELADDR:
                monitor_see_address(monitor, message, own);
                break;
        case RTM_NEWLINK:
        case RTM_DELLINK:
                monitor_see_link(monitor, message);
                break;
        default:
                break;
        }
}

/* ---- nftables */

static bool message_is_of_table(const struct nlmsghdr *message) {
        const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
        const struct nlattr *attr;

        if (mnl_nlmsg_get_payload_len(message) < sizeof *header || header->nfgen_family != NFPROTO_INET)
                return false;
        /* The table's name is the first attribute of tables, chains, rules, sets and elements alike. */
        mnl_attr_for_each(attr, message, sizeof *header)
                if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME)
                        return mnl_attr_get_payload_len(attr) == sizeof KERNEL_TABLE_NAME &&
                               memcmp(mnl_attr_get_payload(attr), KERNEL_TABLE_NAME, sizeof KERNEL_TABLE_NAME) == 0;
        return false;
}

_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
                       NFTA_SET_ELEM_LIST_TABLE == 1,
               "the table's name has one number");

/*
 * libnftables has a socket of its own, which the kernel binds to the number of the process that opens it, as that process
 * sees it (netlink_autobind()).
 */
static bool filter_message_is_own(const Monitor *monitor, const struct nlmsghdr *message, const OwnOps *own) {
        return message->nlmsg_pid == monitor->filter_port_id ||
               (own->process > 0 && message->nlmsg_pid == (uint32_t) own->process);
}

static void monitor_see_filter(Monitor *monitor, const struct nlmsghdr *message, const OwnOps *own) {
        if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
            filter_message_is_own(monitor, message, own))
                return;
        if (NFNL_MSG_TYPE(message->nlmsg_type) != NFT_MSG_NEWGEN) {
                monitor->table_touched = monitor->table_touched || message_is_of_table(message);
                return;
        }
        if (monitor->table_touched)
                monitor_note(monitor, KERNEL_EVENT_FILTER);
        monitor->table_touched = false;
}

/* ---- reading */

typedef enum MonitorSocket {
        MONITOR_ROUTE,
        MONITOR_FILTER,
} MonitorSocket;

static void monitor_see(Monitor *monitor, MonitorSocket which, size_t size, const OwnOps *own) {
        const struct nlmsghdr *message = (const void *) monitor->received;
        int left = (int) size;

        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
                if (which == MONITOR_ROUTE)
                        monitor_see_route(monitor, message, own);
                else
                        monitor_see_filter(monitor, message, own);
}

static int monitor_read(Monitor *monitor, MonitorSocket which, unsigned n_max, const OwnOps *own) {
        struct mnl_socket *s = which == MONITOR_ROUTE ? monitor->route : monitor->filter;

        for (unsigned i = 0; i < n_max; i++) {
                ssize_t n = recv(mnl_socket_get_fd(s), monitor->received, MONITOR_RECEIVE_SIZE, MSG_DONTWAIT);

                if (n >= 0)
                        monitor_see(monitor, which, (size_t) n, own);
                else if (errno == EAGAIN)
                        return 0;
                else if (errno == ENOBUFS)
                        monitor_note(monitor, KERNEL_EVENT_OVERRUN);
                else if (errno != EINTR)
                        return -errno;
        }
        return 0;
}

static int on_route(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        return monitor_read(userdata, MONITOR_ROUTE, MONITOR_READS, &(OwnOps) {});
}

static int on_filter(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        return monitor_read(userdata, MONITOR_FILTER, MONITOR_READS, &(OwnOps) {});
}

void monitor_pump(Monitor *monitor, const AddressOp *ops, size_t n_ops) {
        OwnOps own = { .ops = ops, .n_ops = n_ops };

        (void) monitor_read(monitor, MONITOR_ROUTE, UINT32_MAX, &own); /* a broken socket is seen by its source */
}

void monitor_pump_filter(Monitor *monitor, pid_t process) {
        (void) monitor_read(monitor, MONITOR_FILTER, UINT32_MAX, &(OwnOps) { .process = process });
}

void monitor_set_device(Monitor *monitor, int ifindex) {
        monitor->ifindex = ifindex;
}

/* ---- life */

/* Drops datagrams whose first message has our port id; the rest passes. Loads are of network order. */
static int monitor_attach_filter(int fd, uint32_t port_id) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port_id), 0, 1),
                BPF_STMT(BPF_RET | BPF_K, 0),
                BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        };
        struct sock_fprog program = { .len = ELEMENTSOF(code), .filter = code };

        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}

static int monitor_open(int protocol, uint32_t port_id, const int *groups, size_t n_groups, struct mnl_socket **ret) {
        struct mnl_socket *s = mnl_socket_open2(protocol, SOCK_CLOEXEC | SOCK_NONBLOCK);
        int size = MONITOR_BUFFER, r;

        if (!s)
                return -errno;
        (void) setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        r = monitor_attach_filter(mnl_socket_get_fd(s), port_id);
        if (r >= 0 && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
                r = -errno;
        for (size_t i = 0; i < n_groups && r >= 0; i++)
                if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, (void *) (uintptr_t) &groups[i], sizeof(int)) < 0)
                        r = -errno;
        if (r < 0) {
                (void) mnl_socket_close(s);
                return r;
        }
        *ret = s;
        return 0;
}

static int monitor_open_sockets(Monitor *monitor) {
        static const int route_groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR };
        static const int filter_groups[] = { NFNLGRP_NFTABLES };
        int r;

        monitor->received = malloc(MONITOR_RECEIVE_SIZE);
        if (!monitor->received)
                return -ENOMEM;
        r = monitor_open(NETLINK_ROUTE, monitor->address_port_id, route_groups, ELEMENTSOF(route_groups), &monitor->route);
        if (r < 0)
                return r;
        return monitor_open(
                NETLINK_NETFILTER, monitor->filter_port_id, filter_groups, ELEMENTSOF(filter_groups), &monitor->filter);
}

static int monitor_add_sources(Monitor *monitor, const MonitorOptions *options) {
        sd_event_source *sources[3] = {};
        int r;

        r = sd_event_add_io(options->event,
                            &monitor->route_source,
                            mnl_socket_get_fd(monitor->route),
                            EPOLLIN,
                            on_route,
                            monitor);
        if (r >= 0)
                r = sd_event_add_io(options->event,
                                    &monitor->filter_source,
                                    mnl_socket_get_fd(monitor->filter),
                                    EPOLLIN,
                                    on_filter,
                                    monitor);
        if (r >= 0)
                r = sd_event_add_defer(options->event, &monitor->deliver, on_deliver, monitor);
        if (r >= 0)
                r = sd_event_source_set_enabled(monitor->deliver, SD_EVENT_OFF);
        sources[0] = monitor->route_source;
        sources[1] = monitor->filter_source;
        sources[2] = monitor->deliver;
        for (size_t i = 0; i < ELEMENTSOF(sources) && r >= 0; i++)
                r = sd_event_source_set_priority(sources[i], options->priority);
        return MIN2(r, 0);
}

int monitor_new(const MonitorOptions *options, Monitor **ret) {
        _cleanup_(monitor_freep) Monitor *monitor = calloc(1, sizeof(Monitor));
        int r;

        if (!monitor)
                return -ENOMEM;
        monitor->handler = options->handler;
        monitor->userdata = options->userdata;
        monitor->address_port_id = options->address_port_id;
        monitor->filter_port_id = options->filter_port_id;
        r = monitor_open_sockets(monitor);
        if (r >= 0)
                r = monitor_add_sources(monitor, options);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(monitor);
        return 0;
}

Monitor *monitor_free(Monitor *monitor) {
        if (!monitor)
                return NULL;
        (void) sd_event_source_disable_unref(monitor->route_source);
        (void) sd_event_source_disable_unref(monitor->filter_source);
        (void) sd_event_source_disable_unref(monitor->deliver);
        if (monitor->route)
                (void) mnl_socket_close(monitor->route);
        if (monitor->filter)
                (void) mnl_socket_close(monitor->filter);
        free(monitor->received);
        free(monitor);
        return NULL;
}
