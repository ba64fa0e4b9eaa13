/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference §4.7 and §4.9: which sysctls and timeouts the kernel is given, by version and configuration, over a kernel in
 * memory. That the real one takes them is seen on the node.
 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "control/node-setup.h"
#include "kernel/memory-backend.h"

#define ALWAYS \
        "net/ipv4/vs/conntrack=1 net/ipv4/vs/expire_nodest_conn=1 net/ipv4/vs/expire_quiescent_template=1 net/ipv4/ip_forward=1"
#define CONNTRACK "net/netfilter/nf_conntrack_"

/* Everything that the daemon may set, and what must stay. */
static const char *const names[] = {
        "net/ipv4/vs/conntrack",
        "net/ipv4/vs/conn_reuse_mode",
        "net/ipv4/vs/expire_nodest_conn",
        "net/ipv4/vs/expire_quiescent_template",
        "net/ipv4/ip_forward",
        "net/ipv4/conf/all/arp_ignore",
        "net/ipv4/conf/all/arp_announce",
        "net/ipv4/conf/all/route_localnet",
        "net/ipv6/conf/all/forwarding",
        CONNTRACK "max",
        CONNTRACK "buckets",
        CONNTRACK "tcp_be_liberal",
        CONNTRACK "tcp_timeout_established",
        CONNTRACK "tcp_timeout_close_wait",
        CONNTRACK "udp_timeout",
        CONNTRACK "udp_timeout_stream",
};

typedef struct SetupCase {
        const char *name;
        unsigned major, minor; /* of the kernel */
        bool strict_arp;
        ConntrackOptions conntrack;
        const char *expected; /* what differs afterwards from a kernel that nobody told anything */
} SetupCase;

static const SetupCase cases[] = {
        { "always", 6, 1, false, {}, ALWAYS },
        { "conn_reuse_mode is not understood before 4.1", 4, 0, false, {}, ALWAYS },
        { "nor in 3.10", 3, 10, false, {}, ALWAYS },
        { "conn_reuse_mode 0 from 4.1",
          4, 1, false, {},
          "net/ipv4/vs/conntrack=1 net/ipv4/vs/conn_reuse_mode=0 net/ipv4/vs/expire_nodest_conn=1 "
          "net/ipv4/vs/expire_quiescent_template=1 net/ipv4/ip_forward=1" },
        { "to 5.8",
          5, 8, false, {},
          "net/ipv4/vs/conntrack=1 net/ipv4/vs/conn_reuse_mode=0 net/ipv4/vs/expire_nodest_conn=1 "
          "net/ipv4/vs/expire_quiescent_template=1 net/ipv4/ip_forward=1" },
        { "the kernel is right from 5.9", 5, 9, false, {}, ALWAYS },
        { "and in 5.10", 5, 10, false, {}, ALWAYS },
        { "strictARP", 6, 1, true, {}, ALWAYS " net/ipv4/conf/all/arp_ignore=1 net/ipv4/conf/all/arp_announce=2" },
        { "conntrack: at least min, and a quarter of buckets",
          6, 1, false, { .max_per_core = 1, .min = 131072 },
          ALWAYS " " CONNTRACK "max=131072 " CONNTRACK "buckets=32768" },
        { "conntrack: never lowered", 6, 1, false, { .max_per_core = 1, .min = 1000 }, ALWAYS },
        { "conntrack: no number of processors asks for more than 2^20",
          6, 1, false, { .max_per_core = 2000000, .min = 1000 },
          ALWAYS " " CONNTRACK "max=1048576 " CONNTRACK "buckets=262144" },
        { "conntrack: 0 per core leaves the limit, whatever min says", 6, 1, false, { .min = 131072 }, ALWAYS },
        { "conntrack: timeouts, each by itself",
          6, 1, false, { .tcp_established_sec = 86400, .udp_stream_sec = 7 },
          ALWAYS " " CONNTRACK "tcp_timeout_established=86400 " CONNTRACK "udp_timeout_stream=7" },
        { "conntrack: all of them",
          6, 1, false, { .tcp_close_wait_sec = 3600, .udp_sec = 5, .tcp_be_liberal = true },
          ALWAYS " " CONNTRACK "tcp_be_liberal=1 " CONNTRACK "tcp_timeout_close_wait=3600 " CONNTRACK "udp_timeout=5" },
};

