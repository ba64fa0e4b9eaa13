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
#include "config/config.h" /* ConfigMessages */

typedef struct KubeBlob {
        unsigned char *data; /* owned, decoded from base64; PEM */
        size_t size;
} KubeBlob;

typedef struct KubeClientConfig {
        char *server;          /* owned, like all below: "https://host:6443", without a slash at the end */
        char *tls_server_name; /* NULL: the host of `server` */
        char *proxy_url;       /* NULL: none; http, https or socks5 */
        bool insecure_skip_tls_verify;
        bool disable_compression;
        char *ca_file;      /* absolute */
        KubeBlob ca_data;   /* wins over ca_file */
        char *cert_file;    /* absolute */
        KubeBlob cert_data; /* wins over cert_file */
        char *key_file;     /* absolute */
        KubeBlob key_data;  /* wins over key_file */
        char *token;
        char *token_file; /* absolute, wins over token; read again when it rotates */
        char *username;
        char *password;
} KubeClientConfig;

/*
 * Reads `path`: the context `context`, or current-context if NULL; `master` (may be NULL or "") replaces the
 * server, and with it tls-server-name, as in client-go. -errno; *ret_error then holds one owned sentence naming file,
 * line or field and remedy: -EINVAL for what the file says, -ENOMEM (*ret_error is NULL), else that of reading it.
 *
 * The rules are client-go's (tools/clientcmd): unknown fields are ignored, of a repeated key the last one counts, a
 * name twice in one list is an error; a server without scheme is http; over http no credential is sent, so none is in
 * the result; without current-context there must be `master`, and there are no credentials. Stricter than client-go: a
 * context whose user is not there is an error and not anonymous, and so are impersonation and a user name in `server`.
 * More lenient: data beside a file of the same is no error, the data wins.
 */
int kubeconfig_load(
        const char *path, const char *context, const char *master, KubeClientConfig **ret, char **ret_error);

/*
 * For --check: the same, but every fault is a message, and the files that the kubeconfig names are looked at as well.
 * 0, -EINVAL if there was an error, -ENOMEM.
 */
int kubeconfig_check(const char *path, const char *context, const char *master, ConfigMessages *messages);

/*
 * KUBERNETES_SERVICE_HOST/PORT and /var/run/secrets/kubernetes.io/serviceaccount. -ENOENT when not in a pod, else
 * -errno; *ret_error as above.
 */
int kubeconfig_in_cluster(KubeClientConfig **ret, char **ret_error);

/* The same of a given folder and values (either may be NULL), for tests. */
int kubeconfig_in_cluster_from(
        const char *directory, const char *host, const char *port, KubeClientConfig **ret, char **ret_error);

/* Only --master: no credentials. -EINVAL if that is no URL, *ret_error as above. */
int kubeconfig_from_master(const char *master, KubeClientConfig **ret, char **ret_error);

/* The secrets are wiped. */
KubeClientConfig *kube_client_config_free(KubeClientConfig *config);
DEFINE_CLEANUP(KubeClientConfig *, kube_client_config_free);
