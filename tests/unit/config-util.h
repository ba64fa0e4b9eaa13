/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the tests of config/: command lines, files in a temporary place, and questions to messages. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "tests/unit/test.h"

#define CONFIG_HEAD "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"

/* `arguments` ends with NULL; the program's name is put in front. */
static inline int load_array(Config **ret, ConfigMessages *messages, const char *const *arguments) {
        char *argv[32] = { (char[]){ "ipvsproxyd" } };
        int argc = 1, r;

        for (; arguments[argc - 1]; argc++) {
                assert_true(argc < (int) ELEMENTSOF(argv) - 1);
                argv[argc] = strdup(arguments[argc - 1]);
        }
        r = config_load(argc, argv, ret, messages);
        for (int i = 1; i < argc; i++)
                free(argv[i]);
        return r;
}

#define load(ret, messages, ...) load_array(ret, messages, (const char *const[]){ __VA_ARGS__, NULL })

static inline size_t count_messages(const ConfigMessages *messages, const char *part) {
        size_t n = 0;

        for (size_t i = 0; i < messages->n_items; i++)
                n += strstr(messages->items[i].text, part) != NULL;
        return n;
}

static inline void assert_message(const ConfigMessages *messages, ConfigSeverity severity, const char *part) {
        for (size_t i = 0; i < messages->n_items; i++)
                if (messages->items[i].severity == severity && strstr(messages->items[i].text, part))
                        return;
        for (size_t i = 0; i < messages->n_items; i++)
                print_error("  has: %s\n", messages->items[i].text);
        fail_msg("no such message: %s", part);
}

/* A new file with `text`; the path. */
static inline char *write_file(const char *text) {
        char *path = strdup("/tmp/ipvsproxy-test-XXXXXX");
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        (void) close(fd);
        return path;
}

static inline void unlink_freep(char **path) {
        if (*path)
                (void) unlink(*path);
        free(*path);
}
