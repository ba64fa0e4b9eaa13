/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every command of ipvsproxyctl: what it prints as text and as JSON, what it says on stderr, how it
 * exits. */
#include "tests/client/bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_list(void **state) {
        static const Case cases[] = {
                { "list -n shop", 0,
                  "SERVICE          PROTO  PORT  STATE     READY  TOTAL  VIRTUAL  ADDRESSES\n"
                  "shop/cart:http   TCP      80  synced       12     12        1  10.96.4.7\n"
                  "shop/db          TCP    5432  degraded      0      3        1  10.96.4.9 "
                  "(SyncFailed)\n"
                  "shop/edge:https  TCP     443  refused       8      8        1  fd00::b "
                  "(NodeAddress)\n"
                  "3 services listed.\n",
                  "" },
                { "list --no-legend -o name", 0,
                  "default/kubernetes:https\nkube-system/kube-dns:dns\nkube-system/"
                  "kube-dns:dns-tcp\n"
                  "shop/cart:http\nshop/db\nshop/edge:https\nzoo/e\\x1b[31mvil\\u202e\n",
                  "" },
                { "list -o name cart d*", 0, "shop/cart:http\nshop/db\n", "" },
                { "list -o name shop/*", 0, "shop/cart:http\nshop/db\nshop/edge:https\n", "" },
                { "list -o name shop/cart */kubernetes", 0,
                  "default/kubernetes:https\nshop/cart:http\n", "" },
                { "list -o name *:https", 0, "default/kubernetes:https\nshop/edge:https\n", "" },
                { "list -o name --state=refused", 0, "shop/edge:https\n", "" },
                { "list -o name --protocol=udp", 0, "kube-system/kube-dns:dns\n", "" },
                { "list -n none", 0, "0 services listed.\n", "" },
                { "list -n none --json=short", 0, "[]\n", "" },
                { "list -q --no-legend -w shop/db", 0,
                  "shop/db  TCP  5432  degraded  0  3  1  48211  10.96.4.9 (SyncFailed)\n", "" },
                { "list shop/cart --json=short", 0,
                  "[{\"path\":\"/org/k8s/IpvsProxy/service/shop_2fcart_3ahttp\",\"id\":\"shop/"
                  "cart:http\","
                  "\"namespace\":\"shop\",\"name\":\"cart\",\"portName\":\"http\",\"protocol\":"
                  "\"tcp\",\"port\":80,"
                  "\"state\":\"synced\",\"endpointsReady\":12,\"endpointsTotal\":12,"
                  "\"virtualServers\":1,"
                  "\"programmedGeneration\":48211,\"addresses\":[\"10.96.4.7\"],\"reason\":\"\"}]"
                  "\n",
                  "" },
        };

        TEST_CASES(*state, cases);
}

static void test_find(void **state) {
        static const Case cases[] = {
                { "find 10.96.0.10 -o name", 0,
                  "kube-system/kube-dns:dns\nkube-system/kube-dns:dns-tcp\n", "" },
                { "find 10.96.0.10:53 -o name", 0,
                  "kube-system/kube-dns:dns-tcp\nkube-system/kube-dns:dns\n", "" },
                { "find 10.96.0.10:53/UDP", 0,
                  "SERVICE                   PROTO  PORT  STATE   READY  TOTAL  VIRTUAL\n"
                  "kube-system/kube-dns:dns  UDP      53  synced      2      2        1\n1 service "
                  "listed.\n",
                  "" },
                { "find [fd00::0b]:443/tcp -o name", 0, "shop/edge:https\n", "" },
                { "find fd00::b -o name", 0, "shop/edge:https\n", "" },
                { "find 10.96.4.9:5432 --json=short", 0,
                  "[{\"path\":\"/org/k8s/IpvsProxy/service/shop_2fdb\",\"id\":\"shop/"
                  "db\",\"namespace\":\"shop\","
                  "\"name\":\"db\",\"portName\":\"\",\"protocol\":\"tcp\",\"port\":5432,\"state\":"
                  "\"degraded\","
                  "\"endpointsReady\":0,\"endpointsTotal\":3,\"programmedGeneration\":48211,"
                  "\"virtualServers\":1}]\n",
                  "" },
                { "find 10.1.4.12 -o name", 0, "shop/cart:http\n", "" },
                { "find 10.1.4.12:8080/tcp -o name", 0, "shop/cart:http\n", "" },
                { "find 10.1.4.12:8081", 4, "",
                  "Failed to find 10.1.4.12:8081: No service has this address or endpoint.\n" },
                { "find 10.1.4.12:8080/udp", 4, "", NULL },
                { "find 10.96.0.10:54", 4, "", NULL },
                { "find 10.9.9.9", 4, "",
                  "Failed to find 10.9.9.9: No service has this address or endpoint.\n" },
                { "find 10.96.0.10:53/quic", 1, "",
                  "Failed to find the service of 10.96.0.10: Bad protocol \"quic\".\n" },
                { "find fd00::b:443/tcp", 2, "", NULL },
                { "find shop/cart", 2, "", NULL },
                { "find", 2, "", "Usage: ipvsproxyctl find ADDRESS[:PORT[/PROTOCOL]]\n" },
        };

        TEST_CASES(*state, cases);
}

