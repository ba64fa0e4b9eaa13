/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor on hosts made of files, which names are kube-proxy's, and takeover on a real packet filter
 * in a network namespace of its own (skipped where that may not be made).
 */
#include "tests/client/bench.h"
#include "tests/client/fake-host.h"

#include <stdio.h>
#include <string.h>

#include "client/doctor.h"
#include "client/host.h"
#include "client/leftovers.h"
#include "client/message-json.h"

#define SKIPPED 77

static void host_open(Host *host) {
        host_new(host);
        host_write(host, "proc/sys/kernel/osrelease", "6.1.0-30-amd64\n");
        host_write(host, "lib/modules/6.1.0-30-amd64/modules.builtin",
                   "kernel/net/netfilter/nf_conntrack.ko\n");
        host_write(host, "lib/modules/6.1.0-30-amd64/modules.dep",
                   "kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/lib/libcrc32c.ko.xz\n"
                   "kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: kernel/net/netfilter/ipvs/"
                   "ip_vs.ko.xz\n"
                   "kernel/net/netfilter/nf_tables.ko: kernel/drivers/net/dummy.ko\n");
        host_write(host, "sys/module/ip_vs_sh/initstate", "live\n");
        host_write(host, "sys/module/ip_vs_mh/parameters/x", "1\n");
        host_write(host, "proc/sys/net/ipv4/ip_forward", "0\n");
        host_write(host, "proc/sys/net/ipv4/vs/conntrack", "1\n");
        host_write(host, "proc/sys/net/netfilter/nf_conntrack_count", "96\n");
        host_write(host, "proc/sys/net/netfilter/nf_conntrack_max", "100\n");
        host_write(host, "proc/net/ip_vs",
                   "IP Virtual Server version 1.2.1 (size=4)\n"
                   "Prot LocalAddress:Port Scheduler Flags\n"
                   "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
                   "TCP  0A600001:01BB rr\n"
                   "  -> C0A80001:192B      Masq    1      30         2\n");
        host_write(host, "usr/lib/systemd/system/ipvsproxyd.service",
                   "[Unit]\nDescription=x\n[Service]\n# The flags\n"
                   "Environment=IPVSPROXYD_OPTS=--config=/etc/ipvsproxy/config.yaml\n"
                   "EnvironmentFile=-/etc/default/ipvsproxyd\nEnvironmentFile=-/etc/sysconfig/ipvsproxyd\n"
                   "ExecStart=/usr/sbin/ipvsproxyd $IPVSPROXYD_OPTS\n");
        host_write(host, "proc/1/comm", "systemd\n");
        host_write(host, "proc/77/comm", "kube-proxy\n");
        host_write(host, "proc/net/tcp",
                   "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
                   "uid  timeout inode\n"
                   "   0: 0100007F:2809 00000000:0000 0A 00000000:00000000 00:00000000 00000000    "
                   " 0        0 4711 1 0\n"
                   "   1: 0100007F:2810 0100007F:1F90 01 00000000:00000000 00:00000000 00000000    "
                   " 0        0 4712 1 0\n");
}

/* What the daemon would be started with, or was, as process `pid`. */
static void options_open(Doctor *doctor, const Host *host, pid_t pid) {
        Unit unit = { 0 };

        doctor->root = host->root;
        assert_int_equal(unit_read(host->root, &unit), 0);
        assert_int_equal(pid > 0 ? daemon_options_from_process(host->root, pid, &doctor->options)
                                 : daemon_options_from_unit(host->root, &unit, &doctor->options),
                         0);
        unit_done(&unit);
}

/* The row of a check whose text contains `text`. */
static json_object *row_find(json_object *rows, const char *check, const char *text) {
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);

                if (strcmp(json_get_text(row, "check"), check) == 0 &&
                    strstr(json_get_text(row, "text"), text))
                        return row;
        }
        return NULL;
}

