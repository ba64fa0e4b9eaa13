/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines that the log writes to stderr, in klog's form and as JSON. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/log.h"

/* stderr goes to a file in memory from here on; the old one is to be given back. */
static int capture(int *ret_fd) {
        int old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

        *ret_fd = memfd_create("stderr", MFD_CLOEXEC);
        assert_true(old >= 0 && *ret_fd >= 0);
        assert_true(dup2(*ret_fd, STDERR_FILENO) >= 0);
        return old;
}

static char *captured(int fd, int old) {
        char *text = calloc(1, 65536);

        assert_true(dup2(old, STDERR_FILENO) >= 0);
        (void) close(old);
        assert_true(pread(fd, text, 65535, 0) >= 0);
        (void) close(fd);
        return text;
}

static void test_klog(void **state) {
        _cleanup_(freep) char *text = NULL;
        char *rest;
        int fd, old;

        log_set_target(LOG_TARGET_STDERR);
        log_set_verbosity(2);
        old = capture(&fd);
        log_info("one %d", 1);
        log_v(2, "two");
        log_v(3, "not three");
        log_debug("not this");
        assert_int_equal(log_error_errno(-ENOENT, "four: %m"), -ENOENT);
        text = rest = captured(fd, old);
        assert_int_equal(text[0], 'I');
        assert_non_null(strstr(text, "test-log.c:"));
        assert_non_null(strstr(text, "] one 1\n"));
        assert_non_null(strstr(text, "] two\n"));
        assert_null(strstr(text, "not "));
        rest = strstr(text, "] two\n") + strlen("] two\n");
        assert_int_equal(rest[0], 'E');
        assert_non_null(strstr(rest, "] four: No such file or directory\n"));
}

static void test_json(void **state) {
        _cleanup_(freep) char *text = NULL, *long_message = malloc(10000);
        char *line, *rest;
        int fd, old;

        memset(long_message, '\x01', 9999);
        long_message[9999] = '\0';
        log_set_target(LOG_TARGET_STDERR);
        log_set_json(true);
        old = capture(&fd);
        log_info("a \"b\" \\ \x1b[31m\n");
        (void) log_error_errno(-EPERM, "c");
        log_error("d");
        log_info("%s", long_message);
        text = rest = captured(fd, old);
        log_set_json(false);

        line = strsep(&rest, "\n");
        assert_int_equal(strncmp(line, "{\"ts\":1", 7), 0);
        assert_non_null(strstr(line, ",\"caller\":\"test-log.c:"));
        assert_non_null(strstr(line, ",\"msg\":\"a \\\"b\\\" \\\\ \\u001b[31m\\u000a\",\"v\":0}"));
        line = strsep(&rest, "\n");
        assert_non_null(strstr(line, ",\"msg\":\"c\",\"err\":\"Operation not permitted\"}"));
        line = strsep(&rest, "\n");
        assert_non_null(strstr(line, ",\"msg\":\"d\",\"err\":\"\"}"));
        line = strsep(&rest, "\n");
        assert_non_null(strstr(line, "\\u0001\",\"v\":0}"));
        assert_string_equal(rest, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_klog),
                cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
