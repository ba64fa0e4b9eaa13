/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over files: those named on the command line, else all of the target's corpus, which is
 * tests/fuzz/corpus/NAME below $srcdir for a program fuzz-NAME. A crash is the failure; so is a corpus that is not
 * there or empty. Each input is a heap copy of its exact size, so that sanitizers and valgrind see an overrun.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macros.h"
#include "tests/fuzz/fuzz.h"

static void file_closep(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

static void dir_closep(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

static int replay_read(FILE *file, uint8_t **ret, size_t *ret_size) {
        _cleanup_(freep) uint8_t *data = NULL;
        size_t size = 0, n;
        uint8_t block[4096];

        while ((n = fread(block, 1, sizeof(block), file)) > 0) {
                uint8_t *bigger = realloc(data, size + n);

                if (!bigger)
                        return -ENOMEM;
                data = bigger;
                memcpy(data + size, block, n);
                size += n;
        }
        if (ferror(file))
                return -EIO;
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

static int replay_file(const char *path) {
        _cleanup_(file_closep) FILE *file = fopen(path, "re");
        _cleanup_(freep) uint8_t *data = NULL;
        size_t size = 0;
        int r = file ? replay_read(file, &data, &size) : -errno;

        if (r < 0) {
                (void) fprintf(stderr, "%s: %s\n", path, strerror(-r));
                return r;
        }
        (void) LLVMFuzzerTestOneInput(data, size);
        return 0;
}

static int replay_directory(const char *path) {
        _cleanup_(dir_closep) DIR *dir = opendir(path);
        const struct dirent *entry;
        unsigned n = 0;
        int r;

        if (!dir) {
                (void) fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return -ENOENT;
        }
        while ((entry = readdir(dir))) {
                _cleanup_(freep) char *file = NULL;

                if (entry->d_name[0] == '.')
                        continue;
                if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
                        return -ENOMEM;
                r = replay_file(file);
                if (r < 0)
                        return r;
                n++;
        }
        (void) printf("%s: %u inputs\n", path, n);
        return n > 0 ? 0 : -ENOENT;
}

/* libtool is not used, so the program's own name is its file's. */
static int replay_corpus(const char *program) {
        const char *srcdir = getenv("srcdir"), *name = strstr(program, "fuzz-");
        _cleanup_(freep) char *path = NULL;

        for (const char *next; name && (next = strstr(name + 1, "fuzz-"));)
                name = next;
        if (!name)
                return -EINVAL;
        if (asprintf(&path, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name + strlen("fuzz-")) < 0)
                return -ENOMEM;
        return replay_directory(path);
}

int main(int argc, char **argv) {
        int r = 0;

        if (argc < 2)
                return replay_corpus(argv[0]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        for (int i = 1; i < argc && r >= 0; i++)
                r = replay_file(argv[i]);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
