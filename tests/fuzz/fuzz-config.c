/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A KubeProxyConfiguration: what is accepted can be written out and read back to the same. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "config/config.h"
#include "tests/fuzz/fuzz-file.h"
#include "tests/fuzz/fuzz.h"

static int load_file(const char *path, Config **ret) {
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(freep) char *argument = NULL;
        char *argv[] = { (char[]){ "ipvsproxyd" }, NULL };
        int r;

        assert(asprintf(&argument, "--config=%s", path) > 0);
        argv[1] = argument;
        r = config_load(ELEMENTSOF(argv), argv, ret, &messages);
        assert(r == 0 || r == -EINVAL);
        assert((r < 0) == (messages.n_errors > 0));
        return r;
}

static void no_change(const ConfigChange *change, void *userdata) {
        (void) fprintf(stderr, "%s differs\n", change->name);
}

static int load_text(const void *data, size_t size, Config **ret) {
        char path[FUZZ_FILE_PATH_SIZE];
        _cleanup_(closep) _unused_ int fd = fuzz_file(data, size, path);

        return load_file(path, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_freep) Config *config = NULL, *again = NULL;
        _cleanup_(freep) char *text = NULL, *text_again = NULL;

        if (load_text(data, size, &config) < 0)
                return 0;
        assert(config_format(config, &text) == 0);
        assert(load_text(text, strlen(text), &again) == 0);
        assert(config_compare(config, again, no_change, NULL) == 0);
        assert(config_format(again, &text_again) == 0);
        assert(strcmp(text, text_again) == 0);
        return 0;
}
