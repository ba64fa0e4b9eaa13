/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/kubeconfig.h"

#include <errno.h>
#include <string.h>

#include "config/config-private.h"
#include "config/kubeconfig-private.h"

/* Some hundred clusters with their certificates inline. */
#define KUBECONFIG_SIZE_MAX (4 * 1024 * 1024)

typedef struct Kubeconfig {
        const char *path; /* borrowed, as given */
        char *directory; /* owned; absolute, for relative paths in the file */
        const YamlNode *root; /* borrowed */
        ConfigMessages *messages; /* borrowed */
        KubeClientConfig *config; /* owned until it is handed over */
        size_t n_errors_before; /* in messages */
        bool check; /* look at the files it names */
} Kubeconfig;

/* Takes out all that belongs to TLS and to the user; the server and how to reach it stay. */
static void kube_client_config_drop_credentials(KubeClientConfig *config) {
        char **texts[] = { &config->tls_server_name, &config->ca_file,    &config->cert_file, &config->key_file,
                           &config->token,           &config->token_file, &config->username,  &config->password };

        kube_blob_done(&config->ca_data);
        kube_blob_done(&config->cert_data);
        kube_blob_done(&config->key_data);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                *texts[i] = kube_wipe_free(*texts[i]);
        config->insecure_skip_tls_verify = false;
}

KubeClientConfig *kube_client_config_free(KubeClientConfig *config) {
        if (!config)
                return NULL;
        kube_client_config_drop_credentials(config);
        free(config->server);
        kube_wipe_free(config->proxy_url); /* may contain a password */
        free(config);
        return NULL;
}

/* ---- messages: place first, and never a value that could be secret */

static void kubeconfig_fault(Kubeconfig *k, unsigned line, const char *field, const char *text) {
        config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s:%u: %s: %s", k->path, line, field, text);
}

/* "clusters", "contexts", "users", and what their items hold */
typedef struct KubeList {
        const char *key, *item;
} KubeList;

static const KubeList kube_clusters = { "clusters", "cluster" };
static const KubeList kube_contexts = { "contexts", "context" };
static const KubeList kube_users = { "users", "user" };

static void kubeconfig_item_message(Kubeconfig *k,
                                    ConfigSeverity severity,
                                    const KubeList *list,
                                    const char *name,
                                    unsigned line,
                                    const char *key,
                                    const char *text) {
        _cleanup_(freep) char *quoted = config_quote(name);

        config_message(k->messages,
                       severity,
                       "%s:%u: %s[%s].%s%s%s: %s",
                       k->path,
                       line,
                       list->key,
                       quoted ? quoted : "",
                       list->item,
                       key ? "." : "",
                       key ? key : "",
                       text);
}

/* ---- the lists */

static const YamlNode *kubeconfig_list(Kubeconfig *k, const KubeList *list) {
        const YamlEntry *entry = yaml_map_find(k->root, list->key);

        return entry && entry->value->kind == YAML_KIND_LIST ? entry->value : NULL;
}

static const char *kube_item_name(const YamlNode *item) {
        const YamlEntry *name = yaml_map_find(item, "name");

        return name && name->value->kind < YAML_KIND_LIST ? name->value->text : "";
}

/* What is called `name`; NULL if there is no such item. *ret_item: the item with its name, if not NULL. */
static const YamlNode *kubeconfig_find(Kubeconfig *k, const KubeList *list, const char *name, unsigned *ret_line) {
        const YamlNode *items = kubeconfig_list(k, list);

        for (size_t i = 0; items && i < items->n_entries; i++) {
                const YamlEntry *body = yaml_map_find(items->entries[i].value, list->item);

                if (strcmp(kube_item_name(items->entries[i].value), name) != 0)
                        continue;
                *ret_line = items->entries[i].line;
                return body ? body->value : items->entries[i].value;
        }
        return NULL;
}

/* "a, b, c" for a remedy; a few are enough. New memory or NULL. */
static char *kubeconfig_names(Kubeconfig *k, const KubeList *list) {
        const YamlNode *items = kubeconfig_list(k, list);
        char *names = strdup("");

        for (size_t i = 0; names && items && i < items->n_entries && i < 8; i++) {
                _cleanup_(freep) char *shorter = names, *quoted = config_quote(kube_item_name(items->entries[i].value));

                if (!quoted || asprintf(&names, "%s%s%s", shorter, i > 0 ? ", " : "", quoted) < 0)
                        names = NULL;
        }
        return names;
}

