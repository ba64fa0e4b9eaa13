/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/io.h"

#include <errno.h>
#include <unistd.h>

int write_all(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                size -= (size_t) n;
        }
        return 0;
}
