/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"
#include "common/parse.h"

#define SYSCTL_ROOT "/proc/sys/"
#define SYSCTL_VALUE_MAX 4096

bool sysctl_name_is_valid(const char *name) {
        if (strlen(name) > PATH_MAX - sizeof(SYSCTL_ROOT))
                return false;
        for (const char *p = name;;) {
                size_t n = strcspn(p, "/");

                if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
                p += n;
                if (*p == '\0')
                        return true;
                p++;
        }
}

static int sysctl_open(const char *name, int flags) {
        char path[PATH_MAX];
        int fd;

        if (!sysctl_name_is_valid(name))
                return -EINVAL;
        (void) snprintf(path, sizeof path, SYSCTL_ROOT "%s", name);
        fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *name, char **ret) {
        _cleanup_(closep) int fd = -1;
        char buf[SYSCTL_VALUE_MAX + 1];
        char *value;
        ssize_t n;

        fd = sysctl_open(name, O_RDONLY);
        if (fd < 0)
                return fd;
        n = read(fd, buf, sizeof buf);
        if (n < 0)
                return -errno;
        if ((size_t) n == sizeof buf)
                return -E2BIG;
        while (n > 0 && buf[n - 1] == '\n')
                n--;
        value = strndup(buf, (size_t) n);
        if (!value)
                return -ENOMEM;
        *ret = value;
        return 0;
}

int sysctl_write(const char *name, const char *value) {
        _cleanup_(closep) int fd = -1;
        size_t size = strlen(value);
        ssize_t n;

        if (size > SYSCTL_VALUE_MAX)
                return -E2BIG;
        fd = sysctl_open(name, O_WRONLY);
        if (fd < 0)
                return fd;
        n = write(fd, value, size);
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EIO;
}

static bool sysctl_word_equal(const char *a, size_t size_a, const char *b, size_t size_b) {
        char text_a[24], text_b[24];
        uint64_t x, y;

        if (size_a == size_b && memcmp(a, b, size_a) == 0)
                return true;
        if (size_a >= sizeof text_a || size_b >= sizeof text_b)
                return false;
        (void) snprintf(text_a, sizeof text_a, "%.*s", (int) size_a, a);
        (void) snprintf(text_b, sizeof text_b, "%.*s", (int) size_b, b);
        return parse_uint64(text_a, &x) >= 0 && parse_uint64(text_b, &y) >= 0 && x == y;
}

bool sysctl_value_equal(const char *a, const char *b) {
        static const char blank[] = " \t\n";

        for (;;) {
                size_t size_a, size_b;

                a += strspn(a, blank);
                b += strspn(b, blank);
                if (*a == '\0' || *b == '\0')
                        return *a == *b;
                size_a = strcspn(a, blank);
                size_b = strcspn(b, blank);
                if (!sysctl_word_equal(a, size_a, b, size_b))
                        return false;
                a += size_a;
                b += size_b;
        }
}