/* "name=value …" of those that differ between the two; owned by the caller. */
static char *differences(KernelBackend *backend, KernelBackend *fresh) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(freep) char *value = NULL, *before = NULL;

                assert_int_equal(backend->ops->sysctl_read(backend, names[i], &value), 0);
                assert_int_equal(fresh->ops->sysctl_read(fresh, names[i], &before), 0);
                if (strcmp(value, before) != 0)
                        fprintf(f, "%s%s=%s", ftell(f) > 0 ? " " : "", names[i], value);
        }
        assert_int_equal(fclose(f), 0);
        return text;
}

static void run_case(const SetupCase *c) {
        _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL, *fresh = NULL;
        ManagerOptions options = { .strict_arp = c->strict_arp, .conntrack = c->conntrack };
        KernelInfo info = { .release_major = c->major, .release_minor = c->minor };
        _cleanup_(freep) char *text = NULL;
        uint64_t n_writes;

        assert_int_equal(memory_backend_new(&backend), 0);
        assert_int_equal(memory_backend_new(&fresh), 0);
        assert_int_equal(node_setup(backend, &options, &info, NULL), 0);
        text = differences(backend, fresh);
        if (strcmp(text, c->expected) != 0)
                fail_msg("%s: set is\n%s, not\n%s", c->name, text, c->expected);
        n_writes = backend->n_writes;
        assert_int_equal(node_setup(backend, &options, &info, NULL), 0);
        assert_int_equal(backend->n_writes, n_writes); /* what is set is read and left */
}

static void test_sysctls(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                run_case(&cases[i]);
}

/* 0 leaves a timeout; all 0: nothing is said to the kernel. */
static void test_ipvs_timeouts(void **state) {
        static const struct {
                IpvsTimeouts wanted, expected;
        } timeouts[] = {
                { { 0, 0, 0 }, { 900, 120, 300 } },
                { { 10, 0, 0 }, { 10, 120, 300 } },
                { { 0, 20, 30 }, { 900, 20, 30 } },
                { { 900, 0, 0 }, { 900, 120, 300 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(timeouts); i++) {
                _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL;
                ManagerOptions options = { .timeouts = timeouts[i].wanted };
                KernelInfo info = { .release_major = 6 };
                IpvsTimeouts actual;

                assert_int_equal(memory_backend_new(&backend), 0);
                assert_int_equal(node_setup(backend, &options, &info, NULL), 0);
                assert_int_equal(backend->ops->ipvs_get_timeouts(backend, &actual), 0);
                assert_memory_equal(&actual, &timeouts[i].expected, sizeof(actual));
        }
}

/* One that cannot be set is told, and the others are set. */
static void test_failures(void **state) {
        for (uint64_t n = 1; n <= 8; n++) { /* reading and writing four */
                _cleanup_(kernel_backend_freep) KernelBackend *backend = NULL, *fresh = NULL;
                ManagerOptions options = {};
                KernelInfo info = { .release_major = 6 };
                _cleanup_(freep) char *text = NULL;

                assert_int_equal(memory_backend_new(&backend), 0);
                assert_int_equal(memory_backend_new(&fresh), 0);
                memory_backend_fail_nth(backend, n, -EACCES);
                /* who could not be read is written all the same */
                assert_int_equal(node_setup(backend, &options, &info, NULL), n % 2 == 0 ? -EACCES : 0);
                text = differences(backend, fresh);
                if (n % 2 == 1)
                        assert_string_equal(text, ALWAYS);
                else
                        assert_int_equal(strlen(text) < strlen(ALWAYS), 1);
                free(text);
                assert_int_equal(node_setup(backend, &options, &info, NULL), 0);
                text = differences(backend, fresh);
                assert_string_equal(text, ALWAYS);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sysctls),
                cmocka_unit_test(test_ipvs_timeouts),
                cmocka_unit_test(test_failures),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
