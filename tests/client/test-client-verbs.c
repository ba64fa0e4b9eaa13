/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that answer with documents, follow events or steer the daemon. */
#include "tests/client/bench.h"

#include <stdio.h>
#include <string.h>

static void test_drift(void **state) {
        static const Case cases[] = {
                { "drift", 0,
                  "WHEN                         KIND         ACTION   WHAT\n"
                  "Tue 2023-11-14 22:13:20 UTC  address      added    10.96.4.7\n"
                  "Tue 2023-11-14 22:13:21 UTC  real-server  changed  10.96.4.7:80/tcp -> "
                  "10.1.4.12:8080  field=weight found=7\n"
                  "2 changes listed.\n",
                  "" },
                { "drift --json=short", 0,
                  "[{\"timeUSec\":1700000000000000,\"kind\":\"address\",\"id\":\"10.96.4.7\","
                  "\"action\":\"added\"},"
                  "{\"timeUSec\":1700000001000000,\"kind\":\"real-server\",\"id\":\"10.96.4.7:80/"
                  "tcp -> 10.1.4.12:8080\",\"action\":\"changed\",\"field\":\"weight\",\"found\":"
                  "7}]\n",
                  "" },
                { "drift now", 2, "", "Usage: ipvsproxyctl drift\n" },
        };

        TEST_CASES(*state, cases);
}

static void test_explain(void **state) {
        static const char story[] =
                "\xe2\x97\x8f 10.96.4.7:80/tcp \xe2\x80\x94 synced\n"
                "      Service: shop/cart:http, type cluster-ip\n"
                "       Policy: Cluster inside\n"
                "     Affinity: a client stays with its endpoint for 3h\n"
                "      Address: cluster-ip, bound to the device\n"
                "       Filter: other ports of this address are refused\n"
                "          and: what does not come from a pod of this node is masqueraded\n"
                "       Kernel: our virtual server, scheduler rr, persistent for 10800s, 1 real "
                "server\n"
                "    ENDPOINT        USED  WHY                         KERNEL    NODE        ZONE\n"
                "    10.1.4.12:8080  yes   ready                       weight 1  node-04     a\n"
                "    10.1.9.30:8080  no    ends, and others are ready  -         n\\x1b[31m9\n"
                "   Difference: add real server 10.1.4.13:8080 to 10.96.4.7:80/TCP, weight 1\n";
        const Case cases[] = {
                { "explain 10.96.4.7:80/tcp", 0, story, "" },
                { "explain 10.96.4.7:80", 0, story, "" },
                { "explain 10.96.4.7", 0, story, "" },
                { "explain shop/cart", 0, story, "" },
                { "explain -n shop cart:http", 0, story, "" },
                { "explain 10.96.4.7:81/tcp", 4, "",
                  "Failed to explain 10.96.4.7:81/tcp: No service has 10.96.4.7 port 81.\n" },
                { "explain 10.96.4.7:81", 4, "",
                  "Failed to explain 10.96.4.7:81: No service has this address.\n" },
                { "explain 10.96.4.7:80/quic", 1, "", NULL },
                { "explain 10.9.9.9", 4, "", NULL },
                { "explain 10.9.9.9:99999", 2, "",
                  "Bad address; it is ADDRESS[:PORT[/PROTOCOL]], IPv6 with a port in brackets.\n" },
                { "explain shop/none", 4, "",
                  "Failed to find shop/none: There is no service \"shop/none\".\n" },
                { "explain shop/db", 4, "",
                  "Failed to explain shop/db: It has no address that is served on this node.\n" },
                { "explain", 2, "", NULL },
        };
        static Output got;

        TEST_CASES(*state, cases);
        bench_run(*state, "explain shop/cart --json=short", &got);
        assert_int_equal(got.code, 0);
        assert_non_null(strstr(got.out, "[{\"address\":\"10.96.4.7\",\"port\":80,"));
        assert_non_null(strstr(got.out, "\"affinityTimeoutUSec\":10800000000"));
}

