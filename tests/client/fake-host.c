/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/fake-host.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/client/bench.h"

void host_new(Host *host) {
        *host = (Host){ .root = "/tmp/test-host.XXXXXX" };
        assert_non_null(mkdtemp(host->root));
}

void host_close(const Host *host) {
        char line[64];

        (void) snprintf(line, sizeof(line), "rm -rf %s", host->root);
        assert_int_equal(bench_shell(&(Bench){ .folder = "/tmp" }, line), 0);
}

/* `nul`: is written as a NUL */
static void host_put(const Host *host, const char *path, const char *text, char nul) {
        char full[256];
        FILE *f;

        (void) snprintf(full, sizeof(full), "%s/%s", host->root, path);
        for (char *p = full + strlen(host->root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                (void) mkdir(full, 0777);
                *p = '/';
        }
        f = fopen(full, "we");
        assert_non_null(f);
        for (const char *p = text; *p; p++)
                assert_true(fputc(*p == nul ? '\0' : *p, f) != EOF);
        assert_int_equal(fclose(f), 0);
}

void host_write(const Host *host, const char *path, const char *text) {
        host_put(host, path, text, '\0');
}

void host_write_words(const Host *host, const char *path, const char *words) {
        host_put(host, path, words, '|');
}
