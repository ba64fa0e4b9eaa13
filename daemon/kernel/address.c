/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/address.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/netlink.h"

/*
 * Adding to kube-ipvs0 costs by what is there: for an IPv4 address Linux walks the list of the device twice
 * (devinet.c, find_matching_ifa and __inet_insert_ifa), and its worker for lifetimes goes over all, however it is asked.
 * Local routes in the place of addresses would not, but `ip address` and kube-proxy would see none.
 */

/* So few that all their errors fit in the receive buffer, and what they notify others of in theirs. */
#define ADDRESS_BATCH_MESSAGES 512
#define ADDRESS_DUMP_TRIES 5
#define ADDRESS_DEVICE_KIND "dummy"

struct Addresses {
        Netlink *netlink; /* owned */
        NetlinkBuffer buffer; /* keeps its memory */
        int ifindex; /* of kube-ipvs0; 0 = not there */
};

int addresses_new(Addresses **ret) {
        _cleanup_(addresses_freep) Addresses *addresses = calloc(1, sizeof(Addresses));
        int r;

        if (!addresses)
                return -ENOMEM;
        r = netlink_new(NETLINK_ROUTE, &addresses->netlink);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(addresses);
        return 0;
}

Addresses *addresses_free(Addresses *addresses) {
        if (!addresses)
                return NULL;
        netlink_buffer_done(&addresses->buffer);
        (void) netlink_free(addresses->netlink);
        free(addresses);
        return NULL;
}

int addresses_port_id(Addresses *addresses, uint32_t *ret) {
        return netlink_port_id(addresses->netlink, ret);
}

int addresses_device(const Addresses *addresses) {
        return addresses->ifindex;
}

/* ---- the device */

typedef struct DeviceInfo {
        int ifindex;
        bool is_dummy;
} DeviceInfo;

static bool attr_is(const struct nlattr *attr, const char *text) {
        size_t size = mnl_attr_get_payload_len(attr);

        return size == strlen(text) + 1 && memcmp(mnl_attr_get_payload(attr), text, size) == 0;
}

static int visit_device(const struct nlmsghdr *message, void *userdata) {
        const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
        DeviceInfo *device = userdata;
        const struct nlattr *attr, *inner;

        if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof *header)
                return -EBADMSG;
        device->ifindex = header->ifi_index;
        mnl_attr_for_each(attr, message, sizeof *header) {
                if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
                        continue;
                mnl_attr_for_each_nested(inner, attr)
                        if (mnl_attr_get_type(inner) == IFLA_INFO_KIND)
                                device->is_dummy = attr_is(inner, ADDRESS_DEVICE_KIND);
        }
        return 0;
}

static int device_begin(Addresses *addresses, uint16_t type, uint16_t flags, struct nlmsghdr **ret) {
        struct ifinfomsg *header;
        struct nlmsghdr *message;
        int r;

        netlink_buffer_clear(&addresses->buffer);
        r = netlink_buffer_begin(&addresses->buffer, type, flags | NLM_F_ACK, 128, &message);
        if (r < 0)
                return r;
        header = mnl_nlmsg_put_extra_header(message, sizeof *header);
        header->ifi_family = AF_UNSPEC;
        mnl_attr_put_strz(message, IFLA_IFNAME, KERNEL_DEVICE_NAME);
        *ret = message;
        return 0;
}

/* -ENODEV where there is none. */
static int device_find(Addresses *addresses, DeviceInfo *ret) {
        struct nlmsghdr *message;
        int r;

        r = device_begin(addresses, RTM_GETLINK, 0, &message);
        if (r < 0)
                return r;
        netlink_buffer_end(&addresses->buffer);
        return netlink_call(addresses->netlink, &addresses->buffer, visit_device, ret);
}

static void note_answer(uint32_t seq, int error, void *userdata) {
        *(int *) userdata = error;
}

static int device_make(Addresses *addresses) {
        struct nlmsghdr *message;
        struct nlattr *nest;
        int r, answer = -EPROTO;

        r = device_begin(addresses, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &message);
        if (r < 0)
                return r;
        nest = mnl_attr_nest_start(message, IFLA_LINKINFO);
        mnl_attr_put_strz(message, IFLA_INFO_KIND, ADDRESS_DEVICE_KIND);
        mnl_attr_nest_end(message, nest);
        netlink_buffer_end(&addresses->buffer);
        r = netlink_send(addresses->netlink, &addresses->buffer, note_answer, &answer);
        return r < 0 ? r : answer;
}