static void test_doctor_kernel(void **state) {
        static const struct {
                const char *check, *text, *result;
        } cases[] = {
                { "kernel", "Linux 6.1.0-30-amd64", "ok" },
                { "ip_vs", "Not loaded yet", "ok" },
                { "nf_tables", "Not loaded yet", "ok" },
                { "nf_conntrack", "Built in", "ok" },
                { "dummy", "does not have it", "fail" },
                { "schedulers", "loaded: sh; built in: mh; not loaded yet: rr", "ok" },
                { "sysctl", "ip_forward is 0, ipvsproxyd sets it to 1 at start", "ok" },
                { "sysctl", "vs/conntrack is 1", "ok" },
                { "conntrack", "96 of 100 connections tracked (96%)", "fail" },
                { "ip_vs table", "32 connections, 4 buckets", "warn" },
        };
        Doctor doctor = { .rows = json_object_new_array() };
        Host host;

        host_open(&host);
        doctor.root = host.root;
        doctor_check_kernel(&doctor);
        assert_int_equal(doctor.error, 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json_object *row = row_find(doctor.rows, cases[i].check, cases[i].text);

                if (!row)
                        fail_msg("no line of %s with \"%s\" in %s", cases[i].check, cases[i].text,
                                 json_object_to_json_string(doctor.rows));
                assert_string_equal(json_get_text(row, "result"), cases[i].result);
                assert_true((*json_get_text(row, "remedy") != '\0') ==
                            (strcmp(cases[i].result, "ok") != 0));
        }
        assert_int_equal(doctor.n_results[CHECK_FAIL], 2);
        (void) json_object_put(doctor.rows);
        host_close(&host);
}

