/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/bench.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAKE "tests/client/fake-daemon"
#define WORDS_MAX 16

static const char bus_config[] =
        "<busconfig><type>session</type><listen>unix:dir=%s</listen><auth>EXTERNAL</auth>"
        "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow "
        "eavesdrop=\"true\"/>"
        "<allow own=\"*\"/></policy></busconfig>\n";

static pid_t start(const char *const words[], char *first_line, size_t size) {
        int fds[2];
        pid_t pid;
        FILE *f;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(fds[1], STDOUT_FILENO);
                (void) execvp(words[0], (char *const *) (uintptr_t) words);
                _exit(127);
        }
        (void) close(fds[1]);
        f = fdopen(fds[0], "r");
        assert_non_null(f);
        assert_non_null(fgets(first_line, (int) size, f));
        first_line[strcspn(first_line, "\n")] = '\0';
        (void) fclose(f);
        return pid;
}

void bench_stop(pid_t *pid) {
        if (*pid <= 0)
                return;
        (void) kill(*pid, SIGKILL);
        (void) waitpid(*pid, NULL, 0);
        *pid = 0;
}

void bench_start_fake(Bench *bench, const char *state, const char *msec) {
        const char *words[] = { FAKE, bench->address, state, msec, NULL };
        char ready[16] = "";

        bench_stop(&bench->fake);
        bench->fake = start(words, ready, sizeof(ready));
        assert_string_equal(ready, "ready");
}

int bench_open(void **state) {
        static Bench bench;
        char file[64], option[96];
        const char *words[] = { "dbus-daemon", "--nofork", "--print-address=1", option, NULL };
        FILE *f;

        bench = (Bench){ .folder = "/tmp/test-client.XXXXXX" };
        assert_non_null(mkdtemp(bench.folder));
        (void) snprintf(file, sizeof(file), "%s/bus.conf", bench.folder);
        (void) snprintf(option, sizeof(option), "--config-file=%s", file);
        f = fopen(file, "we");
        assert_non_null(f);
        assert_true(fprintf(f, bus_config, bench.folder) > 0);
        assert_int_equal(fclose(f), 0);
        bench.bus = start(words, bench.address, sizeof(bench.address));
        bench_start_fake(&bench, "running", NULL);
        *state = &bench;
        return 0;
}

int bench_close(void **state) {
        const char *words[] = { "rm", "-rf", NULL, NULL };
        Bench *bench = *state;
        pid_t pid;

        bench_stop(&bench->fake);
        bench_stop(&bench->bus);
        words[2] = bench->folder;
        pid = fork();
        if (pid == 0) {
                (void) execvp(words[0], (char *const *) (uintptr_t) words);
                _exit(127);
        }
        (void) waitpid(pid, NULL, 0);
        return 0;
}

static void slurp(int fd, char text[static BENCH_OUTPUT_MAX]) {
        ssize_t n;

        assert_true(lseek(fd, 0, SEEK_SET) == 0);
        n = read(fd, text, BENCH_OUTPUT_MAX - 1);
        assert_true(n >= 0);
        text[n] = '\0';
        (void) close(fd);
}

void bench_run(const Bench *bench, const char *line, Output *ret) {
        char copy[512], address[300], *words[WORDS_MAX], *save = NULL;
        int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC),
            status = 0;
        size_t n = 0;
        pid_t pid;

        (void) snprintf(copy, sizeof(copy), "%s", line);
        (void) snprintf(address, sizeof(address), "--address=%s", bench->address);
        words[n++] = (char[]){ BENCH_CLIENT };
        words[n++] = address;
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                assert_true(n + 1 < WORDS_MAX);
                words[n++] = strcmp(word, "''") == 0 ? word + 2 : word;
        }
        words[n] = NULL;
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(out, STDOUT_FILENO);
                (void) dup2(err, STDERR_FILENO);
                (void) execv(BENCH_CLIENT, words);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        slurp(out, ret->out);
        slurp(err, ret->err);
}

void test_one(const Bench *bench, const Case *c) {
        static Output got;

        bench_run(bench, c->line, &got);
        if (got.code != c->code || (c->out && strcmp(got.out, c->out) != 0) ||
            (c->err && strcmp(got.err, c->err) != 0))
                fail_msg("\"%s\" exits with %i, wanted %i\n-- stdout\n%s-- wanted\n%s-- "
                         "stderr\n%s-- wanted\n%s",
                         c->line, got.code, c->code, got.out, c->out ? c->out : "", got.err,
                         c->err ? c->err : "");
}

void test_cases(const Bench *bench, const Case cases[], size_t n) {
        for (size_t i = 0; i < n; i++)
                test_one(bench, &cases[i]);
}

int bench_shell(const Bench *bench, const char *script) {
        static const char preamble[] = "ctl() { " BENCH_CLIENT " --address=\"$BUS\" \"$@\"; }\n";
        char out[64], text[8192];
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                (void) snprintf(out, sizeof(out), "%s/out", bench->folder);
                (void) snprintf(text, sizeof(text), "%s%s", preamble, script);
                (void) setenv("BUS", bench->address, 1);
                (void) setenv("OUT", out, 1);
                (void) setenv("FAKE", FAKE, 1);
                (void) execl("/bin/sh", "sh", "-c", text, (char *) NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
