/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes of a transaction whatever libnftables does, which is played: it may end its process. */
#include "tests/unit/test.h"

#include <nftables/libnftables.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "kernel/nft-text.h"

typedef enum Play {
        PLAY_DONE,
        PLAY_REFUSED,
        PLAY_EXIT,
        PLAY_ABORT,
        PLAY_WAIT,
} Play;

static Play play;
static const char *error_text;
static pid_t parent;

int __wrap_nft_run_cmd_from_buffer(struct nft_ctx *ctx, const char *text);
int __wrap_nft_run_cmd_from_buffer(struct nft_ctx *ctx, const char *text) {
        switch (play) {
        case PLAY_EXIT: /* libnftnl's abi_breakage(), libnftables' netlink_open_error() */
                exit(EXIT_FAILURE);
        case PLAY_ABORT:
                (void) signal(SIGABRT, SIG_DFL);
                abort();
        case PLAY_WAIT: /* for an answer that got lost */
                for (;;)
                        (void) pause();
        case PLAY_REFUSED:
                return -1;
        case PLAY_DONE:
                break;
        }
        return strcmp(text, "table inet ipvsproxy") == 0 && getpid() != parent ? 0 : -1;
}

const char *__wrap_nft_ctx_get_error_buffer(struct nft_ctx *ctx);
const char *__wrap_nft_ctx_get_error_buffer(struct nft_ctx *ctx) {
        return error_text;
}

/* So long a test does not wait. */
unsigned __wrap_alarm(unsigned seconds);
unsigned __wrap_alarm(unsigned seconds) {
        assert_in_range(seconds, 1, 29);
        return ualarm(100 * 1000, 0);
}

/* Nothing of a child is left over, neither a process nor what it said. */
static int run_as(Play as, const char *text) {
        pid_t process;
        int r;

        play = as;
        error_text = text;
        r = nft_text_run("table inet ipvsproxy", &process);
        assert_true(process > 0 && process != parent);
        assert_int_equal(getpid(), parent);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        return r;
}

static void test_results(void **state) {
        assert_int_equal(run_as(PLAY_DONE, NULL), 0);
        assert_int_equal(run_as(PLAY_REFUSED, "Error: Could not process rule: Operation not permitted\n"), -EPERM);
        assert_int_equal(run_as(PLAY_REFUSED, "Error: Could not process rule: File exists\n"), -EEXIST);
        assert_int_equal(run_as(PLAY_REFUSED, "Error: something new\n"), -EIO);
        assert_int_equal(run_as(PLAY_REFUSED, NULL), -EIO);
}

static void test_library_ends_its_process(void **state) {
        assert_int_equal(run_as(PLAY_EXIT, NULL), -EIO);
        assert_int_equal(run_as(PLAY_ABORT, NULL), -EIO);
        assert_int_equal(run_as(PLAY_WAIT, NULL), -EIO);
        assert_int_equal(run_as(PLAY_DONE, NULL), 0); /* the next one is not the worse for it */
}

/* Whoever ignores SIGCHLD has no child to wait for; what it said counts all the same. */
static void test_children_are_ignored(void **state) {
        void (*before)(int) = signal(SIGCHLD, SIG_IGN);

        assert_int_equal(run_as(PLAY_DONE, NULL), 0);
        assert_int_equal(run_as(PLAY_EXIT, NULL), -EIO);
        (void) signal(SIGCHLD, before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_results),
                cmocka_unit_test(test_library_ends_its_process),
                cmocka_unit_test(test_children_are_ignored),
        };

        parent = getpid();
        log_set_max_level(LOG_ERR);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
