/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line, one argument a line: what is accepted can be written out as a file. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "tests/fuzz/fuzz.h"

#define ARGUMENTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(freep) char *text = malloc(size + 1), *formatted = NULL;
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
                assert(config_format(config, &formatted) == 0);
        return 0;
}