static void kubeconfig_check_list(Kubeconfig *k, const KubeList *list) {
        const YamlEntry *entry = yaml_map_find(k->root, list->key);
        const YamlNode *items = kubeconfig_list(k, list);

        if (entry && !items && entry->value->kind != YAML_KIND_NULL)
                kubeconfig_fault(k, entry->line, list->key, "must be a list of {name: …, …}");
        for (size_t i = 0; items && i < items->n_entries; i++) {
                const YamlEntry *item = &items->entries[i];
                const YamlEntry *name = yaml_map_find(item->value, "name");

                if (item->value->kind != YAML_KIND_MAP || (name && name->value->kind != YAML_KIND_STRING)) {
                        kubeconfig_fault(k,
                                         item->line,
                                         list->key,
                                         item->value->kind == YAML_KIND_MAP ? "a name must be a string, put it in quotes"
                                                                            : "each entry must be a map with a name");
                        continue;
                }
                for (size_t j = 0; j < i; j++)
                        if (items->entries[j].value->kind == YAML_KIND_MAP &&
                            strcmp(kube_item_name(items->entries[j].value), kube_item_name(item->value)) == 0) {
                                kubeconfig_item_message(k,
                                                        CONFIG_SEVERITY_ERROR,
                                                        list,
                                                        kube_item_name(item->value),
                                                        item->line,
                                                        NULL,
                                                        "duplicate name in list, remove or rename one of the two");
                                break;
                        }
        }
}

/* ---- fields of a cluster and a user */

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
        { "exec",
          "this program executes nothing; use a client certificate, or tokenFile and let something else renew that file" },
        { "auth-provider",
          "is refused, as by Kubernetes since 1.26; use a client certificate, or tokenFile and let something else renew "
          "that file" },
        { "as", "impersonation is not supported; give this user the rights itself" },
        { "as-uid", "impersonation is not supported; give this user the rights itself" },
        { "as-groups", "impersonation is not supported; give this user the rights itself" },
        { "as-user-extra", "impersonation is not supported; give this user the rights itself" },
};

static const char *kube_field_data(const YamlNode *node, KubeFieldType type, KubeBlob *blob) {
        const char *pem = type == KUBE_FIELD_KEY ? "PRIVATE KEY" : "CERTIFICATE";
        int r = kube_base64_decode(node->text, blob);

        if (r == -ENOMEM)
                return "out of memory";
        if (r < 0)
                return "must be base64 of a PEM file, such as base64 -w0 FILE prints";
        if (blob->size == 0) {
                kube_blob_done(blob);
                return NULL;
        }
        if (kube_has_pem(blob->data, blob->size, pem))
                return NULL;
        return type == KUBE_FIELD_KEY ? "is base64 of something that is no PEM private key"
                                      : "is base64 of something that is no PEM certificate";
}

/* Puts a value in. NULL, or what is wrong with it. */
static const char *kubeconfig_set(Kubeconfig *k, const KubeField *field, const YamlNode *node) {
        void *slot = (char *) k->config + field->offset;
        char **text = slot;

        if (node->kind == YAML_KIND_NULL)
                return NULL;
        if (field->type == KUBE_FIELD_BOOL) {
                if (node->kind != YAML_KIND_BOOL)
                        return "must be true or false";
                *(bool *) slot = strcmp(node->text, "true") == 0;
                return NULL;
        }
        if (node->kind >= YAML_KIND_LIST)
                return "must be a string";
        if (node->kind != YAML_KIND_STRING)
                return "must be a string, put it in quotes";
        if (field->type == KUBE_FIELD_CERTIFICATE || field->type == KUBE_FIELD_KEY)
                return kube_field_data(node, field->type, slot);
        if (node->text[0] == '\0')
                return NULL;
        if (field->type == KUBE_FIELD_PATH && node->text[0] != '/') {
                if (asprintf(text, "%s/%s", k->directory, node->text) < 0)
                        *text = NULL;
        } else
                *text = strdup(node->text);
        return *text ? NULL : "out of memory";
}