/* What the configured scheduler is decides, and whether the kernel still takes modules. */
static void test_doctor_schedulers(void **state) {
        static const struct {
                const char *options, *locked, *text, *result;
        } cases[] = {
                { "--ipvs-scheduler=sh", "0", "loaded: sh; built in: mh; not loaded yet: rr", "ok" },
                { "--ipvs-scheduler=wrr", "0", "The kernel does not have wrr, which is configured; loaded: sh", "fail" },
                { "--proxy-mode=ipvs", "1", "does not have rr, which is configured; loaded: sh; built in: mh; no longer to "
                  "be loaded: rr", "fail" },
                { "--ipvs-scheduler mh", "1", "loaded: sh", "ok" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Doctor doctor = { .rows = json_object_new_array() };
                char line[128];
                json_object *row;
                Host host;

                host_open(&host);
                doctor.root = host.root;
                (void) snprintf(line, sizeof(line), "IPVSPROXYD_OPTS=\"%s\"\n", cases[i].options);
                host_write(&host, "etc/default/ipvsproxyd", line);
                host_write(&host, "proc/sys/kernel/modules_disabled", cases[i].locked);
                options_open(&doctor, &host, 0);
                doctor_check_kernel(&doctor);
                row = row_find(doctor.rows, "schedulers", cases[i].text);
                if (!row)
                        fail_msg("no \"%s\" in %s", cases[i].text, json_object_to_json_string(doctor.rows));
                assert_string_equal(json_get_text(row, "result"), cases[i].result);
                daemon_options_done(&doctor.options);
                (void) json_object_put(doctor.rows);
                host_close(&host);
        }
}

/* Which configuration counts: that of the process that runs, else what its unit would start it with. */
static void test_doctor_configuration(void **state) {
        static const struct {
                const char *defaults, *sysconfig, *cmdline; /* or NULL; of process 42 */
                const char *configuration, *kubeconfig, *result; /* lines; the result is that of the latter */
        } cases[] = {
                { NULL, NULL, NULL, "/etc/ipvsproxy/config.yaml, named by its unit",
                  "/etc/here, named by /etc/ipvsproxy/config.yaml", "ok" },
                { "# IPVSPROXYD_OPTS=--kubeconfig=/no\nIPVSPROXYD_OPTS=\"--v=2 --kubeconfig=/etc/other\"\n", NULL, NULL,
                  "No file, flags in /etc/default/ipvsproxyd",
                  "/etc/other, named by /etc/default/ipvsproxyd: no server is named in it", "fail" },
                { "IPVSPROXYD_OPTS='--kubeconfig=/etc/other'\n", "IPVSPROXYD_OPTS=\"--v=2 \\\n  --kubeconfig /etc/here\"\n",
                  NULL, "No file, flags in /etc/sysconfig/ipvsproxyd", "/etc/here, named by /etc/sysconfig/ipvsproxyd", "ok" },
                { "IPVSPROXYD_OPTS=--config=/etc/mine.yaml\n", NULL, NULL,
                  "/etc/mine.yaml, named by /etc/default/ipvsproxyd: No such file", NULL, NULL },
                { "IPVSPROXYD_OPTS=--v=2\n", NULL, NULL, "No file", "None is named by /etc/default/ipvsproxyd", "fail" },
                { "IPVSPROXYD_OPTS=--manifests=/etc/objects\n", NULL, NULL, "No file", "objects are read from files", "ok" },
                /* the one that runs has files of its own, as in a container */
                { "IPVSPROXYD_OPTS=--kubeconfig=/etc/other\n", NULL, "ipvsproxyd|--config|/pod.yaml|",
                  "/pod.yaml, named by the command line of process 42", "/pod-kubeconfig, named by /pod.yaml", "ok" },
                { NULL, NULL, "ipvsproxyd|--kubeconfig=/etc/here|", "No file, flags in the command line of process 42",
                  "/etc/here, named by the command line of process 42: No such file", "warn" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                pid_t pid = cases[i].cmdline ? 42 : 0;
                Doctor doctor = { .rows = json_object_new_array() };
                json_object *row;
                Host host;

                host_open(&host);
                doctor.root = host.root;
                host_write(&host, "etc/ipvsproxy/config.yaml", "clientConnection:\n  kubeconfig: \"/etc/here\"\n");
                host_write(&host, "etc/here", "clusters:\n- cluster:\n    server: https://127.0.0.1:1\n");
                host_write(&host, "etc/other", "clusters: []\n");
                host_write(&host, "proc/42/root/pod.yaml", "clientConnection: {\n  kubeconfig: /pod-kubeconfig }\n");
                host_write(&host, "proc/42/root/pod-kubeconfig", "{\"clusters\": [\n{\"server\": \"https://x\"}]}\n");
                if (cases[i].defaults)
                        host_write(&host, "etc/default/ipvsproxyd", cases[i].defaults);
                if (cases[i].sysconfig)
                        host_write(&host, "etc/sysconfig/ipvsproxyd", cases[i].sysconfig);
                if (cases[i].cmdline)
                        host_write_words(&host, "proc/42/cmdline", cases[i].cmdline);
                doctor.daemon = pid > 0 ? json_object_new_object() : NULL;
                options_open(&doctor, &host, pid);
                doctor_check_api(&doctor);
                assert_int_equal(doctor.error, 0);
                if (!row_find(doctor.rows, "configuration", cases[i].configuration))
                        fail_msg("no \"%s\" in %s", cases[i].configuration, json_object_to_json_string(doctor.rows));
                row = row_find(doctor.rows, "kubeconfig", cases[i].kubeconfig ? cases[i].kubeconfig : "");
                if (!row != !cases[i].kubeconfig)
                        fail_msg("no \"%s\" in %s", cases[i].kubeconfig, json_object_to_json_string(doctor.rows));
                if (row)
                        assert_string_equal(json_get_text(row, "result"), cases[i].result);
                daemon_options_done(&doctor.options);
                (void) json_object_put(doctor.daemon);
                (void) json_object_put(doctor.rows);
                host_close(&host);
        }
}

/* The ports are those of the configuration. */
static void test_doctor_ports(void **state) {
        static const struct {
                const char *options, *text; /* NULL: there is no line of the health port */
        } cases[] = {
                { "--v=2", "10256 (health): nobody" },
                { "--healthz-bind-address=[::]:10260", "10260 (health): nobody" },
                { "--healthz-bind-address=::1", "10256 (health): nobody" },
                { "--healthz-bind-address=0.0.0.0:10249", "10249 (health): somebody listens" },
                { "--healthz-bind-address=127.0.0.1:10249 --healthz-bind-address 127.0.0.1:10250", "10250 (health)" },
                { "--healthz-bind-address=127.0.0.1:0", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Doctor doctor = { .rows = json_object_new_array() };
                json_object *row;
                char line[160];
                Host host;

                host_open(&host);
                doctor.root = host.root;
                (void) snprintf(line, sizeof(line), "IPVSPROXYD_OPTS=\"%s\"\n", cases[i].options);
                host_write(&host, "etc/default/ipvsproxyd", line);
                options_open(&doctor, &host, 0);
                doctor_check_ports(&doctor);
                row = row_find(doctor.rows, "ports", cases[i].text ? cases[i].text : "(health)");
                if (!row != !cases[i].text)
                        fail_msg("\"%s\": %s", cases[i].options, json_object_to_json_string(doctor.rows));
                daemon_options_done(&doctor.options);
                (void) json_object_put(doctor.rows);
                host_close(&host);
        }
}

static void test_host(void **state) {
        char owner[HOST_TEXT_MAX];
        uint64_t inode = 0;
        Host host;

        host_open(&host);
        assert_int_equal(host_find_process(host.root, "kube-proxy"), 77);
        assert_int_equal(host_find_process(host.root, "proxy"), 0);
        host_write(&host, "proc/77/stat", "77 (kube-proxy) S 1\n");
        assert_int_equal(host_find_process(host.root, "kube-proxy"), 77);
        host_write(&host, "proc/77/stat", "77 (kube-proxy) Z 1\n");
        assert_int_equal(host_find_process(host.root, "kube-proxy"), 0);
        assert_true(host_find_listener(host.root, 0x2809, &inode));
        assert_int_equal(inode, 4711);
        assert_false(host_find_listener(host.root, 0x2810, &inode));
        host_socket_owner(host.root, 4711, owner);
        assert_string_equal(owner, "");
        host_close(&host);
}

static void test_names(void **state) {
        static const char *const ours[] = {
                "KUBE-SERVICES",       "KUBE-POSTROUTING",          "KUBE-IPVS-FILTER",
                "KUBE-FIRE-WALL",      "KUBE-SVC-ABCDEFGHIJKLMN27", "KUBE-SEP-2345672345672345",
                "KUBE-PROXY-FIREWALL",
        };
        static const char *const foreign[] = {
                "KUBE-MARK-MASQ",
                "KUBE-MARK-DROP",
                "KUBE-FIREWALL",
                "KUBE-KUBELET-CANARY",
                "KUBE-IPTABLES-HINT",
                "KUBE-ROUTER-INPUT",
                "KUBE-SVC-",
                "KUBE-SVC-abcdefghijklmnop",
                "KUBE-SVC-ABCDEFGHIJKLMN277",
                "KUBE-SERVICES-X",
                "MY-KUBE-SERVICES",
                "",
        };
        static const char *const sets[] = {
                "KUBE-LOOP-BACK",
                "KUBE-6-CLUSTER-IP",
                "KUBE-6-LOAD-BALANCER-SOURCE-CID",
                "KUBE-6-NODE-PORT-LOCAL-SCTP-HAS",
        };
        static const char *const foreign_sets[] = { "KUBE-SRC-ABCDEFGHIJKLMNOP", "KUBE-",
                                                    "KUBE-6-LOAD-BALANCER-SOURCE-CIDR", "kube" };

        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                assert_true(leftover_is_chain(ours[i]));
        for (size_t i = 0; i < ELEMENTSOF(foreign); i++)
                assert_false(leftover_is_chain(foreign[i]));
        for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                assert_true(leftover_is_set(sets[i]));
        for (size_t i = 0; i < ELEMENTSOF(foreign_sets); i++)
                assert_false(leftover_is_set(foreign_sets[i]));
}

/* What stays must be byte for byte what it was. */
static void test_takeover(void **state) {
        static const char *const script =
                "run='unshare -n'; test \"$(id -u)\" = 0 || run='unshare -rn'\n"
                "command -v nft >/dev/null && $run nft list tables >/dev/null 2>&1 || exit 77\n"
                "cat >\"$OUT.kept\" <<'END'\n"
                "table ip nat {\n"
                " chain KUBE-MARK-MASQ { meta mark set meta mark or 0x4000; }\n"
                " chain mine { jump KUBE-MARK-MASQ; }\n"
                " chain PREROUTING { type nat hook prerouting priority -100; }\n"
                " chain POSTROUTING { type nat hook postrouting priority 100; }\n"
                "}\n"
                "table ip6 filter {\n"
                " chain KUBE-FIREWALL { drop; }\n"
                " chain FORWARD { type filter hook forward priority 0; jump KUBE-FIREWALL; }\n"
                "}\n"
                "table inet ipvsproxy { chain KUBE-SERVICES { accept; }; }\n"
                "table bridge kube-proxy { chain x { accept; }; }\n"
                "END\n"
                "cat >\"$OUT.gone\" <<'END'\n"
                "table ip nat {\n"
                " chain KUBE-NODE-PORT { jump KUBE-MARK-MASQ; }\n"
                " chain KUBE-SERVICES { jump KUBE-NODE-PORT; }\n"
                " chain KUBE-POSTROUTING { masquerade; }\n"
                " chain PREROUTING { counter jump KUBE-SERVICES; }\n"
                " chain POSTROUTING { jump KUBE-POSTROUTING; }\n"
                "}\n"
                "table ip6 filter { chain KUBE-FORWARD { accept; }\n"
                " chain FORWARD { goto KUBE-FORWARD; }; }\n"
                "table ip kube-proxy { chain x { accept; }; }\n"
                "END\n"
                "cat >\"$OUT.sh\" <<'END'\n"
                "nft -f \"$OUT.kept\" && nft list ruleset >\"$OUT.before\" || exit 1\n"
                "nft -f \"$OUT.gone\" && nft list ruleset >\"$OUT.all\" || exit 2\n"
                "$CTL takeover --dry-run >\"$OUT.said\" || exit 3\n"
                "grep -qx 'rule   ip nat PREROUTING -> KUBE-SERVICES' \"$OUT.said\" || exit 4\n"
                "grep -qx 'Would remove 3 rules, 4 chains, 1 tables and 0 sets.' \"$OUT.said\" || "
                "exit 5\n"
                "nft list ruleset | cmp - \"$OUT.all\" || exit 6\n"
                "$CTL doctor | grep -q '^warn *leftovers *8 rules' || exit 7\n"
                "nft add rule ip nat mine jump KUBE-SERVICES\n"
                "$CTL takeover 2>\"$OUT.said\" && exit 8\n"
                "grep -q '(nat mine -> KUBE-SERVICES)' \"$OUT.said\" || exit 9\n"
                "nft flush chain ip nat mine; nft add rule ip nat mine jump KUBE-MARK-MASQ\n"
                /* while kube-proxy runs nothing goes, whatever ends the waiting */
                "cp \"$(command -v sleep)\" \"${OUT%/*}/kube-proxy\"\n"
                "\"${OUT%/*}/kube-proxy\" 60 & pid=$!; sleep 0.2\n"
                "$CTL takeover --no-block 2>\"$OUT.said\"; test $? = 1 || exit 20\n"
                "grep -q \"kube-proxy still runs (process $pid)\" \"$OUT.said\" || exit 21\n"
                "$CTL takeover --timeout=300ms 2>\"$OUT.said\"; test $? = 7 || exit 22\n"
                "grep -q 'Nothing was removed' \"$OUT.said\" || exit 23\n"
                "timeout --preserve-status -s INT 1 $CTL takeover 2>\"$OUT.said\"; test $? = 130 || "
                "exit 24\n"
                "nft list ruleset | cmp - \"$OUT.all\" || exit 25\n"
                "said() { for i in $(seq 100); do grep -q \"$1\" \"$OUT.err\" && return; sleep 0.1; "
                "done; exit 26; }\n"
                /* one that is started again is waited for too */
                "$CTL takeover --json=short >\"$OUT.said\" 2>\"$OUT.err\" & waits=$!\n"
                "said \"kube-proxy runs (process $pid)\"; kill $pid; wait $pid\n"
                "\"${OUT%/*}/kube-proxy\" 60 & pid=$!\n"
                "said \"kube-proxy was started again (process $pid)\"\n"
                "nft list ruleset | cmp - \"$OUT.all\" || exit 27\n"
                "kill $pid; wait $pid; wait $waits || exit 10\n"
                "grep -q '\"kind\":\"table\",\"family\":\"ip\",\"name\":\"kube-proxy\"' "
                "\"$OUT.said\" || exit 11\n"
                "nft list ruleset | diff - \"$OUT.before\" >&2 || exit 12\n"
                "test \"$($CTL takeover)\" = 'Nothing of kube-proxy is left in the packet "
                "filter.'\n"
                "END\n"
                "export OUT CTL=\"./ipvsproxyctl --address=$BUS\"; $run sh \"$OUT.sh\"\n";
        int code = bench_shell(*state, script);

        if (code == SKIPPED)
                skip();
        assert_int_equal(code, 0);
}

static void test_takeover_refused(void **state) {
        static const Case syncing = { "takeover", 6, "", NULL };
        static const Case gone = { "takeover", 3, "", NULL };
        static const char *const script =
                "test \"$(id -u)\" = 0 || exit 77\n"
                "setpriv --reuid=65534 --clear-groups ./ipvsproxyctl takeover 2>\"$OUT\"; test $? "
                "= 5 || exit 1\n"
                "grep -q 'Only root' \"$OUT\" || exit 2\n";
        Bench *bench = *state;
        int code;

        code = bench_shell(bench, script);
        if (code == SKIPPED)
                skip();
        assert_int_equal(code, 0);
        bench_start_fake(bench, "syncing", NULL);
        test_one(bench, &syncing);
        bench_stop(&bench->fake);
        test_one(bench, &gone);
        bench_start_fake(bench, "running", NULL);
}

static void test_doctor(void **state) {
        static Output got;

        bench_run(*state, "doctor --json=short", &got);
        /* Whether this host lacks something is not known here; that the daemon is found is. */
        assert_true(got.code == 0 || got.code == 6);
        assert_non_null(strstr(got.out, "{\"check\":\"bus\",\"result\":\"ok\""));
        assert_non_null(strstr(got.out, "\"check\":\"daemon\",\"result\":\"ok\",\"text\":"
                                        "\"Version 1.0.0 is running\""));
        assert_non_null(strstr(got.out, "ApiReachable is false (Timeout)"));
        assert_int_equal(got.code, 6);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_doctor_kernel),
                cmocka_unit_test(test_doctor_schedulers),
                cmocka_unit_test(test_doctor_configuration),
                cmocka_unit_test(test_doctor_ports),
                cmocka_unit_test(test_host),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_takeover),
                cmocka_unit_test(test_takeover_refused),
                cmocka_unit_test(test_doctor),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