static void test_plan(void **state) {
        static const Case cases[] = {
                { "plan", 0,
                  "add virtual server 10.96.4.9:5432/TCP, scheduler rr\n"
                  "set real server 10.1.4.12:8080 of 10.96.4.7:80/TCP from weight 7 to 1\n"
                  "2 changes planned.\n",
                  "" },
                { "list --ipvs shop/*", 0,
                  "PROTO  ADDRESS:PORT    SCHED  WEIGHT  ACTIVE  INACT  SERVICE, POD\n"
                  "TCP    10.96.4.7:80    wrr                           shop/cart:http\n"
                  "TCP    *:30080         rr                            shop/cart:http\n"
                  "  ->   10.1.4.12:8080  Masq        1     183     12  cart-6f7-x2x on node-04\n"
                  "TCP    [fd00::b]:443   rr                            shop/edge:https "
                  "(refused: Conflict)\n"
                  "2 services listed.\n",
                  "" },
                { "list -L none", 0, "0 services listed.\n", "" },
        };
        static const Case nothing[] = {
                { "plan", 0, "The kernel is as it should be: nothing to change.\n", "" },
                { "plan --json=short", 0, "{\"generation\":7,\"operations\":[]}\n", "" },
                { "reload", 1, "",
                  "Failed to reload: Field mode: \"iptables\" is not supported.\n" },
        };
        Bench *bench = *state;

        TEST_CASES(bench, cases);
        bench_start_fake(bench, "syncing", NULL);
        TEST_CASES(bench, nothing);
        bench_start_fake(bench, "running", NULL);
}

static void test_drain(void **state) {
        static const Case cases[] = {
                { "undrain", 1, "", "Failed to end the drain: This node is not drained.\n" },
                { "drain --deadline=10m", 0,
                  "Draining: 4 connections left; \"ipvsproxyctl undrain\" ends it.\n", "" },
                { "drain", 1, "", "Failed to drain: This node is drained already.\n" },
                { "drain --wait --timeout=1ms", 7, "", NULL },
                { "drain --wait", 0, "Drained: 0 connections left.\n", "" },
                { "undrain", 0, "The node takes traffic again.\n", "" },
                { "drain --json=short", 0,
                  "{\"drained\":false,\"connections\":4,\"deadlineUSec\":0}\n", "" },
                { "undrain --json=short", 0, "{\"done\":true}\n", "" },
                { "undrain --deadline=1", 2, "", "Option --deadline is not for \"undrain\".\n" },
                { "reload", 0, "Read the configuration again.\n", "" },
                { "reload -q", 0, "", "" },
                { "reset-stats", 0, "Statistics begin at zero.\n", "" },
        };

        TEST_CASES(*state, cases);
}

static void test_override(void **state) {
        static const Case cases[] = {
                { "override list shop/cart", 0, "0 overrides listed.\n", "" },
                { "override set shop/cart 10.1.4.12:8080 --weight=0 --expires=2h --reason=test", 0,
                  "10.1.4.12:8080 of shop/cart:http has weight 0 for 2h.\n", "" },
                { "override list", 0,
                  "SERVICE         ENDPOINT        WEIGHT    FOR  REASON\n"
                  "shop/cart:http  10.1.4.12:8080       0  49min  by root: test\n1 override "
                  "listed.\n",
                  "" },
                { "override list -n zoo", 0, "0 overrides listed.\n", "" },
                { "endpoints shop/cart --no-legend -q", 0,
                  "10.1.4.12  8080  ready     0  183  12  node-04  cart-6f7-x2x  (override for "
                  "49min: by root: test)\n"
                  "10.1.9.30  8080  draining  0   17   0  node-09  cart-6f7-q8k  (deadline in "
                  "2h)\n",
                  "" },
                { "endpoint weight shop/cart 10.1.4.12:8080 7", 0,
                  "10.1.4.12:8080 of shop/cart:http has weight 7 for 1h.\n", "" },
                { "endpoint drain shop/cart 10.1.4.12:8080", 0, NULL, "" },
                { "endpoint clear shop/cart 10.1.4.12:8080", 0,
                  "10.1.4.12:8080 of shop/cart:http has its own weight again.\n", "" },
                { "override list -n shop --json=short", 0, "[]\n", "" },
                { "override clear shop/cart 10.1.4.13:8080", 4, "",
                  "Failed to clear the override of 10.1.4.13:8080 of shop/cart:http: No endpoint "
                  "has 10.1.4.13 port 8080.\n" },
                { "override set shop/cart 10.1.4.12:8080", 2, "",
                  "Say the weight: --weight=N; 0 sends it no new connections.\n" },
                { "override set shop/cart 10.1.4.12 --weight=1", 2, "",
                  "Bad endpoint \"10.1.4.12\"; it is ADDRESS:PORT, IPv6 in brackets.\n" },
                { "override set shop/cart 10.1.4.12:80 --weight=70000", 2, "",
                  "Bad weight \"70000\"; it is 0 to 65535.\n" },
                { "override dance", 2, "", NULL },
                { "endpoint weight shop/cart 10.1.4.12:8080", 2, "", NULL },
        };

        TEST_CASES(*state, cases);
}

