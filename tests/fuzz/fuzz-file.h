/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An input as a file in memory, for what reads from a path. */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_FILE_PATH_SIZE 40

/* The descriptor, to be closed; `path` leads to it. */
static inline int fuzz_file(const void *data, size_t size, char path[static FUZZ_FILE_PATH_SIZE]) {
        int fd = memfd_create("fuzz", MFD_CLOEXEC);

        assert(fd >= 0);
        assert(write(fd, data, size) == (ssize_t) size);
        (void) snprintf(path, FUZZ_FILE_PATH_SIZE, "/proc/self/fd/%d", fd);
        return fd;
}