static void test_status(void **state) {
        static const Case cases[] = {
                { "", 0,
                  "\xe2\x97\x8f ipvsproxyd on node-17 \xe2\x80\x94 running\n"
                  "      Version: 1.0.0                              State: running since Thu "
                  "1970-01-01 00:00:00 UTC\n"
                  "   API server: watching, last event 3h ago   Generation: 48211 (0 pending)\n"
                  "       Server: https://10.0.0.1:6443, v1.30.1\n"
                  "     Services: 7 ports, 7 virtual servers, 7 endpoints\n"
                  "    Last sync: 3h ago, 14ms                       Drift: 2 repaired, last 4h "
                  "ago\n"
                  "        Syncs: 77, 1 of them failed\n"
                  "   Conditions: KernelReady\n"
                  "      Problem: ApiReachable is false for 3h: Timeout \xe2\x80\x94 what is "
                  "programmed stays; see whether the API server answers: \"ipvsproxyctl doctor\", "
                  "\"journalctl -u ipvsproxyd\"\n"
                  "      Problem: The kernel has no sctp: Module missing \xe2\x80\x94 "
                  "\"ipvsproxyctl doctor\" tells what to install\n"
                  "      Refused: 1 address \xe2\x80\x94 see \"ipvsproxyctl list "
                  "--state=refused\"\n",
                  "" },
                { "status shop/edge", 6,
                  "\xe2\x97\x8f shop/edge:https \xe2\x80\x94 refused\n"
                  "       Reason: NodeAddress \xe2\x80\x94 \"ipvsproxyctl explain "
                  "shop/edge:https\" tells more\n"
                  "         Type: cluster-ip, tcp port 443\n"
                  "    Scheduler: rr\n"
                  "     Affinity: 3h\n"
                  "       Policy: Cluster inside\n"
                  "    Endpoints: 8 of 8 ready, 0 draining, 0 on this node\n"
                  "    Addresses: [fd00::b]:443 (cluster-ip)\n"
                  "      Refused: 192.0.2.9 (NodeAddress)\n"
                  "   Programmed: never, generation 48211\n",
                  "" },
                { "status kubernetes:https -q", 0, "", "" },
                { "status -n shop cart -q", 0, "", "" },
                { "status --color=always -q", 0, "", "" },
                { "status shop/none", 4, "",
                  "Failed to find shop/none: There is no service \"shop/none\".\n" },
                { "status hang:x --timeout=200ms", 7, "", NULL },
                { "status kube-system/kube-dns", 2, "",
                  "\"kube-system/kube-dns\" has several ports; say which:\n"
                  "  kube-system/kube-dns:dns\n  kube-system/kube-dns:dns-tcp\n" },
        };

        TEST_CASES(*state, cases);
}