static void kubeconfig_read_fields(Kubeconfig *k,
                                   const KubeList *list,
                                   const char *name,
                                   const YamlNode *body,
                                   const KubeField *fields,
                                   size_t n_fields) {
        for (size_t i = 0; i < n_fields; i++) {
                const YamlEntry *entry = yaml_map_find(body, fields[i].key);
                const char *fault = entry ? kubeconfig_set(k, &fields[i], entry->value) : NULL;

                if (fault)
                        kubeconfig_item_message(
                                k, CONFIG_SEVERITY_ERROR, list, name, entry->line, fields[i].key, fault);
        }
        for (size_t i = 0; body->kind == YAML_KIND_MAP && i < body->n_entries; i++)
                if (yaml_map_duplicate(body, i))
                        kubeconfig_item_message(k,
                                                CONFIG_SEVERITY_WARNING,
                                                list,
                                                name,
                                                body->entries[i].line,
                                                NULL,
                                                "a field is given twice, the last one counts");
}

/* ---- the cluster */

static void kubeconfig_cluster_server(Kubeconfig *k, const char *name, const YamlNode *body, unsigned line) {
        const YamlEntry *server = yaml_map_find(body, "server"), *proxy = yaml_map_find(body, "proxy-url");
        _cleanup_(freep) char *text = TAKE_PTR(k->config->server);
        const char *fault = "no server found, give the URL of the API server, such as https://api.example.com:6443";
        int r = text ? kube_server_normalize(text, &k->config->server, &fault) : -EINVAL;

        if (r == -EINVAL && (text || !server || server->value->kind <= YAML_KIND_STRING))
                kubeconfig_item_message(
                        k, CONFIG_SEVERITY_ERROR, &kube_clusters, name, server ? server->line : line, "server", fault);
        if (!k->config->proxy_url)
                return;
        fault = kube_proxy_url_fault(k->config->proxy_url);
        if (fault)
                kubeconfig_item_message(
                        k, CONFIG_SEVERITY_ERROR, &kube_clusters, name, proxy ? proxy->line : line, "proxy-url", fault);
}

static void kubeconfig_cluster(Kubeconfig *k, const char *name, const char *master, unsigned context_line) {
        unsigned line = context_line;
        const YamlNode *body = kubeconfig_find(k, &kube_clusters, name, &line);
        KubeClientConfig *c = k->config;

        if (!body) {
                _cleanup_(freep) char *quoted = config_quote(name), *names = kubeconfig_names(k, &kube_clusters);

                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s:%u: contexts[].context.cluster: there is no cluster %s, there are: %s",
                               k->path,
                               context_line,
                               quoted ? quoted : "",
                               names ? names : "");
                return;
        }
        kubeconfig_read_fields(k, &kube_clusters, name, body, kube_cluster_fields, ELEMENTSOF(kube_cluster_fields));
        if (master) {
                /* Of another server the certificate bears another name (client-go's overrides). */
                free(c->server);
                c->server = NULL;
                free(c->tls_server_name);
                c->tls_server_name = NULL;
        }
        if (!master)
                kubeconfig_cluster_server(k, name, body, line);
        if (c->insecure_skip_tls_verify && (c->ca_file || c->ca_data.size > 0))
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_ERROR,
                                        &kube_clusters,
                                        name,
                                        line,
                                        "insecure-skip-tls-verify",
                                        "a certificate authority and this exclude each other, remove one of the two");
        if (c->ca_file && c->ca_data.size > 0)
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_WARNING,
                                        &kube_clusters,
                                        name,
                                        line,
                                        "certificate-authority",
                                        "certificate-authority-data is given too and overrides this");
}

/* ---- the user */

static void kubeconfig_user_refused(Kubeconfig *k, const char *name, const YamlNode *body) {
        for (size_t i = 0; i < ELEMENTSOF(kube_user_refused); i++) {
                const YamlEntry *entry = yaml_map_find(body, kube_user_refused[i].key);

                if (!entry || entry->value->kind == YAML_KIND_NULL ||
                    (entry->value->text && entry->value->text[0] == '\0') ||
                    (entry->value->kind >= YAML_KIND_LIST && entry->value->n_entries == 0))
                        continue;
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_ERROR,
                                        &kube_users,
                                        name,
                                        entry->line,
                                        kube_user_refused[i].key,
                                        kube_user_refused[i].text);
        }
}

