/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of the one cluster and the one user that the context names. */
#include <errno.h>
#include <string.h>

#include "config/kubeconfig-private.h"

typedef enum KubeFieldType {
        KUBE_FIELD_STRING,
        KUBE_FIELD_BOOL,
        KUBE_FIELD_PATH,
        KUBE_FIELD_CERTIFICATE,
        KUBE_FIELD_KEY,
} KubeFieldType;

typedef struct KubeField {
        const char *key;
        KubeFieldType type;
        size_t offset; /* in KubeClientConfig */
} KubeField;

#define AT(member) offsetof(KubeClientConfig, member)

static const KubeField kube_cluster_fields[] = {
        { "server", KUBE_FIELD_STRING, AT(server) },
        { "tls-server-name", KUBE_FIELD_STRING, AT(tls_server_name) },
        { "insecure-skip-tls-verify", KUBE_FIELD_BOOL, AT(insecure_skip_tls_verify) },
        { "certificate-authority", KUBE_FIELD_PATH, AT(ca_file) },
        { "certificate-authority-data", KUBE_FIELD_CERTIFICATE, AT(ca_data) },
        { "proxy-url", KUBE_FIELD_STRING, AT(proxy_url) },
        { "disable-compression", KUBE_FIELD_BOOL, AT(disable_compression) },
};

static const KubeField kube_user_fields[] = {
        { "client-certificate", KUBE_FIELD_PATH, AT(cert_file) },
        { "client-certificate-data", KUBE_FIELD_CERTIFICATE, AT(cert_data) },
        { "client-key", KUBE_FIELD_PATH, AT(key_file) },
        { "client-key-data", KUBE_FIELD_KEY, AT(key_data) },
        { "token", KUBE_FIELD_STRING, AT(token) },
        { "tokenFile", KUBE_FIELD_PATH, AT(token_file) },
        { "username", KUBE_FIELD_STRING, AT(username) },
        { "password", KUBE_FIELD_STRING, AT(password) },
};

/* What a user may have in a kubeconfig and this program does not do, and why. */
static const struct {
        const char *key, *text;
} kube_user_refused[] = {
        { "exec", "this program executes nothing; use a client certificate, or tokenFile and let something else renew "
                  "that file" },
        { "auth-provider", "is refused, as by Kubernetes since 1.26; use a client certificate, or tokenFile and let "
                           "something else renew "
                           "that file" },
        { "as", "impersonation is not supported; give this user the rights itself" },
        { "as-uid", "impersonation is not supported; give this user the rights itself" },
        { "as-groups", "impersonation is not supported; give this user the rights itself" },
        { "as-user-extra", "impersonation is not supported; give this user the rights itself" },
};

/* ---- one value */

/* Decodes inline data; *ret_fault says what is wrong with it. -EINVAL, -ENOMEM. */
static int kube_field_data(const YamlNode *node, KubeFieldType type, KubeBlob *blob, const char **ret_fault) {
        bool key = type == KUBE_FIELD_KEY;
        int r = kube_base64_decode(node->text, blob);

        if (r == -EINVAL)
                *ret_fault = "must be base64 of a PEM file, such as base64 -w0 FILE prints";
        if (r < 0)
                return r;
        if (blob->size == 0) {
                kube_blob_done(blob); /* as if it were not there */
                return 0;
        }
        if (kube_has_pem(blob->data, blob->size, key ? "PRIVATE KEY" : "CERTIFICATE"))
                return 0;
        *ret_fault = key ? "is base64 of something that is no PEM private key"
                         : "is base64 of something that is no PEM certificate";
        return -EINVAL;
}

/* The text of a string; paths are made absolute by the folder of the file. */
static int kubeconfig_set_text(Kubeconfig *k, const KubeField *field, const char *text, char **slot) {
        if (field->type == KUBE_FIELD_PATH && text[0] != '/') {
                if (asprintf(slot, "%s/%s", k->directory, text) < 0)
                        *slot = NULL;
        } else
                *slot = strdup(text);
        return *slot ? 0 : -ENOMEM;
}

/* Puts a value in. -EINVAL with *ret_fault, -ENOMEM. */
static int kubeconfig_set(Kubeconfig *k, const KubeField *field, const YamlNode *node, const char **ret_fault) {
        void *slot = (char *) k->config + field->offset;

        if (node->kind == YAML_KIND_NULL)
                return 0;
        if (field->type == KUBE_FIELD_BOOL) {
                *ret_fault = "must be true or false";
                if (node->kind != YAML_KIND_BOOL)
                        return -EINVAL;
                *(bool *) slot = strcmp(node->text, "true") == 0;
                return 0;
        }
        *ret_fault = node->kind >= YAML_KIND_LIST ? "must be a string" : "must be a string, put it in quotes";
        if (node->kind != YAML_KIND_STRING)
                return -EINVAL;
        if (field->type == KUBE_FIELD_CERTIFICATE || field->type == KUBE_FIELD_KEY)
                return kube_field_data(node, field->type, slot, ret_fault);
        return node->text[0] == '\0' ? 0 : kubeconfig_set_text(k, field, node->text, slot);
}

