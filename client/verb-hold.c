/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold: programming pauses while a command runs, as systemd-inhibit does for sleep. The daemon ends
 * the pause when the descriptor it gave is closed, so it ends with us whatever happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "client/report.h"
#include "client/verbs.h"
#include "common/bus-names.h"

static int hold(Client *client, const char *why, int *ret_fd) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int fd, r;

        r = client_new_call(client, BUS_PATH, BUS_INTERFACE_MANAGER, "Hold", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", "ipvsproxyctl", why);
        if (r < 0)
                return r;
        r = client_call_authorised(client, call, &error, &reply);
        if (r < 0)
                return report_bus(&error, r, "Failed to hold");
        r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return r;
        *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return *ret_fd < 0 ? -errno : 0;
}

/* The exit code of the command, as a shell gives it. */
static int run_command(char *words[]) {
        pid_t child;
        int status;

        (void) fflush(stdout);
        child = fork();
        if (child < 0)
                return -errno;
        if (child == 0) {
                (void) signal(SIGPIPE, SIG_DFL);
                (void) execvp(words[0], words);
                (void) fprintf(stderr, "Failed to run %s: %s\n", words[0], strerror(errno));
                _exit(errno == ENOENT ? 127 : 126);
        }
        /* Ctrl-C is for the command; we end when it does. */
        (void) signal(SIGINT, SIG_IGN);
        (void) signal(SIGQUIT, SIG_IGN);
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int verb_hold(Client *client, int n_words, char *words[]) {
        _cleanup_(closep) int fd = -1;
        const char *why = client->options.reason ? client->options.reason : words[0];
        int r;

        r = hold(client, why, &fd);
        return r != 0 ? r : run_command(words);
}