static void test_hold(void **state) {
        static const Case cases[] = {
                { "hold -- sh -c true", 0, "", "" },
                { "hold --reason=upgrade -- echo -n x", 0, "x", "" },
                { "hold echo -n x", 0, "x", "" },
                { "-q hold --reason=upgrade sh -c true", 0, "", "" },
                { "hold false", 1, "", "" },
                { "hold --reason=nothing true", 5, "", "Failed to hold: Not for that.\n" },
                { "hold /nonexistent", 127, "",
                  "Failed to run /nonexistent: No such file or directory\n" },
                { "hold", 2, "", NULL },
        };

        TEST_CASES(*state, cases);
}

/* Our reader leaves: that ends it. */
static void test_monitor(void **state) {
        static const char *const text =
                "set -e\n"
                "ctl monitor -n shop | head -n 4 >\"$OUT\"\n"
                "cat >\"$OUT.wanted\" <<'END'\n"
                "options events=sync;service;endpoint;drift; namespace=shop\n"
                "22:13:20.120 sync      generation=48214 changed=2 duration=3ms\n"
                "22:13:20.121 endpoint  shop/cart:http 10.1.9.31:8080 ready weight=1\n"
                "lost      17 events (reader too slow)\n"
                "END\n"
                "sed -i -e 's/^[0-9:.]* options */options /' -e 's/^[0-9:.]* lost/lost/' \"$OUT\"\n"
                "diff \"$OUT\" \"$OUT.wanted\" >&2\n";
        static const char *const json =
                "set -e\n"
                "ctl monitor -j -e statistics -d 2 | head -n 4 >\"$OUT\"\n"
                "cat >\"$OUT.wanted\" <<'END'\n"
                "{\"event\":\"options\",\"events\":\"statistics;\",\"intervalUSec\":\"2000000\"}\n"
                "{\"event\":\"sync\",\"timeUSec\":1700000000120000,\"generation\":48214,"
                "\"changed\":2,\"durationUSec\":3000}\n"
                "{\"event\":\"endpoint\",\"timeUSec\":1700000000121000,\"id\":\"shop/cart:http\","
                "\"address\":\"10.1.9.31\",\"port\":8080,\"state\":\"ready\",\"weight\":1}\n"
                "{\"lost\":17}\n"
                "END\n"
                "diff \"$OUT\" \"$OUT.wanted\" >&2\n";

        assert_int_equal(bench_shell(*state, text), 0);
        assert_int_equal(bench_shell(*state, json), 0);
}

/* It goes on with the next daemon (C7); here for no longer than a minute, whatever fails. */
static void test_monitor_restart(void **state) {
        static const char *const begin =
                "rm -f \"$OUT\" \"$OUT.err\" \"$OUT.pid\"\n"
                "( timeout 60 " BENCH_CLIENT " --address=\"$BUS\" monitor -j >\"$OUT\" 2>\"$OUT.err\" & echo $! >\"$OUT.pid\" )\n"
                "for i in $(seq 50); do grep -q lost \"$OUT\" && exit 0; sleep 0.1; done; exit 1\n";
        static const char *const end =
                "for i in $(seq 50); do\n"
                "        test \"$(grep -c lost \"$OUT\")\" = 2 && break; sleep 0.1\n"
                "done\n"
                "kill $(cat \"$OUT.pid\")\n"
                "test \"$(grep -c lost \"$OUT\")\" = 2 || exit 1\n"
                "grep -q 'waiting for it to come back' \"$OUT.err\" || exit 2\n"
                "grep -q 'ipvsproxyd is back' \"$OUT.err\" || exit 3\n";
        Bench *bench = *state;

        assert_int_equal(bench_shell(bench, begin), 0);
        bench_start_fake(bench, "running", NULL);
        assert_int_equal(bench_shell(bench, end), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_drift),    cmocka_unit_test(test_explain),
                cmocka_unit_test(test_plan),     cmocka_unit_test(test_drain),
                cmocka_unit_test(test_override), cmocka_unit_test(test_hold),
                cmocka_unit_test(test_monitor),  cmocka_unit_test(test_monitor_restart),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        (void) setenv("TZ", "UTC", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
