/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of kubeconfig share. No message prints a value that could be secret: only names, paths and lines. */
#pragma once

#include <stddef.h>

#include "config/config-private.h"
#include "config/kubeconfig.h"
#include "config/yaml-tree.h"

/*
 * Standard base64 with padding, as encoding/json decodes []byte: line breaks are passed over, all else is -EINVAL. *ret
 * is to be wiped.
 */
int kube_base64_decode(const char *text, KubeBlob *ret);

void kube_blob_done(KubeBlob *blob);

/* Whether there is a PEM block whose type ends in `type` ("CERTIFICATE", "PRIVATE KEY"). */
bool kube_has_pem(const unsigned char *data, size_t size, const char *type);

/*
 * The server as client-go takes it: without scheme it is http, a slash at the end, query and fragment are cut. -EINVAL
 * with *ret_fault, a constant "must …"; -ENOMEM.
 */
int kube_server_normalize(const char *text, char **ret, const char **ret_fault);

/* http, https or socks5 with a host; NULL if it is fine, else a constant "must …". */
const char *kube_proxy_url_fault(const char *text);

/* Frees text after wiping it; returns NULL. */
char *kube_wipe_free(char *text);

/* ---- a kubeconfig while it is read */

typedef struct Kubeconfig {
        const char *path;         /* borrowed, as given */
        char *directory;          /* owned; absolute, for relative paths in the file */
        const YamlNode *root;     /* borrowed */
        ConfigMessages *messages; /* borrowed */
        KubeClientConfig *config; /* owned until it is handed over */
        size_t n_errors_before;   /* in messages */
        bool check;               /* look at the files it names */
} Kubeconfig;

/* "clusters", "contexts", "users", and what their items hold */
typedef struct KubeList {
        const char *key, *item;
} KubeList;

extern const KubeList kube_clusters, kube_contexts, kube_users;

/* One item of a list. All is borrowed. */
typedef struct KubeItem {
        const KubeList *list;
        const char *name;
        const YamlNode *body; /* what stands behind "cluster:", or the item itself if that is missing */
        unsigned line;
} KubeItem;

/* A message with "FILE:LINE: FIELD: " in front. */
void kubeconfig_fault(Kubeconfig *k, unsigned line, const char *field, const char *text);

/* The same with "LIST[NAME].ITEM.KEY" as field and its line; `key` may be NULL, and need not be there. */
void kubeconfig_item_message(
        Kubeconfig *k, ConfigSeverity severity, const KubeItem *item, const char *key, const char *text);

/* An error of line `line`: `text`, the name, and what names there are. */
void kubeconfig_missing(
        Kubeconfig *k, const KubeList *list, const char *name, unsigned line, const char *field, const char *text);

/* False if there is no item of that name. */
bool kubeconfig_find(Kubeconfig *k, const KubeList *list, const char *name, KubeItem *ret);

/* "a, b, c" for a remedy; a few are enough. New memory or NULL. */
char *kubeconfig_names(Kubeconfig *k, const KubeList *list);

/* Names must be strings, and none may be there twice. */
void kubeconfig_check_list(Kubeconfig *k, const KubeList *list);

/*
 * Read a cluster, a user into the config, with what can be said of each alone; the server of the cluster is not
 * looked at if `master` replaces it. Faults are messages. -ENOMEM.
 */
int kubeconfig_read_cluster(Kubeconfig *k, const KubeItem *cluster, const char *master);
int kubeconfig_read_user(Kubeconfig *k, const KubeItem *user);
