/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --cleanup takes what is ours and nothing else; --dry-run changes nothing; sysctls go back to what they were. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "control/cleanup.h"
#include "control/journal.h"
#include "control/node-setup.h"
#include "kernel/dry-run-backend.h"
#include "kernel/memory-backend.h"
#include "test.h"

typedef struct Fixture {
        KernelBackend *backend; /* owned, like all below */
        char directory[64];
        ManagerOptions options;
} Fixture;

static VirtualServerKey key_of(const char *addr, uint16_t port) {
        VirtualServerKey key = { .port = port, .protocol = PROTOCOL_TCP };

        assert_int_equal(ip_addr_parse(addr, &key.addr), 0);
        return key;
}

static void add_server(KernelBackend *backend, const char *addr, uint16_t port) {
        IpvsOp op = { .kind = IPVS_OP_ADD_SERVICE, .service = { .key = key_of(addr, port), .scheduler = "rr" } };

        assert_int_equal(memory_backend_foreign_ipvs(backend, &op), 0);
}

static void add_address(KernelBackend *backend, const char *addr) {
        AddressOp op = { .add = true };

        assert_int_equal(ip_addr_parse(addr, &op.addr), 0);
        assert_int_equal(memory_backend_foreign_address(backend, &op), 0);
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));
        _cleanup_(journal_freep) Journal *journal = NULL;
        VirtualServerKey key = key_of("172.16.1.10", 30080);
        FilterElement guard = { .set = FILTER_SET_SERVICE_IPS };

        assert_non_null(f);
        assert_int_equal(memory_backend_new(&f->backend), 0);
        (void) strcpy(f->directory, "/tmp/test-cleanup-XXXXXX");
        assert_non_null(mkdtemp(f->directory));
        f->options = (ManagerOptions) { .node_name = "n", .scheduler = "rr", .state_directory = f->directory };
        f->options.filter = (FilterConfig) { .mark = 0x4000, .local_interface = "" };

        assert_int_equal(f->backend->ops->device_ensure(f->backend), 1);
        assert_int_equal(ip_addr_parse("10.254.0.1", &guard.addr), 0);
        assert_int_equal(f->backend->ops->filter_ensure(f->backend, &f->options.filter, &guard, 1), 1);
        add_address(f->backend, "10.254.0.1");
        add_server(f->backend, "10.254.0.1", 443); /* ours: on kube-ipvs0 */
        add_server(f->backend, "172.16.1.10", 30080); /* ours: in the journal */
        add_server(f->backend, "172.16.1.10", 8443); /* foreign */
        assert_int_equal(journal_new(f->directory, JOURNAL_READ_WRITE, &journal), 0);
        assert_int_equal(journal_add(journal, &key), 0);
        assert_int_equal(journal_compact(journal), 0);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        char path[96];

        (void) kernel_backend_free(f->backend);
        (void) snprintf(path, sizeof(path), "%s/journal", f->directory);
        (void) unlink(path);
        (void) snprintf(path, sizeof(path), "%s/sysctls", f->directory);
        (void) unlink(path);
        assert_int_equal(rmdir(f->directory), 0); /* and nothing else was left there */
        free(f);
        return 0;
}

static void test_cleanup(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        char path[96];

        assert_int_equal(cleanup_run(f->backend, &f->options), 0);
        text = memory_backend_to_string(f->backend);
        assert_string_equal(text, "vs 172.16.1.10:8443/TCP rr 0 0\n");
        (void) snprintf(path, sizeof(path), "%s/journal", f->directory);
        assert_int_equal(stat(path, &st), -1);
        assert_int_equal(cleanup_run(f->backend, &f->options), 0); /* a second time there is nothing to do */
}

static void test_cleanup_excluded(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *text = NULL;
        IpNet net;

        assert_int_equal(ip_net_parse("10.254.0.0/24", &net), 0);
        f->options.exclude_cidrs = &net;
        f->options.n_exclude_cidrs = 1;
        assert_int_equal(cleanup_run(f->backend, &f->options), 0);
        text = memory_backend_to_string(f->backend);
        assert_non_null(strstr(text, "vs 10.254.0.1:443/TCP"));
        assert_null(strstr(text, "30080"));
}

/* One part that fails does not keep the others, nor the record of what is ours. */
static void test_cleanup_goes_on(void **state) {
        Fixture *f = *state;
        VirtualServerKey key = key_of("172.16.1.10", 30080);
        _cleanup_(freep) char *text = NULL;

        memory_backend_fail_server(f->backend, &key, -EBUSY);
        assert_int_equal(cleanup_run(f->backend, &f->options), -EBUSY);
        text = memory_backend_to_string(f->backend);
        assert_null(strstr(text, "10.254.0.1"));
        memory_backend_fail_server(f->backend, NULL, 0);
        assert_int_equal(cleanup_run(f->backend, &f->options), 0);
        free(TAKE_PTR(text));
        text = memory_backend_to_string(f->backend);
        assert_null(strstr(text, "30080"));
}

