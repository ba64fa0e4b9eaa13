/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top as tables, with 10,000 services, and as a live screen in tmux, without which (77) nothing is shown. */
#include "tests/client/bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* 5% of the time between looks a second apart, and what it costs to start (C6). */
#define MANY_LOOKS "4"
#if defined(__SANITIZE_ADDRESS__)
#define MANY_CPU_USEC (4 * (4 * 50000 + 50000)) /* the sanitizers take their share */
#define COMPLETE_CPU_USEC (4 * 300000)
#else
#define MANY_CPU_USEC (4 * 50000 + 50000)
#define COMPLETE_CPU_USEC 300000
#endif

static void test_batch(void **state) {
        static const Case cases[] = {
                { "top -b -N 1 -n shop", 0,
                  "SERVICE          CONN/s  IN PKT/s  OUT PKT/s  IN B/s  OUT B/s  CONNS  ACTIVE  "
                  "INACTIVE\n"
                  "shop/edge:https    2.4k     54.6k      52.8k    7.2M    88.2M   6.0k     200    "
                  " "
                  " "
                  "  12\n"
                  "shop/db            2.0k     45.5k      44.0k    6.0M    73.5M   5.0k     200    "
                  " "
                  " "
                  "  12\n"
                  "shop/cart:http     1.6k     36.4k      35.2k    4.8M    58.8M   4.0k     200    "
                  " "
                  " "
                  "  12\n"
                  "3 services listed.\n",
                  "" },
                { "top -N 2 -d 50ms --order=name -n kube-system --exact -q --no-legend", 0,
                  "kube-system/kube-dns:dns       824  18200  17600  2400000  29400000  2000  200  "
                  "12\n"
                  "kube-system/kube-dns:dns-tcp  1236  27300  26400  3600000  44100000  3000  200  "
                  "12\n"
                  "kube-system/kube-dns:dns       824  18200  17600  2400000  29400000  2000  200  "
                  "12\n"
                  "kube-system/kube-dns:dns-tcp  1236  27300  26400  3600000  44100000  3000  200  "
                  "12\n",
                  "" },
                { "top -b -N 1 -n default --json=short", 0,
                  "[{\"id\":\"default/"
                  "kubernetes:https\",\"connectionsPerSec\":412,\"inPacketsPerSec\":9100,"
                  "\"outPacketsPerSec\":8800,\"inBytesPerSec\":1200000,\"outBytesPerSec\":14700000,"
                  "\"connections\":1000,\"active\":200,\"inactive\":12}]\n",
                  "" },
                { "top -b -N 1 -n none --json=short", 0, "[]\n", "" },
                { "top --order=colour", 2, "", "Bad order \"colour\".\n" },
                { "top -N 0", 2, "", NULL },
        };
        static const Case syncing = { "top -b -N 1", 6, "",
                                      "Failed to get statistics: The first list is not "
                                      "complete.\n" };
        Bench *bench = *state;

        TEST_CASES(bench, cases);
        bench_start_fake(bench, "syncing", NULL);
        test_one(bench, &syncing);
        bench_start_fake(bench, "running", NULL);
}

