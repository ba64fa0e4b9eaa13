/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>

#include "kernel/netlink.h"

#define LISTENERS_DUMP_TRIES 5

struct Listeners {
        Netlink *netlink; /* owned */
        NetlinkBuffer buffer; /* keeps its memory */
};

int listeners_new(Listeners **ret) {
        _cleanup_(listeners_freep) Listeners *listeners = calloc(1, sizeof(Listeners));
        int r;

        if (!listeners)
                return -ENOMEM;
        r = netlink_new(NETLINK_SOCK_DIAG, &listeners->netlink);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(listeners);
        return 0;
}

Listeners *listeners_free(Listeners *listeners) {
        if (!listeners)
                return NULL;
        netlink_buffer_done(&listeners->buffer);
        (void) netlink_free(listeners->netlink);
        free(listeners);
        return NULL;
}

/* One dump; what is visited twice because the dump was begun again does no harm to a set. */
typedef struct ListenerDump {
        Protocol protocol;
        ListenerVisitor visitor;
        void *userdata;
} ListenerDump;

static bool attr_says_v6_only(const struct nlmsghdr *message, size_t offset) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, message, offset)
                if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY && mnl_attr_get_payload_len(attr) >= 1)
                        return mnl_attr_get_u8(attr) > 0;
        return false;
}

static int visit_socket(const struct nlmsghdr *message, void *userdata) {
        const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);
        const ListenerDump *dump = userdata;
        ListenerInfo info = { .protocol = (uint8_t) dump->protocol };

        if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(message) < sizeof *socket)
                return 0;
        if (socket->id.idiag_sport == 0 ||
            ip_addr_from_bytes(socket->idiag_family,
                               socket->id.idiag_src,
                               socket->idiag_family == AF_INET ? 4 : 16,
                               &info.addr) < 0)
                return 0;
        info.port = ntohs(socket->id.idiag_sport);
        info.uid = socket->idiag_uid;
        info.inode = socket->idiag_inode;
        info.v6_only = socket->idiag_family == AF_INET6 && attr_says_v6_only(message, sizeof *socket);
        return dump->visitor(&info, dump->userdata);
}

/* A UDP socket that is bound and not connected is in the state of a closed one of TCP. */
static int listeners_dump_once(Listeners *listeners, int family, ListenerDump *dump) {
        struct inet_diag_req_v2 *request;
        struct nlmsghdr *message;
        int r;

        netlink_buffer_clear(&listeners->buffer);
        r = netlink_buffer_begin(&listeners->buffer, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, 128, &message);
        if (r < 0)
                return r;
        request = mnl_nlmsg_put_extra_header(message, sizeof *request);
        request->sdiag_family = (uint8_t) family;
        request->sdiag_protocol = (uint8_t) protocol_to_ip(dump->protocol);
        request->idiag_states = 1U << (dump->protocol == PROTOCOL_UDP ? TCP_CLOSE : TCP_LISTEN);
        netlink_buffer_end(&listeners->buffer);
        return netlink_dump(listeners->netlink, &listeners->buffer, visit_socket, dump);
}

/* A protocol that the kernel lacks, or cannot list the sockets of, has none that could be told. */
int listeners_dump(Listeners *listeners, ListenerVisitor visitor, void *userdata) {
        static const int families[] = { AF_INET, AF_INET6 };

        for (size_t i = 0; i < _PROTOCOL_MAX * ELEMENTSOF(families); i++) {
                ListenerDump dump = { (Protocol) (i / 2), visitor, userdata };
                int r = -EINTR;

                for (unsigned k = 0; k < LISTENERS_DUMP_TRIES && r == -EINTR; k++)
                        r = listeners_dump_once(listeners, families[i % 2], &dump);
                if (r < 0 && r != -EINTR && r != -ENOENT && r != -EINVAL)
                        return r;
        }
        return 0;
}
