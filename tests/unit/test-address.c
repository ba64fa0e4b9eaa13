/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of kube-ipvs0 whatever the kernel, which is played, answers about it. */
#include "tests/unit/test.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "kernel/address.h"
#include "kernel/netlink.h"

#define INDEX 7

static int find_result; /* of asking for the device; 0 = it is there, and … */
static const char *kind;
static int make_answer;

int __wrap_netlink_call(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata);
int __wrap_netlink_call(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkVisitor visitor, void *userdata) {
        char bytes[256];
        struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
        struct ifinfomsg *header;
        struct nlattr *nest;

        if (find_result < 0)
                return find_result;
        message->nlmsg_type = RTM_NEWLINK;
        header = mnl_nlmsg_put_extra_header(message, sizeof *header);
        header->ifi_index = INDEX;
        nest = mnl_attr_nest_start(message, IFLA_LINKINFO);
        mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
        mnl_attr_nest_end(message, nest);
        return visitor(message, userdata);
}

/* Of making the device, and of addresses. */
int __wrap_netlink_send(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkAnswer answer, void *userdata);
int __wrap_netlink_send(Netlink *netlink, const NetlinkBuffer *buffer, NetlinkAnswer answer, void *userdata) {
        answer(1, make_answer, userdata);
        return 0;
}

static int ensure(Addresses *addresses, int find, const char *as, int make) {
        uint64_t n_writes = 0;

        find_result = find;
        kind = as;
        make_answer = make;
        return addresses_ensure_device(addresses, &n_writes);
}

static int apply(Addresses *addresses) {
        AddressOp op = { .addr = { .family = AF_INET, .bytes = { 10, 0, 0, 1 } }, .add = true };
        uint64_t n_writes = 0;

        make_answer = 0;
        assert_int_equal(addresses_apply(addresses, &op, 1, &n_writes), 0);
        return op.result;
}

static void test_device(void **state) {
        _cleanup_(addresses_freep) Addresses *addresses = NULL;

        assert_int_equal(addresses_new(&addresses), 0);
        assert_int_equal(apply(addresses), -ENODEV);
        assert_int_equal(ensure(addresses, 0, "dummy", 0), 0);
        assert_int_equal(addresses_device(addresses), INDEX);

        /* It could not be asked for: nothing says that it is gone. */
        assert_int_equal(ensure(addresses, -ENOMEM, NULL, 0), -ENOMEM);
        assert_int_equal(addresses_device(addresses), INDEX);
        assert_int_equal(apply(addresses), 0);

        /* It is gone, and cannot be made. */
        assert_int_equal(ensure(addresses, -ENODEV, NULL, -EPERM), -EPERM);
        assert_int_equal(addresses_device(addresses), 0);
        assert_int_equal(apply(addresses), -ENODEV);

        /* Somebody's own of that name. */
        assert_int_equal(ensure(addresses, 0, "dummy", 0), 0);
        assert_int_equal(ensure(addresses, 0, "bridge", 0), -EEXIST);
        assert_int_equal(addresses_device(addresses), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_device) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