static void test_show(void **state) {
        static const Case cases[] = {
                { "show -p State,IpFamilies,Capabilities", 0,
                  "State=running\nIpFamilies=ipv4, ipv6\n"
                  "Capabilities=name=ip_vs value=yes reason=, name=nf_tables value=yes reason=, "
                  "name=sctp value=no reason=Module missing\n",
                  "" },
                { "show --value -p Generation", 0, "48211\n", "" },
                { "show -p Statistics --json=short", 0,
                  "{\"statistics\":{\"connections\":7,\"inBytes\":18446744073709551615}}\n", "" },
                { "show -p Capabilities --json=short", 0,
                  "{\"capabilities\":[{\"name\":\"ip_vs\",\"value\":\"yes\",\"reason\":\"\"},"
                  "{\"name\":\"nf_tables\",\"value\":\"yes\",\"reason\":\"\"},"
                  "{\"name\":\"sctp\",\"value\":\"no\",\"reason\":\"Module missing\"}]}\n",
                  "" },
                { "show shop/db -p Id,Port,VirtualServers,RefusedAddresses --json=short", 0,
                  "{\"id\":\"shop/db\",\"port\":5432,\"virtualServers\":[{\"kind\":\"cluster-ip\","
                  "\"address\":\"10.96.4.9\",\"port\":5432,\"fwmark\":0}],"
                  "\"refusedAddresses\":[{\"address\":\"192.0.2.9\",\"reason\":\"NodeAddress\"}]}"
                  "\n",
                  "" },
                { "show shop/db -p Colour", 1, "", NULL },
                { "show a b", 2, "", "Usage: ipvsproxyctl show [SERVICE]\n" },
        };
        static Output got;

        TEST_CASES(*state, cases);
        bench_run(*state, "show", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(got.out, "Version=1.0.0\n"));
        assert_non_null(strstr(got.out, "LastSyncDurationUSec=14321\n"));
        assert_null(strstr(got.out, "Statistics="));
}

static void test_endpoints(void **state) {
        static const Case cases[] = {
                { "endpoints shop/cart", 0,
                  "ADDRESS    PORT  STATE     WEIGHT  ACTIVE  INACTIVE  NODE     POD\n"
                  "10.1.4.12  8080  ready          1     183        12  node-04  cart-6f7-x2x\n"
                  "10.1.9.30  8080  draining       0      17         0  node-09  cart-6f7-q8k  "
                  "(deadline in 2h)\n"
                  "2 endpoints listed.\n",
                  "" },
                { "endpoints zoo/none", 4, "", NULL },
                { "endpoints", 2, "", NULL },
        };
        static Output got;

        TEST_CASES(*state, cases);
        bench_run(*state, "endpoints shop/cart:http --json=short", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(
                got.out, "[{\"address\":\"10.1.4.12\",\"port\":8080,\"state\":\"ready\",\"node\":"
                         "\"node-04\","
                         "\"weight\":1,\"active\":183,\"inactive\":12,\"pod\":\"cart-6f7-x2x\"},"));
        assert_non_null(strstr(got.out, "\"drainDeadlineUSec\":"));
}

static void test_stats(void **state) {
        static const Case cases[] = {
                { "stats shop/cart", 0,
                  "SERVICE         CONNS  IN PKTS  OUT PKTS  IN BYTES  OUT BYTES  ACTIVE  "
                  "INACTIVE\n"
                  "shop/cart:http   4.0k    10.0k      9.6k      4.9M      58.8M     200        "
                  "12\n"
                  "1 service listed.\n",
                  "" },
                { "stats shop/cart:http --rate -q", 0,
                  "SERVICE          CPS  IN PKT/s  OUT PKT/s      IN      OUT  ACTIVE  INACTIVE\n"
                  "shop/cart:http  1.6k     36.4k      35.2k  4.8M/s  58.8M/s     200        12\n",
                  "" },
                { "stats --exact --no-legend kubernetes", 0,
                  "default/kubernetes:https  1000  2500  2400  1234567  18446744073709551615  200  "
                  "12\n",
                  "" },
                { "stats default/kubernetes --json=short", 0,
                  "[{\"id\":\"default/"
                  "kubernetes:https\",\"connections\":1000,\"inPackets\":2500,\"outPackets\":2400,"
                  "\"inBytes\":1234567,\"outBytes\":18446744073709551615,\"connectionsPerSec\":412,"
                  "\"inPacketsPerSec\":9100,\"outPacketsPerSec\":8800,\"inBytesPerSec\":1200000,"
                  "\"outBytesPerSec\":14700000,\"active\":200,\"inactive\":12}]\n",
                  "" },
        };
        static Output got;

        TEST_CASES(*state, cases);
        bench_run(*state, "stats", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(got.out, "6 services listed.\n"));
}

