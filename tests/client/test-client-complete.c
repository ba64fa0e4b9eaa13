/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Tab offers: the program, and the scripts for the shells that ask it. */
#include "tests/client/bench.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_complete(void **state) {
        static const Case cases[] = {
                { "complete -- st", 0, "status\nstats\n", "" },
                { "complete -- endpoints shop/", 0, "shop/cart:http\nshop/db\nshop/edge:https\n",
                  "" },
                { "complete -- endpoints kube", 0,
                  "kube-system/kube-dns:dns\nkube-system/kube-dns:dns-tcp\n", "" },
                { "complete -- list --st", 0, "--state=\n", "" },
                { "complete -- stats --state", 0, "", "" },
                { "complete -- list --state=re", 0, "--state=refused\n--state=removing\n", "" },
                { "complete -- log-level e", 0, "emerg\nerr\n", "" },
                { "complete -- help res", 0, "resync\nreset-stats\n", "" },
                { "complete -- override s", 0, "set\n", "" },
                { "complete -- override set shop/c", 0, "shop/cart:http\n", "" },
                { "complete -- show shop/db shop/c", 0, "", "" },
                { "complete -- version s", 0, "", "" },
        };

        TEST_CASES(*state, cases);
}

/* With 10,000 services: quick, and a user's budget of rows is not spent (C8). */
static void test_crowd(void **state) {
        static const Case cases[] = {
                { "complete -- show ''", 0, "a1-b/\na1/\nbulk-b/\nbulk/\ndefault/\n", "" },
                { "complete -- show a", 0, "a1-b/web\na1/web\n", "" },
                { "complete -- show b", 0, "bulk-b/\nbulk/\n", "" },
                { "complete -- show bulk/", 0, "bulk/s\nbulk/x\n", "" },
                { "complete -- show bulk/x", 0, "bulk/x\nbulk/x-1:http\nbulk/x1:http\n", "" },
                { "complete -- show bulk/s", 0,
                  "bulk/svc-00\nbulk/svc-01\nbulk/svc-02\nbulk/svc-03\nbulk/svc-04\nbulk/svc-05\nbulk/svc-06\n"
                  "bulk/svc-07\nbulk/svc-08\nbulk/svc-09\n",
                  "" },
                { "complete -- show bulk/svc-0123", 0,
                  "bulk/svc-01230:http\nbulk/svc-01231:http\nbulk/svc-01232:http\nbulk/svc-01233:http\n"
                  "bulk/svc-01234:http\nbulk/svc-01235:http\nbulk/svc-01236:http\nbulk/svc-01237:http\n"
                  "bulk/svc-01238:http\nbulk/svc-01239:http\n",
                  "" },
                { "complete -- show zoo", 0, "", "" },
        };
        Bench *bench = *state;

        bench_start_fake(bench, "crowd", NULL);
        TEST_CASES(bench, cases);
        bench_start_fake(bench, "running", NULL);
}

/* Nothing at all where there is nobody to ask, and nobody is started for it (C8). */
static void test_silence(void **state) {
        static const Case case_off = { "complete -- show ''", 0, "", "" };
        static const char *const script = "BUS=unix:path=/nonexistent\n"
                                          "test -z \"$(ctl complete -- show '' 2>&1)\" || exit 1\n"
                                          "test \"$(ctl complete -- st)\" = \"$(printf 'status\\nstats')\" || exit 2\n";
        Bench *bench = *state;

        bench_stop(&bench->fake);
        test_one(bench, &case_off);
        assert_int_equal(bench_shell(bench, script), 0);
        bench_start_fake(bench, "running", NULL);
}

static int run_bash(const Bench *bench, const char *script) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", bench->address, 1);
                (void) setenv("srcdir", ".", 0);
                (void) execlp("bash", "bash", "-c", script, (char *) NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

/* Readline cuts words at ":" and "="; what the function gives back must fit behind that cut. */
static void test_bash(void **state) {
        static const char *const script =
                ". \"$srcdir/completion/bash/ipvsproxyctl\"; PATH=$PWD:$PATH\n"
                "try() { COMP_LINE=$1 COMP_POINT=${#1}; _ipvsproxyctl; test \"${COMPREPLY[*]}\" = "
                "\"$2\" ||\n"
                "        { echo \"$1: ${COMPREPLY[*]}\" >&2; exit 1; }; }\n"
                "try 'ipvsproxyctl st' 'status stats'\n"
                "try 'ipvsproxyctl -q endpoints shop/' 'shop/cart:http shop/db shop/edge:https'\n"
                "try 'ipvsproxyctl endpoints kube-system/kube-dns:d' 'dns dns-tcp'\n"
                "try 'ipvsproxyctl list --state=re' 'refused removing'\n"
                "try 'ipvsproxyctl version ' ''\n";

        assert_int_equal(run_bash(*state, script), 0);
}

/* zsh and fish offer what the program says; skipped where neither is installed. */
static void test_shells(void **state) {
        static const char *const script =
                "PATH=$PWD:$PATH; S=${srcdir:-.}; any=77\n"
                "HOME=$(mktemp -d); trap 'rm -rf \"$HOME\"' EXIT\n" /* fish makes folders there */
                "export DBUS_SYSTEM_BUS_ADDRESS=\"$BUS\" HOME\n"
                "if command -v fish >/dev/null; then\n"
                "        any=0; fish --no-config -c \". $S/completion/fish/ipvsproxyctl.fish; "
                "complete -C "
                "'ipvsproxyctl st'; complete -C 'ipvsproxyctl endpoints shop/d'\" >\"$OUT\" || "
                "exit 1\n"
                "        test \"$(sort \"$OUT\" | paste -sd' ')\" = 'shop/db stats status' || exit "
                "2\n"
                "fi\n"
                "if command -v zsh >/dev/null; then\n"
                "        any=0; zsh -f -c \"compadd() { test \\$1 = -S || print -l -- "
                "\\\"\\$@\\\"; }\n"
                "        words=(ipvsproxyctl st); CURRENT=2; . $S/completion/zsh/_ipvsproxyctl\n"
                "        words=(ipvsproxyctl endpoints shop/d); CURRENT=3; _ipvsproxyctl\" "
                ">\"$OUT\" || "
                "exit 3\n"
                "        test \"$(grep -vx -e -- \"$OUT\" | sort | paste -sd' ')\" = 'shop/db "
                "stats status' "
                "|| exit 4\n"
                "fi\n"
                "exit $any\n";
        int code = bench_shell(*state, script);

        if (code == 77)
                skip();
        assert_int_equal(code, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_complete), cmocka_unit_test(test_crowd),  cmocka_unit_test(test_silence),
                cmocka_unit_test(test_bash),     cmocka_unit_test(test_shells),
        };

        (void) setenv("LC_ALL", "C.UTF-8", 1);
        return cmocka_run_group_tests(tests, bench_open, bench_close);
}
