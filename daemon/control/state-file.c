/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/macros.h"

static int state_file_path(const char *directory, const char *name, const char *suffix, char **ret) {
        if (asprintf(ret, "%s/%s%s", directory, name, suffix) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

static int state_file_create(const char *path, FILE **ret) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), r;

        if (fd < 0)
                return -errno;
        *ret = fdopen(fd, "w");
        if (*ret)
                return 0;
        r = -errno;
        (void) close(fd);
        return r;
}

int state_file_write(const char *directory, const char *name, StateFileWriter writer, const void *userdata) {
        _cleanup_(freep) char *path = NULL, *beside = NULL;
        FILE *file;
        int r;

        if (!directory)
                return 0;
        r = state_file_path(directory, name, "", &path);
        if (r >= 0)
                r = state_file_path(directory, name, ".new", &beside);
        if (r >= 0)
                r = state_file_create(beside, &file);
        if (r < 0)
                return r;
        r = writer(file, userdata);
        if (r >= 0 && (fflush(file) != 0 || ferror(file)))
                r = -EIO;
        if (fclose(file) != 0 && r >= 0)
                r = -EIO;
        if (r >= 0 && rename(beside, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(beside);
        return MIN2(r, 0);
}

int state_file_open(const char *directory, const char *name, FILE **ret) {
        _cleanup_(freep) char *path = NULL;
        int r;

        *ret = NULL;
        if (!directory)
                return 0;
        r = state_file_path(directory, name, "", &path);
        if (r < 0)
                return r;
        *ret = fopen(path, "re");
        return *ret || errno == ENOENT ? 0 : -errno;
}

int state_file_remove(const char *directory, const char *name) {
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!directory)
                return 0;
        r = state_file_path(directory, name, "", &path);
        if (r < 0)
                return r;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