/* C9 without a terminal; with one, tests/vm/long-unit.sh. */
static void test_resync(void **state) {
        static const Case cases[] = {
                { "resync", 0, "Resynced everything: generation 48210.\n", "" },
                { "resync --full", 0, "Resynced everything: generation 48211.\n", "" },
                { "resync --full --no-block", 0, "Asked to resync everything: generation 48213.\n",
                  "" },
                { "resync -q shop/cart", 0, "", "" },
                { "resync shop/cart kubernetes:https", 0,
                  "Resynced shop/cart:http: generation 48210.\nResynced default/kubernetes:https: "
                  "generation 48210.\n",
                  "" },
                { "resync --json=short shop/cart", 0,
                  "[{\"id\":\"shop/cart:http\",\"generation\":48210}]\n", "" },
                { "resync --json=short", 0, "[{\"id\":null,\"generation\":48210}]\n", "" },
                { "resync shop/db shop/cart", 6, "Resynced shop/cart:http: generation 48210.\n",
                  "Failed to resync shop/db: Cannot\\nprogram 10.96.4.9.\n" },
                { "resync shop/edge", 5, "",
                  "Failed to resync shop/edge:https: Interactive authentication required.\n" },
                { "resync --no-ask-password shop/edge", 5, "",
                  "Failed to resync shop/edge:https: Interactive authentication required.\n" },
                { "resync shop/none", 4, "", NULL },
        };

        TEST_CASES(*state, cases);
}

static void test_log_level(void **state) {
        static const Case cases[] = {
                { "log-level", 0, "info\n", "" },
                { "log-level debug", 0, "", "" },
                { "log-level --json=short", 0, "{\"logLevel\":\"debug\"}\n", "" },
                { "log-level loud", 2, "", NULL },
                { "log-level emerg", 5, "", "Failed to set the log level: Only root may.\n" },
        };

        TEST_CASES(*state, cases);
}

/* C10, C11: what is wrong is told in a line, which services may be meant in a few. */
static void test_usage(void **state) {
        static const Case cases[] = {
                { "dance", 2, "",
                  "Unknown command \"dance\"; \"ipvsproxyctl help\" lists them.\n" },
                { "lis", 2, "", NULL },
                { "list --exact", 2, "", "Option --exact is not for \"list\".\n" },
                { "list --json=xml", 2, "", "Bad value for --json: \"xml\"\n" },
                { "list --what", 2, "", NULL },
                { "list --timeout=0", 2, "", NULL },
                { "wait --for=rain", 2, "",
                  "Bad condition \"rain\": it is \"running\" or \"generation=N\".\n" },
                { "help dance", 2, "", NULL },
                { "status -- -x", 4, "", NULL },
                { "list --address=10.0.0.256", 2, "", "Bad value for --address: \"10.0.0.256\"\n" },
                { "version", 0, NULL, "" },
                { "--version list", 0, NULL, "" },
                { "list --help", 0, NULL, "" },
        };
        static Output got;

        TEST_CASES(*state, cases);
        bench_run(*state, "help", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(got.out, "\n  resync [SERVICE...]"));
        assert_non_null(strstr(got.out, "--no-ask-password"));
        assert_null(strstr(got.out, "complete"));
        assert_null(strstr(got.out, "--exact"));
        bench_run(*state, "stats -h", &got);
        assert_non_null(strstr(got.out, "--exact"));
}

