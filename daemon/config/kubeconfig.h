/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How to reach and authenticate at the API server: read from a kubeconfig (YAML or JSON), or from what every pod
 * finds in its file system. Files that may rotate stay paths and are read again by who uses them; inline data is
 * decoded here. Nothing is executed: `exec` and `auth-provider` are refused with what to use instead.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

typedef struct KubeBlob {
        unsigned char *data; /* owned, decoded from base64; PEM */
        size_t size;
} KubeBlob;

typedef struct KubeClientConfig {
        char *server; /* owned, like all below: "https://host:6443", without a slash at the end */
        char *tls_server_name; /* NULL: the host of `server` */
        char *proxy_url; /* NULL: none; http, https or socks5 */
        bool insecure_skip_tls_verify;
        char *ca_file; /* absolute */
        KubeBlob ca_data; /* wins over ca_file */
        char *cert_file; /* absolute */
        KubeBlob cert_data; /* wins over cert_file */
        char *key_file; /* absolute */
        KubeBlob key_data; /* wins over key_file */
        char *token;
        char *token_file; /* absolute, wins over token; read again when it rotates */
        char *username;
        char *password;
} KubeClientConfig;

/*
 * Reads `path`: the context `context`, or current-context if NULL; `master` (may be NULL or "") replaces the
 * server. -errno; *ret_error then holds one owned sentence naming file, line or field and remedy.
 */
int kubeconfig_load(const char *path,
                    const char *context,
                    const char *master,
                    KubeClientConfig **ret,
                    char **ret_error);

/* KUBERNETES_SERVICE_HOST/PORT and /var/run/secrets/kubernetes.io/serviceaccount. -ENOENT when not in a pod. */
int kubeconfig_in_cluster(KubeClientConfig **ret, char **ret_error);

/* Only --master: no credentials. */
int kubeconfig_from_master(const char *master, KubeClientConfig **ret);

KubeClientConfig *kube_client_config_free(KubeClientConfig *config);
DEFINE_CLEANUP(KubeClientConfig *, kube_client_config_free);
