/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/parse.h"
#include "config/config-types.h"

/* More than any node has networks, and a bound for what a file may ask us to keep. */
#define LIST_MAX 1024

static int config_fault_quoted(char **ret_fault, const char *text, const char *what) {
        _cleanup_(freep) char *quoted = config_quote(text);

        return quoted ? config_fault(ret_fault, "%s %s", quoted, what) : -ENOMEM;
}

/* ---- networks */

static int config_nets_add(ConfigNets *nets, const IpNet *net, char **ret_fault) {
        IpNet *bigger;

        if (nets->n_items >= LIST_MAX)
                return config_fault(ret_fault, "has more than %d entries, give fewer and larger networks", LIST_MAX);
        bigger = reallocarray(nets->items, nets->n_items + 1, sizeof(IpNet));
        if (!bigger)
                return -ENOMEM;
        nets->items = bigger;
        nets->items[nets->n_items++] = *net;
        return 0;
}

int config_nets_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        IpNet net;

        if (ip_net_parse(text, &net) < 0)
                return config_fault_quoted(ret_fault, text,
                                           "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)");
        return config_nets_add(slot, &net, ret_fault);
}

/* One network, or one of each family; the whole text at once. */
int config_net_pair_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        _cleanup_(freep) char *copy = strdup(text);
        char *rest = copy, *item;
        ConfigNets *nets = slot;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        config_nets_done(slot);
        while (text[0] != '\0' && r >= 0 && (item = strsep(&rest, ",")))
                r = config_nets_parse(field, item, slot, ret_fault);
        if (r >= 0 && nets->n_items > 2)
                r = config_fault(ret_fault, "only one CIDR allowed or a valid DualStack CIDR (e.g. "
                                            "10.100.0.0/16,fde4:8dba:82e1::/48)");
        if (r >= 0 && nets->n_items == 2 && nets->items[0].addr.family == nets->items[1].addr.family)
                r = config_fault(ret_fault, "two CIDRs must be a valid DualStack CIDR, one of each family (e.g. "
                                            "10.100.0.0/16,fde4:8dba:82e1::/48)");
        if (r < 0)
                config_nets_done(slot);
        return r;
}

bool config_nets_equal(const void *a, const void *b) {
        const ConfigNets *one = a, *other = b;

        return one->n_items == other->n_items &&
               (one->n_items == 0 || memcmp(one->items, other->items, one->n_items * sizeof(IpNet)) == 0);
}

void config_nets_format(FILE *file, const void *slot, const char *indent) {
        const ConfigNets *nets = slot;
        char text[IP_NET_STRLEN];

        if (nets->n_items == 0)
                (void) fputs(" null", file);
        for (size_t i = 0; i < nets->n_items; i++)
                (void) fprintf(file, "\n%s- \"%s\"", indent, ip_net_format(&nets->items[i], text));
}

void config_net_pair_format(FILE *file, const void *slot, const char *indent) {
        const ConfigNets *nets = slot;
        char text[IP_NET_STRLEN];

        (void) fputs(" \"", file);
        for (size_t i = 0; i < nets->n_items; i++)
                (void) fprintf(file, "%s%s", i > 0 ? "," : "", ip_net_format(&nets->items[i], text));
        (void) fputc('"', file);
}

void config_nets_done(void *slot) {
        ConfigNets *nets = slot;

        free(nets->items);
        *nets = (ConfigNets){};
}

/* ---- nodePortAddresses */

int config_node_ports_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        NodePortAddresses *addresses = slot;
        IpNet net;

        if (strcmp(text, "primary") == 0)
                addresses->primary = true;
        else if (strcmp(text, "localhost") == 0)
                addresses->localhost = true;
        else if (strcmp(text, "all") == 0)
                addresses->all = true;
        else if (ip_net_parse(text, &net) >= 0)
                return config_nets_add(&addresses->nets, &net, ret_fault);
        else
                return config_fault_quoted(ret_fault, text,
                                           "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48), "
                                           "primary, localhost or all");
        return 0;
}

bool config_node_ports_equal(const void *a, const void *b) {
        const NodePortAddresses *one = a, *other = b;

        return one->primary == other->primary && one->localhost == other->localhost && one->all == other->all &&
               config_nets_equal(&one->nets, &other->nets);
}

void config_node_ports_format(FILE *file, const void *slot, const char *indent) {
        const NodePortAddresses *addresses = slot;

        if (addresses->primary)
                (void) fprintf(file, "\n%s- primary", indent);
        if (addresses->localhost)
                (void) fprintf(file, "\n%s- localhost", indent);
        if (addresses->all)
                (void) fprintf(file, "\n%s- all", indent);
        if (addresses->nets.n_items > 0 || (!addresses->primary && !addresses->localhost && !addresses->all))
                config_nets_format(file, &addresses->nets, indent);
}