/* Each command explains itself, in the same words whichever way it is asked (C10). */
static void test_help(void **state) {
        static const char *const script =
                "n=0\n"
                "for verb in $(ctl complete -- ''); do\n"
                "        ctl $verb --help >\"$OUT\" 2>&1 || { echo \"$verb --help\" >&2; exit 1; }\n"
                "        head -n 1 \"$OUT\" | grep -q \"^ipvsproxyctl $verb \\[OPTION\" || exit 2\n"
                "        ctl help $verb | cmp - \"$OUT\" || exit 3\n"
                "        n=$((n + 1))\n"
                "done\n"
                "test $n -ge 25 || exit 4\n";

        assert_int_equal(bench_shell(*state, script), 0);
}

/* A daemon that is not well, is not there, and comes (C4: each exit code is somewhere in this file, 130 in test-client-top). */
static void test_states(void **state) {
        static const Case syncing[] = {
                { "status -q", 6, "", "" },
                { "resync", 6, "Resynced everything: generation 48210.\n",
                  "The services are not all known yet; \"ipvsproxyctl status\" tells why.\n" },
                { "resync --no-block -q", 0, "", "" },
                { "list -n nowhere", 6, "",
                  "Failed to list services: They are not known yet; \"ipvsproxyctl status\" tells why.\n" },
                { "stats", 6, "", "Failed to get statistics: The first list is not complete.\n" },
                { "wait --timeout=300ms", 7, "", "Failed to wait for running: Time is up.\n" },
                { "wait --for=generation=48211", 0, "", "" },
                { "wait --for=generation=48212 --timeout=300ms", 7, "", NULL },
        };
        static const Case gone[] = {
                { "status", 3, "",
                  "Failed to get the state of ipvsproxyd: ipvsproxyd is not running (\"systemctl "
                  "status ipvsproxyd\" and \"ipvsproxyctl doctor\" may tell why)\n" },
                { "list", 3, "", NULL },
                { "top -b -N 1", 3, "", NULL },
                { "resync", 3, "", NULL },
                { "log-level", 3, "", NULL },
                { "complete -- endpoints shop/", 0, "", "" },
                { "wait --timeout=300ms", 7, "", NULL },
        };
        static const Case limited = { "list -o name --timeout=5 shop/db", 1, "",
                                      "Failed to list services: Too much at once.\n" };
        static const Case waits = { "list -o name shop/db", 0, "shop/db\n", "" };
        static const Case comes = { "wait --timeout=20", 0, "", "" };
        Bench *bench = *state;

        bench_start_fake(bench, "syncing", NULL);
        TEST_CASES(bench, syncing);
        bench_start_fake(bench, "syncing", "300");
        test_one(bench, &comes);
        bench_start_fake(bench, "busy", NULL);
        test_one(bench, &waits);
        bench_start_fake(bench, "busy", NULL);
        test_one(bench, &limited);
        bench_stop(&bench->fake);
        TEST_CASES(bench, gone);
        bench_start_fake(bench, "running", NULL);
}

static void test_no_bus(void **state) {
        static const Bench bench = { .address = "unix:path=/nonexistent" };
        static const Case cases[] = {
                { "status", 1, "", "Failed to connect to the bus: No such file or directory\n" },
                { "help", 0, NULL, "" },
                { "complete -- show a", 0, "", "" },
        };

        TEST_CASES(&bench, cases);
}

