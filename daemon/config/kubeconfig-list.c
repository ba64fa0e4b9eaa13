/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of a kubeconfig, and messages about what is in them. */
#include <string.h>

#include "config/kubeconfig-private.h"

#define NAMES_MAX 8 /* that a message lists */

const KubeList kube_clusters = { "clusters", "cluster" };
const KubeList kube_contexts = { "contexts", "context" };
const KubeList kube_users = { "users", "user" };

/* ---- messages */

void kubeconfig_fault(Kubeconfig *k, unsigned line, const char *field, const char *text) {
        config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s:%u: %s: %s", k->path, line, field, text);
}

void kubeconfig_item_message(
        Kubeconfig *k, ConfigSeverity severity, const KubeItem *item, const char *key, const char *text) {
        const YamlEntry *entry = key ? yaml_map_find(item->body, key) : NULL;
        _cleanup_(freep) char *quoted = config_quote(item->name);

        config_message(k->messages, severity, "%s:%u: %s[%s].%s%s%s: %s", k->path, entry ? entry->line : item->line,
                       item->list->key, quoted ? quoted : "", item->list->item, key ? "." : "", key ? key : "", text);
}

void kubeconfig_missing(
        Kubeconfig *k, const KubeList *list, const char *name, unsigned line, const char *field, const char *text) {
        _cleanup_(freep) char *quoted = config_quote(name), *names = kubeconfig_names(k, list);

        config_message(k->messages, CONFIG_SEVERITY_ERROR, "%s:%u: %s: %s %s%s%s", k->path, line, field, text,
                       quoted ? quoted : "", names && names[0] != '\0' ? ", there are: " : "", names ? names : "");
}

/* ---- lists */

static const YamlNode *kubeconfig_list(Kubeconfig *k, const KubeList *list) {
        const YamlEntry *entry = yaml_map_find(k->root, list->key);

        return entry && entry->value->kind == YAML_KIND_LIST ? entry->value : NULL;
}

static const char *kube_item_name(const YamlNode *item) {
        const YamlEntry *name = yaml_map_find(item, "name");

        return name && name->value->kind < YAML_KIND_LIST ? name->value->text : "";
}

bool kubeconfig_find(Kubeconfig *k, const KubeList *list, const char *name, KubeItem *ret) {
        const YamlNode *items = kubeconfig_list(k, list);

        for (size_t i = 0; items && i < items->n_entries; i++) {
                const YamlNode *item = items->entries[i].value;
                const YamlEntry *body = yaml_map_find(item, list->item);

                if (strcmp(kube_item_name(item), name) != 0)
                        continue;
                *ret = (KubeItem){ list, name, body ? body->value : item, items->entries[i].line };
                return true;
        }
        return false;
}

char *kubeconfig_names(Kubeconfig *k, const KubeList *list) {
        const YamlNode *items = kubeconfig_list(k, list);
        char *names = strdup("");

        for (size_t i = 0; names && items && i < items->n_entries && i <= NAMES_MAX; i++) {
                _cleanup_(freep) char *shorter = names, *quoted = config_quote(kube_item_name(items->entries[i].value));
                const char *name = i < NAMES_MAX ? quoted : "...";

                if (!name || asprintf(&names, "%s%s%s", shorter, i > 0 ? ", " : "", name) < 0)
                        names = NULL;
        }
        return names;
}

/* Whether an item before `i` has the same name. */
static bool kube_items_duplicate(const YamlNode *items, size_t i) {
        const char *name = kube_item_name(items->entries[i].value);

        for (size_t j = 0; j < i; j++)
                if (items->entries[j].value->kind == YAML_KIND_MAP &&
                    strcmp(kube_item_name(items->entries[j].value), name) == 0)
                        return true;
        return false;
}

void kubeconfig_check_list(Kubeconfig *k, const KubeList *list) {
        const YamlEntry *entry = yaml_map_find(k->root, list->key);
        const YamlNode *items = kubeconfig_list(k, list);

        if (entry && !items && entry->value->kind != YAML_KIND_NULL)
                kubeconfig_fault(k, entry->line, list->key, "must be a list of {name: NAME, ...}");
        for (size_t i = 0; items && i < items->n_entries; i++) {
                const YamlEntry *item = &items->entries[i];
                const YamlEntry *name = yaml_map_find(item->value, "name");
                KubeItem duplicate = { list, kube_item_name(item->value), item->value, item->line };

                if (item->value->kind != YAML_KIND_MAP)
                        kubeconfig_fault(k, item->line, list->key, "each entry must be a map with a name");
                else if (name && name->value->kind != YAML_KIND_STRING)
                        kubeconfig_fault(k, item->line, list->key, "a name must be a string, put it in quotes");
                else if (kube_items_duplicate(items, i))
                        kubeconfig_item_message(k, CONFIG_SEVERITY_ERROR, &duplicate, NULL,
                                                "duplicate name in list, remove or rename one of the two");
        }
}
