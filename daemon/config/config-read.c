/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config-read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/macros.h"

typedef struct FileText {
        char *text; /* owned, wiped */
        size_t size, allocated;
} FileText;

static void file_text_done(FileText *file) {
        if (file->text)
                explicit_bzero(file->text, file->size);
        free(file->text);
}

/* realloc() would leave the secrets of a kubeconfig where they were. */
static int file_text_grow(FileText *file, size_t allocated) {
        char *bigger = malloc(allocated);

        if (!bigger)
                return -ENOMEM;
        if (file->size > 0) {
                memcpy(bigger, file->text, file->size);
                explicit_bzero(file->text, file->size);
        }
        free(file->text);
        file->text = bigger;
        file->allocated = allocated;
        return 0;
}

/* Until the end; room for a NUL is left. */
static int file_text_read(FileText *file, int fd, size_t max) {
        ssize_t n;
        int r;

        do {
                if (file->size + 1 >= file->allocated) {
                        r = file_text_grow(file, 2 * file->allocated);
                        if (r < 0)
                                return r;
                }
                n = read(fd, file->text + file->size, file->allocated - file->size - 1);
                if (n < 0 && errno != EINTR)
                        return -errno;
                file->size += n > 0 ? (size_t) n : 0;
                if (file->size > max)
                        return -EFBIG;
        } while (n != 0);
        return 0;
}

int config_read_file(const char *path, size_t max, char **ret, size_t *ret_size) {
        _cleanup_(file_text_done) FileText file = {};
        _cleanup_(closep) int fd = -1;
        struct stat st;
        int r;

        /* Not to hang on a FIFO; for a regular file O_NONBLOCK means nothing. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (S_ISREG(st.st_mode) && (uint64_t) st.st_size > max)
                return -EFBIG;
        r = file_text_grow(&file, S_ISREG(st.st_mode) ? (size_t) st.st_size + 2 : 4096);
        if (r >= 0)
                r = file_text_read(&file, fd, max);
        if (r < 0)
                return r;
        file.text[file.size] = '\0';
        *ret_size = file.size;
        *ret = TAKE_PTR(file.text);
        return 0;
}
