/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"
#include "common/parse.h"

#define PATH_SIZE 512
#define TEXT_MAX 262144
#define TCP_LISTEN 0x0a

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

static void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

static FILE *host_open(const char *root, const char *path) {
        char full[PATH_SIZE];

        (void) snprintf(full, sizeof(full), "%s/%s", root, path);
        return fopen(full, "re");
}

bool host_read(const char *root, const char *path, char buf[static HOST_TEXT_MAX]) {
        _cleanup_(fclosep) FILE *f = host_open(root, path);

        if (!f || !fgets(buf, HOST_TEXT_MAX, f)) {
                buf[0] = '\0';
                return f && !ferror(f);
        }
        buf[strcspn(buf, "\n")] = '\0';
        return true;
}

int file_read_text(FILE *f, char **ret) {
        char *text = malloc(TEXT_MAX + 1);
        size_t n;

        if (!text)
                return -ENOMEM;
        n = fread(text, 1, TEXT_MAX, f);
        if (ferror(f)) {
                free(text);
                return -EIO;
        }
        text[n] = '\0';
        *ret = text;
        return (int) n;
}

int host_read_text(const char *root, const char *path, char **ret) {
        _cleanup_(freep) char *full = NULL;
        _cleanup_(fclosep) FILE *f = NULL;

        if (asprintf(&full, "%s/%s", root, path) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        f = fopen(full, "re");
        return f ? file_read_text(f, ret) : -errno;
}

bool host_read_number(const char *root, const char *path, uint64_t *ret) {
        char text[HOST_TEXT_MAX];

        return host_read(root, path, text) && parse_uint64(text, ret) >= 0;
}

bool host_exists(const char *root, const char *path) {
        char full[PATH_SIZE];

        (void) snprintf(full, sizeof(full), "%s/%s", root, path);
        return access(full, F_OK) == 0;
}

/* The next process id of /proc, 0 at the end. */
static pid_t next_process(DIR *proc) {
        const struct dirent *entry;
        int32_t pid;

        while ((entry = readdir(proc)))
                if (isdigit((unsigned char) entry->d_name[0]) &&
                    parse_int32(entry->d_name, &pid) >= 0)
                        return pid;
        return 0;
}

static DIR *open_proc(const char *root) {
        char path[PATH_SIZE];

        (void) snprintf(path, sizeof(path), "%s/proc", root);
        return opendir(path);
}

static void process_name(const char *root, pid_t pid, char buf[static HOST_TEXT_MAX]) {
        char path[PATH_SIZE];

        (void) snprintf(path, sizeof(path), "proc/%d/comm", (int) pid);
        (void) host_read(root, path, buf);
}

/* Has it ended, and only waits for its parent to ask how? The state is behind the name, which may hold anything. */
static bool process_has_ended(const char *root, pid_t pid) {
        char path[PATH_SIZE], stat[HOST_TEXT_MAX];
        const char *state;

        (void) snprintf(path, sizeof(path), "proc/%d/stat", (int) pid);
        (void) host_read(root, path, stat);
        state = strrchr(stat, ')');
        return state && (strncmp(state, ") Z", 3) == 0 || strncmp(state, ") X", 3) == 0);
}

pid_t host_find_process(const char *root, const char *name) {
        _cleanup_(closedirp) DIR *proc = open_proc(root);
        char have[HOST_TEXT_MAX];
        pid_t pid;

        while (proc && (pid = next_process(proc)) > 0) {
                process_name(root, pid, have);
                if (strcmp(have, name) == 0 && !process_has_ended(root, pid))
                        return pid;
        }
        return 0;
}

/* "  0: 0100007F:2811 00000000:0000 0A … inode": local address, state and inode by position */
static bool line_is_listener(const char *line, uint16_t port, uint64_t *ret_inode) {
        unsigned have_port, state;
        unsigned long long inode;

        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*4x %2x %*s %*s %*s %*u %*u %llu",
                   &have_port, &state, &inode) != 3)
                return false;
        *ret_inode = inode;
        return state == TCP_LISTEN && have_port == port;
}

static bool find_listener_in(const char *root, const char *path, uint16_t port, uint64_t *ret) {
        _cleanup_(fclosep) FILE *f = host_open(root, path);
        char line[HOST_TEXT_MAX];

        while (f && fgets(line, sizeof(line), f))
                if (line_is_listener(line, port, ret))
                        return true;
        return false;
}

bool host_find_listener(const char *root, uint16_t port, uint64_t *ret_inode) {
        return find_listener_in(root, "proc/net/tcp", port, ret_inode) ||
               find_listener_in(root, "proc/net/tcp6", port, ret_inode);
}

static bool process_has_socket(const char *root, pid_t pid, const char *wanted) {
        char path[PATH_SIZE], link[PATH_SIZE * 2], target[64];
        _cleanup_(closedirp) DIR *dir = NULL;
        const struct dirent *entry;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "%.400s/proc/%d/fd", root, (int) pid);
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                (void) snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
                n = readlink(link, target, sizeof(target) - 1);
                target[MAX2(n, (ssize_t) 0)] = '\0';
                if (strcmp(target, wanted) == 0)
                        return true;
        }
        return false;
}

void host_socket_owner(const char *root, uint64_t inode, char buf[static HOST_TEXT_MAX]) {
        _cleanup_(closedirp) DIR *proc = open_proc(root);
        char wanted[64];
        pid_t pid;

        (void) snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long) inode);
        while (proc && (pid = next_process(proc)) > 0)
                if (process_has_socket(root, pid, wanted)) {
                        process_name(root, pid, buf);
                        return;
                }
        buf[0] = '\0';
}