static int kubeconfig_read_fields(Kubeconfig *k, const KubeItem *item, const KubeField *fields, size_t n_fields) {
        if (item->body->kind != YAML_KIND_MAP && item->body->kind != YAML_KIND_NULL)
                kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, item, NULL, "must be a map");
        for (size_t i = 0; i < n_fields; i++) {
                const YamlEntry *entry = yaml_map_find(item->body, fields[i].key);
                const char *fault = "";
                int r = entry ? kubeconfig_set(k, &fields[i], entry->value, &fault) : 0;

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, item, fields[i].key, fault);
        }
        for (size_t i = 0; item->body->kind == YAML_KIND_MAP && i < item->body->n_entries; i++)
                if (yaml_map_duplicate(item->body, i))
                        kubeconfig_item_message(k, CONFIG_SEVERITY_WARNING, item, item->body->entries[i].key,
                                                "is given twice, the last one counts");
        return 0;
}

/* ---- the cluster */

static int kubeconfig_normalize_server(Kubeconfig *k, const KubeItem *cluster) {
        _cleanup_(freep) char *text = TAKE_PTR(k->config->server);
        const YamlEntry *entry = yaml_map_find(cluster->body, "server");
        const char *fault = "no server found, give the URL of the API server, such as https://api.example.com:6443";
        int r = -EINVAL;

        if (text)
                r = kube_server_normalize(text, &k->config->server, &fault);
        else if (entry && entry->value->kind != YAML_KIND_STRING && entry->value->kind != YAML_KIND_NULL)
                return 0; /* what is wrong with it was said */
        if (r == -EINVAL)
                kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, cluster, "server", fault);
        return r == -ENOMEM ? r : 0;
}

int kubeconfig_read_cluster(Kubeconfig *k, const KubeItem *cluster, const char *master) {
        KubeClientConfig *c = k->config;
        const char *fault;
        int r = kubeconfig_read_fields(k, cluster, kube_cluster_fields, ELEMENTSOF(kube_cluster_fields));

        if (r < 0)
                return r;
        if (master) {
                /* Another server's certificate bears another name (client-go's overrides). */
                c->server = kube_wipe_free(c->server);
                c->tls_server_name = kube_wipe_free(c->tls_server_name);
        } else
                r = kubeconfig_normalize_server(k, cluster);
        fault = c->proxy_url ? kube_proxy_url_fault(c->proxy_url) : NULL;
        if (fault)
                kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, cluster, "proxy-url", fault);
        if (c->insecure_skip_tls_verify && (c->ca_file || c->ca_data.size > 0))
                kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, cluster, "insecure-skip-tls-verify",
                                        "a certificate authority and this exclude each other, remove one of the two");
        if (c->ca_file && c->ca_data.size > 0)
                kubeconfig_item_message(k, CONFIG_SEVERITY_WARNING, cluster, "certificate-authority",
                                        "certificate-authority-data is given too and overrides this");
        return r;
}

/* ---- the user */

/* Whether somebody meant something by it. */
static bool yaml_node_is_given(const YamlNode *node) {
        if (node->kind >= YAML_KIND_LIST)
                return node->n_entries > 0;
        return node->text[0] != '\0';
}

static void kubeconfig_user_refused(Kubeconfig *k, const KubeItem *user) {
        for (size_t i = 0; i < ELEMENTSOF(kube_user_refused); i++) {
                const YamlEntry *entry = yaml_map_find(user->body, kube_user_refused[i].key);

                if (entry && yaml_node_is_given(entry->value))
                        kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, user, kube_user_refused[i].key,
                                                kube_user_refused[i].text);
        }
}

int kubeconfig_read_user(Kubeconfig *k, const KubeItem *user) {
        KubeClientConfig *c = k->config;
        bool certificate, key;
        int r = kubeconfig_read_fields(k, user, kube_user_fields, ELEMENTSOF(kube_user_fields));

        if (r < 0)
                return r;
        kubeconfig_user_refused(k, user);
        certificate = c->cert_file || c->cert_data.size > 0;
        key = c->key_file || c->key_data.size > 0;
        if (certificate && !key)
                kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, user, "client-key",
                                        "client-key-data or client-key must be specified with the client certificate");
        if (key && !certificate)
                kubeconfig_item_message(k, CONFIG_SEVERITY_WARNING, user, "client-key",
                                        "has no use without client-certificate or client-certificate-data");
        if (c->token && (c->username || c->password))
                kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, user, "token",
                                        "token and username exclude each other, remove one of the two");
        if ((c->cert_file && c->cert_data.size > 0) || (c->key_file && c->key_data.size > 0))
                kubeconfig_item_message(k, CONFIG_SEVERITY_WARNING, user,
                                        c->cert_file ? "client-certificate" : "client-key",
                                        "the same is given as data too, which overrides the file");
        return 0;
}