static void kubeconfig_user_conflicts(Kubeconfig *k, const char *name, unsigned line) {
        const KubeClientConfig *c = k->config;
        bool certificate = c->cert_file || c->cert_data.size > 0, key = c->key_file || c->key_data.size > 0;

        if (certificate && !key)
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_ERROR,
                                        &kube_users,
                                        name,
                                        line,
                                        "client-key",
                                        "client-key-data or client-key must be specified with the client certificate");
        if (key && !certificate)
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_WARNING,
                                        &kube_users,
                                        name,
                                        line,
                                        "client-key",
                                        "has no use without client-certificate or client-certificate-data");
        if (c->token && (c->username || c->password))
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_ERROR,
                                        &kube_users,
                                        name,
                                        line,
                                        "token",
                                        "token and username exclude each other, remove one of the two");
        if ((c->cert_file && c->cert_data.size > 0) || (c->key_file && c->key_data.size > 0))
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_WARNING,
                                        &kube_users,
                                        name,
                                        line,
                                        "client-certificate",
                                        "the same is given as data too, which overrides the file");
}

static void kubeconfig_user(Kubeconfig *k, const char *name, unsigned context_line) {
        unsigned line = context_line;
        const YamlNode *body = kubeconfig_find(k, &kube_users, name, &line);

        if (!body) {
                _cleanup_(freep) char *quoted = config_quote(name), *names = kubeconfig_names(k, &kube_users);

                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s:%u: contexts[].context.user: there is no user %s, there are: %s",
                               k->path,
                               context_line,
                               quoted ? quoted : "",
                               names ? names : "");
                return;
        }
        kubeconfig_read_fields(k, &kube_users, name, body, kube_user_fields, ELEMENTSOF(kube_user_fields));
        kubeconfig_user_refused(k, name, body);
        kubeconfig_user_conflicts(k, name, line);
}

/* ---- the context */

/* A string of a map, "" if it is not there; a message if it is something else. */
static const char *kubeconfig_word(Kubeconfig *k, const YamlNode *map, const char *key, const char *place) {
        const YamlEntry *entry = yaml_map_find(map, key);

        if (!entry || entry->value->kind == YAML_KIND_NULL)
                return "";
        if (entry->value->kind == YAML_KIND_STRING)
                return entry->value->text;
        kubeconfig_fault(k, entry->line, place, "must be a string, put it in quotes");
        return "";
}

static void kubeconfig_context(Kubeconfig *k, const char *name, const char *master) {
        unsigned line = k->root->line;
        const YamlNode *body = kubeconfig_find(k, &kube_contexts, name, &line);
        const char *cluster, *user;

        if (!body) {
                const YamlEntry *current = yaml_map_find(k->root, "current-context");
                _cleanup_(freep) char *quoted = config_quote(name), *names = kubeconfig_names(k, &kube_contexts);

                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s:%u: current-context: context was not found for specified context: %s, there are: %s",
                               k->path,
                               current ? current->line : line,
                               quoted ? quoted : "",
                               names ? names : "");
                return;
        }
        cluster = kubeconfig_word(k, body, "cluster", "contexts[].context.cluster");
        user = kubeconfig_word(k, body, "user", "contexts[].context.user");
        if (cluster[0] != '\0')
                kubeconfig_cluster(k, cluster, master, line);
        else if (!master)
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_ERROR,
                                        &kube_contexts,
                                        name,
                                        line,
                                        "cluster",
                                        "cluster was not specified, name one of clusters");
        if (user[0] != '\0')
                kubeconfig_user(k, user, line);
        else
                kubeconfig_item_message(k,
                                        CONFIG_SEVERITY_WARNING,
                                        &kube_contexts,
                                        name,
                                        line,
                                        "user",
                                        "user was not specified, requests will be anonymous");
}

static void kubeconfig_no_context(Kubeconfig *k, const char *master) {
        const YamlEntry *current = yaml_map_find(k->root, "current-context");
        _cleanup_(freep) char *names = kubeconfig_names(k, &kube_contexts);

        if (master)
                config_message(k->messages,
                               CONFIG_SEVERITY_WARNING,
                               "%s: current-context: no context chosen, --master is used without credentials",
                               k->path);
        else if (names && names[0] != '\0')
                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s:%u: current-context: no context chosen, set it to one of: %s",
                               k->path,
                               current ? current->line : k->root->line,
                               names);
        else
                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s: invalid configuration: no configuration has been provided, add clusters, users, "
                               "contexts and current-context",
                               k->path);
}