static uint64_t children_cpu_usec(void) {
        struct rusage usage;

        assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
        return (uint64_t) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
               (uint64_t) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* The screen runs in a terminal that script(1) would give; tmux does here. */
static const char screen_script[] =
        "command -v tmux >/dev/null || exit 77\n"
        "unset TMUX; export LC_ALL=C.UTF-8; S=\"$OUT.tmux.$SCREEN\"\n"
        "t() { tmux -S \"$S\" -f /dev/null \"$@\"; }\n"
        "show() { t capture-pane -p; }\n"
        /* until the screen has $1, for 10 s */
        "has() { for i in $(seq 100); do show | grep -q -- \"$1\" && return; sleep 0.1; done\n"
        "        echo \"no '$1' in:\" >&2; show >&2; return 1; }\n"
        "hasnt() { for i in $(seq 100); do show | grep -q -- \"$1\" || return 0; sleep 0.1; done\n"
        "        echo \"'$1' in:\" >&2; show >&2; return 1; }\n"
        /* until the first row is that of $1 */
        "first() { for i in $(seq 100); do test \"$(show | sed -n '4s/ .*//p')\" = \"$1\" && return; sleep 0.1; done\n"
        "        echo \"$1 is not first in:\" >&2; show >&2; return 1; }\n"
        "trap 't kill-server 2>/dev/null' EXIT\n"
        "t new-session -d -x 110 -y 14 \"sh\" || exit 77\n"
        "t send-keys \" PS1=; clear; ./ipvsproxyctl --address='$BUS' top -d 1s; echo E=\\$?\" "
        "Enter\n";

static void test_screen(void **state) {
        static const char *const keys =
                "has '6 of 6 services  every 1s' || exit 1\n"
                "has 'q quit' || exit 2\n"
                /* the most connections first */
                "first shop/edge:https || exit 3\n"
                "t send-keys r; first default/kubernetes:https || exit 4\n"
                "t send-keys Left; first shop/edge:https || exit 5\n" /* by name, from z */
                "t send-keys r; first default/kubernetes:https || exit 24\n"
                "t send-keys / c a r t; has 'filter: cart_' || exit 6\n"
                "t send-keys Enter; has '1 of 6 services' || exit 7\n"
                "hasnt kube-dns || exit 8\n"
                "t send-keys Escape; has '6 of 6 services' || exit 9\n"
                "t send-keys Space; has PAUSED || exit 10\n"
                "t send-keys Space; hasnt PAUSED || exit 11\n"
                "t send-keys +; has 'every 2s' || exit 12\n"
                /* narrow: columns go, names and the keys stay */
                "t resize-window -x 50 -y 8; hasnt INACTIVE || exit 13\n"
                "has '^SERVICE' || exit 14; has 'q quit' || exit 15\n"
                "t send-keys End; has shop/edge || exit 16\n"
                "t resize-window -x 110 -y 14; has INACTIVE || exit 17\n"
                "t send-keys q; has '^E=0' || exit 18\n"
                /* the terminal is as it was: a line is echoed and erased as always */
                "hasnt 'q quit' || exit 19\n"
                "t send-keys 'stty -a | tr \" \" \"\\n\" | grep -x -e echo -e icanon' Enter\n"
                "has '^echo' || exit 20; has '^icanon' || exit 21\n"
                /* Ctrl-C */
                "t send-keys \"clear; ./ipvsproxyctl --address='$BUS' top; echo E=\\$?\" Enter\n"
                "has 'q quit' || exit 22; t send-keys C-c; has '^E=130' || exit 23\n";
        static char script[8192];
        int code;

        (void) snprintf(script, sizeof(script), "%s%s", screen_script, keys);
        (void) setenv("SCREEN", "screen", 1);
        code = bench_shell(*state, script);
        assert_int_equal(code, 0);
}

/* The daemon goes away and comes back under the screen. */
static void test_screen_daemon(void **state) {
        static const char *const gone = "t() { tmux -S \"$OUT.tmux.$SCREEN\" \"$@\"; }\n"
                                        "for i in $(seq 100); do\n"
                                        "        t capture-pane -p | grep -q 'Not up to date' && "
                                        "exit 0; sleep 0.1\n"
                                        "done; t capture-pane -p >&2; exit 1\n";
        static const char *const back = "t() { tmux -S \"$OUT.tmux.$SCREEN\" \"$@\"; }\n"
                                        "for i in $(seq 100); do\n"
                                        "        t capture-pane -p | grep -q 'Not up to date' || "
                                        "break; sleep 0.1\n"
                                        "done\n"
                                        "t capture-pane -p | grep -q 'connections/s'; code=$?\n"
                                        "t kill-server; exit $code\n";
        static char script[8192];
        Bench *bench = *state;
        int code;

        (void) snprintf(script, sizeof(script), "%s%s", screen_script,
                        "has 'connections/s' || exit 1; trap - EXIT\n");
        (void) setenv("SCREEN", "screen_daemon", 1);
        code = bench_shell(bench, script);
        assert_int_equal(code, 0);
        bench_stop(&bench->fake);
        code = bench_shell(bench, gone);
        bench_start_fake(bench, "running", NULL);
        assert_int_equal(bench_shell(bench, back), 0);
        assert_int_equal(code, 0);
}

/* What Tab may cost with 10,000 services (C8), and what somebody sees who waits for it. */
static void test_many_completed(Bench *bench) {
        static const Case one = { "complete -- endpoints bulk/svc-0777:", 0, "", "" };
        static const Case found = { "complete -- endpoints bulk/svc-07777", 0, "bulk/svc-07777:http\n", "" };
        uint64_t before = children_cpu_usec(), used;

        test_one(bench, &found);
        used = children_cpu_usec() - before;
        if (used > COMPLETE_CPU_USEC)
                fail_msg("completion among 10,000 services took %llu us of CPU", (unsigned long long) used);
        test_one(bench, &one);
}

static void test_many(void **state) {
        static Output got;
        Bench *bench = *state;
        static const char *const screen = "has '10000 of 10000 services' || exit 1\n"
                                          "has '^bulk/svc-09999:http' || exit 2\n"
                                          "t send-keys G; has '^bulk/svc-00000:http' || exit 3\n"
                                          "t send-keys q; has '^E=0' || exit 4\n";
        static char script[8192];
        uint64_t before, used;
        int code;

        bench_start_fake(bench, "many", NULL);
        before = children_cpu_usec();
        bench_run(bench, "top -b -d 200ms -n none -N " MANY_LOOKS, &got);
        used = children_cpu_usec() - before;
        assert_int_equal(got.code, 0);
        if (used > MANY_CPU_USEC)
                fail_msg("%s looks at 10,000 services took %llu us of CPU", MANY_LOOKS,
                         (unsigned long long) used);
        test_many_completed(bench);
        (void) snprintf(script, sizeof(script), "%s%s", screen_script, screen);
        (void) setenv("SCREEN", "many", 1);
        code = bench_shell(bench, script);
        bench_start_fake(bench, "running", NULL);
        assert_int_equal(code, 0);
}

/* Colours and width are those of the terminal, unless somebody says otherwise (C1). */
static void test_terminal(void **state) {
        static const char *const script =
                "command -v tmux >/dev/null || exit 77\n"
                "unset TMUX NO_COLOR SYSTEMD_COLORS; export LC_ALL=C.UTF-8; S=\"$OUT.tmux.$SCREEN\"\n"
                "t() { tmux -S \"$S\" -f /dev/null \"$@\"; }\n"
                "trap 't kill-server 2>/dev/null' EXIT\n"
                /* what the pane shows comes later than the command ends: the mark behind it is waited for */
                "run() { n=$((n + 1)); t send-keys \" clear; $1 ./ipvsproxyctl --address='$BUS' $2; echo =$n=\" Enter\n"
                "        for i in $(seq 100); do t capture-pane -p | grep -qx \"=$n=\" && return; sleep 0.1; done; "
                "exit 9; }\n"
                "coloured() { t capture-pane -p -e | grep -q \"$(printf '\\033')\\[[0-9;]*31m\"; "
                "}\n"
                "t new-session -d -x 40 -y 12 sh || exit 77\n"
                "t send-keys ' PS1=' Enter\n"
                "run '' 'list --no-pager -n shop'; coloured || exit 1\n"
                "t capture-pane -p | awk 'length($0) > 40 { exit 1 }' || exit 2\n"
                "t capture-pane -p | grep -q '^shop/edge:https ' || exit 3\n"
                "t capture-pane -p | grep -q NodeAddress && exit 14\n"
                "run 'NO_COLOR=1' 'list --no-pager -n shop'; coloured && exit 4\n"
                "run 'NO_COLOR=' 'list --no-pager -n shop'; coloured || exit 5\n"
                "run 'TERM=dumb' 'list --no-pager -n shop'; coloured && exit 6\n"
                "run 'SYSTEMD_COLORS=0' 'list --no-pager -n shop'; coloured && exit 7\n"
                "run '' 'list --no-pager -n shop --color=never'; coloured && exit 8\n"
                "t resize-window -x 300 -y 12\n"
                "run '' 'list --no-pager -n shop'; t capture-pane -p | grep -q "
                "'NodeAddress' || exit 10\n"
                /* the pager is the user's own, but not under sudo (C12) */
                "printf '#!/bin/sh\\ntouch \"%s\"; cat\\n' \"$OUT.paged\" >\"$OUT.pager\"; chmod +x \"$OUT.pager\"\n"
                "run \"PAGER=$OUT.pager\" 'list -n shop'; test -e \"$OUT.paged\" || exit 11\n"
                "rm \"$OUT.paged\"\n"
                "run \"SUDO_UID=1 PAGER=$OUT.pager SYSTEMD_PAGER=$OUT.pager LESSOPEN='|$OUT.pager %s' LESS=FRX\" "
                "'list -n shop'\n"
                "test -e \"$OUT.paged\" && exit 12\n"
                /* nor where there is none */
                "run 'SUDO_UID=1 PATH=/nonexistent' 'list -n shop'\n"
                "t capture-pane -p | grep -q '3 services listed' || exit 13\n"
                "exit 0\n";
        int code;

        (void) setenv("SCREEN", "terminal", 1); /* each has a server of its own: the last one may still end */
        code = bench_shell(*state, script);

        assert_int_equal(code, 0);
}

/* No line is wider than the terminal, and names can be told from each other (C1). */
static void test_widths(void **state) {
        static const char *const script =
                "command -v script >/dev/null || exit 77\n"
                "wide() { script -qefc \"stty cols $1; ./ipvsproxyctl --address='$BUS' --no-pager $2\" /dev/null </dev/null |\n"
                "        tr -d '\\r' | sed 's/\\x1b\\[[0-9;]*m//g'; }\n"
                "for cols in 60 80 300; do\n"
                "        for verb in status 'status shop/edge:https' list 'list -w' 'endpoints shop/cart:http' stats 'stats --rate' \\\n"
                "                'top -b -N 1' drift 'override list shop/cart:http' 'explain shop/cart' 'list -L'; do\n"
                "                wide $cols \"$verb\" >\"$OUT\"; test \"$(wc -L <\"$OUT\")\" -le $cols ||\n"
                "                        { echo \"$verb at $cols\" >&2; cat \"$OUT\" >&2; exit 1; }\n"
                "                ! grep -n ' $' \"$OUT\" >&2 || exit 7\n"
                "                test $cols != 60 || { wc -l <\"$OUT\" | grep -qv '^0$' || exit 2; }\n"
                "        done\n"
                "done\n"
                /* -j is for eyes on a terminal, for programs in a pipe (C2) */
                "test \"$(wide 80 'drift -j' | wc -l)\" -gt 2 || exit 5\n"
                "test \"$(ctl drift -j | wc -l)\" = 1 || exit 6\n"
                "wide 80 drift | grep -q '^Tue 2023-11-14 22:13:20' || exit 8\n"
                "for verb in list stats 'stats --rate' 'top -b -N 1'; do\n"
                "        wide 40 \"$verb\" | grep -q '^kube-system/kube-dns:.' || { echo \"$verb\" >&2; exit 3; }\n"
                "        wide 80 \"$verb\" | grep -q '^kube-system/kube-dns:dns-tcp ' || { echo \"$verb\" >&2; exit 4; }\n"
                "done\n";
        int code = bench_shell(*state, script);

        assert_int_equal(code, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_batch),         cmocka_unit_test(test_screen),
                cmocka_unit_test(test_screen_daemon), cmocka_unit_test(test_many),
                cmocka_unit_test(test_terminal),      cmocka_unit_test(test_widths),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
