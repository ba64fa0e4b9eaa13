/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/beside.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 4

typedef struct Running {
        pid_t pid; /* 0 = not begun, or its end was seen */
        FILE *output; /* owned */
        bool failed;
} Running;

static void start(Running *one, const char *group, const struct CMUnitTest *test, CMFixtureFunction setup,
                  CMFixtureFunction teardown) {
        one->output = tmpfile();
        assert(one->output);
        (void) fflush(NULL);
        one->pid = fork();
        assert(one->pid >= 0);
        if (one->pid > 0)
                return;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        assert(dup2(fileno(one->output), STDOUT_FILENO) >= 0 && dup2(fileno(one->output), STDERR_FILENO) >= 0);
        exit(_cmocka_run_group_tests(group, test, 1, setup, teardown) != 0);
}

/* Of the first n, as many as were begun. */
static void wait_for_one(Running all[], size_t n) {
        int status;
        pid_t pid = wait(&status);

        assert(pid > 0);
        for (size_t i = 0; i < n; i++)
                if (all[i].pid == pid) {
                        all[i].failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
                        all[i].pid = 0;
                }
}

static void print(Running *one, const char *name) {
        char part[4096];
        size_t n;

        rewind(one->output);
        while ((n = fread(part, 1, sizeof(part), one->output)) > 0)
                (void) fwrite(part, 1, n, stdout);
        (void) fclose(one->output);
        if (one->failed)
                (void) printf("[  FAILED  ] %s\n", name);
}

int run_tests_beside_n(const char *group, const struct CMUnitTest tests[], size_t n, CMFixtureFunction setup,
                       CMFixtureFunction teardown) {
        const char *filter = getenv("IPVSPROXY_TEST_FILTER");
        Running *all;
        int n_failed = 0;

        if (filter) {
                cmocka_set_test_filter(filter);
                return _cmocka_run_group_tests(group, tests, n, setup, teardown);
        }
        all = calloc(n, sizeof(*all));
        assert(all);
        for (size_t i = 0; i < n; i++) {
                if (i >= AT_ONCE)
                        wait_for_one(all, i);
                start(&all[i], group, &tests[i], setup, teardown);
        }
        for (size_t i = n < AT_ONCE ? 0 : n - AT_ONCE; i < n; i++)
                wait_for_one(all, n);
        for (size_t i = 0; i < n; i++) {
                print(&all[i], tests[i].name);
                n_failed += all[i].failed;
        }
        free(all);
        return n_failed;
}
