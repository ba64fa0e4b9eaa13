/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/kubeconfig.h"

#include <errno.h>
#include <string.h>

#include "config/config-read.h"
#include "config/kubeconfig-private.h"

/* Some hundred clusters with their certificates inline. */
#define KUBECONFIG_SIZE_MAX (4 * 1024 * 1024)

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

static int kubeconfig_context_cluster(Kubeconfig *k, const KubeItem *context, const char *master) {
        const char *name = kubeconfig_word(k, context->body, "cluster", "contexts[].context.cluster");
        KubeItem cluster;

        if (name[0] == '\0') {
                if (!master)
                        kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, context, "cluster",
                                                "cluster was not specified, name one of clusters");
                return 0;
        }
        if (kubeconfig_find(k, &kube_clusters, name, &cluster))
                return kubeconfig_read_cluster(k, &cluster, master);
        kubeconfig_missing(k, &kube_clusters, name, context->line, "contexts[].context.cluster", "there is no cluster");
        return 0;
}

static int kubeconfig_context_user(Kubeconfig *k, const KubeItem *context) {
        const char *name = kubeconfig_word(k, context->body, "user", "contexts[].context.user");
        KubeItem user;

        if (name[0] == '\0') {
                kubeconfig_item_message(k, CONFIG_SEVERITY_WARNING, context, "user",
                                        "user was not specified, requests will be anonymous");
                return 0;
        }
        if (kubeconfig_find(k, &kube_users, name, &user))
                return kubeconfig_read_user(k, &user);
        kubeconfig_missing(k, &kube_users, name, context->line, "contexts[].context.user", "there is no user");
        return 0;
}

static int kubeconfig_context(Kubeconfig *k, const char *name, const char *master) {
        const YamlEntry *current = yaml_map_find(k->root, "current-context");
        KubeItem context;
        int r;

        if (!kubeconfig_find(k, &kube_contexts, name, &context)) {
                kubeconfig_missing(k, &kube_contexts, name, current ? current->line : 1, "current-context",
                                   "context was not found for specified context:");
                return 0;
        }
        r = kubeconfig_context_cluster(k, &context, master);
        return r < 0 ? r : kubeconfig_context_user(k, &context);
}

static void kubeconfig_no_context(Kubeconfig *k, const char *master) {
        const YamlEntry *current = yaml_map_find(k->root, "current-context");
        _cleanup_(freep) char *names = kubeconfig_names(k, &kube_contexts);

        if (master)
                config_message(k->messages, CONFIG_SEVERITY_WARNING,
                               "%s: current-context: no context chosen, --master is used without credentials", k->path);
        else if (names && names[0] != '\0')
                config_message(k->messages, CONFIG_SEVERITY_ERROR,
                               "%s:%u: current-context: no context chosen, set it to one of: %s", k->path,
                               current ? current->line : k->root->line, names);
        else
                config_message(k->messages, CONFIG_SEVERITY_ERROR,
                               "%s: invalid configuration: no configuration has been provided, add clusters, users, "
                               "contexts and current-context",
                               k->path);
}

static void kubeconfig_type_meta(Kubeconfig *k, const char *key, const char *want) {
        const char *text = kubeconfig_word(k, k->root, key, key);
        const YamlEntry *entry = yaml_map_find(k->root, key);

        if (text[0] != '\0' && strcmp(text, want) != 0)
                config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s:%u: %s: must be %s", k->path, entry->line, key,
                               want);
}

/* ---- the result */

/* Over plain HTTP nothing secret is sent, and there is nothing to verify. */
static void kubeconfig_drop_credentials(Kubeconfig *k) {
        KubeClientConfig *c = k->config;

        if (!c->server || strncmp(c->server, "http://", strlen("http://")) != 0)
                return;
        if (c->token || c->token_file || c->username || c->password || c->cert_file || c->cert_data.size > 0)
                config_message(k->messages, CONFIG_SEVERITY_WARNING,
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
                config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s: %s: unable to read %s: %s", k->path, field,
                               file, strerror(-r));
        else if (pem && !kube_has_pem((const unsigned char *) text, size, pem))
                config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s: %s: %s holds no PEM block %s", k->path, field,
                               file, pem);
        else if (!pem && text[strspn(text, " \t\r\n")] == '\0')
                config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s: %s: %s holds no token", k->path, field, file);
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
        int r = 0;

        kubeconfig_type_meta(k, "apiVersion", "v1");
        kubeconfig_type_meta(k, "kind", "Config");
        kubeconfig_check_list(k, &kube_clusters);
        kubeconfig_check_list(k, &kube_contexts);
        kubeconfig_check_list(k, &kube_users);
        name = context ? context : kubeconfig_word(k, k->root, "current-context", "current-context");
        if (name[0] != '\0')
                r = kubeconfig_context(k, name, master);
        else
                kubeconfig_no_context(k, master);
        if (r >= 0 && master)
                r = kubeconfig_master(k->config, master, k->messages);
        if (r < 0)
                return r;
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
                config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s:%u: cannot be read as YAML or JSON: %s", k->path,
                               error.line, error.text);
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
                        config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s: the kubeconfig cannot be read: %s",
                                       k->path, r == -EFBIG ? "it is larger than 4 MiB" : strerror(-r));
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

int kubeconfig_load(
        const char *path, const char *context, const char *master, KubeClientConfig **ret, char **ret_error) {
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