int addresses_ensure_device(Addresses *addresses, uint64_t *n_writes) {
        DeviceInfo device = {};
        bool made = false;
        int r;

        r = device_find(addresses, &device);
        if (r == -ENODEV) {
                addresses->ifindex = 0;
                ++*n_writes;
                r = device_make(addresses);
                made = r >= 0;
                if (r >= 0 || r == -EEXIST) /* somebody was quicker */
                        r = device_find(addresses, &device);
        }
        if (r < 0)
                return r; /* what was known of it holds, unless it is gone */
        addresses->ifindex = device.is_dummy ? device.ifindex : 0;
        if (!device.is_dummy)
                return -EEXIST;
        return made;
}

int addresses_remove_device(Addresses *addresses, uint64_t *n_writes) {
        struct nlmsghdr *message;
        DeviceInfo device = {};
        int r, answer = -EPROTO;

        r = device_find(addresses, &device);
        if (r == -ENODEV)
                return 0;
        if (r < 0)
                return r;
        if (!device.is_dummy)
                return -EEXIST;
        r = device_begin(addresses, RTM_DELLINK, 0, &message);
        if (r < 0)
                return r;
        netlink_buffer_end(&addresses->buffer);
        addresses->ifindex = 0;
        ++*n_writes;
        r = netlink_send(addresses->netlink, &addresses->buffer, note_answer, &answer);
        if (r >= 0 && answer != -ENODEV)
                r = answer;
        return r;
}

/* ---- its addresses */

/*
 * Nobody's source by chance: over a link without an address of its own (a pod's, a tunnel's) the kernel takes any of the
 * host, and the answer would come back to a virtual server. IPv4 leaves out those of scope host (inet_select_addr),
 * IPv6 those that are deprecated, where there is another (RFC 6724 rule 3). They are local, answered and served as ever.
 * IPv6 besides: without duplicate detection, which would only delay it, and without a route to itself.
 */
static void put_attributes(struct nlmsghdr *message, bool v6) {
        static const struct ifa_cacheinfo deprecated = { .ifa_prefered = 0, .ifa_valid = UINT32_MAX };

        if (!v6)
                return;
        mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
        mnl_attr_put(message, IFA_CACHEINFO, sizeof deprecated, &deprecated);
}

static int put_address(Addresses *addresses, const AddressOp *op) {
        bool v6 = op->addr.family == AF_INET6;
        struct ifaddrmsg *header;
        struct nlmsghdr *message;
        int r;

        r = netlink_buffer_begin(&addresses->buffer,
                                 op->add ? RTM_NEWADDR : RTM_DELADDR,
                                 op->add ? NLM_F_CREATE | NLM_F_EXCL : 0,
                                 128,
                                 &message);
        if (r < 0)
                return r;
        header = mnl_nlmsg_put_extra_header(message, sizeof *header);
        header->ifa_family = op->addr.family;
        header->ifa_prefixlen = (uint8_t) (8 * ip_addr_size(&op->addr));
        header->ifa_scope = op->add && !v6 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
        header->ifa_index = (unsigned) addresses->ifindex;
        mnl_attr_put(message, IFA_LOCAL, ip_addr_size(&op->addr), op->addr.bytes);
        mnl_attr_put(message, IFA_ADDRESS, ip_addr_size(&op->addr), op->addr.bytes);
        if (op->add)
                put_attributes(message, v6);
        netlink_buffer_end(&addresses->buffer);
        return 0;
}

/* The operations of one batch; a message's sequence number is its place in it, from 1. */
typedef struct AddressBatch {
        AddressOp *ops;
        size_t n_ops;
        bool acknowledged;
} AddressBatch;

static void address_batch_answer(uint32_t seq, int error, void *userdata) {
        AddressBatch *batch = userdata;
        AddressOp *op;

        if (seq == 0 || seq > batch->n_ops)
                return;
        op = &batch->ops[seq - 1];
        if ((op->add && error == -EEXIST) || (!op->add && error == -EADDRNOTAVAIL))
                error = 0;
        op->result = error;
        batch->acknowledged = batch->acknowledged || seq == batch->n_ops;
}

