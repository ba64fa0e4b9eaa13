/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kubeconfig: an error has a sentence; what is accepted has a server, and blobs that hold something. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "config/kubeconfig.h"
#include "tests/fuzz/fuzz-file.h"
#include "tests/fuzz/fuzz.h"

static void check_blob(const KubeBlob *blob) {
        assert((blob->data != NULL) == (blob->size > 0));
}

static void check_config(const KubeClientConfig *config) {
        bool http = strncmp(config->server, "http://", strlen("http://")) == 0;

        assert(http || strncmp(config->server, "https://", strlen("https://")) == 0);
        assert(config->server[strlen(config->server) - 1] != '/');
        if (http)
                assert(!config->token && !config->password && config->key_data.size == 0 && !config->cert_file);
        assert(!config->ca_file || config->ca_file[0] == '/');
        assert(!config->token_file || config->token_file[0] == '/');
        check_blob(&config->ca_data);
        check_blob(&config->cert_data);
        check_blob(&config->key_data);
}

static void load(const char *path, const char *context, const char *master) {
        _cleanup_(kube_client_config_freep) KubeClientConfig *config = NULL;
        _cleanup_(freep) char *error = NULL;
        int r = kubeconfig_load(path, context, master, &config, &error);

        assert(r == 0 || r == -EINVAL);
        if (r < 0)
                assert(error && error[0] != '\0');
        else
                check_config(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char path[FUZZ_FILE_PATH_SIZE];
        _cleanup_(closep) _unused_ int fd = fuzz_file(data, size, path);

        load(path, NULL, NULL);
        load(path, "x", "https://10.0.0.1:6443");
        return 0;
}