static void kubeconfig_type_meta(Kubeconfig *k, const char *key, const char *want) {
        const char *text = kubeconfig_word(k, k->root, key, key);
        const YamlEntry *entry = yaml_map_find(k->root, key);

        if (text[0] != '\0' && strcmp(text, want) != 0)
                config_message(
                        k->messages, CONFIG_SEVERITY_ERROR, "%s:%u: %s: must be %s", k->path, entry->line, key, want);
}

/* ---- the result */

/* Over plain HTTP nothing secret is sent, and there is nothing to verify. */
static void kubeconfig_drop_credentials(Kubeconfig *k) {
        KubeClientConfig *c = k->config;

        if (!c->server || strncmp(c->server, "http://", strlen("http://")) != 0)
                return;
        if (c->token || c->token_file || c->username || c->password || c->cert_file || c->cert_data.size > 0)
                config_message(k->messages,
                               CONFIG_SEVERITY_WARNING,
                               "%s: server: is http, so the credentials of the user are not sent; make it https",
                               k->path);
        kube_client_config_drop_credentials(c);
}

static void kubeconfig_check_file(Kubeconfig *k, const char *file, const char *field, const char *pem) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        if (!file)
                return;
        r = config_read_file(file, CONFIG_FILE_SIZE_MAX, &text, &size);
        if (r < 0)
                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s: %s: unable to read %s: %s",
                               k->path,
                               field,
                               file,
                               strerror(-r));
        else if (pem && !kube_has_pem((const unsigned char *) text, size, pem))
                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s: %s: %s holds no PEM block %s",
                               k->path,
                               field,
                               file,
                               pem);
        else if (!pem && text[strspn(text, " \t\r\n")] == '\0')
                config_message(
                        k->messages, CONFIG_SEVERITY_ERROR, "%s: %s: %s holds no token", k->path, field, file);
        if (text)
                explicit_bzero(text, size);
}

static void kubeconfig_check_files(Kubeconfig *k) {
        const KubeClientConfig *c = k->config;

        kubeconfig_check_file(k, c->ca_data.size > 0 ? NULL : c->ca_file, "certificate-authority", "CERTIFICATE");
        kubeconfig_check_file(k, c->cert_data.size > 0 ? NULL : c->cert_file, "client-certificate", "CERTIFICATE");
        kubeconfig_check_file(k, c->key_data.size > 0 ? NULL : c->key_file, "client-key", "PRIVATE KEY");
        kubeconfig_check_file(k, c->token_file, "tokenFile", NULL);
}

static int kubeconfig_master(KubeClientConfig *config, const char *master, ConfigMessages *messages) {
        const char *fault;
        int r = kube_server_normalize(master, &config->server, &fault);

        if (r == -EINVAL)
                config_message(messages, CONFIG_SEVERITY_ERROR, "--master: %s", fault);
        return r == -ENOMEM ? r : 0;
}

static int kubeconfig_evaluate(Kubeconfig *k, const char *context, const char *master) {
        const char *name;

        kubeconfig_type_meta(k, "apiVersion", "v1");
        kubeconfig_type_meta(k, "kind", "Config");
        kubeconfig_check_list(k, &kube_clusters);
        kubeconfig_check_list(k, &kube_contexts);
        kubeconfig_check_list(k, &kube_users);
        name = context ? context : kubeconfig_word(k, k->root, "current-context", "current-context");
        if (name[0] != '\0')
                kubeconfig_context(k, name, master);
        else
                kubeconfig_no_context(k, master);
        if (master) {
                int r = kubeconfig_master(k->config, master, k->messages);

                if (r < 0)
                        return r;
        }
        if (k->messages->n_errors > k->n_errors_before)
                return -EINVAL;
        kubeconfig_drop_credentials(k);
        if (k->check)
                kubeconfig_check_files(k);
        return k->messages->n_errors > k->n_errors_before ? -EINVAL : 0;
}

/* ---- entry points */

