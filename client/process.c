/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <systemd/sd-login.h>

#include "client/text.h"
#include "common/macros.h"
#include "common/parse.h"

#define PAGER_WORDS_MAX 16
#define AGENT_PATH "/usr/bin/pkttyagent"
#define AGENT_READY_MSEC 5000
#define COPY_SIZE 4096

static int wait_for(pid_t child) {
        int status;

        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return 0;
}

/*
 * Under sudo, setuid or $SYSTEMD_PAGERSECURE the pager runs with rights its user lacks: then only
 * less, told by $LESSSECURE to start no editor and no shell, and nothing the environment names.
 */
static bool pager_must_be_secure(void) {
        const char *text = secure_getenv("SYSTEMD_PAGERSECURE");
        bool secure;

        if (text && parse_bool(text, &secure) >= 0)
                return secure;
        return geteuid() != getuid() || getenv("SUDO_UID") || !secure_getenv("HOME");
}

static const char *pager_from_environment(void) {
        const char *text = secure_getenv("SYSTEMD_PAGER");

        return text ? text : secure_getenv("PAGER");
}

static void exec_words(char *line) {
        char *words[PAGER_WORDS_MAX + 1], *save = NULL;
        size_t n = 0;

        for (char *word = strtok_r(line, " \t", &save); word && n < PAGER_WORDS_MAX;
             word = strtok_r(NULL, " \t", &save))
                words[n++] = word;
        words[n] = NULL;
        if (n > 0)
                (void) execvp(words[0], words);
}

/* The last resort when no pager can be executed. */
static void copy_to_stdout(void) {
        char buf[COPY_SIZE];
        ssize_t n;

        while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
                if (write(STDOUT_FILENO, buf, (size_t) n) != n)
                        break;
}

static void pager_run(int input, bool secure) __attribute__((noreturn));
static void pager_run(int input, bool secure) {
        const char *line = secure ? NULL : pager_from_environment();

        (void) dup2(input, STDIN_FILENO);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        (void) signal(SIGPIPE, SIG_DFL);
        (void) setenv("LESS", "FRSXMK", secure);
        if (text_locale_is_utf8())
                (void) setenv("LESSCHARSET", "utf-8", secure);
        if (secure)
                (void) setenv("LESSSECURE", "1", 1);
        if (line) {
                char *copy = strdup(line);

                if (copy)
                        exec_words(copy);
        }
        (void) execlp("less", "less", (char *) NULL);
        if (!secure)
                (void) execlp("more", "more", (char *) NULL);
        copy_to_stdout();
        _exit(0);
}

int pager_open(pid_t *ret) {
        bool secure = pager_must_be_secure();
        const char *line = secure ? NULL : pager_from_environment();
        int fds[2];
        pid_t child;

        if (line && (!*line || strcmp(line, "cat") == 0))
                return -ENOENT;
        if (fflush(stdout) != 0 || pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        child = fork();
        if (child == 0) {
                (void) close(fds[1]); /* else what copies to stdout would wait for itself */
                pager_run(fds[0], secure);
        }
        if (child > 0 && dup2(fds[1], STDOUT_FILENO) >= 0)
                *ret = child;
        (void) close(fds[0]);
        (void) close(fds[1]);
        return child < 0 ? -errno : 0;
}

void pager_close(pid_t pager) {
        if (pager <= 0)
                return;
        (void) fflush(stdout);
        (void) close(STDOUT_FILENO);
        (void) kill(pager, SIGCONT);
        (void) wait_for(pager);
}

/* A fallback, which an agent of the desktop comes before, is looked for only where the caller is in a session (polkit 122). */
static bool agent_is_fallback(void) {
        _cleanup_(freep) char *session = NULL;

        return sd_pid_get_session(0, &session) >= 0;
}

static void agent_run(int notify) __attribute__((noreturn));
static void agent_run(int notify) {
        char number[TEXT_NUMBER_MAX];

        (void) snprintf(number, sizeof(number), "%i", notify);
        (void) fcntl(notify, F_SETFD, 0);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        (void) signal(SIGPIPE, SIG_DFL);
        (void) execl(AGENT_PATH,
                     AGENT_PATH,
                     "--notify-fd",
                     number,
                     agent_is_fallback() ? "--fallback" : (char *) NULL,
                     (char *) NULL);
        _exit(1);
}

int agent_open(pid_t *ret) {
        struct pollfd ready = { .events = POLLHUP };
        int fds[2];
        pid_t child;

        if (access(AGENT_PATH, X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        child = fork();
        if (child == 0)
                agent_run(fds[1]);
        (void) close(fds[1]);
        /* It closes its end once it is registered, or when it dies. */
        ready.fd = fds[0];
        if (child > 0)
                (void) poll(&ready, 1, AGENT_READY_MSEC);
        (void) close(fds[0]);
        if (child < 0)
                return -EAGAIN;
        *ret = child;
        return 0;
}

void agent_close(pid_t agent) {
        if (agent <= 0)
                return;
        /* It may be stopped while it waits for the terminal. */
        (void) kill(agent, SIGTERM);
        (void) kill(agent, SIGCONT);
        (void) wait_for(agent);
}
