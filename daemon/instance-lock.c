/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "instance-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/log.h"

#define DAEMON_USER "ipvsproxy" /* of the unit, and of the bus policy */

/* Behind a NUL: a name of the network namespace, not a file. */
static const struct sockaddr_un instance_address = { .sun_family = AF_UNIX, .sun_path = "\0ipvsproxyd" };
#define INSTANCE_ADDRESS_SIZE ((socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen("ipvsproxyd")))

/* `pid` <= 0: of another pid namespace. */
static int instance_refuse(pid_t pid, const char *where) {
        char name[32] = "";

        if (pid > 0)
                (void) snprintf(name, sizeof(name), " (pid %d)", (int) pid);
        log_error("Another ipvsproxyd%s works %s; two would undo each other's work. "
                  "Stop that one first (systemctl stop ipvsproxyd), or see what this one would do with --dry-run",
                  name,
                  where);
        return -EBUSY;
}

/* Abstract names have no permissions: only root and the users that a daemon runs as are believed. */
static bool instance_is_believed(uid_t uid) {
        const struct passwd *user = getpwnam(DAEMON_USER);

        return uid == 0 || uid == geteuid() || (user && user->pw_uid == uid);
}

/* Who listens on the name. */
static int instance_ask_holder(void) {
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct ucred peer = { .pid = 0, .uid = (uid_t) -1 };
        socklen_t size = sizeof(peer);

        if (fd < 0 || connect(fd, (const struct sockaddr *) &instance_address, INSTANCE_ADDRESS_SIZE) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
                log_warning("Somebody who does not say who he is has the name @ipvsproxyd of this network namespace, going on: %s",
                            strerror(errno));
                return 0;
        }
        if (instance_is_believed(peer.uid))
                return instance_refuse(peer.pid, "in this network namespace");
        log_warning("A process of user %u (pid %d), which is no ipvsproxyd, has the name @ipvsproxyd of this network namespace, going on",
                    (unsigned) peer.uid,
                    (int) peer.pid);
        return 0;
}

static int instance_take_name(InstanceLock *lock) {
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0) {
                (void) log_warning_errno(-errno, "Failed to look for another ipvsproxyd, going on: %m");
                return 0;
        }
        if (bind(fd, (const struct sockaddr *) &instance_address, INSTANCE_ADDRESS_SIZE) < 0) {
                if (errno == EADDRINUSE)
                        return instance_ask_holder();
                (void) log_warning_errno(-errno, "Failed to look for another ipvsproxyd, going on: %m");
                return 0;
        }
        /* Nobody is ever accepted: who connects learns our pid and uid from the kernel. */
        if (listen(fd, SOMAXCONN) < 0)
                (void) log_warning_errno(-errno, "Failed to listen on @ipvsproxyd: %m");
        lock->socket_fd = TAKE_FD(fd);
        return 0;
}

static int instance_take_file(InstanceLock *lock, const char *state_directory) {
        struct flock record = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        _cleanup_(freep) char *path = NULL, *where = NULL;
        _cleanup_(closep) int fd = -1;

        if (asprintf(&path, "%s/lock", state_directory) < 0) {
                path = NULL;
                return log_oom();
        }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
                /* Without the directory nothing is kept that two could damage; the rest was said when it was read. */
                log_debug("Failed to open %s, going on without: %s", path, strerror(errno));
                return 0;
        }
        if (fcntl(fd, F_SETLK, &record) >= 0) {
                lock->file_fd = TAKE_FD(fd);
                return 0;
        }
        if (errno != EAGAIN && errno != EACCES) {
                (void) log_warning_errno(-errno, "Failed to lock %s, going on without: %m", path);
                return 0;
        }
        if (fcntl(fd, F_GETLK, &record) < 0 || record.l_type == F_UNLCK)
                record.l_pid = 0;
        if (asprintf(&where, "with the state directory %s", state_directory) < 0) {
                where = NULL;
                return log_oom();
        }
        return instance_refuse(record.l_pid, where);
}

int instance_lock_take(InstanceLock *lock, const char *state_directory) {
        InstanceLock taken = INSTANCE_LOCK_NONE;
        int r = instance_take_name(&taken);

        if (r >= 0 && state_directory && state_directory[0])
                r = instance_take_file(&taken, state_directory);
        if (r < 0) {
                instance_lock_release(&taken);
                return r;
        }
        *lock = taken;
        return 0;
}

void instance_lock_release(InstanceLock *lock) {
        closep(&lock->socket_fd);
        closep(&lock->file_fd);
        *lock = INSTANCE_LOCK_NONE;
}