void config_node_ports_done(void *slot) {
        NodePortAddresses *addresses = slot;

        config_nets_done(&addresses->nets);
        *addresses = (NodePortAddresses){};
}

/* ---- feature gates */

static int config_gates_set(FeatureGates *gates, const char *name, bool enabled, char **ret_fault) {
        FeatureGate *bigger;
        char *copy;

        for (size_t i = 0; i < gates->n_items; i++)
                if (strcmp(gates->items[i].name, name) == 0) {
                        gates->items[i].enabled = enabled;
                        return 0;
                }
        if (gates->n_items >= LIST_MAX)
                return config_fault(ret_fault, "has more than %d entries", LIST_MAX);
        bigger = reallocarray(gates->items, gates->n_items + 1, sizeof(FeatureGate));
        if (!bigger)
                return -ENOMEM;
        gates->items = bigger;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        gates->items[gates->n_items++] = (FeatureGate){ copy, enabled };
        return 0;
}

static char *trim(char *text) {
        size_t n;

        text += strspn(text, " \t");
        n = strlen(text);
        while (n > 0 && strchr(" \t", text[n - 1]))
                text[--n] = '\0';
        return text;
}

/* One "Name=true". */
int config_gates_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        _cleanup_(freep) char *copy = strdup(text);
        char *name, *value = copy;
        bool enabled;

        if (!copy)
                return -ENOMEM;
        name = trim(strsep(&value, "="));
        if (name[0] == '\0' && !value)
                return 0; /* "A=true,", as cliflag.MapStringBool has it */
        if (!value || name[0] == '\0')
                return config_fault_quoted(ret_fault, text, "is malformed, expect Name=true or Name=false");
        if (parse_bool(trim(value), &enabled) < 0)
                return config_fault_quoted(ret_fault, text, "has no boolean, expect Name=true or Name=false");
        return config_gates_set(slot, name, enabled, ret_fault);
}

bool config_gates_equal(const void *a, const void *b) {
        const FeatureGates *one = a, *other = b;

        if (one->n_items != other->n_items)
                return false;
        for (size_t i = 0; i < one->n_items; i++) {
                size_t k = 0;

                while (k < other->n_items && strcmp(one->items[i].name, other->items[k].name) != 0)
                        k++;
                if (k == other->n_items || one->items[i].enabled != other->items[k].enabled)
                        return false;
        }
        return true;
}

void config_gates_format(FILE *file, const void *slot, const char *indent) {
        const FeatureGates *gates = slot;

        if (gates->n_items == 0)
                (void) fputs(" {}", file);
        for (size_t i = 0; i < gates->n_items; i++) {
                (void) fprintf(file, "\n%s", indent);
                config_string_write(file, gates->items[i].name);
                (void) fputs(gates->items[i].enabled ? ": true" : ": false", file);
        }
}

void config_gates_done(void *slot) {
        FeatureGates *gates = slot;

        for (size_t i = 0; i < gates->n_items; i++)
                free(gates->items[i].name);
        free(gates->items);
        *gates = (FeatureGates){};
}

/* ---- vmodule: "pattern=N,…" on the command line, a list of {filePattern, verbosity} in the file */

int config_vmodule_parse(const ConfigField *field, const char *text, void *slot, char **ret_fault) {
        _cleanup_(freep) char *copy = strdup(text), *kept = strdup(text);
        char *rest = copy, *item, **value = slot;

        if (!copy || !kept)
                return -ENOMEM;
        while (text[0] != '\0' && (item = strsep(&rest, ","))) {
                char *level = item, *pattern = strsep(&level, "=");
                int32_t verbosity;

                if (!level || pattern[0] == '\0' || parse_int32(level, &verbosity) < 0 || verbosity < 0)
                        return config_fault_quoted(ret_fault, text,
                                                   "must be a comma-separated list of pattern=N, such as server=4");
        }
        free(*value);
        *value = TAKE_PTR(kept);
        return 0;
}

void config_vmodule_format(FILE *file, const void *slot, const char *indent) {
        _cleanup_(freep) char *copy = strdup(*(char *const *) slot);
        char *rest = copy, *item;

        if (!copy || copy[0] == '\0') {
                (void) fputs(" []", file);
                return;
        }
        while ((item = strsep(&rest, ","))) {
                char *level = item, *pattern = strsep(&level, "=");

                (void) fprintf(file, "\n%s- filePattern: ", indent);
                config_string_write(file, pattern);
                (void) fprintf(file, "\n%s  verbosity: %s", indent, level ? level : "0");
        }
}
