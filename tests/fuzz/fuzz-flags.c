/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line, one argument a line: what is accepted can be written out as a file and read back to the same. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "tests/fuzz/fuzz-file.h"
#include "tests/fuzz/fuzz.h"

#define ARGUMENTS_MAX 64

static void no_change(const ConfigChange *change, void *userdata) {
        if (strcmp(change->name, "master") != 0) /* the one setting that no file has */
                (*(unsigned *) userdata)++;
}

static void check_round_trip(const Config *config) {
        _cleanup_(config_freep) Config *again = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(freep) char *text = NULL, *argument = NULL;
        char path[FUZZ_FILE_PATH_SIZE], *argv[] = { (char[]){ "ipvsproxyd" }, NULL };
        _cleanup_(closep) int fd = -1;
        unsigned n = 0;

        if (config->action >= CONFIG_ACTION_VERSION)
                return; /* nothing was read */
        assert(config_format(config, &text) == 0);
        fd = fuzz_file(text, strlen(text), path);
        assert(asprintf(&argument, "--config=%s", path) > 0);
        argv[1] = argument;
        assert(config_load(ELEMENTSOF(argv), argv, &again, &messages) == 0);
        (void) config_compare(config, again, no_change, &n);
        assert(n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(freep) char *text = malloc(size + 1);
        char *argv[ARGUMENTS_MAX] = { (char[]){ "ipvsproxyd" } };
        char *rest = text, *line;
        int argc = 1, r;

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        while (argc < ARGUMENTS_MAX && (line = strsep(&rest, "\n"))) {
                if (strncmp(line, "--config", strlen("--config")) == 0 && line[8] != '-')
                        continue; /* no files of this machine */
                argv[argc++] = line;
        }
        r = config_load(argc, argv, &config, &messages);
        assert(r == 0 || r == -EINVAL);
        assert((r < 0) == (messages.n_errors > 0));
        if (r == 0)
                check_round_trip(config);
        return 0;
}