/* Who may not talk to the daemon is told so at once (C3). */
static void test_denied(void **state) {
        static const char *const script =
                "D=\"${OUT%/*}/denied\"; mkdir -p \"$D\"\n"
                "cat >\"$D/conf\" <<END\n"
                "<busconfig><type>system</type><listen>unix:dir=$D</listen><auth>EXTERNAL</auth>"
                "<policy context='default'><allow own='*'/><allow send_type='*'/><allow receive_type='*'/>"
                "<allow send_destination='org.freedesktop.DBus'/>"
                "<deny send_destination='org.k8s.IpvsProxy'/></policy></busconfig>\n"
                "END\n"
                "dbus-daemon --config-file=\"$D/conf\" --nofork --print-address=1 >\"$D/address\" 2>/dev/null & bus=$!\n"
                "for i in $(seq 50); do test -s \"$D/address\" && break; sleep 0.1; done; BUS=$(cat \"$D/address\")\n"
                "\"$FAKE\" \"$BUS\" running >\"$D/ready\" & fake=$!\n"
                "for i in $(seq 50); do test -s \"$D/ready\" && break; sleep 0.1; done\n"
                "timeout 3 $PWD/ipvsproxyctl --address=\"$BUS\" list 2>\"$OUT\"; code=$?; kill $bus $fake\n"
                "cat \"$OUT\"; test $code = 5 && test $(wc -l <\"$OUT\") = 1 || exit 1\n"
                "grep -q 'The policy of the bus' \"$OUT\" || exit 2\n";

        assert_int_equal(bench_shell(*state, script), 0);
}

/* Piped, no command colours anything or hides the end of a line, whatever the terminal is (C1). */
static void test_piped(void **state) {
        static const char *const script =
                "export TERM=xterm-256color; unset NO_COLOR\n"
                "for line in status 'status shop/db' list 'list --ipvs' show 'show shop/db' 'endpoints shop/cart' \\\n"
                "                'find 10.96.4.9' 'explain shop/cart' stats 'top -N 1' dump drift plan 'override list' \\\n"
                "                doctor help version; do\n"
                "        COLUMNS=20 ctl $line >\"$OUT\"; code=$?; COLUMNS=300 ctl $line >\"$OUT.wide\"\n"
                "        test -s \"$OUT\" && { test $code = 0 || test $code = 6; } || { echo \"$line: $code\" >&2; exit 1; }\n"
                "        if grep -q \"$(printf '\\033')\" \"$OUT\"; then echo \"$line: colours\" >&2; exit 2; fi\n"
                "        test \"$(awk '{ print length($0) }' \"$OUT\" | sort -n | tail -n 1)\" = \\\n"
                "                \"$(awk '{ print length($0) }' \"$OUT.wide\" | sort -n | tail -n 1)\" ||\n"
                "                { echo \"$line: cut\" >&2; exit 3; }\n"
                "done\n";

        assert_int_equal(bench_shell(*state, script), 0);
}

/* What stdout is decides about colour; a reader that left is no error, a full disk is one (C5). */
static void test_output(void **state) {
        static const char *const script =
                "set -e\n"
                "ctl list | grep -q SERVICE; ctl list --color=always | grep -q \"$(printf "
                "'\\033')\"\n"
                "if ctl list | grep -q \"$(printf '\\033')\"; then exit 10; fi\n"
                "ctl list 2>&1 >/dev/full | grep -q 'Failed to write output: No space left on "
                "device'\n"
                "set +e; { ctl list; echo $? >&3; } 3>\"$OUT\" | exec sleep 0\n"
                "sleep 0.2; { sleep 0.1; ctl list 2>&1 >&4; echo $? >&3; } 3>\"$OUT\" 4>&1 | exec "
                "true; test \"$(cat \"$OUT\")\" = 0 || exit 11\n"
                "BUS=unix:path=/nonexistent LC_ALL=C " BENCH_CLIENT " help >/dev/null || exit 12\n"
                "LC_ALL=C ctl status | head -1 | grep -q '^\\* ipvsproxyd' || exit 13\n";

        assert_int_equal(bench_shell(*state, script), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list),      cmocka_unit_test(test_find),
                cmocka_unit_test(test_status),    cmocka_unit_test(test_show),
                cmocka_unit_test(test_endpoints), cmocka_unit_test(test_stats),
                cmocka_unit_test(test_resync),    cmocka_unit_test(test_log_level),
                cmocka_unit_test(test_usage),     cmocka_unit_test(test_states),
                cmocka_unit_test(test_no_bus),    cmocka_unit_test(test_output),
                cmocka_unit_test(test_help),      cmocka_unit_test(test_denied),
                cmocka_unit_test(test_piped),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        (void) setenv("TZ", "UTC", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