/* The folder of `path`, absolute: files rotate long after the working directory may have changed. */
static int kubeconfig_directory(const char *path, char **ret) {
        const char *slash = strrchr(path, '/');
        _cleanup_(freep) char *cwd = NULL;
        int n = slash ? (int) (slash - path) : 0;

        if (path[0] == '/')
                return (*ret = strndup(path, (size_t) n)) ? 0 : -ENOMEM;
        cwd = getcwd(NULL, 0);
        if (!cwd)
                return -errno;
        if (asprintf(ret, "%s%s%.*s", cwd, n > 0 ? "/" : "", n, path) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int kubeconfig_parse(Kubeconfig *k, const char *text, size_t size, const char *context, const char *master) {
        _cleanup_(yaml_tree_freep) YamlTree *tree = NULL;
        YamlError error = {};
        int r = yaml_tree_parse(text, size, &tree, &error);

        if (r == -EBADMSG) {
                config_message(k->messages,
                               CONFIG_SEVERITY_ERROR,
                               "%s:%u: this is neither YAML nor JSON: %s",
                               k->path,
                               error.line,
                               error.text);
                free(error.text);
                return -EINVAL;
        }
        if (r < 0)
                return r;
        k->root = tree->root;
        if (k->root->kind != YAML_KIND_MAP && k->root->kind != YAML_KIND_NULL) {
                config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s: must hold a map, kind Config", k->path);
                return -EINVAL;
        }
        return kubeconfig_evaluate(k, context, master);
}

static int kubeconfig_read(Kubeconfig *k, const char *context, const char *master) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        if (master && master[0] == '\0')
                master = NULL;
        k->n_errors_before = k->messages->n_errors;
        k->config = calloc(1, sizeof(KubeClientConfig));
        if (!k->config)
                return -ENOMEM;
        r = kubeconfig_directory(k->path, &k->directory);
        if (r >= 0)
                r = config_read_file(k->path, KUBECONFIG_SIZE_MAX, &text, &size);
        if (r < 0) {
                if (r != -ENOMEM)
                        config_message(k->messages,
                                       CONFIG_SEVERITY_ERROR,
                                       "%s: the kubeconfig cannot be read: %s",
                                       k->path,
                                       r == -EFBIG ? "it is larger than 4 MiB" : strerror(-r));
                return r;
        }
        r = kubeconfig_parse(k, text, size, context, master);
        explicit_bzero(text, size);
        return r;
}

static void kubeconfig_done(Kubeconfig *k) {
        k->config = kube_client_config_free(k->config);
        free(k->directory);
}

/* Takes the text of the first error out of `messages`. */
static void kubeconfig_take_error(ConfigMessages *messages, char **ret_error) {
        *ret_error = NULL;
        for (size_t i = 0; i < messages->n_items && !*ret_error; i++)
                if (messages->items[i].severity == CONFIG_SEVERITY_ERROR)
                        *ret_error = TAKE_PTR(messages->items[i].text);
}

int kubeconfig_load(const char *path,
                    const char *context,
                    const char *master,
                    KubeClientConfig **ret,
                    char **ret_error) {
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        _cleanup_(kubeconfig_done) Kubeconfig k = { .path = path, .messages = &messages };
        int r = kubeconfig_read(&k, context, master);

        if (r < 0) {
                kubeconfig_take_error(&messages, ret_error);
                return r;
        }
        *ret = TAKE_PTR(k.config);
        return 0;
}

int kubeconfig_check(const char *path, const char *context, const char *master, ConfigMessages *messages) {
        _cleanup_(kubeconfig_done) Kubeconfig k = { .path = path, .messages = messages, .check = true };
        int r = kubeconfig_read(&k, context, master);

        return r < 0 && r != -ENOMEM ? -EINVAL : r;
}

int kubeconfig_from_master(const char *master, KubeClientConfig **ret, char **ret_error) {
        _cleanup_(kube_client_config_freep) KubeClientConfig *config = calloc(1, sizeof(KubeClientConfig));
        _cleanup_(config_messages_done) ConfigMessages messages = {};
        int r;

        *ret_error = NULL;
        if (!config)
                return -ENOMEM;
        r = kubeconfig_master(config, master, &messages);
        if (r < 0)
                return r;
        if (messages.n_errors > 0) {
                kubeconfig_take_error(&messages, ret_error);
                return -EINVAL;
        }
        *ret = TAKE_PTR(config);
        return 0;
}