static void test_dry_run(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *before = memory_backend_to_string(f->backend), *after = NULL, *out = NULL;
        KernelBackend *shared, *dry;
        size_t size = 0;
        FILE *stream = open_memstream(&out, &size);

        assert_non_null(stream);
        assert_int_equal(memory_backend_share(f->backend, &shared), 0);
        assert_int_equal(dry_run_backend_new(shared, stream, &dry), 0);
        f->options.dry_run = true;
        assert_int_equal(cleanup_run(dry, &f->options), 0);
        assert_int_equal(node_setup(dry, &f->options, &(KernelInfo) { .release_major = 6, .release_minor = 1 }, NULL), 0);
        assert_int_equal(shared->n_writes, 0);
        assert_true(dry_run_backend_n_changes(dry) > 3);
        (void) kernel_backend_free(dry);
        (void) fclose(stream);
        assert_non_null(strstr(out, "- virtual server 10.254.0.1:443/TCP\n"));
        assert_non_null(strstr(out, "- virtual server 172.16.1.10:30080/TCP\n"));
        assert_null(strstr(out, "8443"));
        assert_non_null(strstr(out, "- table inet ipvsproxy\n"));
        assert_non_null(strstr(out, "~ sysctl net/ipv4/vs/conntrack = 1\n"));
        after = memory_backend_to_string(f->backend);
        assert_string_equal(before, after);
        f->options.dry_run = false;
}

static void assert_sysctl(Fixture *f, const char *name, const char *expected) {
        _cleanup_(freep) char *value = NULL;

        assert_int_equal(f->backend->ops->sysctl_read(f->backend, name, &value), 0);
        assert_string_equal(value, expected);
}

static void test_sysctls_go_back(void **state) {
        Fixture *f = *state;
        KernelInfo info = { .release_major = 6, .release_minor = 1 };

        assert_int_equal(f->backend->ops->sysctl_write(f->backend, "net/ipv4/vs/conntrack", "0"), 0);
        assert_int_equal(f->backend->ops->sysctl_write(f->backend, "net/ipv4/vs/expire_nodest_conn", "0"), 0);
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0);
        assert_sysctl(f, "net/ipv4/vs/conntrack", "1");
        assert_sysctl(f, "net/ipv4/vs/expire_nodest_conn", "1");
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0); /* a restart does not forget */
        assert_int_equal(f->backend->ops->sysctl_write(f->backend, "net/ipv4/vs/expire_nodest_conn", "2"), 0);
        assert_true(node_setup_undo(f->backend, f->directory) > 0);
        assert_sysctl(f, "net/ipv4/vs/conntrack", "0");
        assert_sysctl(f, "net/ipv4/vs/expire_nodest_conn", "2"); /* somebody else's since */
        assert_int_equal(node_setup_undo(f->backend, f->directory), 0);
}

static void assert_timeouts(Fixture *f, uint32_t tcp_sec, uint32_t tcp_fin_sec, uint32_t udp_sec) {
        IpvsTimeouts timeouts;

        assert_int_equal(f->backend->ops->ipvs_get_timeouts(f->backend, &timeouts), 0);
        assert_int_equal(timeouts.tcp_sec, tcp_sec);
        assert_int_equal(timeouts.tcp_fin_sec, tcp_fin_sec);
        assert_int_equal(timeouts.udp_sec, udp_sec);
}

static void test_timeouts_go_back(void **state) {
        Fixture *f = *state;
        KernelInfo info = { .release_major = 6, .release_minor = 1 };

        assert_int_equal(f->backend->ops->ipvs_set_timeouts(f->backend, &(IpvsTimeouts) { 700, 60, 90 }), 0);
        f->options.timeouts = (IpvsTimeouts) { .tcp_sec = 800 };
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0);
        assert_timeouts(f, 800, 60, 90);
        f->options.timeouts = (IpvsTimeouts) { .tcp_sec = 850, .udp_sec = 100 }; /* the first is what they go back to */
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0);
        assert_timeouts(f, 850, 60, 100);
        assert_true(node_setup_undo(f->backend, f->directory) > 0);
        assert_timeouts(f, 700, 60, 90);
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0);
        assert_int_equal(f->backend->ops->ipvs_set_timeouts(f->backend, &(IpvsTimeouts) { 1, 2, 3 }), 0);
        assert_true(node_setup_undo(f->backend, f->directory) >= 0);
        assert_timeouts(f, 1, 2, 3); /* somebody else's since */
        f->options.timeouts = (IpvsTimeouts) {};
}

static void test_conntrack_max_is_only_raised(void **state) {
        Fixture *f = *state;
        KernelInfo info = { .release_major = 6, .release_minor = 1 };

        f->options.conntrack = (ConntrackOptions) { .max_per_core = 1, .min = 131072 };
        assert_int_equal(f->backend->ops->sysctl_write(f->backend, "net/netfilter/nf_conntrack_max", "65536"), 0);
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0);
        assert_sysctl(f, "net/netfilter/nf_conntrack_max", "131072");
        assert_int_equal(f->backend->ops->sysctl_write(f->backend, "net/netfilter/nf_conntrack_max", "999999"), 0);
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0);
        assert_sysctl(f, "net/netfilter/nf_conntrack_max", "999999");
        f->options.conntrack.max_per_core = 0; /* then the minimum counts no more */
        assert_int_equal(f->backend->ops->sysctl_write(f->backend, "net/netfilter/nf_conntrack_max", "10"), 0);
        assert_int_equal(node_setup(f->backend, &f->options, &info, NULL), 0);
        assert_sysctl(f, "net/netfilter/nf_conntrack_max", "10");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_cleanup, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cleanup_excluded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cleanup_goes_on, setup, teardown),
                cmocka_unit_test_setup_teardown(test_dry_run, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sysctls_go_back, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timeouts_go_back, setup, teardown),
                cmocka_unit_test_setup_teardown(test_conntrack_max_is_only_raised, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
