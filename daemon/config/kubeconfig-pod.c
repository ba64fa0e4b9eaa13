/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API server as a pod finds it (client-go's rest.InClusterConfig). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/kubeconfig-private.h"

#define SERVICE_ACCOUNT_DIRECTORY "/var/run/secrets/kubernetes.io/serviceaccount"

static int pod_error(char **ret_error, int error, const char *text, const char *path) {
        if (asprintf(ret_error, "unable to load in-cluster configuration: %s%s", text, path) < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return error;
}

static int pod_server(const char *host, const char *port, KubeClientConfig *config, char **ret_error) {
        _cleanup_(freep) char *url = NULL;
        const char *fault;
        bool v6 = strchr(host, ':') && host[0] != '[';
        int r;

        if (asprintf(&url, v6 ? "https://[%s]:%s" : "https://%s:%s", host, port) < 0) {
                url = NULL;
                return -ENOMEM;
        }
        r = kube_server_normalize(url, &config->server, &fault);
        if (r == -EINVAL)
                return pod_error(ret_error, r, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: the URL ", fault);
        return r;
}

int kubeconfig_in_cluster_from(
        const char *directory, const char *host, const char *port, KubeClientConfig **ret, char **ret_error) {
        _cleanup_(kube_client_config_freep) KubeClientConfig *config = calloc(1, sizeof(KubeClientConfig));
        int r;

        *ret_error = NULL;
        if (!config)
                return -ENOMEM;
        if (!host || host[0] == '\0' || !port || port[0] == '\0')
                return pod_error(
                        ret_error, -ENOENT,
                        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined; outside of a pod "
                        "give --kubeconfig, --master or --manifests",
                        "");
        r = pod_server(host, port, config, ret_error);
        if (r < 0)
                return r;
        if (asprintf(&config->token_file, "%s/token", directory) < 0) {
                config->token_file = NULL;
                return -ENOMEM;
        }
        if (asprintf(&config->ca_file, "%s/ca.crt", directory) < 0) {
                config->ca_file = NULL;
                return -ENOMEM;
        }
        if (access(config->token_file, R_OK) < 0)
                return pod_error(ret_error, -errno, "there is no readable ", config->token_file);
        /* client-go goes on with the system's authorities too, and so fails at the handshake at the latest. */
        if (access(config->ca_file, R_OK) < 0) {
                free(config->ca_file);
                config->ca_file = NULL;
        }
        *ret = TAKE_PTR(config);
        return 0;
}

int kubeconfig_in_cluster(KubeClientConfig **ret, char **ret_error) {
        return kubeconfig_in_cluster_from(SERVICE_ACCOUNT_DIRECTORY, getenv("KUBERNETES_SERVICE_HOST"),
                                          getenv("KUBERNETES_SERVICE_PORT"), ret, ret_error);
}