static int address_batch(Addresses *addresses, AddressOp *ops, size_t n_ops, uint64_t *n_writes) {
        AddressBatch batch = { .ops = ops, .n_ops = n_ops };
        int r = 0;

        netlink_buffer_clear(&addresses->buffer);
        for (size_t i = 0; i < n_ops && r >= 0; i++) {
                ops[i].result = 0;
                r = put_address(addresses, &ops[i]);
        }
        if (r < 0)
                return r;
        netlink_buffer_acknowledge(&addresses->buffer);
        *n_writes += n_ops;
        r = netlink_send(addresses->netlink, &addresses->buffer, address_batch_answer, &batch);
        return r >= 0 && !batch.acknowledged ? -EPROTO : r;
}

int addresses_apply(Addresses *addresses, AddressOp *ops, size_t n_ops, uint64_t *n_writes) {
        size_t n;
        int r = 0;

        if (addresses->ifindex == 0) {
                for (size_t i = 0; i < n_ops; i++)
                        ops[i].result = -ENODEV;
                return 0;
        }
        for (size_t i = 0; i < n_ops && r >= 0; i += n) {
                n = MIN2(n_ops - i, (size_t) ADDRESS_BATCH_MESSAGES);
                r = address_batch(addresses, ops + i, n, n_writes);
                for (size_t k = i; r < 0 && k < n_ops; k++)
                        ops[k].result = r;
        }
        return r;
}

/* ---- all addresses */

typedef struct AddressDump {
        AddressInfo *items; /* owned */
        size_t n_items, n_allocated;
        int device;
} AddressDump;

static void address_dump_done(AddressDump *dump) {
        free(dump->items);
}

static int address_dump_add(AddressDump *dump, const AddressInfo *info) {
        if (dump->n_items == dump->n_allocated) {
                size_t n = MAX2(dump->n_allocated * 2, (size_t) 64);
                AddressInfo *bigger = reallocarray(dump->items, n, sizeof(AddressInfo));

                if (!bigger)
                        return -ENOMEM;
                dump->items = bigger;
                dump->n_allocated = n;
        }
        dump->items[dump->n_items++] = *info;
        return 0;
}

/* IFA_LOCAL where there is one: IFA_ADDRESS is the other end of a point-to-point link. */
static int visit_address(const struct nlmsghdr *message, void *userdata) {
        const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
        const struct nlattr *attr, *address = NULL;
        AddressDump *dump = userdata;
        AddressInfo info = {};

        if (message->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(message) < sizeof *header)
                return 0;
        mnl_attr_for_each(attr, message, sizeof *header)
                if (mnl_attr_get_type(attr) == IFA_LOCAL ||
                    (mnl_attr_get_type(attr) == IFA_ADDRESS && !address))
                        address = attr;
        if (!address || ip_addr_from_bytes(header->ifa_family,
                                           mnl_attr_get_payload(address),
                                           mnl_attr_get_payload_len(address),
                                           &info.addr) < 0)
                return 0;
        info.prefix = header->ifa_prefixlen;
        info.ifindex = (int) header->ifa_index;
        info.on_device = info.ifindex == dump->device;
        return address_dump_add(dump, &info);
}

static int address_dump_once(Addresses *addresses, AddressDump *dump) {
        struct ifaddrmsg *header;
        struct nlmsghdr *message;
        int r;

        dump->n_items = 0;
        netlink_buffer_clear(&addresses->buffer);
        r = netlink_buffer_begin(&addresses->buffer, RTM_GETADDR, NLM_F_DUMP, 64, &message);
        if (r < 0)
                return r;
        header = mnl_nlmsg_put_extra_header(message, sizeof *header);
        header->ifa_family = AF_UNSPEC;
        netlink_buffer_end(&addresses->buffer);
        return netlink_dump(addresses->netlink, &addresses->buffer, visit_address, dump);
}

int addresses_dump(Addresses *addresses, AddressVisitor visitor, void *userdata) {
        _cleanup_(address_dump_done) AddressDump dump = {};
        DeviceInfo device = {};
        int r;

        r = device_find(addresses, &device);
        if (r < 0 && r != -ENODEV)
                return r;
        dump.device = addresses->ifindex = device.is_dummy ? device.ifindex : 0;
        r = -EINTR;
        for (unsigned i = 0; i < ADDRESS_DUMP_TRIES && r == -EINTR; i++)
                r = address_dump_once(addresses, &dump);
        if (r == -EINTR)
                return -EAGAIN;
        for (size_t i = 0; i < dump.n_items && r >= 0; i++)
                r = visitor(&dump.items[i], userdata);
        return MIN2(r, 0);
}
